// Command lockstep moves data between systems; package command says what it can do.
package main

import (
	"os"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/catalog"
	"github.com/lockstep-data/lockstep/shared/command"
	"github.com/lockstep-data/lockstep/shared/store"
	"github.com/lockstep-data/lockstep/shared/store/dynamo"
)

func main() {
	os.Exit(command.Main(command.Options{Catalog: catalog.Builtin(), Stores: []store.Kind{dynamo.Kind(infra.StateTable())}}))
}
