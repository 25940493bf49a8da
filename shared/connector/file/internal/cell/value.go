package cell

import (
	"cmp"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/lockstep-data/lockstep/shared/record"
)

// Value is a cell that can be compared with others of its column. Bool, JSON, UUID and Bytes have none.
type Value struct {
	i int64
	f float64
	d decimal128.Num
	s string
}

// Compare orders two values of a column as cmp.Compare does.
func (v Value) Compare(o Value) int {
	if c := cmp.Compare(v.i, o.i); c != 0 {
		return c
	}
	if c := cmp.Compare(v.f, o.f); c != 0 {
		return c
	}
	if c := v.d.Cmp(o.d); c != 0 {
		return c
	}
	return strings.Compare(v.s, o.s)
}

// LastNull says whether the last cell is null.
func (c *Column) LastNull() bool {
	return c.nulls > 0 && c.valid[(c.n-1)/8]&(1<<((c.n-1)%8)) == 0
}

// Last gives the last cell.
func (c *Column) Last() Value {
	i := c.n - 1
	switch c.typ.Kind {
	case record.Int, record.Time, record.Timestamp, record.TimestampTZ:
		return Value{i: c.ints[i]}
	case record.Date:
		return Value{i: int64(c.days[i])}
	case record.Float:
		return Value{f: c.floats[i]}
	case record.Decimal:
		return Value{d: c.decs[i]}
	case record.String:
		from := int32(0)
		if i > 0 {
			from = c.ends[i-1]
		}
		return Value{s: string(c.data[from:c.ends[i]])}
	}
	return Value{}
}
