package store

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// maxEpochPart is the largest number that 4 digits hold; a larger one would break the order of the strings.
const maxEpochPart = 9999

// EpochParts is an epoch taken apart.
type EpochParts struct {
	Redrive      int // of the top execution, 0 …
	Leg          int // 1 …
	Retry        int // of the state that started the leg, 0 …
	ChildRedrive int // of the leg's own execution, 0 …
}

// Epoch builds <top redrive>#<leg>#<retry of the state that started the leg>#<child redrive>, 4 digits each, so that string order
// is causal order. Each part is 0–9,999.
func Epoch(redrive, leg, retry, childRedrive int) string {
	return fmt.Sprintf("%04d#%04d#%04d#%04d", epochPart(redrive), epochPart(leg), epochPart(retry), epochPart(childRedrive))
}

func epochPart(n int) int { return min(max(n, 0), maxEpochPart) }

// ParseEpoch takes an epoch apart; what Epoch did not build is DataInvalid.
func ParseEpoch(s string) (EpochParts, error) {
	fields := strings.Split(s, "#")
	var n [4]int
	if len(fields) != len(n) {
		return EpochParts{}, fault.New(fault.DataInvalid, "epoch %q has %d parts, want 4", s, len(fields))
	}
	for i, f := range fields {
		v, err := strconv.ParseUint(f, 10, 16)
		if err != nil || len(f) != 4 {
			return EpochParts{}, fault.New(fault.DataInvalid, "part %d of epoch %q is not 4 digits", i+1, s)
		}
		n[i] = int(v)
	}
	return EpochParts{Redrive: n[0], Leg: n[1], Retry: n[2], ChildRedrive: n[3]}, nil
}

// Attempt builds <epoch>#<state entered, ms, 13 digits>#<retry count, 4 digits>, so that string order is time order.
func Attempt(epoch string, entered time.Time, retry int) string {
	return fmt.Sprintf("%s#%013d#%04d", epoch, max(entered.UnixMilli(), 0), epochPart(retry))
}

// Owner builds <run>#<attempt>#<invocation's request id>: one invocation, and no other.
func Owner(run, attempt, request string) string { return run + "#" + attempt + "#" + request }

// LocalHolder is how the holder of a run begins that runs in a process and not in an execution of a state machine.
const LocalHolder = "local:"

// isLocal says whether a holder is a process.
func isLocal(holder string) bool { return strings.HasPrefix(holder, LocalHolder) }
