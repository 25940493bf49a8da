// Command lockstep moves data between systems; package command says what it can do.
package main

import (
	"os"

	"github.com/lockstep-data/lockstep/shared/command"
)

func main() {
	os.Exit(command.Main(options()))
}
