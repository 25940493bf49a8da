package stage_test

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/shared/stage"
	"github.com/lockstep-data/lockstep/shared/store"
)

// payloads are the structs that travel between states.
var payloads = []any{
	stage.Call{}, stage.Item{}, stage.AcquireCall{}, stage.AcquireResult{}, stage.CallFields{}, stage.PlanResult{}, stage.PlanItem{},
	stage.ExtractResult{}, stage.BatchResult{}, stage.LoadResult{}, stage.Sums{}, stage.FinishResult{},
}

// TestPayload_NoFieldOmitted: each exported field has a JSON name of its own, in lower case, and is written when it is empty.
func TestPayload_NoFieldOmitted(t *testing.T) {
	for _, p := range payloads {
		typ := reflect.TypeOf(p)
		t.Run(typ.Name(), func(t *testing.T) {
			data, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]json.RawMessage
			if err := json.Unmarshal(data, &got); err != nil {
				t.Fatal(err)
			}
			for i := range typ.NumField() {
				f := typ.Field(i)
				name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
				if name == "" || name == "-" || name != strings.ToLower(name) || options != "" {
					t.Errorf("%s has the tag %q", f.Name, f.Tag.Get("json"))
				}
				if _, ok := got[name]; !ok {
					t.Errorf("%s is left out when it is empty", f.Name)
				}
				delete(got, name)
			}
			if len(got) > 0 {
				t.Errorf("beyond the fields: %v", got)
			}
		})
	}
}

// TestPayload_Complete: the list above misses no struct that a payload holds.
func TestPayload_Complete(t *testing.T) {
	known := map[reflect.Type]bool{}
	for _, p := range payloads {
		known[reflect.TypeOf(p)] = true
	}
	for _, p := range payloads {
		typ := reflect.TypeOf(p)
		for i := range typ.NumField() {
			f := typ.Field(i).Type
			if f.Kind() == reflect.Slice {
				f = f.Elem()
			}
			if f.Kind() == reflect.Struct && f != reflect.TypeFor[time.Time]() && !known[f] {
				t.Errorf("%s.%s is not in the list", typ.Name(), typ.Field(i).Name)
			}
		}
	}
}

// TestInput_Short: a run's input is written by people, so only the job must be in it.
func TestInput_Short(t *testing.T) {
	data, err := json.Marshal(stage.Input{Job: "runways"})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(data); got != `{"job":"runways"}` {
		t.Errorf("got %s", got)
	}
	var in stage.Input
	if err := json.Unmarshal([]byte(`{"job":"a","run":"r","trigger":"cli","full":true,"streams":["s"],"parameters":{"day":"2026-08-22"}}`), &in); err != nil {
		t.Fatal(err)
	}
	if in.Run != "r" || !in.Full || len(in.Streams) != 1 || in.Parameters["day"] != "2026-08-22" {
		t.Errorf("got %+v", in)
	}
}

// full is an item whose texts have the given lengths in bytes, and whose numbers are the longest.
func full(part, position, batch int) stage.Item {
	const most = math.MaxInt64
	text := func(n int) string { return strings.Repeat("x", n) }
	return stage.Item{
		Stream: text(part), Partition: text(part), Position: text(position), Start: text(position), End: text(position), Batch: text(batch),
		Seq: most, Budget: math.MaxInt32, Turns: math.MaxInt32, Read: most, Loaded: most, Filtered: most, Failed: most, More: false, Next: stage.NextTransform,
	}
}

func size(t *testing.T, v any) int {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return len(data)
}

// TestItem_Size: what travels for a partition stays under 2 KB with names and positions as long as people and sources make them,
// and under 3 KB with the longest that the store takes: three positions of 512 bytes, names of 200.
func TestItem_Size(t *testing.T) {
	if n := size(t, full(64, 256, 350)); n > 2048 {
		t.Errorf("an item with long texts has %d bytes", n)
	}
	if n := size(t, full(store.MaxKeyPart, store.MaxPosition, 4*store.MaxKeyPart)); n > 3*1024 {
		t.Errorf("an item with the longest texts has %d bytes", n)
	}
}

// FuzzPayload reads any bytes as each payload: one that is taken comes out the same when it was written and read again, and a machine
// can write it.
func FuzzPayload(f *testing.F) {
	for i, p := range payloads {
		data, err := json.Marshal(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, uint8(i))
	}
	for _, s := range []string{"", "null", "[]", "{}", `{"run":1}`, `{"seq":1e400}`, `{"seq":-9223372036854775808}`, `{"entered":"0000-01-01T00:00:00Z"}`, `{"entered":"2026-08-22T17:03:59.123456789+23:59"}`,
		`{"job":"a","parameters":{"a":{"b":[null,1.5]}},"streams":null}`, `{"item":{"position":"\ud800"}}`, `{"JOB":"a","job":"b"}`} {
		for i := range len(payloads) + 1 {
			f.Add([]byte(s), uint8(i))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, kind uint8) {
		typ := reflect.TypeFor[stage.Input]()
		if i := int(kind) % (len(payloads) + 1); i < len(payloads) {
			typ = reflect.TypeOf(payloads[i])
		}
		one, two := reflect.New(typ), reflect.New(typ)
		if json.Unmarshal(data, one.Interface()) != nil {
			return
		}
		text, err := json.Marshal(one.Interface())
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		if err := json.Unmarshal(text, two.Interface()); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if again, err := json.Marshal(two.Interface()); err != nil || string(again) != string(text) {
			t.Fatalf("%s comes out as %s, %v", text, again, err)
		}
	})
}
