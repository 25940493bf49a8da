package transform

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// columns makes a schema of "name type" texts.
func schemaOf(columns ...string) record.Schema {
	var s record.Schema
	for _, c := range columns {
		name, typ, _ := strings.Cut(c, " ")
		t, err := record.ParseType(typ)
		if err != nil {
			panic(err)
		}
		s.Columns = append(s.Columns, record.Column{Name: name, Type: t})
	}
	return s
}

// batchOf makes a batch of rows of text forms; "-" is null.
func batchOf(s record.Schema, rows ...[]string) record.Batch {
	b := record.NewBuilder(s)
	for _, row := range rows {
		for i, text := range row {
			if text == "-" {
				b.Column(i).AppendNull()
			} else if err := record.ParseText(b.Column(i), s.Columns[i].Type, text); err != nil {
				panic(err)
			}
		}
	}
	return record.New(s, b.Rows())
}

// show gives the active rows with their originals' numbers, and the rejects, one a line.
func show(b record.Batch) string {
	var out []string
	for row := range b.Len() {
		out = append(out, fmt.Sprintf("%d %s", b.OriginOf(row), b.JSON(row)))
	}
	for _, r := range b.Rejects {
		out = append(out, fmt.Sprintf("%d! %s: %s", r.Index, r.Rule, r.Message))
	}
	return strings.Join(out, "\n")
}

// component makes a component of a configuration as YAML would give it.
func component(name string, config any) job.Component {
	return job.Component{Name: name, Config: setting.Of(config)}
}

// chainCase is a test of one transform: its configuration, what goes in, what comes out, or the problems.
type chainCase struct {
	name     string
	config   any
	schema   record.Schema
	key      []string
	rows     [][]string
	funcs    Funcs
	want     string // schema on the first line, then show of the batch
	problems string // path: message [code], one a line
}

func (c chainCase) run(t *testing.T, transform string) {
	t.Run(c.name, func(t *testing.T) {
		chain, err := NewChain(Builtin(), []job.Component{component(transform, c.config)}, ChainConfig{Path: "transforms", Schema: c.schema, Key: c.key, Funcs: c.funcs})
		if got := problemText(err); got != strings.TrimSpace(c.problems) {
			t.Fatalf("problems:\n%s\nwant:\n%s", got, c.problems)
		}
		if err != nil {
			return
		}
		in := batchOf(c.schema, c.rows...)
		before := show(in)
		out, err := chain.Apply(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if !out.Schema.Equal(chain.Schema()) {
			t.Errorf("the batch has schema %v, the chain said %v", out.Schema, chain.Schema())
		}
		if diff := cmp.Diff(schemaText(out.Schema)+"\n"+show(out), strings.TrimSpace(unindent(c.want))); diff != "" {
			t.Error(diff)
		}
		if show(in) != before {
			t.Error("the batch that came in was changed")
		}
	})
}

func unindent(s string) string {
	var out []string
	for line := range strings.Lines(s) {
		out = append(out, strings.TrimSpace(line))
	}
	return strings.Join(out, "\n")
}

func schemaText(s record.Schema) string {
	var out []string
	for _, c := range s.Columns {
		out = append(out, c.Name+" "+c.Type.String())
	}
	return strings.Join(out, ", ")
}

func problemText(err error) string {
	var ps fault.Problems
	if !errors.As(err, &ps) {
		if err != nil {
			return "not problems: " + err.Error()
		}
		return ""
	}
	var out []string
	for _, p := range ps {
		out = append(out, fmt.Sprintf("%s: %s [%s]", p.Path, p.Message, p.Code))
	}
	return strings.Join(out, "\n")
}

// fuzzChain runs a transform that may or may not compile over a batch of fuzzed cells, and holds what must hold for all.
func fuzzChain(t *testing.T, c job.Component, funcs Funcs, cells ...string) {
	s := schemaOf("id int", "name string", "n int", "flag bool", "doc json", "amount decimal(8,2)", "day date")
	rows := [][]string{}
	for i, cell := range cells {
		cell = strings.ToValidUTF8(cell, "?")
		doc := string(record.AppendQuoted(nil, cell))
		rows = append(rows,
			[]string{fmt.Sprint(i * 3), cell, fmt.Sprint(len(cell)), "true", doc, "1.25", "2026-08-22"},
			[]string{fmt.Sprint(i*3 + 1), "-", "-", "-", "-", "-", "-"},
			[]string{fmt.Sprint(i*3 + 2), "x", "0", "false", `[{"a":` + doc + `},null]`, "-0.01", "1969-12-31"})
	}
	chain, err := NewChain(Builtin(), []job.Component{c}, ChainConfig{Path: "transforms", Schema: s, Key: []string{"id"}, Funcs: funcs})
	if err != nil {
		if problemText(err) == "" || !fault.Has(err, fault.ConfigInvalid) {
			t.Fatalf("not problems: %v", err)
		}
		return
	}
	b := batchOf(s, rows...)
	out, err := chain.Apply(context.WithoutCancel(t.Context()), b)
	if err != nil {
		t.Fatal(err)
	}
	checkBatch(t, b, out, chain.Schema())
	again, _ := chain.Apply(t.Context(), b)
	if show(again) != show(out) {
		t.Fatal("the same batch gives another result")
	}
}

// checkBatch holds what every chain must keep: each original is active, filtered or rejected, exactly one of them.
func checkBatch(t interface{ Fatalf(string, ...any) }, in, out record.Batch, s record.Schema) {
	if out.Read != in.Read || out.Active()+out.Filtered()+len(out.Rejects) != out.Read || out.Filtered() < 0 {
		t.Fatalf("read %d, active %d, filtered %d, rejected %d", out.Read, out.Active(), out.Filtered(), len(out.Rejects))
	}
	if out.Origin != nil && (len(out.Origin) != out.Len() || !slices.IsSorted(out.Origin)) {
		t.Fatalf("%d rows, origins %v", out.Len(), out.Origin)
	}
	last := -1
	for _, r := range out.Rejects {
		if r.Index <= last || r.Index >= out.Read || out.RowOf(r.Index) >= 0 || r.Message == "" || r.Rule == "" || len(r.Snapshot) == 0 {
			t.Fatalf("reject %+v behind %d", r, last)
		}
		last = r.Index
	}
	if !out.Schema.Equal(s) || (out.Rows != nil && !out.Rows.Schema().Equal(s.Arrow())) {
		t.Fatalf("schema %v, said %v", out.Schema, s)
	}
	if _, err := record.Marshal(out, record.None); err != nil {
		t.Fatalf("marshal: %v", err)
	}
}

// benchRows is the size of a batch in benchmarks.
const benchRows = 50_000

func benchChain(b *testing.B, c job.Component, funcs Funcs) {
	s := schemaOf("id int", "name string", "n int", "flag bool", "doc json", "amount decimal(8,2)", "day date", "text string")
	var rows [][]string
	for i := range benchRows {
		name := []string{" asph", "CON", "Turf/gravel", "X", "-"}[i%5]
		rows = append(rows, []string{fmt.Sprint(i), name, fmt.Sprint(i % 9000), fmt.Sprint(i%2 == 0), `{"a":1,"b":{"c":"x"},"list":[1,2]}`, "12.50", "2026-08-22", fmt.Sprint(i)})
	}
	batch := batchOf(s, rows...)
	chain, err := NewChain(Builtin(), []job.Component{c}, ChainConfig{Schema: s, Key: []string{"id"}, Funcs: funcs})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := chain.Apply(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
}

func TestRegistry(t *testing.T) {
	for _, name := range Builtin().Names() {
		s, err := Builtin().Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		if s.Summary == "" || s.Doc == "" || s.Example == "" || s.Since == "" || !strings.HasPrefix(s.Example, name+":") {
			t.Errorf("%s: its declaration lacks something: %+v", name, s.Spec)
		}
	}
	if _, err := Builtin().Lookup("renam"); !fault.Has(err, fault.NotFound) || fault.Hint(err) != "did you mean rename?" {
		t.Errorf("got %v", err)
	}
}

// benchJSONArray runs a transform over a JSON column doc of arrays.
func benchJSONArray(b *testing.B, c job.Component) {
	s := schemaOf("id int", "name string", "doc json")
	var rows [][]string
	for i := range benchRows {
		rows = append(rows, []string{fmt.Sprint(i), "x", `["a","b"]`})
	}
	batch := batchOf(s, rows...)
	chain, err := NewChain(Builtin(), []job.Component{c}, ChainConfig{Schema: s, Key: []string{"id"}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := chain.Apply(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
}
