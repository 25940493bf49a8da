package sqlite_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/shared/store/simtest"
	"github.com/lockstep-data/lockstep/shared/store/sqlite"
)

// simulated gives schedules over one state file: each has a job of its own.
func simulated(t *testing.T) simtest.Options {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "state.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Unsafe(t.Context()); err != nil {
		t.Fatal(err)
	}
	return simtest.Options{Open: func(context.Context, func() time.Time) (simtest.Backend, error) { return simtest.Shared(s), nil }}
}

// TestSimulation plays schedules from SIM_SEED on, SIM_COUNT of them, or a few.
func TestSimulation(t *testing.T) {
	from, count := number(t, "SIM_SEED", 1), number(t, "SIM_COUNT", 20)
	o := simulated(t)
	for seed := from; seed < from+count; seed++ {
		v, err := simtest.Play(t.Context(), o, seed)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if v != nil {
			t.Fatalf("%v\nplay it again: SIM_SEED=%d SIM_COUNT=1 go test -run '^TestSimulation$' ./shared/store/sqlite\n%s", v, seed, strings.Join(v.Trace, "\n"))
		}
	}
}

// TestSimulation_Replay plays a schedule that breaks an invariant twice: the same seed tells the same story.
func TestSimulation_Replay(t *testing.T) {
	var traces [2][]string
	for i := range traces {
		o := simulated(t)
		o.Without = simtest.GuardSeq
		for seed := uint64(1); traces[i] == nil; seed++ {
			v, err := simtest.Play(t.Context(), o, seed)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if v != nil {
				traces[i] = append(v.Trace, v.Error())
			}
			if seed > 20 {
				t.Fatal("20 schedules do not notice a guard without seq")
			}
		}
	}
	if !slices.Equal(traces[0], traces[1]) {
		t.Errorf("one seed, two stories:\n%s\n\n%s", strings.Join(traces[0], "\n"), strings.Join(traces[1], "\n"))
	}
}

func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s=%q: %v", name, text, err)
	}
	return n
}
