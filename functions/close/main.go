// Command close is the function that ends what an execution has left open, as a program of its own.
package main

import "github.com/lockstep-data/lockstep/functions"

func main() { functions.Main("close", functions.Catalog()) }
