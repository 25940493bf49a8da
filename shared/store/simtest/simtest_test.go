package simtest_test

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lockstep-data/lockstep/shared/store/simtest"
)

func number(t testing.TB, name string, otherwise uint64) uint64 {
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

// each plays the seeds, as many at once as there are processors, until stop says so.
func each(t testing.TB, o simtest.Options, from, to uint64, see func(*simtest.Violation) (stop bool)) {
	t.Helper()
	var next atomic.Uint64
	var stopped atomic.Bool
	var mu sync.Mutex
	next.Store(from)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for seed := next.Add(1) - 1; seed < to && !stopped.Load(); seed = next.Add(1) - 1 {
				v, err := simtest.Play(t.Context(), o, seed)
				if err != nil {
					t.Errorf("seed %d: %v", seed, err)
					stopped.Store(true)
				}
				if v != nil {
					mu.Lock()
					if see(v) {
						stopped.Store(true)
					}
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
}

// TestPlay plays schedules in memory: from SIM_SEED on, SIM_COUNT of them, or 1,000.
func TestPlay(t *testing.T) {
	from := number(t, "SIM_SEED", 1)
	to := from + number(t, "SIM_COUNT", 1000)
	each(t, simtest.InMemory(""), from, to, func(v *simtest.Violation) bool {
		t.Errorf("%v\nplay it again: SIM_SEED=%d SIM_COUNT=1 go test -run '^TestPlay$' ./shared/store/simtest\n%s", v, v.Seed, strings.Join(v.Trace, "\n"))
		return true
	})
	t.Logf("played the seeds %d to %d", from, to-1)
}

// TestRules_Search counts how many of SIM_RULES schedules notice that a rule is left out: the table of docs/protocol.md. SIM_ONLY names a rule,
// SIM_SEED the first seed.
func TestRules_Search(t *testing.T) {
	n := number(t, "SIM_RULES", 5)
	from := number(t, "SIM_SEED", 1)
	for _, r := range simtest.Rules() {
		if !strings.Contains(string(r), os.Getenv("SIM_ONLY")) {
			continue
		}
		count, first := 0, (*simtest.Violation)(nil)
		each(t, simtest.InMemory(r), from, from+n, func(v *simtest.Violation) bool {
			count++
			if first == nil || v.Seed < first.Seed {
				first = v
			}
			return false
		})
		if first == nil {
			first = &simtest.Violation{}
		}
		t.Logf("| %s | %d of %d | %d | %d | %s", r, count, n, first.Seed, first.Invariant, first.Text)
	}
}
