package runner_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/lockstep-data/lockstep/shared/runner"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store"
)

// TestMain is also the main of the processes that tests start: LOCKSTEP_TEST_CHILD names the project's folder.
func TestMain(m *testing.M) {
	if dir := os.Getenv("LOCKSTEP_TEST_CHILD"); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// said is what a child prints, one JSON object a line: a batch that is committed, or the end of a run.
type said struct {
	Seq    int64
	Run    string
	Status string
	Holder string
	Was    string
	Err    string
}

// child runs the project's job once for each line that it reads.
func child(dir string) error {
	p := projectIn(dir)
	out := json.NewEncoder(os.Stdout)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var q runner.Request
		if err := json.Unmarshal(in.Bytes(), &q); err != nil {
			return err
		}
		if err := out.Encode(once(p, q, func(seq int64) { _ = out.Encode(said{Seq: seq}) })); err != nil {
			return err
		}
	}
	return nil
}

func once(p *project, q runner.Request, batch func(int64)) said {
	ctx := context.Background()
	s, err := p.open(ctx)
	if err != nil {
		return said{Err: err.Error()}
	}
	defer s.close()
	s.Env.Progress = func(p step.Progress) { batch(p.Seq) }
	r, err := s.Run(ctx, q)
	if err != nil {
		return said{Err: err.Error()}
	}
	return said{Run: r.Run.ID, Status: string(r.Run.Status), Holder: r.Run.ErrorText, Was: r.Was}
}

// proc is a child that a test talks to.
type proc struct {
	cmd *exec.Cmd
	in  io.Writer
	out *json.Decoder
}

func (l *lab) start() *proc {
	l.Helper()
	exe, err := os.Executable()
	if err != nil {
		l.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), "LOCKSTEP_TEST_CHILD="+l.dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		l.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		l.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return &proc{cmd, in, json.NewDecoder(out)}
}

func (p *proc) ask(q runner.Request) error { return json.NewEncoder(p.in).Encode(q) }

func (p *proc) next() (said, error) {
	var s said
	err := p.out.Decode(&s)
	return s, err
}

// end reads up to the end of a run.
func (p *proc) end() (said, error) {
	for {
		s, err := p.next()
		if err != nil || s.Status != "" || s.Err != "" {
			return s, err
		}
	}
}

const copied = `
id: things
source:
  connector: file
  config: {path: in/things.csv}
  streams: [{name: things, key: [id], mode: full}]
transforms:
  - set: {name: upper(name)}
destinations:
  - connector: sqlite
    config: {path: out.db}
    write: {mode: upsert, delete_missing: true}
batch: {records: %d}
`

func TestRunner_KilledGoesOn(t *testing.T) {
	rows, size := 200_000, 5_000
	l := newLab(t, fmt.Sprintf(copied, size))
	var b strings.Builder
	b.WriteString("id,name")
	for i := range rows {
		fmt.Fprintf(&b, "\n%d,name %d", i, i)
	}
	l.write("in/things.csv", b.String())
	p := l.start()
	if err := p.ask(runner.Request{Job: "things"}); err != nil {
		t.Fatal(err)
	}
	var last int64
	for last < 17 {
		s, err := p.next()
		if err != nil || s.Status != "" {
			t.Fatalf("%+v, %v", s, err)
		}
		last = s.Seq
	}
	if err := p.cmd.Process.Kill(); err != nil { // SIGKILL
		t.Fatal(err)
	}
	_ = p.cmd.Wait()

	var first int64
	s, err := l.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Env.Progress = func(p step.Progress) {
		if first == 0 {
			first = p.Seq
		}
	}
	r, err := s.Run(t.Context(), runner.Request{Job: "things"})
	s.close()
	if err != nil || !r.Continued || r.Was != "died" || r.Run.Status != store.RunSucceeded {
		t.Fatalf("%v: continued %v (was %q), %s %s", err, r.Continued, r.Was, r.Run.Status, r.Run.ErrorText)
	}
	if first <= last || first > last+3 {
		t.Errorf("killed behind batch %d, continued with batch %d", last, first)
	}
	if c := r.Run.Counters; c.Read != int64(rows) || c.Loaded != int64(rows) || c.Batches < int64(rows/size) || !c.Closed() {
		t.Errorf("counters %+v", c)
	}
	equal(t, l.query("select count(*), count(distinct id), sum(id), min(name) from things"),
		fmt.Sprintf("%d|%d|%d|NAME 0", rows, rows, rows*(rows-1)/2))
	l.want(store.RunSucceeded, 0, 0, 0, 0)
}

func TestRunner_TwoProcessesAtOnce(t *testing.T) {
	l := newLab(t, fmt.Sprintf(copied, 2))
	l.write("in/things.csv", "id,name", "1,a", "2,b", "3,c", "4,d", "5,e")
	a, b := l.start(), l.start()
	held := 0
	for round := range 100 {
		ends := make([]said, 2)
		var wg sync.WaitGroup
		for i, p := range []*proc{a, b} {
			run := fmt.Sprintf("r%d-%d", round, i)
			wg.Go(func() {
				err := p.ask(runner.Request{Job: "things", Run: run, Full: true})
				if err == nil {
					ends[i], err = p.end()
				}
				if err != nil {
					ends[i].Err = err.Error()
				}
			})
		}
		wg.Wait()
		held += oneRan(t, round, ends)
	}
	// Processes that do not meet both run; most rounds must have met for the test to say something.
	if held < 20 {
		t.Errorf("the processes met in %d rounds of 100 only", held)
	}
	equal(t, l.query("select count(*) from things"), "5")
}

// oneRan checks a round: each process either ran to the end or was held by the other, which then ran; it answers how many were held.
func oneRan(t *testing.T, round int, ends []said) int {
	t.Helper()
	held := 0
	for i, e := range ends {
		other := ends[1-i]
		switch {
		case e.Status == string(store.RunSucceeded):
		case e.Status == string(store.RunSkipped) && other.Status == string(store.RunSucceeded) && strings.Contains(e.Holder, "held by run "+other.Run):
			held++
		default:
			t.Fatalf("round %d: %+v beside %+v", round, e, other)
		}
	}
	return held
}
