// Command bootstrap is all functions in one program, which Lambda tells by its handler which of them to be.
package main

import "github.com/lockstep-data/lockstep/functions"

func main() { functions.Main("", functions.Catalog()) }
