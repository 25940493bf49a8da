// Command validate is the function of the state Validate, as a program of its own.
package main

import "github.com/lockstep-data/lockstep/functions"

func main() { functions.Main("validate", functions.Catalog()) }
