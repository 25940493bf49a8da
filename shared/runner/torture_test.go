package runner_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/runner"
	"github.com/lockstep-data/lockstep/shared/store"
)

// What the environment says to the torture: TORTURE=all ends a run at every crossing, TORTURE=ci at every one for tables and at every
// 7th for the others, TORTURE=seventh at every 7th, TORTURE="<case>/<crossing>" at one, or at those whose names contain the text; else at a
// sample.
// TORTURE_SEED is the seed of the second kill and of the moments inside calls, and says where sample and 7th begin; else it is the day.
const (
	envTorture      = "TORTURE"
	envTortureSeed  = "TORTURE_SEED"
	envTortureChild = "LOCKSTEP_TORTURE_CHILD"
	tortureSample   = 3               // crossings of each case in a sample
	tortureWorkers  = 6               // crossings at a time; a run mostly waits
	childTime       = 5 * time.Minute // of one process, which takes a fraction of a second on a machine that is not busy
)

// TestTorture kills a run at a crossing of a point, the run behind it at random, and goes on until a run ends: what comes out is what
// comes out of a run that nobody kills (invariants 1 to 7). It is also the process that is killed.
func TestTorture(t *testing.T) {
	if os.Getenv(envTortureChild) != "" {
		tortureChild(t)
		return
	}
	seed := uint64(time.Now().UTC().Unix() / (24 * 60 * 60))
	if s := os.Getenv(envTortureSeed); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	which, one, replay := strings.Cut(os.Getenv(envTorture), "/")
	for _, c := range tortureCases {
		if replay && which != c.name {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			r := newRack(t, c, seed)
			switch {
			case replay:
				r.all(r.find(one))
			case which == "all", which == "ci" && c.every:
				r.quick = which == "ci"
				r.all(r.seen)
			case which == "ci", which == "seventh":
				r.all(r.each(7))
			case which == "":
				r.all(r.each(max(len(r.seen)/tortureSample, 1)))
			default:
				t.Fatalf("%s=%q is not known", envTorture, which)
			}
		})
	}
}

// rack is one case: the project before the run that is killed, and what a run that nobody kills makes of it.
type rack struct {
	*testing.T
	tortured
	seed  uint64
	quick bool   // the second run to the end is left out behind two of three crossings
	start string // folder of the project before the run
	past  map[string]bool
	seen  []crossing // by a run that nobody kills
	want  outcome
	noted sync.Map // crossings that were not met
}

func newRack(t *testing.T, c tortured, seed uint64) *rack {
	t.Helper()
	l := newLab(t, c.yaml)
	r := &rack{T: t, tortured: c, seed: seed, start: l.dir, past: map[string]bool{}}
	if !c.fresh {
		c.input(l, 1)
		first := l.run(runner.Request{})
		if first.Run.Counters.Read == 0 || first.Run.Status != store.RunPartial {
			t.Fatalf("the run before: %s %+v %s", first.Run.Status, first.Run.Counters, first.Run.ErrorText)
		}
		r.past[first.Run.ID] = true
	}
	c.input(l, 2)
	dir := r.copy()
	end, err := r.child(killOrder{Dir: dir, Survey: true})
	if err != nil || end.Status != "partial" {
		t.Fatalf("the run that nobody kills: %v, %+v", err, end)
	}
	r.seen = end.Seen
	if end.Blind != "" {
		t.Logf("no points around fsync: %s", end.Blind)
	} else if len(r.find("before fsync of state.db-wal")) < 10 {
		t.Fatal("no points around fsync were crossed")
	}
	again, want, err := r.goOn(dir, 0)
	if err != nil || again.Counters.Read != 0 {
		t.Fatalf("the run behind it: %v %+v", err, again.Counters)
	}
	r.want = want
	if c := r.want.Counters; c.Read != c.Loaded+c.Filtered+c.Failed || c.Loaded == 0 || c.Filtered == 0 || c.Failed == 0 || len(r.want.Failures) != int(c.Failed) {
		t.Fatalf("counters of the run that nobody kills: %+v, %d failures", c, len(r.want.Failures))
	}
	return r
}

// each chooses every n-th crossing; the seed says where it begins.
func (r *rack) each(n int) []crossing {
	var out []crossing
	for i := int(r.seed * 2654435761 % uint64(n)); i < len(r.seen); i += n {
		out = append(out, r.seen[i])
	}
	return out
}

// find gives the crossing of a name, else those whose names contain it.
func (r *rack) find(name string) []crossing {
	var out []crossing
	for _, c := range r.seen {
		if c.Name == name {
			return []crossing{c}
		}
		if strings.Contains(c.Name, name) {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		out = []crossing{{Name: name, Took: time.Millisecond}}
	}
	return out
}

// all goes through the crossings, some at a time.
func (r *rack) all(chosen []crossing) {
	todo := make(chan int)
	var wg sync.WaitGroup
	for range tortureWorkers {
		wg.Go(func() {
			for i := range todo {
				if err := r.one(chosen[i]); err != nil {
					r.Errorf("%s, crossing %d of %d: %s, seed %d: %v\nreplay: TORTURE=%q TORTURE_SEED=%d go test ./shared/runner -run '^TestTorture$'",
						r.name, i+1, len(chosen), chosen[i].Name, r.seed, err, r.name+"/"+chosen[i].Name, r.seed)
				}
			}
		})
	}
	for i := range chosen {
		todo <- i
	}
	close(todo)
	wg.Wait()
	missed := 0
	r.noted.Range(func(any, any) bool { missed++; return true })
	r.Logf("%s: %d of %d crossings, %d were not met; seed %d", r.name, len(chosen), len(r.seen), missed, r.seed)
	if missed > len(chosen)/5+2 {
		r.Errorf("%s: %d of %d crossings were not met", r.name, missed, len(chosen))
	}
}

// one kills a run at the crossing, the next one at random, and looks at what the next two make of it.
func (r *rack) one(at crossing) error {
	dir := r.copy()
	defer func() { _ = os.RemoveAll(dir) }()
	random := r.random(at.Name)
	first, err := r.child(killOrder{Dir: dir, At: at.Name, Delay: time.Duration(random.Int64N(int64(at.Took) + 1))})
	if err != nil {
		return err
	}
	if first.At == "" {
		r.noted.Store(at.Name, true) // it goes by the order in which partitions come
	}
	u := random.Float64()
	second, err := r.child(killOrder{Dir: dir, Nth: 1 + int(u*u*float64(len(r.seen)))})
	if err != nil {
		return err
	}
	story := fmt.Sprintf("killed at %q, then at %q", first.At, second.At)
	for _, end := range []killed{first, second} {
		if end.At == "" && end.Status != "partial" && end.Status != "succeeded" {
			return fmt.Errorf("%s: a run that nobody killed: %s %s", story, end.Status, end.Err)
		}
	}
	return r.after(dir, story, r.quick && random.IntN(3) > 0)
}

// after runs twice to the end and compares. The second run comes so much later that it sweeps what never began.
func (r *rack) after(dir, story string, once bool) error {
	for n, what := range []string{"(-without a kill, +now)", "a further run changes (-before, +now)"} {
		end, got, err := r.goOn(dir, time.Duration(n)*3*time.Minute)
		if err != nil {
			return fmt.Errorf("%s: run %d to the end: %w", story, n+1, err)
		}
		if n == 1 && got.Never > 0 {
			return fmt.Errorf("%s: %d runs are pending for ever", story, got.Never)
		}
		got.Never = 0
		if d := gocmp.Diff(r.want, got); d != "" {
			return fmt.Errorf("%s: %s\n%s", story, what, d)
		}
		if n == 1 && end.Counters.Read != 0 {
			return fmt.Errorf("%s: a further run reads %d", story, end.Counters.Read)
		}
		if once {
			return nil
		}
	}
	return nil
}

// goOn runs the job in a session of its own, to the end, and looks at the outcome. Its clock is so much later.
func (r *rack) goOn(dir string, later time.Duration) (store.Run, outcome, error) {
	ctx := r.Context()
	p := projectIn(dir)
	p.now = func() time.Time { return time.Now().Add(later) }
	s, err := openOnce(ctx, p)
	if err != nil {
		return store.Run{}, outcome{}, err
	}
	defer s.close()
	end, err := s.Run(ctx, runner.Request{Job: "things"})
	if err != nil {
		return end.Run, outcome{}, err
	}
	if end.Run.Status != store.RunPartial && end.Run.Status != store.RunSucceeded {
		return end.Run, outcome{}, fmt.Errorf("it is %s: %s %s", end.Run.Status, end.Run.ErrorCode, end.Run.ErrorText)
	}
	got, err := r.outcome(ctx, s, "")
	return end.Run, got, err
}

// random is the randomness of one crossing.
func (r *rack) random(name string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(r.name + "/" + name))
	return rand.New(rand.NewPCG(r.seed, h.Sum64()))
}

var copies sync.Mutex

// copy makes a copy of the project as it was before the run.
func (r *rack) copy() string {
	copies.Lock()
	defer copies.Unlock()
	dir, err := os.MkdirTemp(r.TempDir(), "run")
	if err == nil {
		err = os.CopyFS(filepath.Join(dir, "p"), os.DirFS(r.start))
	}
	if err != nil {
		r.Error(err)
	}
	return filepath.Join(dir, "p")
}

// child runs a process to its end, whichever it is.
func (r *rack) child(o killOrder) (killed, error) {
	exe, err := os.Executable()
	if err != nil {
		return killed{}, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), childTime)
	defer cancel()
	in, err := json.Marshal(o)
	if err != nil {
		return killed{}, err
	}
	cmd := exec.CommandContext(ctx, exe, "-test.run=^TestTorture$")
	cmd.Env = append(os.Environ(), envTortureChild+"=1", "GOGC=off")
	cmd.Stdin = strings.NewReader(string(in))
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return killed{}, fmt.Errorf("a process did not end within %s", childTime)
	}
	var end killed
	if e := json.NewDecoder(strings.NewReader(string(out))).Decode(&end); e != nil {
		return end, fmt.Errorf("a process ends with %w and says %q", cmp.Or(err, e), out)
	}
	return end, nil
}

// sorted gives lines in order.
func sorted(lines []string) []string {
	slices.Sort(lines)
	return lines
}
