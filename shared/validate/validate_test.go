package validate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// schemaOf makes a schema of "name type" texts.
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

// rule makes a rule of a configuration as YAML would give it.
func rule(name string, config any) job.Rule {
	return job.Rule{Component: job.Component{Name: name, Config: setting.Of(config)}, Severity: job.Reject}
}

// ruleCase is a test of one rule: its configuration, records, and what breaks it.
type ruleCase struct {
	name     string
	config   any
	schema   record.Schema
	mask     []string
	dir      string
	rows     [][]string
	want     string // "row: reason", one a line
	problems string // "path: message [code]", one a line
}

func (c ruleCase) run(t *testing.T, name string) {
	t.Run(c.name, func(t *testing.T) {
		set, err := NewSet(Builtin(), []job.Rule{rule(name, c.config)}, SetConfig{Path: "rules", Schema: c.schema, Mask: c.mask, Dir: c.dir})
		if diff := cmp.Diff(problemText(err), unindent(c.problems)); diff != "" {
			t.Fatal(diff)
		}
		if err != nil {
			return
		}
		in := batchOf(c.schema, c.rows...)
		out, warnings, err := set.Apply(t.Context(), in, nil)
		if err != nil || len(warnings) != 0 {
			t.Fatal(warnings, err)
		}
		var got []string
		for _, r := range out.Rejects {
			got = append(got, fmt.Sprintf("%d: %s", r.Index, r.Message))
		}
		if diff := cmp.Diff(strings.Join(got, "\n"), unindent(c.want)); diff != "" {
			t.Error(diff)
		}
		if out.Len()+len(out.Rejects) != in.Len() {
			t.Errorf("%d rows and %d rejects of %d", out.Len(), len(out.Rejects), in.Len())
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

func problemText(err error) string {
	var ps fault.Problems
	if err != nil && !errors.As(err, &ps) {
		return "not problems: " + err.Error()
	}
	var out []string
	for _, p := range ps {
		out = append(out, fmt.Sprintf("%s: %s [%s]", p.Path, p.Message, p.Code))
	}
	return strings.Join(out, "\n")
}

// fuzzRule runs a rule that may or may not compile over a batch with a fuzzed cell.
func fuzzRule(t *testing.T, r job.Rule, cell string) {
	s := schemaOf("id int", "name string", "n int", "flag bool", "doc json", "amount decimal(8,2)", "day date", "f float")
	cell = strings.ToValidUTF8(cell, "?")
	doc := string(record.AppendQuoted(nil, cell))
	b := batchOf(s,
		[]string{"0", cell, fmt.Sprint(len(cell)), "true", doc, "1.25", "2026-08-22", "0.5"},
		[]string{"1", "-", "-", "-", "-", "-", "-", "-"},
		[]string{"2", "x", "0", "false", `[{"a":` + doc + `},null]`, "-0.01", "1969-12-31", "-1e300"})
	set, err := NewSet(Builtin(), []job.Rule{r}, SetConfig{Path: "rules", Schema: s, Key: []string{"id"}, Dir: t.TempDir()})
	if err != nil {
		if !fault.Has(err, fault.ConfigInvalid) {
			t.Fatalf("not problems: %v", err)
		}
		return
	}
	out, _, err := set.Apply(context.WithoutCancel(t.Context()), b, nil)
	if err != nil {
		t.Fatal(err)
	}
	last := -1
	for _, x := range out.Rejects {
		if x.Index <= last || x.Message == "" || x.Rule == "" || x.Phase != Phase {
			t.Fatalf("reject %+v", x)
		}
		last = x.Index
	}
	if out.Active()+len(out.Rejects) != b.Read {
		t.Fatalf("%d active, %d rejected", out.Active(), len(out.Rejects))
	}
}

// benchRule runs a rule over 50,000 records that all keep it.
func benchRule(b *testing.B, r job.Rule) {
	s := schemaOf("id int", "name string", "n int", "flag bool", "doc json", "day date", "text string", "stamp string")
	var rows [][]string
	for i := range 50_000 {
		rows = append(rows, []string{fmt.Sprint(i), []string{"asph", "CON", "Turf/gravel", "X"}[i%4], fmt.Sprint(i % 9000), "true",
			`{"a":1,"b":{"c":"x"}}`, "2026-08-22", fmt.Sprint(i), "2026-08-22T17:03:59Z"})
	}
	batch := batchOf(s, rows...)
	set, err := NewSet(Builtin(), []job.Rule{r}, SetConfig{Schema: s, Key: []string{"id"}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		out, _, err := set.Apply(b.Context(), batch, nil)
		if err != nil || len(out.Rejects) > 0 {
			b.Fatal(len(out.Rejects), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(batch.Len()), "ns/row")
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
	if _, err := Builtin().Lookup("requird"); !fault.Has(err, fault.NotFound) || fault.Hint(err) != "did you mean required?" {
		t.Errorf("got %v", err)
	}
}
