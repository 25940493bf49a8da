package transform

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func funcSpec() Spec {
	name := setting.Field{Name: "name", Kind: setting.String, Syntax: setting.Name, Doc: "The name under which the function is registered.", Required: true}
	return Spec{
		Spec: setting.Spec{
			Name:    "func",
			Summary: "Hands the records to a Go function that the user registered.",
			Doc: "The function is part of a command that the user builds, and is called with records and answers for each of them: one record, none, an error, or several. " +
				"With on_failure.action retry, records for which it answers an error are handed to it again after a delay. What it adds to the " +
				"columns is declared here, or by the function itself.",
			Body: setting.Field{Kind: setting.Choice, Doc: "The function's name, alone or with columns.", Forms: []setting.Field{
				name,
				{Kind: setting.Object, Fields: []setting.Field{
					name,
					{Name: "columns", Kind: setting.Map, Doc: "Columns that the function adds, or whose type it changes, with their types.",
						Item: &setting.Field{Kind: setting.String, Syntax: setting.Type, Doc: "The type.", Required: true}},
					{Name: "drop", Kind: setting.List, Doc: "Columns that it takes away.", Item: &setting.Field{Kind: setting.String, Syntax: setting.Column}},
				}},
			}},
			Example: "func: {name: enrich, columns: {country_name: string}}",
			Since:   "0.1.0",
		},
		New: newFunc,
	}
}

type function struct {
	name    string
	in, out record.Schema
	columns *columns
	process func(ctx context.Context, in []Record) ([]Answer, error)
	retry   retry
}

func newFunc(c Config) (Transform, error) {
	v := struct {
		Name    string            `json:"name"`
		Columns map[string]string `json:"columns"`
		Drop    []string          `json:"drop"`
	}{}
	if name, ok := c.Values.Raw().(string); ok {
		v.Name = name
	} else if err := decode(c, &v); err != nil {
		return nil, err
	}
	var p problems
	f, ok := c.Funcs[v.Name]
	if !ok || f.Process == nil {
		p.add(c.Path, "unknown_function", fmt.Sprintf("no function %q is registered in this command", v.Name), registered(c.Funcs, v.Name))
		return nil, p.list.Err()
	}
	t := &function{name: "func:" + v.Name, in: c.Schema, process: f.Process, retry: retryOf(c)}
	out := record.Schema{Columns: slices.Clone(c.Schema.Columns)}
	if f.Schema != nil {
		var err error
		if out, err = f.Schema(out); err != nil {
			p.add(c.Path, "refused", fmt.Sprintf("the function does not take these columns: %v", err), fault.Hint(err))
			return nil, p.list.Err()
		}
	}
	t.out = p.declared(c, out, v.Columns, v.Drop)
	t.columns = columnsOf(t.in, t.out)
	return t, p.list.Err()
}

func registered(funcs Funcs, name string) string {
	names := slices.Sorted(maps.Keys(funcs))
	switch near := fault.Nearest(name, names); {
	case len(names) == 0:
		return "functions are registered in a main of your own; this one has none"
	case near != "":
		return "did you mean " + near + "?"
	default:
		return fmt.Sprintf("registered: %v", names)
	}
}

// declared applies what YAML says of a function's columns.
func (p *problems) declared(c Config, out record.Schema, add map[string]string, drop []string) record.Schema {
	for i, name := range drop {
		path := setting.Index(setting.Join(c.Path, "drop"), i)
		p.column(path, out, name)
		p.keyStays(path, name, "dropped", c.Key)
	}
	s := record.Schema{Columns: slices.DeleteFunc(slices.Clone(out.Columns), func(c record.Column) bool { return slices.Contains(drop, c.Name) })}
	for _, name := range slices.Sorted(maps.Keys(add)) {
		path := setting.Join(setting.Join(c.Path, "columns"), name)
		p.newName(path, name)
		t := p.typed(path, add[name])
		if i := s.Index(name); i >= 0 {
			s.Columns[i].Type = t
		} else {
			s.Columns = append(s.Columns, record.Column{Name: name, Type: t})
		}
	}
	p.unique(c.Path, s)
	for _, k := range c.Key {
		if s.Index(k) < 0 {
			p.add(c.Path, "key_column", fmt.Sprintf("%q is part of the key and must stay", k), "the function must answer it")
		}
	}
	if len(s.Columns) == 0 {
		p.add(c.Path, "no_columns", "no column is left", "the function must answer at least one")
	}
	return s
}

// Schema is what comes out.
func (t *function) Schema() record.Schema { return t.out }

// Apply hands all rows to the function, and what it refuses once more for each retry.
func (t *function) Apply(ctx context.Context, b record.Batch) (Result, error) {
	r := &run{function: t, batch: &b, outcomes: make([]outcome, b.Len())}
	rows := make([]int32, b.Len())
	for i := range rows {
		rows[i] = int32(i)
	}
	for try := 1; ; try++ {
		if err := r.process(ctx, rows); err != nil {
			return Result{}, err
		}
		rows = r.refused(rows, try)
		if len(rows) == 0 || try > t.retry.max {
			break
		}
		if err := t.retry.wait(ctx, b, try); err != nil {
			return Result{}, err
		}
	}
	return r.result()
}
