// Command transform is the function of the state Transform, as a program of its own.
package main

import "github.com/lockstep-data/lockstep/functions"

func main() { functions.Main("transform", functions.Catalog()) }
