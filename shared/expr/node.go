package expr

import (
	"github.com/lockstep-data/lockstep/shared/record"
)

// op is what a node of a typed expression does.
type op int

const (
	opColumn   op = iota // the column at index
	opLiteral            // value
	opCall               // impl over args; operators are calls too
	opAnd                // args 0 and 1, three-valued, the right one only where it decides
	opOr                 //
	opIf                 // args 0 ? 1 : 2
	opCoalesce           // arg 0 where it is not null, else arg 1
	opLet                // local index = arg 0 in arg 1
	opLocal              // the local at index
	opLoop               // name (any, all, filter …) over the elements of arg 0, with arg 1 for each
	opElement            // the element of the innermost loop
)

// node is a typed expression. The type of an untyped null has no kind.
type node struct {
	op    op
	typ   record.Type
	args  []*node
	impl  impl
	name  string
	value any // nil, or of the Go type that cells of the type have in a vec
	index int
	at    int // place in the source, in characters
	loop  *machine
}

var (
	nullType   = record.Type{}
	boolType   = record.Type{Kind: record.Bool}
	intType    = record.Type{Kind: record.Int}
	floatType  = record.Type{Kind: record.Float}
	stringType = record.Type{Kind: record.String}
	jsonType   = record.Type{Kind: record.JSON}
	dateType   = record.Type{Kind: record.Date}
	stampType  = record.Type{Kind: record.Timestamp}
	zonedType  = record.Type{Kind: record.TimestampTZ}
)

func literal(t record.Type, v any, at int) *node {
	return &node{op: opLiteral, typ: t, value: v, at: at}
}

// isNull says whether the node is an untyped null.
func (n *node) isNull() bool { return n.op == opLiteral && n.typ == nullType }

// is says whether the node is a literal of a kind.
func (n *node) is(k record.Kind) bool { return n.op == opLiteral && n.typ.Kind == k }

// describe names the node's type in messages.
func (n *node) describe() string {
	if n.isNull() {
		return "null"
	}
	return n.typ.String()
}

// apply makes a call node.
func apply(name string, i impl, args ...*node) *node {
	return &node{op: opCall, name: name, typ: i.typ, impl: i, args: args, at: args[0].at}
}
