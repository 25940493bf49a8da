// Command finish is the function of the state Finish, as a program of its own.
package main

import "github.com/lockstep-data/lockstep/functions"

func main() { functions.Main("finish", functions.Catalog()) }
