// Command custom-transform is the lockstep command with one more function for jobs: measure.
package main

import (
	"os"

	"github.com/lockstep-data/lockstep/shared/catalog/local"
	"github.com/lockstep-data/lockstep/shared/command"
	"github.com/lockstep-data/lockstep/shared/transform"
)

func main() { os.Exit(run(command.Options{})) }

func run(o command.Options) int {
	o.Catalog = local.Builtin().WithFunc("measure", transform.PerRecord(measure))
	return command.Main(o)
}
