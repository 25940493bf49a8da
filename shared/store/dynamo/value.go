package dynamo

import (
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// item is a stored item.
type item = map[string]types.AttributeValue

// millis is how times are stored: ms UTC, 0 means none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// putting is an item to be put.
type putting struct{ item item }

func put(k key) putting { return putting{k.item()} }

func (p putting) str(name, v string) putting {
	p.item[name] = &types.AttributeValueMemberS{Value: v}
	return p
}

func (p putting) num(name string, v int64) putting {
	p.item[name] = &types.AttributeValueMemberN{Value: strconv.FormatInt(v, 10)}
	return p
}

func (p putting) time(name string, t time.Time) putting { return p.num(name, millis(t)) }

// reader takes an item apart; the first attribute that is not what it must be ends in err. A missing one is empty or 0.
type reader struct {
	item item
	err  error
}

func (r *reader) str(name string) string {
	switch v := r.item[name].(type) {
	case nil:
	case *types.AttributeValueMemberS:
		return v.Value
	default:
		r.bad(name, "a text")
	}
	return ""
}

func (r *reader) num(name string) int64 {
	switch v := r.item[name].(type) {
	case nil:
	case *types.AttributeValueMemberN:
		n, err := strconv.ParseInt(v.Value, 10, 64)
		if err == nil {
			return n
		}
		r.bad(name, "a whole number")
	default:
		r.bad(name, "a number")
	}
	return 0
}

func (r *reader) time(name string) time.Time { return instant(r.num(name)) }

func (r *reader) bad(name, want string) {
	if r.err == nil {
		r.err = fault.New(fault.DataInvalid, "attribute %s of a stored item is not %s", name, want)
	}
}

// size is about how many bytes DynamoDB counts for an item.
func size(i item) int {
	n := 0
	for name, v := range i {
		n += len(name)
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			n += len(v.Value)
		case *types.AttributeValueMemberN:
			n += len(v.Value)/2 + 1
		case *types.AttributeValueMemberB:
			n += len(v.Value)
		}
	}
	return n
}
