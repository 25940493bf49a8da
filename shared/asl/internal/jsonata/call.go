package jsonata

import (
	"github.com/blues/jsonata-go/jparse"
)

// function is a value that can be called. arity is how many arguments it takes; callers hand over no more.
type function interface {
	arity() int
	invoke(ev *evaluator, input any, args []any) (any, error)
}

// call evaluates a function call; a first argument from the left of ~> comes in through first.
func (ev *evaluator) call(n *jparse.FunctionCallNode, first []any, input any, f *frame) (any, error) {
	fn, err := ev.callee(n.Func, input, f)
	if err != nil {
		return nil, err
	}
	args := make([]any, 0, len(n.Args)+len(first))
	args = append(args, first...)
	for _, a := range n.Args {
		v, err := ev.eval(a, input, f)
		if err != nil {
			return nil, err
		}
		args = append(args, v)
	}
	return ev.invoke(fn, input, args)
}

func (ev *evaluator) callee(node jparse.Node, input any, f *frame) (function, error) {
	v, err := ev.eval(node, input, f)
	if err != nil {
		return nil, err
	}
	fn, ok := v.(function)
	if !ok {
		return nil, fail("T1006", "Attempted to invoke a non-function")
	}
	return fn, nil
}

// invoke calls a function and unwraps what it gives.
func (ev *evaluator) invoke(fn function, input any, args []any) (any, error) {
	if ev.depth++; ev.depth > maxDepth {
		return nil, fail("U1001", "Stack overflow error: Check for non-terminating recursive function")
	}
	defer func() { ev.depth-- }()
	v, err := fn.invoke(ev, input, args)
	if err != nil {
		return nil, err
	}
	return unwrap(v), nil
}

// each calls a function with as many of the arguments as it takes, as the functions of higher order do.
func (ev *evaluator) each(fn function, args ...any) (any, error) {
	if n := fn.arity(); n < len(args) {
		args = args[:max(n, 1)]
	}
	return ev.invoke(fn, undefined, args)
}

// apply evaluates ~>: a call takes the left side as its first argument, two functions make one.
func (ev *evaluator) apply(n *jparse.FunctionApplicationNode, input any, f *frame) (any, error) {
	l, err := ev.eval(n.LHS, input, f)
	if err != nil {
		return nil, err
	}
	if c, ok := n.RHS.(*jparse.FunctionCallNode); ok {
		return ev.call(c, []any{l}, input, f)
	}
	r, err := ev.eval(n.RHS, input, f)
	if err != nil {
		return nil, err
	}
	fn, ok := r.(function)
	if !ok {
		return nil, fail("T2006", "The right side of the function application operator ~> must be a function")
	}
	if before, ok := l.(function); ok {
		return &chain{first: before, second: fn}, nil
	}
	return ev.invoke(fn, input, []any{l})
}

func (ev *evaluator) partial(n *jparse.PartialNode, input any, f *frame) (any, error) {
	v, err := ev.eval(n.Func, input, f)
	if err != nil {
		return nil, err
	}
	fn, ok := v.(function)
	if !ok {
		return nil, fail("T1008", "Attempted to partially apply a non-function")
	}
	p := &partial{fn: fn, args: make([]any, len(n.Args))}
	for i, a := range n.Args {
		if _, open := a.(*jparse.PlaceholderNode); open {
			p.args[i] = placeholder
			continue
		}
		if p.args[i], err = ev.eval(a, input, f); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// lambda is a function that the expression defines.
type lambda struct {
	params []string
	body   jparse.Node
	frame  *frame
	input  any
}

func (l *lambda) arity() int { return len(l.params) }

func (l *lambda) invoke(ev *evaluator, _ any, args []any) (any, error) {
	f := &frame{parent: l.frame}
	for i, p := range l.params {
		if i < len(args) {
			f.bind(p, args[i])
		} else {
			f.bind(p, undefined)
		}
	}
	return ev.eval(l.body, l.input, f)
}

// placeholderType marks the open arguments of a partial application.
type placeholderType struct{}

var placeholder any = placeholderType{}

// partial is a function with some arguments given.
type partial struct {
	fn   function
	args []any
}

func (p *partial) arity() int {
	n := 0
	for _, a := range p.args {
		if a == placeholder {
			n++
		}
	}
	return n
}

func (p *partial) invoke(ev *evaluator, input any, args []any) (any, error) {
	full := make([]any, len(p.args))
	for i, a := range p.args {
		if full[i] = a; a != placeholder {
			continue
		}
		full[i] = undefined
		if len(args) > 0 {
			full[i], args = args[0], args[1:]
		}
	}
	return ev.invoke(p.fn, input, full)
}

// chain is two functions in a row.
type chain struct{ first, second function }

func (c *chain) arity() int { return 1 }

func (c *chain) invoke(ev *evaluator, input any, args []any) (any, error) {
	v, err := ev.invoke(c.first, input, args)
	if err != nil {
		return nil, err
	}
	return ev.invoke(c.second, input, []any{v})
}

// builtin is a function of the language. Arguments that are left out are undefined; when fewer than min are given and
// the function falls back on the context, that is the first.
type builtin struct {
	name     string
	min, max int
	context  bool
	run      func(c *arguments) (any, error)
}

func (b *builtin) arity() int { return b.max }

func (b *builtin) invoke(ev *evaluator, input any, args []any) (any, error) {
	if b.context && len(args) < b.min {
		args = append([]any{input}, args...)
	}
	if len(args) < b.min || len(args) > b.max {
		return nil, fail("T0410", "Argument %d of function %q does not match function signature", min(len(args), b.max)+1, b.name)
	}
	return b.run(&arguments{ev: ev, name: b.name, args: args})
}

// arguments is one call of a builtin.
type arguments struct {
	ev   *evaluator
	name string
	args []any
}

// at gives argument i (from 0), undefined when it was left out.
func (c *arguments) at(i int) any {
	if i < len(c.args) {
		return c.args[i]
	}
	return undefined
}

// none says whether the first argument is undefined, for which most functions give undefined.
func (c *arguments) none() bool { return c.at(0) == undefined }

func (c *arguments) wrong(i int) error {
	return fail("T0410", "Argument %d of function %q does not match function signature", i+1, c.name)
}

func (c *arguments) string(i int) (string, error) {
	s, ok := c.at(i).(string)
	if !ok {
		return "", c.wrong(i)
	}
	return s, nil
}

func (c *arguments) number(i int) (float64, error) {
	x, ok := asNumber(c.at(i))
	if !ok {
		return 0, c.wrong(i)
	}
	return x, nil
}

func (c *arguments) object(i int) (map[string]any, error) {
	m, ok := c.at(i).(map[string]any)
	if !ok {
		return nil, c.wrong(i)
	}
	return m, nil
}

func (c *arguments) function(i int) (function, error) {
	f, ok := c.at(i).(function)
	if !ok {
		return nil, c.wrong(i)
	}
	return f, nil
}

// numbers gives an array of numbers, a number as one.
func (c *arguments) numbers(i int) ([]float64, error) {
	items := list(c.at(i))
	out := make([]float64, len(items))
	for j, e := range items {
		x, ok := asNumber(e)
		if !ok {
			return nil, fail("T0412", "Argument %d of function %q must be an array of numbers", i+1, c.name)
		}
		out[j] = x
	}
	return out, nil
}
