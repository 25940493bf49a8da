package step

import (
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// CodeOf gives the fault code of an error name of the state machine: those of steps are ours, all others are time-outs or faults of the
// platform.
func CodeOf(name string) fault.Code {
	code := fault.Code(strings.TrimPrefix(name, "Lockstep."))
	switch {
	case slices.Contains(fault.Codes, code):
		return code
	case name == "States.Timeout", name == "Sandbox.Timedout":
		return fault.Timeout
	}
	return fault.Internal
}
