// Command start is the function that starts runs, as a program of its own.
package main

import "github.com/lockstep-data/lockstep/functions"

func main() { functions.Main("start", functions.Catalog()) }
