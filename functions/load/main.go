// Command load is the function of the state Load, as a program of its own.
package main

import "github.com/lockstep-data/lockstep/functions"

func main() { functions.Main("load", functions.Catalog()) }
