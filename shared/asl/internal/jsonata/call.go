package jsonata

// function is a value that can be called. arity is how many arguments it takes; functions of higher order hand over no more.
type function interface {
	arity() int
	invoke(ev *evaluator, input any, args []any) (any, error)
}

// call evaluates a function call; a first argument from the left of ~> comes in through first.
func (ev *evaluator) call(n *node, first []any, input any, f *frame) (any, error) {
	fn, args, err := ev.prepare(n, first, input, f)
	if err != nil {
		return nil, err
	}
	v, err := ev.run(fn, input, args)
	return v, at(n.pos, err)
}

// prepare gives the function of a call and its arguments.
func (ev *evaluator) prepare(n *node, first []any, input any, f *frame) (function, []any, error) {
	v, err := ev.eval(n.lhs, input, f)
	if err != nil {
		return nil, nil, err
	}
	fn, ok := v.(function)
	if !ok {
		return nil, nil, ev.notFunction(n, v, f)
	}
	args := make([]any, 0, len(n.list)+len(first))
	args = append(args, first...)
	for _, a := range n.list {
		v, err := ev.eval(a, input, f)
		if err != nil {
			return nil, nil, err
		}
		args = append(args, v)
	}
	ev.called = calleeName(n.lhs)
	return fn, args, nil
}

// calleeName is how the errors of a call name what it calls.
func calleeName(n *node) string {
	if n.kind == pathNode {
		return n.list[0].text
	}
	return n.text
}

// notFunction is the error of a call whose left side is none; a name without its dollar sign has a code of its own.
func (ev *evaluator) notFunction(n *node, v any, f *frame) error {
	bare, code, message := "T1005", "T1006", "Attempted to invoke a non-function"
	if n.kind == partialNode {
		bare, code, message = "T1007", "T1008", "Attempted to partially apply a non-function"
	}
	if name := n.lhs; v == undefined && name.kind == pathNode && name.list[0].kind == nameNode && ev.lookup(name.list[0].text, f) != undefined {
		return failAt(n.pos, bare, "%s. Did you mean $%s?", message, name.list[0].text)
	}
	return failAt(n.pos, code, "%s", message)
}

// maxCalls bounds functions that call each other without an expression between them, as chains of chains do.
const maxCalls = 10_000

// thunk is a call in tail position: it stands for its value, and invoke makes it when the function around it is done.
type thunk struct {
	node  *node
	input any
	frame *frame
}

// invoke calls a function and unwraps what comes of it.
func (ev *evaluator) invoke(fn function, input any, args []any) (any, error) {
	v, err := ev.run(fn, input, args)
	if err != nil {
		return nil, err
	}
	return unwrap(v), nil
}

// run calls a function, and those that it ends in.
func (ev *evaluator) run(fn function, input any, args []any) (any, error) {
	if ev.calls++; ev.calls > maxCalls {
		return nil, fail("", "%s", errDepth)
	}
	defer func() { ev.calls-- }()
	v, err := fn.invoke(ev, input, args)
	for err == nil {
		t, ok := v.(*thunk)
		if !ok {
			return v, nil
		}
		if fn, args, err = ev.prepare(t.node, nil, t.input, t.frame); err == nil {
			v, err = fn.invoke(ev, t.input, args)
			err = at(t.node.pos, err)
		}
	}
	return nil, err
}

// each calls a function with as many of the arguments as it takes, as the functions of higher order do.
func (ev *evaluator) each(fn function, args ...any) (any, error) {
	if n := fn.arity(); n < len(args) {
		args = args[:max(n, 1)]
	}
	return ev.invoke(fn, undefined, args)
}

// apply evaluates ~>: a call takes the left side as its first argument, two functions make one.
func (ev *evaluator) apply(n *node, input any, f *frame) (any, error) {
	l, err := ev.eval(n.lhs, input, f)
	if err != nil {
		return nil, err
	}
	if n.rhs.kind == callNode && len(n.rhs.predicates) == 0 && n.rhs.group == nil {
		return ev.call(n.rhs, []any{l}, input, f)
	}
	r, err := ev.eval(n.rhs, input, f)
	if err != nil {
		return nil, err
	}
	fn, ok := r.(function)
	if !ok {
		return nil, failAt(n.pos, "T2006", "The right side of the function application operator ~> must be a function")
	}
	if before, ok := l.(function); ok {
		return &chain{first: before, second: fn}, nil
	}
	v, err := ev.run(fn, undefined, []any{l})
	return v, at(n.pos, err)
}

func (ev *evaluator) partial(n *node, input any, f *frame) (any, error) {
	p := &partial{args: make([]any, len(n.list))}
	for i, a := range n.list {
		if a.kind == placeholderNode {
			p.args[i] = placeholder
			continue
		}
		var err error
		if p.args[i], err = ev.eval(a, input, f); err != nil {
			return nil, err
		}
	}
	v, err := ev.eval(n.lhs, input, f)
	if err != nil {
		return nil, err
	}
	fn, ok := v.(function)
	if !ok {
		return nil, ev.notFunction(n, v, f)
	}
	p.fn = fn
	return p, nil
}

// lambda is a function that the expression defines.
type lambda struct {
	node  *node
	frame *frame
	input any
}

func (l *lambda) arity() int { return len(l.node.params) }

func (l *lambda) invoke(ev *evaluator, input any, args []any) (any, error) {
	if l.node.sig != nil {
		var err error
		if args, err = l.node.sig.check(ev.called, args, input); err != nil {
			return nil, err
		}
	}
	f := &frame{parent: l.frame, names: make(map[string]any, len(l.node.params))}
	for i, p := range l.node.params {
		if i < len(args) {
			f.names[p] = args[i]
		} else {
			f.names[p] = undefined
		}
	}
	return ev.raw(l.node.rhs, l.input, f)
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

// builtin is a function of the language. Its signature is checked before it runs; takes is how many arguments the functions of higher order
// hand to it.
type builtin struct {
	name  string
	sig   *signature
	takes int
	run   func(c *arguments) (any, error)
}

// define makes a function of the language.
func define(name, sig string, takes int, run func(c *arguments) (any, error)) *builtin {
	return &builtin{name: name, sig: mustSignature(sig), takes: takes, run: run}
}

func (b *builtin) arity() int { return b.takes }

func (b *builtin) invoke(ev *evaluator, input any, args []any) (any, error) {
	args, err := b.sig.check(b.name, args, input)
	if err != nil {
		return nil, err
	}
	return b.run(&arguments{ev: ev, name: b.name, args: args})
}

// arguments is one call of a builtin. What the signature has checked is read without a second look; the methods that return an error are for
// what it leaves open.
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
	return fail("T0410", "Argument %d of function %s does not match function signature", i+1, shown(c.name))
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
			return nil, c.wrong(i)
		}
		out[j] = x
	}
	return out, nil
}
