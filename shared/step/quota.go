package step

import (
	"fmt"

	"github.com/lockstep-data/lockstep/shared/asl/check"
	"github.com/lockstep-data/lockstep/shared/job"
)

// Load is what a run has to move, as far as the sources know it before: all streams together.
type Load struct {
	Partitions int
	Batches    int64 // at most; 0 when nothing is known
}

// Add notes the plan of one stream. A batch is cut by records or bytes, whichever comes first, and each partition ends with one that is smaller.
func (l *Load) Add(s StreamPlan, batch job.Batch) {
	records, bytes := batch.Limits()
	n := len(s.Plan.Partitions)
	l.Partitions += n
	if s.Plan.Records > 0 || s.Plan.Bytes > 0 {
		l.Batches += s.Plan.Records/int64(records) + s.Plan.Bytes/bytes + int64(n)
	}
}

// Legs is the most legs that plan needs for a load. A leg in which no partition comes to its end moves at least the fewest turns that any
// number of partitions is given; one in which all come to their end makes room for so many others.
func Legs(l Load) int64 {
	n := min(l.Partitions, MaxPartitions)
	if n == 0 {
		return 1
	}
	fewest := int64(Budget(1))
	for i := 1; i <= n; i++ {
		fewest = min(fewest, int64(i*Budget(i)))
	}
	smallest := int64(min(n, (MaxPlanBytes-maxPlanItem)/maxPlanItem)) // partitions of a leg whose texts are the longest
	return l.Batches/fewest + int64(l.Partitions)/max(smallest-1, 1) + 2
}

// Limits are the bounds that plan holds in the executions of a load, as the checker of definitions wants them: partitions of a leg, turns of
// each, legs, the bytes of the plan, and the retries for which a turn has room. More retries than that are not bounded by the machine's
// settings: a leg then uses up what is kept for a redrive, and at the quota ends failed and goes on by its checkpoints.
func Limits(l Load) check.Limits {
	n := min(l.Partitions, MaxPartitions)
	legs := int(min(Legs(l), 1<<30))
	return check.Limits{
		Items:   map[string]int{"Partitions": n},
		Turns:   map[string]int{"Extract": Budget(n) + 1, "NextLeg": legs - 1}, // the last Extract says that the budget is used
		Retries: map[string]int{"Extract": expectedRetries, "Transform": 0, "Validate": 0, "Load": 0},
		Bytes:   map[string]int{"Plan": MaxPlanBytes}, ItemBytes: map[string]int{"Partitions": maxPlanItem},
	}
}

// Quotas bounds the events and the payload of a run's executions by the definition that they walk.
func Quotas(definition []byte, l Load) ([]check.Bound, error) {
	limits := Limits(l)
	bounds, err := check.Events(definition, check.Standard, limits)
	if err != nil {
		return nil, fmt.Errorf("bound the events of a run: %w", err)
	}
	payload, err := check.Payload(definition, check.Standard, limits)
	if err != nil {
		return nil, fmt.Errorf("bound the payload of a run: %w", err)
	}
	return append(bounds, payload), nil
}
