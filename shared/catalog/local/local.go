// Package local is the catalog of programs that run beside a disk of their own: all that package catalog has, and the connector sqlite.
// Commands and tests import it. Functions on AWS do not, since the database would make them larger and slower to start, and its file would
// be gone with the function.
package local

import (
	"github.com/lockstep-data/lockstep/shared/catalog"
	"github.com/lockstep-data/lockstep/shared/connector/sqlite"
)

// Builtin is everything that Lockstep brings on a machine of one's own.
func Builtin() catalog.Catalog { return catalog.Builtin().WithConnector(sqlite.Spec()) }
