package transform

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

// testFuncs are functions that tests call by name.
func testFuncs() Funcs {
	return Funcs{
		"upper": PerRecord(func(r Record) (Record, error) {
			if r.IsNull("s") {
				return Record{}, nil
			}
			if r.Text("s") == "bad" {
				return r, errors.New("bad text")
			}
			if r.Text("s") == "panic" {
				panic("oh")
			}
			r.Set("s", strings.ToUpper(r.Text("s")))
			r.Set("n", r.Int("n")+1)
			return r, nil
		}),
		"twice": {Process: func(_ context.Context, in []Record) ([]Answer, error) {
			var out []Answer
			for _, r := range in {
				c := r.Clone()
				c.Set("n", 100)
				out = append(out, Split(r, c))
			}
			return out, nil
		}},
		"typed": {
			Schema: func(s record.Schema) (record.Schema, error) {
				if s.Index("n") < 0 {
					return s, errors.New("it needs n")
				}
				return schemaOf("id int", "n decimal(5,2)", "when timestamptz", "ratio float"), nil
			},
			Process: PerRecord(func(r Record) (Record, error) {
				r.Set("when", time.Date(2026, 8, 22, 1, 2, 3, 0, time.UTC))
				r.Set("ratio", float32(0.5))
				if r.Int("id") == 2 {
					r.Set("n", "2.345")
				}
				return r, nil
			}).Process,
		},
		"wrong": PerRecord(func(r Record) (Record, error) {
			if r.Int("id") == 1 {
				r.Set("nn", 1)
			} else {
				r.Set("n", "x")
			}
			return r, nil
		}),
	}
}

var funcCases = []chainCase{
	{
		name: "per record", config: "upper", funcs: testFuncs(), schema: schemaOf("id int", "s string", "n int"), key: []string{"id"},
		rows: [][]string{{"1", "a", "1"}, {"2", "-", "1"}, {"3", "bad", "1"}, {"4", "panic", "1"}, {"5", "e", "-"}},
		want: `id int, s string, n int
			0 {"id":1,"s":"A","n":2}
			4 {"id":5,"s":"E","n":1}
			2! func:upper: bad text
			3! func:upper: panic: oh`,
	},
	{
		name: "splits", config: "twice", funcs: testFuncs(), schema: schemaOf("id int", "n int"), rows: [][]string{{"1", "1"}, {"2", "-"}},
		want: `id int, n int
			0 {"id":1,"n":1}
			0 {"id":1,"n":100}
			1 {"id":2,"n":null}
			1 {"id":2,"n":100}`,
	},
	{
		name: "other columns, by the function", config: "typed", funcs: testFuncs(), schema: schemaOf("id int", "n int", "x string"), rows: [][]string{{"1", "7", "x"}, {"2", "8", "y"}, {"3", "9999", "z"}},
		want: `id int, n decimal(5,2), when timestamptz, ratio float
			0 {"id":1,"n":7.00,"when":"2026-08-22T01:02:03Z","ratio":0.5}
			1! func:typed: n: "2.345" does not fit decimal(5,2)
			2! func:typed: n: "9999" does not fit decimal(5,2)`,
	},
	{
		name: "other columns, by the configuration", config: map[string]any{"name": "upper", "columns": map[string]any{"new": "bool", "n": "string"}, "drop": []any{"x"}}, funcs: testFuncs(),
		schema: schemaOf("x int", "s string", "n int"), rows: [][]string{{"1", "a", "1"}},
		want: `s string, n string, new bool
			0! func:upper: n: a value of type int64 is not of type string`,
	},
	{
		name: "wrong use", config: "wrong", funcs: testFuncs(), schema: schemaOf("id int", "n int"), rows: [][]string{{"1", "1"}, {"2", "1"}},
		want: `id int, n int
			0! func:wrong: column "nn" is not among the columns that the function declares
			1! func:wrong: n: "x" is not a whole number`,
	},
	{
		name: "not registered", config: "uper", funcs: testFuncs(), schema: schemaOf("id int"),
		problems: `transforms[0].func: no function "uper" is registered in this command [unknown_function]`,
	},
	{
		name: "refuses the columns", config: "typed", funcs: testFuncs(), schema: schemaOf("id int"),
		problems: `transforms[0].func: the function does not take these columns: it needs n [refused]`,
	},
	{
		name: "mistakes", config: map[string]any{"name": "upper", "columns": map[string]any{"new": "text"}, "drop": []any{"id", "y"}}, funcs: testFuncs(), schema: schemaOf("id int"), key: []string{"id"},
		problems: `transforms[0].func: "id" is part of the key and must stay [key_column]
transforms[0].func.columns.new: "text" is not a column type [bad_type]
transforms[0].func.drop[0]: "id" is part of the key and cannot be dropped [key_column]
transforms[0].func.drop[1]: there is no column "y" here [unknown_column]`,
	},
}

func TestFunc(t *testing.T) {
	for _, c := range funcCases {
		c.run(t, "func")
	}
}

// script answers so many records a call; it counts the calls and the records of each.
func script(answers ...int) (Func, *[]int) {
	var calls []int
	return Func{Process: func(_ context.Context, in []Record) ([]Answer, error) {
		n := answers[min(len(calls), len(answers)-1)]
		calls = append(calls, len(in))
		out := []Answer{}
		for i := range n {
			out = append(out, Replace(in[i%len(in)]))
		}
		return out, nil
	}}, &calls
}

func TestFunc_Rounds(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers []int
		calls   []int
		code    fault.Code
	}{
		{"all at once", []int{4}, []int{4}, ""},
		{"the rest again", []int{1, 0, 2, 1}, []int{4, 3, 3, 1}, ""},
		{"never", []int{0}, []int{4, 4, 4, 4}, fault.RetryNotConverging},
		{"stalls are counted in a row", []int{1, 0, 0, 1, 0, 0, 2}, []int{4, 3, 3, 3, 2, 2, 2}, ""},
		{"three stalls behind an answer", []int{3, 0}, []int{4, 1, 1, 1}, fault.RetryNotConverging},
		{"too many", []int{5}, []int{4}, fault.Internal},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, calls := script(c.answers...)
			out, err := applyFunc(t, f, job.OnFailure{}, 4)
			if fault.CodeOf(err) != c.code {
				t.Fatalf("got %v, want code %q", err, c.code)
			}
			if diff := cmp.Diff(*calls, c.calls); diff != "" {
				t.Error(diff)
			}
			if err == nil && out.Len() != 4 {
				t.Errorf("got %d rows", out.Len())
			}
		})
	}
	f, calls := script(1)
	if _, err := applyFunc(t, f, job.OnFailure{}, 10_002); !fault.Has(err, fault.RetryNotConverging) || len(*calls) != 10_001 {
		t.Errorf("got %v after %d calls", err, len(*calls))
	}
}

// applyFunc runs a function over n records of one int column.
func applyFunc(t *testing.T, f Func, o job.OnFailure, n int) (record.Batch, error) {
	t.Helper()
	s := schemaOf("id int")
	chain, err := NewChain(Builtin(), []job.Component{component("func", "f")}, ChainConfig{
		Schema: s, Key: []string{"id"}, Funcs: Funcs{"f": f}, OnFailure: o,
		Sleep: func(context.Context, time.Duration) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for i := range n {
		rows = append(rows, []string{fmt.Sprint(i)})
	}
	return chain.Apply(t.Context(), batchOf(s, rows...))
}

func TestFunc_Faults(t *testing.T) {
	var kept Record
	for _, c := range []struct {
		name    string
		process func(context.Context, []Record) ([]Answer, error)
		code    fault.Code
		message string
	}{
		{"error of the batch", func(context.Context, []Record) ([]Answer, error) {
			return nil, fault.New(fault.Transient, "service is down")
		}, fault.Transient, "transform func: func:f: service is down"},
		{"empty answer", func(context.Context, []Record) ([]Answer, error) { return make([]Answer, 1), nil },
			fault.Internal, "func:f: an empty answer (answer Replace, Filter, Refuse or Split)"},
		{"no record", func(context.Context, []Record) ([]Answer, error) { return []Answer{Replace(Record{})}, nil },
			fault.Internal, "func:f: an answer has a record that was not handed over in this call"},
		{"record of another batch", func(_ context.Context, in []Record) ([]Answer, error) {
			if kept.r == nil {
				kept = in[0]
			}
			return []Answer{Replace(kept), Replace(kept)}, nil
		}, "", ""},
		{"record of another batch, again", func(context.Context, []Record) ([]Answer, error) { return []Answer{Replace(kept)}, nil },
			fault.Internal, "func:f: an answer has a record that was not handed over in this call"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := applyFunc(t, Func{Process: c.process}, job.OnFailure{}, 2)
			if fault.CodeOf(err) != c.code || (err != nil && !strings.Contains(err.Error(), c.message)) {
				t.Errorf("got %s: %v", fault.CodeOf(err), err)
			}
		})
	}
}

func TestFunc_PanicOfABatch(t *testing.T) {
	f := Func{Process: func(_ context.Context, in []Record) ([]Answer, error) {
		var out []Answer
		for _, r := range in {
			if r.Int("id")%4 == 1 {
				panic(fmt.Sprint("no ", r.Int("id")))
			}
			out = append(out, Replace(r))
		}
		return out, nil
	}}
	out, err := applyFunc(t, f, job.OnFailure{}, 8)
	if err != nil {
		t.Fatal(err)
	}
	if out.Len() != 6 || len(out.Rejects) != 2 || out.Rejects[1].Message != "panic: no 5" || out.Rejects[1].Code != "Internal" {
		t.Errorf("got %s", show(out))
	}
}

func TestFunc_Retry(t *testing.T) {
	seen := map[int64]int{}
	var waits []time.Duration
	f := PerRecord(func(r Record) (Record, error) {
		id := r.Int("id")
		if seen[id]++; seen[id] <= int(id) {
			return r, fault.New(fault.RateLimited, "not yet")
		}
		return r, nil
	})
	s := schemaOf("id int")
	chain, err := NewChain(Builtin(), []job.Component{component("func", "f")}, ChainConfig{
		Schema: s, Funcs: Funcs{"f": f}, OnFailure: job.OnFailure{Action: job.Retry, MaxRetries: 2, DelayMS: 100},
		Sleep: func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := chain.Apply(t.Context(), batchOf(s, []string{"3"}, []string{"0"}, []string{"2"}, []string{"9"}))
	if err != nil {
		t.Fatal(err)
	}
	want := "1 {\"id\":0}\n2 {\"id\":2}\n0! func:f: not yet\n3! func:f: not yet"
	if got := show(out); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if r := out.Rejects[0]; r.Tries != 3 || r.Code != "RateLimited" {
		t.Errorf("got %+v", r)
	}
	if diff := cmp.Diff(seen, map[int64]int{3: 3, 0: 1, 2: 3, 9: 3}); diff != "" {
		t.Error(diff)
	}
	if len(waits) != 2 || waits[0] < 50*time.Millisecond || waits[0] > 100*time.Millisecond || waits[1] < 100*time.Millisecond || waits[1] > 200*time.Millisecond {
		t.Errorf("waited %v", waits)
	}
}

func FuzzFunc(f *testing.F) {
	f.Add("upper", "x", "int", "a")
	f.Add("twice", "name", "json", "")
	f.Fuzz(func(t *testing.T, name, column, typ, cell string) {
		fuzzChain(t, component("func", map[string]any{"name": name, "columns": map[string]any{column: typ}}), testFuncs(), cell)
	})
}

func BenchmarkFunc(b *testing.B) {
	upper := PerRecord(func(r Record) (Record, error) {
		r.Set("name", strings.ToUpper(r.Text("name")))
		return r, nil
	})
	benchChain(b, component("func", "upper"), Funcs{"upper": upper})
}
