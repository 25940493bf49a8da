//go:build !lockstep_local

package main

import (
	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/store"
	"github.com/lockstep-data/lockstep/shared/store/dynamo"
)

// stores are the places of state beside a file.
func stores() []store.Kind { return []store.Kind{dynamo.Kind(infra.StateTable())} }
