package transform

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

func TestChain_Runways(t *testing.T) {
	s := schemaOf("id int", "le_ident string", "he_ident string", "closed int", "surface string")
	chain, err := NewChain(Builtin(), []job.Component{
		component("rename", map[string]any{"le_ident": "low_end", "he_ident": "high_end"}),
		component("cast", map[string]any{"closed": "bool"}),
		component("set", map[string]any{"surface": "upper(trim(surface))"}),
		component("filter", "not closed"),
	}, ChainConfig{Path: "transforms", Schema: s, Key: []string{"id"}})
	if err != nil {
		t.Fatal(err)
	}
	out, err := chain.Apply(t.Context(), batchOf(s, []string{"1", "08", "26", "0", " asph "}, []string{"2", "-", "-", "1", "x"}, []string{"3", "H1", "-", "5", "-"}))
	if err != nil {
		t.Fatal(err)
	}
	want := "0 {\"id\":1,\"low_end\":\"08\",\"high_end\":\"26\",\"closed\":false,\"surface\":\"ASPH\"}\n2! cast: closed as bool: 5 is not a bool: 1 or 0"
	if diff := cmp.Diff(show(out), want); diff != "" {
		t.Error(diff)
	}
	if out.Read != 3 || out.Active() != 1 || out.Filtered() != 1 {
		t.Errorf("read %d, active %d, filtered %d", out.Read, out.Active(), out.Filtered())
	}
	r := out.Rejects[0]
	if r.Phase != "transform" || r.Key != "[3]" || r.Code != "DataInvalid" || r.Tries != 1 || string(r.Snapshot) != `{"id":3,"low_end":"H1","high_end":null,"closed":5,"surface":null}` {
		t.Errorf("got %+v", r)
	}
}

func TestNewChain_EveryProblem(t *testing.T) {
	_, err := NewChain(Builtin(), []job.Component{
		component("rename", map[string]any{"a": "b"}),
		component("set", map[string]any{"x": "a + 1", "y": "b +"}),
		component("uper", nil),
		component("dedupe", map[string]any{"keep": "both"}),
		component("filter", "zz"),
	}, ChainConfig{Path: "transforms", Schema: schemaOf("a int"), Key: nil})
	var ps fault.Problems
	if !errors.As(err, &ps) {
		t.Fatal(err)
	}
	var got []string
	for _, p := range ps {
		got = append(got, p.Path+" "+p.Code)
	}
	// The filter is not compiled: what its columns would be is unknown.
	want := []string{"transforms[1].set.x unknown_column", "transforms[1].set.y bad_expression", "transforms[2].uper unknown_transform", "transforms[3].dedupe.keep unknown_value"}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Error(diff)
	}
}

func TestChain_Abort(t *testing.T) {
	s := schemaOf("id int", "n string")
	chain, err := NewChain(Builtin(), []job.Component{component("cast", map[string]any{"n": "int"})},
		ChainConfig{Schema: s, Key: []string{"id"}, OnFailure: job.OnFailure{Action: job.Stop}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = chain.Apply(t.Context(), batchOf(s, []string{"1", "1"}, []string{"2", "x"}, []string{"3", "y"}))
	want := `transform cast: record 2 of the batch: n as int: "x" is not a whole number (on_failure.action is abort: correct the record or choose skip)`
	if !fault.Has(err, fault.DataInvalid) || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestChain_Empty(t *testing.T) {
	s := schemaOf("id int")
	for _, components := range [][]job.Component{nil, {component("set", map[string]any{"x": `"a"`})}, {component("filter", "false"), component("set", map[string]any{"x": `"a"`})}} {
		chain, err := NewChain(Builtin(), components, ChainConfig{Schema: s})
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range []record.Batch{{}, batchOf(s), batchOf(s, []string{"1"})} {
			out, err := chain.Apply(t.Context(), b)
			if err != nil {
				t.Fatal(err)
			}
			if len(components) > 0 {
				checkBatch(t, b, out, chain.Schema())
			}
		}
	}
}

func TestChain_OtherColumns(t *testing.T) {
	chain, err := NewChain(Builtin(), []job.Component{component("filter", "id > 1")}, ChainConfig{Schema: schemaOf("id int")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chain.Apply(t.Context(), batchOf(schemaOf("x int"), []string{"1"})); !fault.Has(err, fault.Internal) {
		t.Errorf("got %v", err)
	}
}

func TestChain_Cancelled(t *testing.T) {
	s := schemaOf("id int")
	chain, err := NewChain(Builtin(), []job.Component{component("filter", "id > 1")}, ChainConfig{Schema: s})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := chain.Apply(ctx, batchOf(s, []string{"1"})); !fault.Has(err, fault.Aborted) {
		t.Errorf("got %v", err)
	}
}

// TestChain_Waits holds the waiting by the real clock, which is fake here, and that it ends with the context.
func TestChain_Waits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := schemaOf("id int")
		f := PerRecord(func(r Record) (Record, error) { return r, errors.New("never") })
		chain, err := NewChain(Builtin(), []job.Component{component("func", "f")},
			ChainConfig{Schema: s, Funcs: Funcs{"f": f}, OnFailure: job.OnFailure{Action: job.Retry, MaxRetries: 10, DelayMS: 60_000}})
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		out, err := chain.Apply(t.Context(), batchOf(s, []string{"1"}))
		if err != nil || len(out.Rejects) != 1 || out.Rejects[0].Tries != 11 {
			t.Fatal(show(out), err)
		}
		if d := time.Since(begin); d < 5*time.Minute || d > 10*time.Minute {
			t.Errorf("waited %v", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := chain.Apply(ctx, batchOf(s, []string{"1"})); !fault.Has(err, fault.Timeout) {
			t.Errorf("got %v", err)
		}
	})
}

// TestChain_Panic holds that a transform that panics is a fault, and no crash.
func TestChain_Panic(t *testing.T) {
	chain := &Chain{in: schemaOf("id int"), out: schemaOf("id int"), links: []link{{"broken", broken{}}}}
	_, err := chain.Apply(t.Context(), batchOf(chain.in, []string{"1"}))
	if !fault.Has(err, fault.Internal) || !strings.Contains(err.Error(), "transform broken: panic: ") {
		t.Errorf("got %v", err)
	}
}

type broken struct{}

func (broken) Schema() record.Schema { return schemaOf("id int") }

func (broken) Apply(context.Context, record.Batch) (Result, error) { panic("oh") }

// property is the schema of random chains; the transforms below keep its columns.
var property = schemaOf("id int", "n int", "s string", "list json")

// drawComponent draws a transform that keeps the columns of property.
func drawComponent(t *rapid.T) job.Component {
	k := rapid.IntRange(2, 5).Draw(t, "k")
	switch rapid.IntRange(0, 8).Draw(t, "transform") {
	case 0:
		return component("filter", fmt.Sprintf("n %% %d != 0", k))
	case 1:
		return component("set", map[string]any{"n": fmt.Sprintf("n + 100 / (n %% %d)", k), "s": "concat(s, n)"}) // refuses some; n becomes a float
	case 2:
		return component("set", map[string]any{"n": fmt.Sprintf("n %% %d == 1 ? int(s) : n", k)})
	case 3:
		return component("split", map[string]any{"column": "list", "outer": k%2 == 0})
	case 4:
		return component("set", map[string]any{"list": "[n, list, s]"})
	case 5:
		return component("dedupe", map[string]any{"key": []any{"n"}, "keep": []string{"first", "last"}[k%2]})
	case 6:
		return component("func", "some")
	case 7:
		return component("default", map[string]any{"n": int64(k)})
	}
	return component("split", map[string]any{"column": "list", "type": "json", "outer": true})
}

// someFuncs has a function that replaces, filters, refuses, splits, panics and leaves a tail.
func someFuncs() Funcs {
	return Funcs{"some": {Process: func(_ context.Context, in []Record) ([]Answer, error) {
		var out []Answer
		for _, r := range in[:(len(in)+1)/2] {
			switch n := r.Int("n"); {
			case n%7 == 1:
				out = append(out, Filter())
			case n%7 == 2:
				out = append(out, Refuse(fmt.Errorf("no %d", n)))
			case n%7 == 3:
				c := r.Clone()
				c.Set("n", n*2)
				out = append(out, Split(r, c, r))
			case n%7 == 4:
				panic("n is 4 modulo 7")
			default:
				r.Set("s", "some")
				out = append(out, Replace(r))
			}
		}
		return out, nil
	}}}
}

// TestChain_Conservation runs random chains: every original ends active, filtered or rejected, exactly one of them; what is left
// of it is in its order; and the same batch gives the same bytes.
func TestChain_Conservation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rows [][]string
		for i := range rapid.IntRange(0, 30).Draw(t, "rows") {
			rows = append(rows, []string{
				fmt.Sprint(i), rapid.SampledFrom([]string{"-", "0", "1", "2", "3", "4", "9", "-5"}).Draw(t, "n"),
				rapid.SampledFrom([]string{"-", "", "7", "x"}).Draw(t, "s"), rapid.SampledFrom([]string{"-", "[]", "[1,2]", `[[3],"x",null]`, `{"a":1}`}).Draw(t, "list"),
			})
		}
		components := rapid.SliceOfN(rapid.Custom(drawComponent), 0, 6).Draw(t, "chain")
		// set 1 makes n a float: then it is cast back.
		var all []job.Component
		for _, c := range components {
			all = append(all, c)
			if m, ok := c.Config.Raw().(map[string]any); ok && c.Name == "set" && m["s"] != nil {
				all = append(all, component("set", map[string]any{"n": "int(floor(n))"}))
			}
		}
		chain, err := NewChain(Builtin(), all, ChainConfig{Schema: property, Key: []string{"id"}, Funcs: someFuncs()})
		if err != nil {
			t.Fatal(err)
		}
		in := batchOf(property, rows...)
		in.Read += 2 // two that extract has rejected
		in.Rejects = []record.Reject{{Index: len(rows), Phase: "extract", Rule: "csv", Message: "m", Snapshot: []byte("{}")}, {Index: len(rows) + 1, Phase: "extract", Rule: "csv", Message: "m", Snapshot: []byte("{}")}}
		out, err := chain.Apply(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		checkBatch(t, in, out, chain.Schema())
		again, err := chain.Apply(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		a, err1 := record.Marshal(out, record.LZ4)
		b, err2 := record.Marshal(again, record.LZ4)
		if err1 != nil || err2 != nil || !bytes.Equal(a, b) {
			t.Fatalf("other bytes for the same batch: %v %v", err1, err2)
		}
		for i := range out.Len() {
			if id, _, _ := out.Column("id"); fmt.Sprint(out.OriginOf(i)) != id.ValueStr(i) {
				t.Fatalf("row %d says it is of original %d, and is of %s", i, out.OriginOf(i), id.ValueStr(i))
			}
		}
	})
}

func TestChain_Mask(t *testing.T) {
	s := schemaOf("id int", "email string", "e string", "name string")
	chain, err := NewChain(Builtin(), []job.Component{
		component("rename", map[string]any{"email": "mail"}),
		component("set", map[string]any{"copy": "upper(mail)"}),
		component("set", map[string]any{"other": "e"}),
		component("set", map[string]any{"name": "lower(copy)"}),
	}, ChainConfig{Schema: s, Key: []string{"id"}, OnFailure: job.OnFailure{Mask: []string{"email"}}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := chain.Mask(), []string{"email", "mail", "copy", "name"}; !slices.Equal(got, want) {
		t.Errorf("mask %v, want %v", got, want)
	}
}
