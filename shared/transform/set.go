package transform

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/lockstep-data/lockstep/shared/expr"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func setSpec() Spec {
	return Spec{
		Spec: setting.Spec{
			Name:    "set",
			Summary: "Gives columns the results of expressions.",
			Doc: "All expressions see the record as it comes in, so two columns can swap their values. A column that exists keeps its place and " +
				"takes the type of the expression; new columns stand behind the others, sorted by name. A record for which an expression " +
				"has no result, such as a division by zero, is refused.",
			Body: setting.Field{
				Kind: setting.Map, Doc: "Column to expression.", Min: setting.Bound(1),
				Item: &setting.Field{Kind: setting.String, Syntax: setting.Expression, Doc: "What the column holds.", Required: true},
			},
			Example: "set: {surface: upper(trim(surface)), length_m: length_ft * 0.3048}",
			Since:   "0.1.0",
		},
		New: newSet,
	}
}

type set struct {
	schema record.Schema
	parts  []assignment
	mask   []string
}

type assignment struct {
	name  string
	place int // in the schema that comes out
	value *expr.Program
}

func newSet(c Config) (Transform, error) {
	var exprs map[string]string
	if err := decode(c, &exprs); err != nil {
		return nil, err
	}
	var p problems
	t := &set{schema: record.Schema{Columns: slices.Clone(c.Schema.Columns)}, mask: c.OnFailure.Mask}
	for _, name := range slices.Sorted(maps.Keys(exprs)) {
		path := setting.Join(c.Path, name)
		p.newName(path, name)
		value, err := expr.Compile(exprs[name], c.Schema)
		if err != nil {
			p.expression(path, err)
			continue
		}
		place := t.schema.Index(name)
		if place < 0 {
			place = len(t.schema.Columns)
			t.schema.Columns = append(t.schema.Columns, record.Column{Name: name})
		}
		t.schema.Columns[place].Type = value.Type()
		t.parts = append(t.parts, assignment{name, place, value})
	}
	return t, p.list.Err()
}

// expression adds what is wrong with an expression.
func (p *problems) expression(path string, err error) {
	var wrong *expr.Error
	if errors.As(err, &wrong) {
		p.list = append(p.list, wrong.Problem(path))
		return
	}
	p.add(path, "bad_expression", err.Error(), fault.Hint(err))
}

// Schema is what comes out.
func (t *set) Schema() record.Schema { return t.schema }

// Apply answers the batch with the columns set.
func (t *set) Apply(_ context.Context, b record.Batch) (Result, error) {
	cols := make([]arrow.Array, len(t.schema.Columns))
	copy(cols, b.Rows.Columns())
	var out Result
	for _, part := range t.parts {
		col, refused, err := part.value.Eval(b)
		if err != nil {
			return Result{}, err
		}
		cols[part.place] = col
		out.refuse(refused, reason{column: part.name, masked: anyOf(part.value.Columns(), t.mask)})
	}
	out.Batch = b.With(t.schema, record.MakeRows(t.schema, cols, b.Len()))
	return out, nil
}

// reason is how a refusal is told.
type reason struct {
	column string
	masked bool // the message could show a value that must not be shown
}

// refuse adds refusals that are about a column.
func (r *Result) refuse(refused []record.Refusal, why reason) {
	for _, x := range refused {
		if why.masked {
			x.Message = "the value does not fit (it is masked)"
		}
		if why.column != "" {
			x.Message = why.column + ": " + x.Message
		}
		r.Refused = append(r.Refused, x)
	}
}

// anyOf says whether the lists have a name in common.
func anyOf(a, b []string) bool {
	return slices.ContainsFunc(a, func(name string) bool { return slices.Contains(b, name) })
}
