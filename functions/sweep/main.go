// Command sweep is the function that looks after dead runs, as a program of its own.
package main

import "github.com/lockstep-data/lockstep/functions"

func main() { functions.Main("sweep", functions.Catalog()) }
