package expr

import (
	"errors"
	"fmt"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	types "github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"

	"github.com/lockstep-data/lockstep/shared/record"
)

// machine runs a node record by record on expr-lang's virtual machine: the loops over JSON arrays, which have no columns to work
// on. It calls the same functions as the evaluation by columns, so both give the same.
type machine struct {
	program *vm.Program
	columns map[string]int // name in the program → column
	locals  map[string]int
}

// builder turns typed nodes into the tree that expr-lang compiles.
type builder struct {
	config *conf.Config
	m      *machine
	inside map[int]bool // locals declared inside the node
	temps  int
}

// newMachine compiles a node.
func newMachine(n *node) (*machine, error) {
	b := &builder{config: conf.CreateNew(), m: &machine{columns: map[string]int{}, locals: map[string]int{}}, inside: map[int]bool{}}
	b.config.WithEnv(map[string]any{})
	b.config.Strict = false
	tree := &parser.Tree{Node: b.build(n), Source: file.NewSource("")}
	if _, err := types.Check(tree, b.config); err != nil {
		return nil, fmt.Errorf("check program: %w", err)
	}
	program, err := compiler.Compile(tree, b.config)
	if err != nil {
		return nil, fmt.Errorf("compile program: %w", err)
	}
	b.m.program = program
	return b.m, nil
}

func (b *builder) build(n *node) ast.Node {
	switch n.op {
	case opColumn:
		name := fmt.Sprintf("c%d", n.index)
		b.m.columns[name] = n.index
		return &ast.IdentifierNode{Value: name}
	case opLocal:
		name := fmt.Sprintf("v%d", n.index)
		if !b.inside[n.index] {
			b.m.locals[name] = n.index
		}
		return &ast.IdentifierNode{Value: name}
	case opLiteral:
		if n.value == nil {
			return &ast.NilNode{}
		}
		return &ast.ConstantNode{Value: n.value}
	case opElement:
		return &ast.PointerNode{}
	case opLet:
		b.inside[n.index] = true
		return &ast.VariableDeclaratorNode{Name: fmt.Sprintf("v%d", n.index), Value: b.build(n.args[0]), Expr: b.build(n.args[1])}
	case opIf:
		return &ast.ConditionalNode{Cond: b.truth(n.args[0]), Exp1: b.build(n.args[1]), Exp2: b.build(n.args[2])}
	case opCoalesce:
		return &ast.BinaryNode{Operator: "??", Left: b.build(n.args[0]), Right: b.build(n.args[1])}
	case opAnd:
		return b.logic(n, false)
	case opOr:
		return b.logic(n, true)
	case opLoop:
		return b.loop(n)
	}
	args := make([]ast.Node, len(n.args))
	for i, a := range n.args {
		args[i] = b.build(a)
	}
	return b.call(n.impl.call, args...)
}

// call makes a call of a Go function.
func (b *builder) call(f func(args []any) (any, error), args ...ast.Node) ast.Node {
	name := fmt.Sprintf("f%d", len(b.config.Functions))
	b.config.Functions[name] = &builtin.Function{Name: name, Func: func(args ...any) (any, error) { return f(args) }}
	return &ast.CallNode{Callee: &ast.IdentifierNode{Value: name}, Arguments: args}
}

// truth makes a Go bool of a condition: null is false.
func (b *builder) truth(n *node) ast.Node {
	return b.call(func(args []any) (any, error) { return args[0] == true, nil }, b.build(n))
}

// logic evaluates the right side only when the left one does not decide.
func (b *builder) logic(n *node, decides bool) ast.Node {
	name := fmt.Sprintf("t%d", b.temps)
	b.temps++
	left := func() ast.Node { return &ast.IdentifierNode{Value: name} }
	right := b.build(n.args[1])
	return &ast.VariableDeclaratorNode{Name: name, Value: b.build(n.args[0]), Expr: &ast.ConditionalNode{
		Cond: b.call(func(args []any) (any, error) { return args[0] == decides, nil }, left()),
		Exp1: &ast.BoolNode{Value: decides},
		Exp2: b.call(func(args []any) (any, error) {
			switch {
			case args[1] == decides:
				return decides, nil
			case args[0] == nil || args[1] == nil:
				return nil, nil
			}
			return !decides, nil
		}, left(), right),
	}}
}

// loop makes one of expr-lang's loops over an array.
func (b *builder) loop(n *node) ast.Node {
	array := b.call(loopElements, b.build(n.args[0]))
	build := b.truth
	if n.name == "map" {
		build = b.build
	}
	body := build(n.args[1])
	loop := &ast.BuiltinNode{Name: n.name, Arguments: []ast.Node{array, &ast.PredicateNode{Node: body}}}
	switch n.name {
	case "count":
		return b.call(func(args []any) (any, error) { return int64(args[0].(int)), nil }, loop)
	case "filter", "map":
		return b.call(func(args []any) (any, error) {
			return makeList(append([]any{nil}, args[0].([]any)...))
		}, loop)
	}
	return loop
}

// loopElements gives the elements of a JSON array, null being an empty one.
func loopElements(args []any) (any, error) {
	if args[0] == nil {
		return []any{}, nil
	}
	all, isArray, err := JSONElements(args[0].(string))
	switch {
	case err != nil:
		return nil, err
	case !isArray:
		return nil, fmt.Errorf("a JSON array is needed, not %s", jsonKind(args[0].(string)))
	}
	out := make([]any, len(all))
	for i, e := range all {
		if e != "null" {
			out[i] = e
		}
	}
	return out, nil
}

// eval runs the program for every row.
func (m *machine) eval(f *frame, t record.Type) *vec {
	out := &vec{typ: t, vals: makeCells(t, f.n)}
	sources := make(map[string]*vec, len(m.columns)+len(m.locals))
	for name, i := range m.columns {
		sources[name] = f.column(i)
	}
	for name, i := range m.locals {
		sources[name] = f.locals[i]
	}
	env := make(map[string]any, len(sources))
	var v vm.VM
rows:
	for row := range f.n {
		for name, s := range sources {
			if err := s.err(row); err != nil {
				out.fail(row, f.n, err)
				continue rows
			}
			env[name] = s.at(row)
		}
		switch x, err := v.Run(m.program, env); {
		case err != nil:
			out.fail(row, f.n, cause(err))
		case x == nil:
			out.setNull(row, f.n)
		default:
			put(out.vals, row, x)
		}
	}
	return out
}

// cause takes the machine's wrapping off an error.
func cause(err error) error {
	var wrapped *file.Error
	if errors.As(err, &wrapped) {
		if wrapped.Prev != nil {
			return wrapped.Prev
		}
		return errors.New(wrapped.Message)
	}
	return err
}
