package step

import (
	"cmp"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"

	"github.com/lockstep-data/lockstep/shared/stage"
	"github.com/lockstep-data/lockstep/shared/store"
)

// legName is how a run's further legs are named: <run>-l<leg>-r<top redrive>-t<retry of the state that started it>.
var legName = regexp.MustCompile(`-l([0-9]+)-r([0-9]+)-t([0-9]+)$`)

// EpochOf gives the epoch of the execution that a call came from, by the execution's name and the machine's counters.
func EpochOf(c stage.Call) string {
	if m := legName.FindStringSubmatch(c.Execution); m != nil {
		leg, _ := strconv.Atoi(m[1])
		top, _ := strconv.Atoi(m[2])
		retry, _ := strconv.Atoi(m[3])
		return store.Epoch(top, leg, retry, c.Redrive)
	}
	if c.Leg > 1 { // a state of the top after child k comes after all that the child did, so it carries leg k+1
		return store.Epoch(c.Redrive, c.Leg+1, 0, 0)
	}
	return store.Epoch(c.Redrive, 1, 0, 0)
}

func isChild(execution string) bool { return legName.MatchString(execution) }

// The history of an execution ends at 25,000 events for good; a leg uses less than half, since a redrive appends to it.
const (
	legEvents       = 12_000
	eventsFixed     = 50
	eventsPartition = 16
	eventsTurn      = 24 // with transform and validate
	eventsRetry     = 3
	expectedRetries = 2 // of a turn's states together
)

// MaxPartitions is how many partitions one leg gets, MaxPlanBytes how many bytes of JSON they take: a state hands at most 256 KiB to the next.
const (
	MaxPartitions = 200
	MaxPlanBytes  = 64 << 10
)

// Room is what is left of a leg for further partitions.
type Room struct {
	items int
	bytes int
}

// LegRoom is the room of a leg without partitions.
func LegRoom() *Room {
	return &Room{items: MaxPartitions, bytes: MaxPlanBytes - len(`{"partitions":[]}`)}
}

// Full says that no partition fits any more, however long its names and its position are.
func (r *Room) Full() bool { return r.items == 0 || r.bytes < maxPlanItem }

// Take notes a partition that the leg got.
func (r *Room) Take(item stage.PlanItem) {
	text, _ := json.Marshal(item) // texts and numbers always encode
	r.items--
	r.bytes -= len(text) + len(",") + budgetDigits
}

// maxPlanItem is the most bytes that one partition takes: each byte of a position can become an escape of six, and names are those of keys.
const (
	maxPlanItem  = 6*(2*store.MaxKeyPart+store.MaxPosition) + 128
	budgetDigits = 3 // of what is set when all partitions are known
)

// Budget is how many turns each of n partitions may take in one leg.
func Budget(n int) int {
	if n == 0 {
		return 0
	}
	return max((legEvents-eventsFixed-n*eventsPartition)/(n*(eventsTurn+expectedRetries*eventsRetry)), 1)
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
