package expr

import (
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/lockstep-data/lockstep/shared/record"
)

// frame is what an evaluation works on: columns that were read, locals that have a value.
type frame struct {
	batch   record.Batch
	n       int
	columns map[int]*vec
	locals  []*vec
}

func newFrame(b record.Batch, locals int) *frame {
	return &frame{batch: b, n: b.Len(), columns: map[int]*vec{}, locals: make([]*vec, locals)}
}

// column reads a column once.
func (f *frame) column(i int) *vec {
	v, ok := f.columns[i]
	if !ok {
		v = load(f.batch.Rows.Column(i), f.batch.Schema.Columns[i].Type)
		f.columns[i] = v
	}
	return v
}

// eval evaluates a node for every row, column by column. What could go wrong in a part that a row does not need is no error of
// the row: every part is evaluated for all rows, and errors are taken over only where the part decides.
func (f *frame) eval(n *node) *vec {
	switch n.op {
	case opColumn:
		return f.column(n.index)
	case opLiteral:
		return constant(n.typ, n.value)
	case opLocal:
		return f.locals[n.index]
	case opLet:
		f.locals[n.index] = f.eval(n.args[0])
		return f.eval(n.args[1])
	case opAnd:
		return f.logic(f.eval(n.args[0]), f.eval(n.args[1]), false)
	case opOr:
		return f.logic(f.eval(n.args[0]), f.eval(n.args[1]), true)
	case opIf:
		cond, yes, no := f.eval(n.args[0]), f.eval(n.args[1]), f.eval(n.args[2])
		return f.choose(cond, yes, no)
	case opCoalesce:
		first, second := f.eval(n.args[0]), f.eval(n.args[1])
		if first.null == nil {
			return first
		}
		return f.choose(present(first), first, second)
	case opLoop:
		return n.loop.eval(f, n.typ)
	}
	args := make([]*vec, len(n.args))
	for i, a := range n.args {
		args[i] = f.eval(a)
	}
	return n.impl.kernel(args, f.n)
}

// rows is the number of cells of a result.
func (f *frame) rows(one bool) int {
	if one {
		return 1
	}
	return f.n
}

// logic is the three-valued and (decides: false) or or (decides: true).
func (f *frame) logic(l, r *vec, decides bool) *vec {
	out := &vec{typ: boolType, one: l.one && r.one}
	n := f.rows(out.one)
	a, b, am, bm := cells[bool](l), cells[bool](r), l.mask(), r.mask()
	vals := make([]bool, n)
	if l.null == nil && r.null == nil {
		for row := range vals {
			if x := a[row&am]; x == decides {
				vals[row] = x
			} else {
				vals[row] = b[row&bm]
			}
		}
		out.vals = vals
		return out
	}
	for row := range vals {
		left, right := l.isNull(row), r.isNull(row)
		switch {
		case l.err(row) != nil:
			out.fail(row, n, l.err(row))
		case !left && a[row&am] == decides:
			vals[row] = decides
		case r.err(row) != nil:
			out.fail(row, n, r.err(row))
		case !right && b[row&bm] == decides:
			vals[row] = decides
		case left || right:
			out.setNull(row, n)
		default:
			vals[row] = !decides
		}
	}
	out.vals = vals
	return out
}

// present is true where a vec has a value, and fails where it fails.
func present(v *vec) *vec {
	vals := make([]bool, len(v.null))
	out := &vec{typ: boolType, one: v.one, vals: vals}
	for row, null := range v.null {
		vals[row] = !null
	}
	for row, err := range v.errs {
		out.fail(row, len(vals), err)
	}
	return out
}

// choose takes each row from yes where cond is true, from no where it is false or null.
func (f *frame) choose(cond, yes, no *vec) *vec {
	out := &vec{typ: yes.typ, one: cond.one && yes.one && no.one}
	n := f.rows(out.one)
	c, mask := cells[bool](cond), cond.mask()
	take := make([]bool, n)
	for row := range take {
		take[row] = c[row&mask] && !cond.isNull(row)
	}
	switch yes.vals.(type) {
	case []int64:
		out.vals = pick[int64](take, yes, no)
	case []float64:
		out.vals = pick[float64](take, yes, no)
	case []bool:
		out.vals = pick[bool](take, yes, no)
	case []string:
		out.vals = pick[string](take, yes, no)
	case []decimal128.Num:
		out.vals = pick[decimal128.Num](take, yes, no)
	case [][]byte:
		out.vals = pick[[]byte](take, yes, no)
	}
	for row := range take {
		from := no
		if take[row] {
			from = yes
		}
		switch {
		case cond.err(row) != nil:
			out.fail(row, n, cond.err(row))
		case from.err(row) != nil:
			out.fail(row, n, from.err(row))
		case from.isNull(row):
			out.setNull(row, n)
		}
	}
	return out
}

func pick[T any](take []bool, yes, no *vec) []T {
	a, b, am, bm := cells[T](yes), cells[T](no), yes.mask(), no.mask()
	vals := make([]T, len(take))
	for row, t := range take {
		if t {
			vals[row] = a[row&am]
		} else {
			vals[row] = b[row&bm]
		}
	}
	return vals
}

// errorsOf lists the errors of n rows; nil when there are none.
func (v *vec) errorsOf(n int) map[int]error {
	if len(v.errs) == 0 || !v.one {
		return v.errs
	}
	all := make(map[int]error, n)
	for row := range n {
		all[row] = v.errs[0]
	}
	return all
}
