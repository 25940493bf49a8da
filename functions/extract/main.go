// Command extract is the function of the state Extract, as a program of its own.
package main

import "github.com/lockstep-data/lockstep/functions"

func main() { functions.Main("extract", functions.Catalog()) }
