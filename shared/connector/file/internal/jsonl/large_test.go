package jsonl_test

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/connector/file/internal/jsonl"
	"github.com/lockstep-data/lockstep/shared/connector/file/internal/window"
)

// same gives one text again and again.
type same string

func (s same) Read(p []byte) (int, error) { return copy(p, s), nil }

// TestLargeLine goes past a line of a gigabyte, and an element of a quarter, that stand nowhere as a whole, with the memory that the limit allows.
func TestLargeLine(t *testing.T) {
	const limit = 16 << 20
	long := same(strings.Repeat("x", 1<<16))
	text := func(before string, size int64, behind string) *window.Window {
		return window.New(io.MultiReader(strings.NewReader(before), io.LimitReader(long, size), strings.NewReader(behind)), 0)
	}
	for name, s := range map[string]func() scanner{
		"lines": func() scanner {
			l := jsonl.NewLines(text("{}\n{\"a\":\"", 1<<30, "\"}\n{}\n"), 1)
			l.MaxRecord = limit
			return l
		},
		"elements": func() scanner { return jsonl.NewElements(text("[{}\n,{\"a\":\"", 1<<28, "\"}\n,{}]"), 1, "", limit) },
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := read(s())
		runtime.ReadMemStats(&after)
		for i := range got {
			got[i] = string(bytes.TrimSpace([]byte(got[i])))
		}
		if diff := cmp.Diff([]string{"1:{}", "2!record is longer than 16777216 bytes", "3:{}"}, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 8*limit {
			t.Errorf("%s: allocated %d MB", name, n>>20)
		}
	}
}
