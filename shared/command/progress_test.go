package command

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/asl"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store"
)

// clock is a time that a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func batch(read, input int64) step.Progress {
	return step.Progress{Stream: "s", Partition: "p", Counters: store.Counters{Read: read, Loaded: read, Batches: 1}, InputBytes: input}
}

func TestProgress_Lines(t *testing.T) {
	var out strings.Builder
	c := &clock{began}
	g := &progress{w: &out, now: c.now, job: "runways", plan: func(run string) int64 {
		if run != "r1" {
			t.Errorf("plan asked for run %q", run)
		}
		return 1000
	}}
	g.start()
	g.event(asl.Event{Type: "ExecutionStarted", Execution: "local:sync:r1"})
	g.event(asl.Event{Type: "TaskStateEntered", State: "Extract", Execution: "local:sync:r1"})
	c.at = c.at.Add(time.Second)
	g.batch(batch(1000, 250))
	c.at = c.at.Add(5 * time.Second)
	g.batch(batch(2000, 500))
	g.event(asl.Event{Type: "SucceedStateExited", State: "PartitionDone", Output: []byte(`{"stream":"s","partition":"p","turns":2,"read":3000,"failed":0}`)})
	g.event(asl.Event{Type: "SucceedStateExited", State: "PartitionFailed",
		Output: []byte(`{"stream":"s","partition":"q","turns":1,"read":1,"failed":1,"error":"Lockstep.DataInvalid"}`)})
	g.stop()
	want := `runways: 3,000 records, 500/s, 2 batches, 0 failed, 6.0 s, 50 % of the input
runways: s/p ended: 3,000 records in 2 batches, 0 failed
runways: s/q failed with DataInvalid: 1 record in 1 batch, 1 failed
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

func TestProgress_Drawn(t *testing.T) {
	var out strings.Builder
	c := &clock{began}
	g := &progress{w: &out, now: c.now, job: "runways", width: 60, doing: "load", input: map[string]int64{"s\x00p": 300}, planned: 1000, began: began}
	c.at = c.at.Add(2 * time.Second)
	g.counters = store.Counters{Read: 3000, Batches: 2}
	g.draw()
	want := "runways load [######--------------]\n  3,000 records  1,500/s  2 batches  0 failed  2.0 s  30 %…"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	out.Reset()
	if _, err := g.Write([]byte("a line of the log\n")); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "\r\x1b[2K\x1b[1A\x1b[2Ka line of the log\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestProgress_Quiet(t *testing.T) {
	var out strings.Builder
	c := &clock{began}
	g := &progress{w: &out, now: c.now, job: "runways", quiet: true}
	g.start()
	c.at = c.at.Add(time.Minute)
	g.batch(batch(10, 0))
	g.stop()
	if out.String() != "" || g.counters.Read != 10 {
		t.Errorf("printed %q, counted %d", out.String(), g.counters.Read)
	}
}
