//go:build lockstep_local

package main

import (
	"github.com/lockstep-data/lockstep/shared/catalog/local"
	"github.com/lockstep-data/lockstep/shared/command"
)

// options know files alone: a build for a laptop leaves AWS's packages out, which are a third of a first build's time.
func options() command.Options { return command.Options{Catalog: local.Builtin()} }
