package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/shared/store"
	"github.com/lockstep-data/lockstep/shared/store/sqlite"
)

// TestMain lets the test's own binary be a process that shares a state: it opens the state, and for each job that it is told takes
// the lock and says what became of it.
func TestMain(m *testing.M) {
	path := os.Getenv("LOCKSTEP_TEST_STATE")
	if path == "" {
		os.Exit(m.Run())
	}
	if err := compete(context.Background(), path, os.Getenv("LOCKSTEP_TEST_RUN")); err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

func compete(ctx context.Context, path, run string) error {
	s, err := sqlite.Open(ctx, sqlite.Options{Path: path})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		now := time.Now()
		p := store.Protocol{
			Store: s, Now: func() time.Time { return now }, NewRVN: func() string { return run + in.Text() },
			Jitter: func(d time.Duration) time.Duration { return d / 2 },
		}
		got, err := p.Take(ctx, store.TakeRequest{
			Job: in.Text(), Run: run, Epoch: store.Epoch(0, 1, 0, 0), Holder: "local:h:" + run, LeaseUntil: now.Add(time.Hour), MaxTries: 3,
		})
		if err != nil {
			return err
		}
		fmt.Println(got.Outcome)
	}
	return s.Close()
}

// competitor is one of the processes.
type competitor struct {
	in  io.WriteCloser
	out *bufio.Scanner
	cmd *exec.Cmd
}

// line gives what the process says next.
func (c *competitor) line(t *testing.T) string {
	t.Helper()
	if !c.out.Scan() {
		t.Fatalf("a process ended: %v", c.out.Err())
	}
	return c.out.Text()
}

func TestStore_TwoProcesses(t *testing.T) {
	const rounds = 100
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "state.db")
	var both [2]*competitor
	for i := range both {
		cmd := exec.CommandContext(t.Context(), self)
		cmd.Env = append(os.Environ(), "LOCKSTEP_TEST_STATE="+path, fmt.Sprint("LOCKSTEP_TEST_RUN=r", i))
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil { // both make the file at the same time
			t.Fatal(err)
		}
		both[i] = &competitor{in: in, out: bufio.NewScanner(out), cmd: cmd}
	}
	for _, c := range both {
		if got := c.line(t); got != "ready" {
			t.Fatal(got)
		}
	}
	wins := [2]int{}
	for n := range rounds {
		for i := range both { // the one who is told first is the other one each round
			if _, err := fmt.Fprintf(both[(i+n)%2].in, "job-%d\n", n); err != nil {
				t.Fatal(err)
			}
		}
		var outcomes []string
		for i, c := range both {
			got := c.line(t)
			if got == string(store.OutcomeAcquired) {
				wins[i]++
			}
			outcomes = append(outcomes, got)
		}
		if got := strings.Join(outcomes, " "); got != "acquired held" && got != "held acquired" {
			t.Fatalf("round %d: %s", n, got)
		}
	}
	t.Logf("the first process won %d rounds, the second %d", wins[0], wins[1])
	for _, c := range both {
		if err := c.in.Close(); err != nil {
			t.Fatal(err)
		}
		if err := c.cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
}
