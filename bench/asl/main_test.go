package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// The works end as they are meant to, with the output that the reference gives too.
func TestExecute(t *testing.T) {
	for _, c := range []struct {
		work work
		want string
	}{
		{loopWork(100), `{"n":100,"end":100}`},
		{mapWork(3), `[{"sum":0},{"sum":2},{"sum":4}]`},
	} {
		_, output, err := execute(t.Context(), c.work)
		if err != nil {
			t.Fatal(err)
		}
		if err := same(output, json.RawMessage(c.want)); err != nil {
			t.Errorf("%s: %v", c.work.Name, err)
		}
	}
}

func TestRun_Skips(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var out strings.Builder
	if err := run(t.Context(), &out, options{dir: t.TempDir(), turns: 10, items: 10, rounds: 1}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"loop", "map", "reference skipped: node is not installed", "map of     10 items"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, out.String())
		}
	}
}

func TestSame(t *testing.T) {
	if err := same(json.RawMessage(`{"a":1,"b":[2]}`), json.RawMessage(`{"b":[2.0],"a":1}`)); err != nil {
		t.Error(err)
	}
	if err := same(json.RawMessage(`1`), json.RawMessage(`2`)); err == nil {
		t.Error("1 and 2 are the same")
	}
}
