//go:build lockstep_local

package main

import "github.com/lockstep-data/lockstep/shared/store"

// stores is empty: a build for a laptop alone leaves AWS's packages out, which are a third of a first build's time.
func stores() []store.Kind { return nil }
