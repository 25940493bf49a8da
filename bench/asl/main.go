// Command asl measures the interpreter of state machines beside the npm package aws-local-stepfunctions on the same definitions in one run: a
// loop of a Pass and a Choice over 100,000 transitions, and a Map of 10,000 items, 40 at once. It prints transitions a second, the ratio, and the
// memory that the Map needs. It is run from the repository's root by make bench-asl, and by make bench; without node and npm it measures ours alone and says so.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/lockstep-data/lockstep/shared/asl"
)

//go:embed definition/loop.asl.json
var loopDefinition []byte

//go:embed definition/map.asl.json
var mapDefinition []byte

// work is a definition with an input.
type work struct {
	Name        string          `json:"name"`
	Definition  json.RawMessage `json:"definition"`
	Input       json.RawMessage `json:"input"`
	transitions int
}

// options are the flags.
type options struct {
	dir    string // for the package and the works
	turns  int
	items  int
	rounds int
}

func main() {
	var o options
	flag.StringVar(&o.dir, "dir", filepath.Join("out", "bench", "asl"), "folder for the package and the works")
	flag.IntVar(&o.turns, "turns", 50_000, "turns of the loop; each is two transitions")
	flag.IntVar(&o.items, "items", 10_000, "items of the Map")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds of ours; the median counts")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, o options) error {
	works := []work{loopWork(o.turns), mapWork(o.items)}
	theirs, skipped, err := reference(ctx, o.dir, works)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%-6s %12s %12s %16s %10s\n", "work", "transitions", "ours/s", "reference/s", "ratio")
	for _, w := range works {
		took, output, err := median(ctx, w, o.rounds)
		if err != nil {
			return err
		}
		ours := float64(w.transitions) / took.Seconds()
		t, measured := theirs[w.Name]
		if !measured {
			fmt.Fprintf(out, "%-6s %12d %12.0f %16s %10s\n", w.Name, w.transitions, ours, "-", "-")
			continue
		}
		if err := same(output, t.Output); err != nil {
			return fmt.Errorf("%s: the outputs differ: %w", w.Name, err)
		}
		their := float64(w.transitions) / (t.Milliseconds / 1e3)
		fmt.Fprintf(out, "%-6s %12d %12.0f %16.0f %9.1fx\n", w.Name, w.transitions, ours, their, ours/their)
	}
	if skipped != "" {
		fmt.Fprintf(out, "reference skipped: %s\n", skipped)
	}
	return memory(ctx, out, o.items)
}

func loopWork(turns int) work {
	return work{
		Name: "loop", Definition: loopDefinition, Input: json.RawMessage(fmt.Sprintf(`{"n":0,"end":%d}`, turns)), transitions: 2*turns + 1,
	}
}

func mapWork(items int) work {
	list := make([]int, items)
	for i := range list {
		list[i] = i
	}
	text, err := json.Marshal(map[string]any{"items": list})
	if err != nil {
		text = nil // a list of numbers is always JSON
	}
	return work{Name: "map", Definition: mapDefinition, Input: text, transitions: items + 1}
}

// execute runs a work once with our interpreter. The history has no limit, or neither work would end as the service's quota says.
func execute(ctx context.Context, w work) (time.Duration, json.RawMessage, error) {
	m, err := asl.Load(w.Definition)
	if err != nil {
		return 0, nil, fmt.Errorf("load %s: %w", w.Name, err)
	}
	in := &asl.Interpreter{Machines: map[string]*asl.Machine{"m": m}, MaxEvents: -1}
	began := time.Now()
	r := in.Run(ctx, asl.Execution{ID: "x", Name: "x", StateMachine: asl.StateMachine{ID: "m", Name: "m"}, Input: w.Input})
	took := time.Since(began)
	if r.Status != asl.StatusSucceeded {
		return 0, nil, fmt.Errorf("%s ended %s: %s %s", w.Name, r.Status, r.Error, r.Cause)
	}
	return took, r.Output, nil
}

func median(ctx context.Context, w work, rounds int) (time.Duration, json.RawMessage, error) {
	var times []time.Duration
	var output json.RawMessage
	for range max(rounds, 1) {
		took, out, err := execute(ctx, w)
		if err != nil {
			return 0, nil, err
		}
		times, output = append(times, took), out
	}
	slices.Sort(times)
	return times[len(times)/2], output, nil
}

// memory prints the heap that a Map takes above its input and output, at a tenth of the items and at all: with MaxConcurrency set it is not to
// grow with them.
func memory(ctx context.Context, out io.Writer, items int) error {
	for _, n := range []int{max(items/10, 1), items} {
		w := mapWork(n)
		peak, err := peakOf(func() error { _, _, err := execute(ctx, w); return err })
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "map of %6d items: peak heap %5.1f MiB, %5d bytes an item\n", n, float64(peak)/(1<<20), peak/uint64(n))
	}
	return nil
}

// peakOf gives the most heap in use while f runs, above what was before.
func peakOf(f func() error) (uint64, error) {
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var peak atomic.Uint64
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				runtime.ReadMemStats(&now)
				if now.HeapAlloc > before.HeapAlloc {
					peak.Store(max(peak.Load(), now.HeapAlloc-before.HeapAlloc))
				}
			}
		}
	}()
	err := f()
	close(done)
	<-stopped
	return peak.Load(), err
}

// same compares two JSON texts as values.
func same(a, b json.RawMessage) error {
	var x, y any
	if err := errors.Join(json.Unmarshal(a, &x), json.Unmarshal(b, &y)); err != nil {
		return err
	}
	s, errX := json.Marshal(x)
	t, errY := json.Marshal(y)
	if err := errors.Join(errX, errY); err != nil {
		return err
	}
	if string(s) != string(t) {
		return fmt.Errorf("ours is %.80s, the reference's %.80s", s, t)
	}
	return nil
}
