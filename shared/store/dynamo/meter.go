package dynamo

import (
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/lockstep-data/lockstep/shared/store"
)

// meter sums what DynamoDB says that its calls cost. A refused condition costs as a write does, but its answer does not say how much; it
// is counted by the size of the item that stopped it.
type meter struct {
	mu    sync.Mutex
	spent store.Units
}

var _ store.Metered = (*Store)(nil)

// Spent implements store.Metered.
func (s *Store) Spent() store.Units {
	s.meter.mu.Lock()
	defer s.meter.mu.Unlock()
	return s.meter.spent
}

func (m *meter) add(u store.Units) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.spent.Read += u.Read
	m.spent.Write += u.Write
}

func (m *meter) read(c ...types.ConsumedCapacity) { m.add(store.Units{Read: units(c)}) }

func (m *meter) write(c ...types.ConsumedCapacity) { m.add(store.Units{Write: units(c)}) }

// refused counts a write of items that a condition stopped.
func (m *meter) refused(each int, items ...item) {
	var u store.Units
	for _, i := range items {
		u.Write += float64(each * max(1, (size(i)+1023)/1024))
	}
	m.add(u)
}

func units(all []types.ConsumedCapacity) (n float64) {
	for _, c := range all {
		if c.CapacityUnits != nil {
			n += *c.CapacityUnits
		}
	}
	return n
}

// consumed makes a list of what a call may have answered.
func consumed(c *types.ConsumedCapacity) []types.ConsumedCapacity {
	if c == nil {
		return nil
	}
	return []types.ConsumedCapacity{*c}
}
