// Package expr is the language of expressions in jobs: it is parsed by expr-lang, typed against the columns of a stream, and
// evaluated for whole batches at once. It reads and writes nothing, and its results depend on the record only: there is no clock
// and no chance in it. Transforms, rules and steps import it.
//
// # Values
//
// A column is named by its name, or $["any name"] when that is no identifier. Texts stand in quotes; numbers, true, false and null
// do not. Beside a float or a decimal a number that is written out is one too; beside a date, a time, a timestamp or a UUID a text
// that is written out is read as one: day >= "2026-01-31".
//
// # Null
//
// A null makes the result of every operator and function null, but for is_null(x), coalesce(a, b) (or a ?? b), if and ?:, and "and"
// and "or", which are null only when the other side does not decide: null and false is false. Where something is decided (if, a
// filter), null counts as false. Comparing with null is null too, so "x == null" is refused: write is_null(x). JSON null is null.
//
// # Numbers
//
// Ints have 64 bits; a result beyond them is an error of the record, and so is a division by zero. a / b of ints is a float; % keeps
// ints. An int beside a float becomes one, if it can without loss. Decimals are exact: + - * % of decimals and ints give decimals of as
// many digits as needed, at most 38; their quotient is divide(a, b, digits). A decimal and a float do not mix: write float(d). Ints,
// floats and decimals are compared as the numbers they are.
//
// # Texts
//
// Lengths and places are counted in characters. a + b joins texts; contains, startsWith, endsWith and matches (RE2) stand between texts;
// x in ["a", "b"] looks for a value in a list. Texts are compared byte by byte.
//
// # JSON
//
// payload.address.city, payload["odd name"], payload.tags[0] and payload.tags[-1] are parts of a JSON column, null where there is none.
// They are JSON too: string(payload.city), int(payload.age) make values of them. Compared with other values they are equal only to a
// value of their kind. [a, b] and {name: a} make JSON. any, all, none, one, count, filter, map and find loop over an array:
// any(payload.tags, # == "new"), filter(payload.items, .price > 10). A null array is an empty one to them.
//
// # Order
//
// cond ? a : b, if cond { a } else { b } and let x = a; b work; value | upper() is upper(value). The right side of "and", "or" and ??
// and the branch that is not taken cannot fail.
package expr

import (
	"cmp"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
)

// maxSource is the longest expression, in bytes.
const maxSource = 16 << 10

// Program is a compiled expression. It is immutable and safe for concurrent use.
type Program struct {
	schema  record.Schema
	root    *node
	locals  int
	columns []int
}

// Compile types an expression against the columns of a schema. The error is an *Error.
func Compile(src string, s record.Schema) (*Program, error) {
	if len(src) > maxSource {
		return nil, (&problem{code: badExpression, message: "the expression is longer than 16 KiB"}).locate(src)
	}
	tree, err := parser.Parse(src)
	if err != nil {
		return nil, syntax(err, src)
	}
	c := checker{schema: s}
	root, err := c.check(tree.Node)
	if err == nil && root.isNull() {
		err = failAt(root.at, wrongType, "null alone has no type").withHint("write string(null), int(null) …")
	}
	p := &Program{schema: s, root: root, locals: c.locals}
	if err == nil {
		err = p.finish(root, false)
	}
	if err != nil {
		var wrong *problem
		if errors.As(err, &wrong) {
			return nil, wrong.locate(src)
		}
		return nil, (&problem{code: badExpression, message: err.Error()}).locate(src)
	}
	slices.Sort(p.columns)
	p.columns = slices.Compact(p.columns)
	return p, nil
}

// Condition is Compile for an expression whose result must be bool.
func Condition(src string, s record.Schema) (*Program, error) {
	p, err := Compile(src, s)
	if err != nil {
		return nil, err
	}
	if p.Type() != boolType {
		wrong := failAt(0, wrongType, "the expression must be true or false, this is %s", p.Type()).withHint("compare it with something")
		return nil, wrong.locate(src)
	}
	return p, nil
}

// syntax makes an Error of what the parser says.
func syntax(err error, src string) error {
	var e *file.Error
	if !errors.As(err, &e) {
		return (&problem{code: badExpression, message: err.Error()}).locate(src)
	}
	message := e.Message
	switch m := unexpected.FindStringSubmatch(message); {
	case message == "unexpected token EOF":
		message = "the expression ends too early"
	case m != nil:
		message = m[1] + " is not expected here"
	case strings.HasSuffix(message, "value out of range"), strings.HasSuffix(message, "literal is too large"):
		message = "the number is beyond 64 bits"
	}
	return (&problem{at: e.From, code: badExpression, message: message}).locate(src)
}

// unexpected is how the parser names a token that it did not expect.
var unexpected = regexp.MustCompile(`^unexpected token \w+\((".*")\)$`)

// finish notes the columns that are used, and compiles the loops; those inside another loop are part of its program.
func (p *Program) finish(n *node, inLoop bool) error {
	if n.op == opColumn {
		p.columns = append(p.columns, n.index)
	}
	if n.op == opLoop && !inLoop {
		m, err := newMachine(n)
		if err != nil {
			return err
		}
		n.loop, inLoop = m, true
	}
	for _, a := range n.args {
		if err := p.finish(a, inLoop); err != nil {
			return err
		}
	}
	return nil
}

// Type is the type of the result.
func (p *Program) Type() record.Type { return p.root.typ }

// Columns names the columns that the result depends on, in the order of the schema.
func (p *Program) Columns() []string {
	names := make([]string, len(p.columns))
	for i, c := range p.columns {
		names[i] = p.schema.Columns[c].Name
	}
	return names
}

// Eval gives the result for every row of a batch, which must have the columns of the schema that the program was compiled for. Rows
// without a result, such as those that divide by zero, are null in the column and refused.
func (p *Program) Eval(b record.Batch) (arrow.Array, []record.Refusal, error) {
	if err := p.fits(b); err != nil {
		return nil, nil, err
	}
	if b.Len() > 0 && p.root.op == opColumn && p.root.typ != jsonType {
		return b.Rows.Column(p.root.index), nil, nil
	}
	v, n := p.vec(b), b.Len()
	return v.store(n), refusals(v, n), nil
}

// Filter gives the rows for which the result, which must be a bool, is true, ascending; rows without a result are refused.
func (p *Program) Filter(b record.Batch) ([]int32, []record.Refusal, error) {
	if err := p.fits(b); err != nil {
		return nil, nil, err
	}
	if p.Type() != boolType {
		return nil, nil, fault.New(fault.Internal, "a filter of type %s", p.Type())
	}
	v, n := p.vec(b), b.Len()
	vals, mask := cells[bool](v), v.mask()
	rows := make([]int32, 0, n)
	for row := range n {
		if vals[row&mask] && !v.isNull(row) {
			rows = append(rows, int32(row))
		}
	}
	return rows, refusals(v, n), nil
}

func (p *Program) fits(b record.Batch) error {
	if b.Len() > 0 && !b.Schema.Equal(p.schema) {
		return fault.New(fault.Internal, "the batch has other columns than the expression was compiled for")
	}
	return nil
}

func (p *Program) vec(b record.Batch) *vec {
	if b.Len() == 0 {
		return &vec{typ: p.root.typ, vals: makeCells(p.root.typ, 0)}
	}
	return newFrame(b, p.locals).eval(p.root)
}

// refusals lists the errors of a result.
func refusals(v *vec, n int) []record.Refusal {
	var out []record.Refusal
	for row, err := range v.errorsOf(n) {
		out = append(out, record.Refusal{Row: row, Code: string(fault.DataInvalid), Message: err.Error()})
	}
	slices.SortFunc(out, func(a, b record.Refusal) int { return cmp.Compare(a.Row, b.Row) })
	return out
}
