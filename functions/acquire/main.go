// Command acquire is the function of the state Acquire, as a program of its own.
package main

import "github.com/lockstep-data/lockstep/functions"

func main() { functions.Main("acquire", functions.Catalog()) }
