package setting

import (
	"maps"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// ByName makes the map of a registry. kind is what its members are called in messages; a name that comes twice is a programming error
// and panics.
func ByName[S any](kind string, name func(S) string, specs []S) map[string]S {
	m := make(map[string]S, len(specs))
	for _, s := range specs {
		if _, twice := m[name(s)]; twice {
			panic(kind + " registered twice: " + name(s))
		}
		m[name(s)] = s
	}
	return m
}

// Lookup gives a member of a registry by name; NotFound names the nearest one.
func Lookup[S any](kind string, m map[string]S, name string) (S, error) {
	if s, ok := m[name]; ok {
		return s, nil
	}
	var none S
	names := slices.Sorted(maps.Keys(m))
	err := fault.New(fault.NotFound, "there is no %s %q", kind, name)
	if near := fault.Nearest(name, names); near != "" {
		return none, err.WithHint("did you mean %s?", near)
	}
	return none, err.WithHint("known %ss: %s", kind, strings.Join(names, ", "))
}
