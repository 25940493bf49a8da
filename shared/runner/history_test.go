package runner

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/shared/asl"
)

func TestHistory_KeepsBeginningAndEnd(t *testing.T) {
	h := newHistory(func(line string) string { return strings.ReplaceAll(line, "hunter2", "***") })
	const events = 200000
	for i := range events {
		// The text differs in each event, so that it does not pack to nothing.
		h.event(asl.Event{ID: int64(i + 1), Type: "PassStateEntered", State: fmt.Sprintf("S%x", i*2654435761), Cause: "hunter2"})
	}
	data, err := h.close()
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > maxHistory+maxHistory/10 {
		t.Errorf("the history has %d bytes", len(data))
	}
	got, err := appendHistory(nil, data)
	if err != nil {
		t.Fatal(err)
	}
	cut := len(got) - maxTail - 1
	if cut < 1000 || got[0].ID != 1 || got[len(got)-1].ID != events || got[cut].Type != "HistoryCut" || cut+got[cut].Length+maxTail != events {
		t.Errorf("%d events are kept; at the cut stands %+v", len(got), got[max(cut, 0)])
	}
	if got[0].Cause != "***" {
		t.Errorf("a secret is kept: %s", got[0].Cause)
	}
}

func TestHistory_ReadsNoOther(t *testing.T) {
	if _, err := appendHistory(nil, []byte("no gzip")); err == nil {
		t.Error("what is no history is read")
	}
}
