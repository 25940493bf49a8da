// Package statemachine holds the definitions of the state machines as they are deployed, in the Amazon States Language. A
// definition is the only place where the order of the steps stands: Step Functions and the local interpreter walk the same text.
// It imports nothing of Lockstep, so anything may import it.
package statemachine

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// hole is a place in a definition for what only a deployment knows, as in ${ExtractFunctionArn}.
var hole = regexp.MustCompile(`\$\{([A-Za-z][A-Za-z0-9]*)\}`)

// SyncHoles gives the names of the holes in Sync's definition, sorted, each once.
func SyncHoles() []string { return holes(syncText) }

// Sync gives the machine that moves a job, with its holes filled by name. Names that it does not know are passed over; the error
// lists those that have no value. With nil it gives the definition as it is, holes and all.
func Sync(values map[string]string) ([]byte, error) {
	if values == nil {
		return []byte(syncText), nil
	}
	return fill(syncText, values)
}

func holes(definition string) []string {
	var names []string
	for _, m := range hole.FindAllStringSubmatch(definition, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func fill(definition string, values map[string]string) ([]byte, error) {
	var missing []string
	for _, name := range holes(definition) {
		if values[name] == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("fill the state machine: no value for %s", strings.Join(missing, ", "))
	}
	out := hole.ReplaceAllStringFunc(definition, func(m string) string {
		text, _ := json.Marshal(values[m[2:len(m)-1]]) // a string always encodes
		return string(text[1 : len(text)-1])
	})
	return []byte(out), nil
}
