package fault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/shared/fault"
)

func TestCodeOf(t *testing.T) {
	held := fault.New(fault.Held, "job %s is held", "a")
	for name, c := range map[string]struct {
		err  error
		want fault.Code
	}{
		"nil":             {nil, ""},
		"coded":           {held, fault.Held},
		"wrapped":         {fmt.Errorf("start: %w", held), fault.Held},
		"outermost wins":  {fault.New(fault.Transient, "call: %w", held), fault.Transient},
		"cancelled":       {fmt.Errorf("read: %w", context.Canceled), fault.Aborted},
		"deadline":        {context.DeadlineExceeded, fault.Timeout},
		"problems":        {fault.Problems{{Message: "x"}}.Err(), fault.ConfigInvalid},
		"anything else":   {io.ErrUnexpectedEOF, fault.Internal},
		"hint keeps code": {held.WithHint("wait"), fault.Held},
	} {
		t.Run(name, func(t *testing.T) {
			if got := fault.CodeOf(c.err); got != c.want {
				t.Errorf("CodeOf = %q, want %q", got, c.want)
			}
		})
	}
}

func TestError_Is(t *testing.T) {
	err := fmt.Errorf("acquire: %w", fault.New(fault.Held, "held by %s", "r1").WithHint("wait for it"))
	if !errors.Is(err, fault.Of(fault.Held)) || errors.Is(err, fault.Of(fault.Ignored)) {
		t.Errorf("errors.Is does not tell codes apart: %v", err)
	}
	if got, want := err.Error(), "acquire: held by r1 (wait for it)"; got != want {
		t.Errorf("message = %q, want %q", got, want)
	}
}

func TestCodes_Complete(t *testing.T) {
	seen := map[fault.Code]bool{}
	retryable := 0
	for _, c := range fault.Codes {
		if seen[c] {
			t.Errorf("%s is listed twice", c)
		}
		seen[c] = true
		if c.Retryable() {
			retryable++
		}
	}
	if len(fault.Codes) != 29 || retryable != 4 {
		t.Errorf("%d codes, %d of them retryable; the closed list has 29 and 4", len(fault.Codes), retryable)
	}
}

func TestProblems_Err(t *testing.T) {
	ps := fault.Problems{
		{File: "b.yaml", Line: 1, Path: "id", Code: "missing", Message: "id is missing"},
		{File: "a.yaml", Line: 9, Column: 3, Path: "source", Code: "unknown_key", Message: "unknown key", Hint: "did you mean source?"},
	}
	want := "a.yaml:9:3: source: unknown key [unknown_key]\n    did you mean source?\nb.yaml:1: id: id is missing [missing]"
	if got := ps.Err().Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if (fault.Problems{}).Err() != nil {
		t.Error("no problems must be no error")
	}
}

func TestNearest(t *testing.T) {
	known := []string{"connector", "config", "streams", "on_failure"}
	for in, want := range map[string]string{"conector": "connector", "stream": "streams", "confgi": "config", "zebra": "", "ON_FAILURE": "on_failure"} {
		if got := fault.Nearest(in, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", in, got, want)
		}
	}
	if strings.Contains(fault.Nearest("", known), "c") {
		t.Error("an empty name is near to nothing")
	}
}
