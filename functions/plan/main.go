// Command plan is the function of the state Plan, as a program of its own.
package main

import "github.com/lockstep-data/lockstep/functions"

func main() { functions.Main("plan", functions.Catalog()) }
