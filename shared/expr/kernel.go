package expr

import (
	"maps"

	"github.com/lockstep-data/lockstep/shared/record"
)

// impl is a function bound to the types of its arguments, in two forms that give the same: for single scalars and for whole
// columns. Unless lenient, null arguments make the result null and neither form sees them.
type impl struct {
	typ     record.Type // of the result
	lenient bool
	scalar  func(args []any) (any, error)
	kernel  func(args []*vec, n int) *vec
}

// call applies the scalar form.
func (i impl) call(args []any) (any, error) {
	if !i.lenient {
		for _, a := range args {
			if a == nil {
				return nil, nil
			}
		}
	}
	return i.scalar(args)
}

// begin makes the result of a strict function: its nulls and errors are those of the arguments, the error of an earlier argument
// before that of a later one.
func begin(t record.Type, args []*vec, n int) (out *vec, rows int) {
	out = &vec{typ: t, one: true}
	for _, a := range args {
		out.one = out.one && a.one
	}
	if rows = n; out.one {
		rows = 1
	}
	for _, a := range args {
		if a.null == nil {
			continue
		}
		if a.one && !out.one {
			if a.null[0] {
				out.allNull(a.errs[0], rows)
			}
			continue
		}
		out.takeNulls(a)
	}
	return out, rows
}

func (v *vec) allNull(err error, n int) {
	for row := range n {
		if err != nil && v.errs[row] == nil {
			v.fail(row, n, err)
		} else {
			v.setNull(row, n)
		}
	}
}

func (v *vec) takeNulls(a *vec) {
	if v.null == nil {
		v.null = append([]bool(nil), a.null...)
	} else {
		for row, null := range a.null {
			v.null[row] = v.null[row] || null
		}
	}
	if len(a.errs) == 0 {
		return
	}
	errs := maps.Clone(a.errs)
	maps.Copy(errs, v.errs)
	v.errs = errs
}

// map1 makes a strict function of one argument.
func map1[A, R any](t record.Type, f func(A) (R, error)) impl {
	return impl{
		typ:    t,
		scalar: func(args []any) (any, error) { return boxed(f(args[0].(A))) },
		kernel: func(args []*vec, n int) *vec {
			out, rows := begin(t, args, n)
			a, vals := cells[A](args[0]), make([]R, rows)
			for row := range vals {
				if out.null != nil && out.null[row] {
					continue
				}
				x, err := f(a[row])
				if err != nil {
					out.fail(row, rows, err)
					continue
				}
				vals[row] = x
			}
			out.vals = vals
			return out
		},
	}
}

// map2 makes a strict function of two arguments.
func map2[A, B, R any](t record.Type, f func(A, B) (R, error)) impl {
	return impl{
		typ:    t,
		scalar: func(args []any) (any, error) { return boxed(f(args[0].(A), args[1].(B))) },
		kernel: func(args []*vec, n int) *vec {
			out, rows := begin(t, args, n)
			a, b, vals := cells[A](args[0]), cells[B](args[1]), make([]R, rows)
			am, bm := args[0].mask(), args[1].mask()
			for row := range vals {
				if out.null != nil && out.null[row] {
					continue
				}
				x, err := f(a[row&am], b[row&bm])
				if err != nil {
					out.fail(row, rows, err)
					continue
				}
				vals[row] = x
			}
			out.vals = vals
			return out
		},
	}
}

// maybe1 is map1 for a function whose result may be null: it answers false.
func maybe1[A, R any](t record.Type, f func(A) (R, bool, error)) impl {
	i := maybe2(t, func(a A, _ A) (R, bool, error) { return f(a) })
	return impl{
		typ:    t,
		scalar: func(args []any) (any, error) { return i.scalar([]any{args[0], args[0]}) },
		kernel: func(args []*vec, n int) *vec { return i.kernel([]*vec{args[0], args[0]}, n) },
	}
}

// maybe2 is map2 for a function whose result may be null: it answers false.
func maybe2[A, B, R any](t record.Type, f func(A, B) (R, bool, error)) impl {
	return impl{
		typ: t,
		scalar: func(args []any) (any, error) {
			x, ok, err := f(args[0].(A), args[1].(B))
			if !ok || err != nil {
				return nil, err
			}
			return x, nil
		},
		kernel: func(args []*vec, n int) *vec {
			out, rows := begin(t, args, n)
			a, b, vals := cells[A](args[0]), cells[B](args[1]), make([]R, rows)
			am, bm := args[0].mask(), args[1].mask()
			for row := range vals {
				if out.null != nil && out.null[row] {
					continue
				}
				x, ok, err := f(a[row&am], b[row&bm])
				switch {
				case err != nil:
					out.fail(row, rows, err)
				case !ok:
					out.setNull(row, rows)
				default:
					vals[row] = x
				}
			}
			out.vals = vals
			return out
		},
	}
}

// boxed makes a scalar of a result.
func boxed[R any](x R, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return x, nil
}

// pure1 is map1 for what cannot go wrong.
func pure1[A, R any](t record.Type, f func(A) R) impl {
	return map1(t, func(a A) (R, error) { return f(a), nil })
}

// pure2 is map2 for what cannot go wrong.
func pure2[A, B, R any](t record.Type, f func(A, B) R) impl {
	return map2(t, func(a A, b B) (R, error) { return f(a, b), nil })
}

// mapN makes a strict function of any number of arguments, at the price of boxing them. The result nil is null.
func mapN(t record.Type, f func(args []any) (any, error)) impl {
	return impl{typ: t, scalar: f, kernel: func(args []*vec, n int) *vec {
		out, rows := begin(t, args, n)
		out.fill(args, rows, f)
		return out
	}}
}

// lenientN is mapN for a function that sees nulls.
func lenientN(t record.Type, f func(args []any) (any, error)) impl {
	return impl{typ: t, lenient: true, scalar: f, kernel: func(args []*vec, n int) *vec {
		errs := make([]*vec, len(args))
		for i, a := range args { // of the nulls, only errors count
			errs[i] = &vec{one: a.one, errs: a.errs}
			for row := range a.errs {
				rows := n
				if a.one {
					rows = 1
				}
				errs[i].setNull(row, rows)
			}
		}
		out, rows := begin(t, errs, n)
		out.fill(args, rows, f)
		return out
	}}
}

func (v *vec) fill(args []*vec, rows int, f func(args []any) (any, error)) {
	v.vals = makeCells(v.typ, rows)
	scalars := make([]any, len(args))
	for row := range rows {
		if v.null != nil && v.null[row] {
			continue
		}
		for i, a := range args {
			scalars[i] = a.at(row)
		}
		switch x, err := f(scalars); {
		case err != nil:
			v.fail(row, rows, err)
		case x == nil:
			v.setNull(row, rows)
		default:
			put(v.vals, row, x)
		}
	}
}
