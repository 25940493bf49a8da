package transform

import (
	"context"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
)

// Func is a transform that a user writes in Go and registers by name. It must be pure: the same records give the same answers.
type Func struct {
	// Schema says what comes out for what goes in, and may refuse what goes in; nil means that the columns stay as they are.
	Schema func(record.Schema) (record.Schema, error)
	// Process answers records in their order: the first answer is for the first record, and so on. Fewer answers than records ask
	// for another call with the rest; more are a fault of the function. An error is a fault of the whole batch, tried again when
	// its code may pass. It may be called by several goroutines at once.
	Process func(ctx context.Context, in []Record) ([]Answer, error)
}

// Funcs are the functions of a user, by the name that YAML calls them.
type Funcs map[string]Func

// Answer is what became of one record: Replace, Filter, Refuse or Split makes it. The zero Answer is a fault of the function.
type Answer struct {
	kind    answerKind
	records []Record
	err     error
}

type answerKind int

const (
	replaced answerKind = iota + 1
	filtered
	refused
	split
)

// Replace answers one record, the same one or another, in place of the record.
func Replace(r Record) Answer { return Answer{kind: replaced, records: []Record{r}} }

// Filter takes the record out: it is counted as filtered.
func Filter() Answer { return Answer{kind: filtered} }

// Refuse makes the record a failure. The error's text is stored with it; its code too when it has one.
func Refuse(err error) Answer { return Answer{kind: refused, err: err} }

// Split answers several records in place of one. They are loaded together or fail together. Split of no records is Filter.
func Split(rs ...Record) Answer {
	if len(rs) == 0 {
		return Filter()
	}
	return Answer{kind: split, records: rs}
}

// PerRecord makes a Func of a function for single records: it answers the record, changed or not, or an error that refuses it. The
// zero Record filters.
func PerRecord(f func(Record) (Record, error)) Func {
	return Func{Process: func(ctx context.Context, in []Record) ([]Answer, error) {
		out := make([]Answer, len(in))
		for i, r := range in {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			out[i] = one(f, r)
		}
		return out, nil
	}}
}

// one calls f for a record; a panic refuses the record.
func one(f func(Record) (Record, error), r Record) (a Answer) {
	defer func() {
		if p := recover(); p != nil {
			a = Refuse(fault.New(fault.Internal, "panic: %v", p))
		}
	}()
	switch out, err := f(r); {
	case err != nil:
		return Refuse(err)
	case out.r == nil:
		return Filter()
	default:
		return Replace(out)
	}
}
