package transform

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
)

// The bounds of asking a function again for records that it gave no answer for.
const (
	maxStalls = 3      // calls in a row that answered nothing
	maxRounds = 10_000 // calls behind the first
)

// run is one batch on its way through a function.
type run struct {
	*function
	batch    *record.Batch
	outcomes []outcome // by row
}

// outcome is what became of a row: records, none, or an error.
type outcome struct {
	records []Record
	err     error
	tries   int
}

// panicked is what a function threw.
type panicked struct{ cause any }

func (p panicked) Error() string { return fmt.Sprintf("panic: %v", p.cause) }

// process calls the function for rows until it has answered for all of them.
func (r *run) process(ctx context.Context, rows []int32) error {
	records := r.records(rows)
	for stalls, round := 0, 0; len(rows) > 0; round++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		answers, err := r.call(ctx, records)
		var p panicked
		switch {
		case errors.As(err, &p):
			return r.alone(ctx, rows, p)
		case err != nil:
			return fmt.Errorf("%s: %w", r.name, err)
		case len(answers) > len(rows):
			return fault.New(fault.Internal, "%s: fatal: %d answers for %d records", r.name, len(answers), len(rows))
		case len(answers) > 0:
			stalls = 0
		case round > 0:
			stalls++
		}
		for i, a := range answers {
			if err := r.accept(rows[i], a); err != nil {
				return err
			}
		}
		rows, records = rows[len(answers):], records[len(answers):]
		if len(rows) > 0 && (stalls == maxStalls || round == maxRounds) {
			return fault.New(fault.RetryNotConverging, "%s: no answer for %d records after %d calls", r.name, len(rows), round+1).
				WithHint("the function must answer for each record; to refuse one, answer an error")
		}
	}
	return nil
}

// records makes a record of each row.
func (r *run) records(rows []int32) []*row {
	block, records := make([]row, len(rows)), make([]*row, len(rows))
	for i, at := range rows {
		block[i] = row{columns: r.columns, batch: r.batch, at: int(at)}
		records[i] = &block[i]
	}
	return records
}

// call hands records to the function; those that an earlier call has changed or answered are made anew.
func (r *run) call(ctx context.Context, records []*row) (answers []Answer, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked{p}
		}
	}()
	in := make([]Record, len(records))
	for i, x := range records {
		if x.values != nil || x.err != nil || x.taken {
			x = &row{columns: x.columns, batch: x.batch, at: x.at}
			records[i] = x
		}
		in[i] = Record{x}
	}
	return r.function.process(ctx, in)
}

// alone hands over records one by one after a panic, so that only those that cause it are refused.
func (r *run) alone(ctx context.Context, rows []int32, p panicked) error {
	if len(rows) == 1 {
		r.outcomes[rows[0]] = outcome{err: fault.New(fault.Internal, "%w", p), tries: r.outcomes[rows[0]].tries}
		return nil
	}
	for i := range rows {
		if err := r.process(ctx, rows[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) accept(row int32, a Answer) error {
	o := outcome{records: a.records, err: a.err, tries: r.outcomes[row].tries}
	switch {
	case a.kind == 0:
		return fault.New(fault.Internal, "%s: an empty answer", r.name).WithHint("answer Replace, Filter, Refuse or Split")
	case a.kind == refused && a.err == nil:
		o.err = errors.New("refused without a reason")
	}
	for _, x := range a.records {
		if x.r == nil || x.r.batch != r.batch {
			return fault.New(fault.Internal, "%s: an answer has a record that was not handed over in this call", r.name)
		}
		x.r.taken = true
		if x.r.err != nil {
			o = outcome{err: x.r.err, tries: o.tries}
			break
		}
	}
	r.outcomes[row] = o
	return nil
}

// refused lists the rows that have an error, and counts the try for all.
func (r *run) refused(rows []int32, try int) []int32 {
	var again []int32
	for _, row := range rows {
		r.outcomes[row].tries = try
		if r.outcomes[row].err != nil {
			again = append(again, row)
		}
	}
	return again
}

// result puts the records together.
func (r *run) result() (Result, error) {
	var out Result
	var records []Record
	var parents []int32
	for i, o := range r.outcomes {
		if o.err != nil {
			out.Refused = append(out.Refused, r.refusal(i, o.err))
			continue
		}
		for _, x := range o.records {
			records = append(records, x)
			parents = append(parents, int32(i))
		}
	}
	cols := make([]arrow.Array, len(r.out.Columns))
	for i, c := range r.out.Columns {
		col, wrong := r.column(c, records)
		cols[i] = col
		for at, err := range wrong {
			out.Refused = append(out.Refused, r.refusal(int(parents[at]), fmt.Errorf("%s: %w", c.Name, err)))
		}
	}
	rows := record.MakeRows(r.out, cols, len(records))
	if len(parents) == r.batch.Len() && (len(parents) == 0 || int(parents[len(parents)-1]) == len(parents)-1) && !repeats(parents) {
		out.Batch = r.batch.With(r.out, rows)
	} else {
		out.Batch = r.batch.Split(r.out, rows, parents)
	}
	return out, nil
}

func repeats(parents []int32) bool {
	for i := 1; i < len(parents); i++ {
		if parents[i] == parents[i-1] {
			return true
		}
	}
	return false
}

func (r *run) refusal(row int, err error) record.Refusal {
	code := fault.DataInvalid
	var coded *fault.Error
	if errors.As(err, &coded) {
		code = coded.Code
	}
	return record.Refusal{Row: row, Code: string(code), Rule: r.name, Message: err.Error(), Tries: r.outcomes[row].tries}
}

// column makes a column of the records: at once where no record has a value of its own, else value by value.
func (r *run) column(c record.Column, records []Record) (arrow.Array, map[int]error) {
	place, from := r.columns.place[c.Name], r.in.Index(c.Name)
	own := false
	for _, x := range records {
		if x.r.values != nil && x.r.values[place] != unset {
			own = true
			break
		}
	}
	same := from >= 0 && r.in.Columns[from].Type == c.Type
	if !own && (same || from < 0) {
		if from < 0 {
			return record.NullColumn(c.Type, len(records)), nil
		}
		rows, all := make([]int32, len(records)), len(records) == r.batch.Len()
		for i, x := range records {
			rows[i] = int32(x.r.at)
			all = all && x.r.at == i
		}
		if all {
			return r.batch.Rows.Column(from), nil
		}
		return record.Take(r.batch.Rows.Column(from), rows), nil
	}
	b := record.NewColumnBuilder(c.Type)
	b.Reserve(len(records))
	var wrong map[int]error
	for i, x := range records {
		if err := r.append(b, c, x.r); err != nil {
			if wrong == nil {
				wrong = map[int]error{}
			}
			wrong[i] = err
			b.AppendNull()
		}
	}
	return b.NewArray(), wrong
}

// append adds a record's value to a column.
func (r *run) append(b array.Builder, c record.Column, x *row) error {
	place, from := r.columns.place[c.Name], r.in.Index(c.Name)
	switch {
	case x.values != nil && x.values[place] != unset:
		return record.Append(b, c.Type, x.values[place])
	case from < 0 || r.batch.Rows.Column(from).IsNull(x.at):
		b.AppendNull()
		return nil
	case r.in.Columns[from].Type == c.Type:
		return record.Append(b, c.Type, record.Value(r.batch.Rows.Column(from), c.Type, x.at))
	}
	text := record.AppendText(nil, r.batch.Rows.Column(from), r.in.Columns[from].Type, x.at)
	return record.ParseText(b, c.Type, string(text))
}
