package process_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/shared/store"
	"github.com/lockstep-data/lockstep/shared/store/process"
)

// TestMain lets the test's own binary be the other process: it holds, says its id and waits for the end of its input.
func TestMain(m *testing.M) {
	dir := os.Getenv("LOCKSTEP_TEST_HOLD")
	if dir == "" {
		os.Exit(m.Run())
	}
	h, err := process.Hold(dir)
	if err != nil {
		os.Exit(1)
	}
	if _, err := os.Stdout.WriteString(h.ID() + "\n"); err != nil {
		os.Exit(1)
	}
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // ends by being killed
}

func life(t *testing.T, dir, holder string) store.Life {
	t.Helper()
	got, err := process.Prover{Dir: dir}.Life(t.Context(), store.Lock{Holder: holder})
	if err != nil {
		t.Fatalf("life of %s: %v", holder, err)
	}
	return got
}

func hold(t *testing.T, dir string) *process.Holder {
	t.Helper()
	h, err := process.Hold(dir)
	if err != nil {
		t.Fatalf("hold: %v", err)
	}
	return h
}

func files(t *testing.T, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "holders"))
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestHold(t *testing.T) {
	dir := t.TempDir()
	a, b := hold(t, dir), hold(t, dir)
	if a.ID() == b.ID() || !strings.HasPrefix(a.ID(), store.LocalHolder) {
		t.Errorf("ids %s and %s", a.ID(), b.ID())
	}
	if got := life(t, dir, a.ID()); got != store.Alive {
		t.Errorf("holder is %v, want Alive", got)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if got := life(t, dir, a.ID()); got != store.Dead {
		t.Errorf("closed holder is %v, want Dead", got)
	}
	if got := life(t, dir, b.ID()); got != store.Alive {
		t.Errorf("the other holder is %v, want Alive", got)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if n := files(t, dir); n != 0 {
		t.Errorf("%d files are left", n)
	}
}

func TestProver_Unknown(t *testing.T) {
	dir := t.TempDir()
	h := hold(t, dir)
	defer func() { _ = h.Close() }()
	token := h.ID()[strings.LastIndex(h.ID(), ":"):]
	for name, holder := range map[string]string{
		"another machine": "local:elsewhere.example" + token, "an execution": "arn:aws:states:eu-west-1:1:execution:sync:r1", "nobody": "",
		"no token": strings.TrimSuffix(h.ID(), token) + ":../../x",
	} {
		if got := life(t, dir, holder); got != store.Unknown {
			t.Errorf("%s is %v, want Unknown", name, got)
		}
	}
}

func TestProver_KilledProcess(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	start := func() (*exec.Cmd, string) {
		cmd := exec.CommandContext(t.Context(), self)
		cmd.Env = append(os.Environ(), "LOCKSTEP_TEST_HOLD="+dir)
		if _, err := cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		id, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return cmd, strings.TrimSpace(id)
	}
	kill := func(cmd *exec.Cmd) {
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // says that it was killed
	}
	first, id := start()
	if got := life(t, dir, id); got != store.Alive {
		t.Errorf("living process is %v, want Alive", got)
	}
	kill(first)
	second, other := start() // removes the file of the first
	if n := files(t, dir); n != 1 {
		t.Errorf("%d files, want that of the living one", n)
	}
	for range 2 {
		if got := life(t, dir, id); got != store.Dead {
			t.Errorf("killed process is %v, want Dead", got)
		}
	}
	if got := life(t, dir, other); got != store.Alive {
		t.Errorf("living process is %v, want Alive", got)
	}
	kill(second)
	if got := life(t, dir, other); got != store.Dead {
		t.Errorf("killed process is %v, want Dead", got)
	}
	if n := files(t, dir); n != 0 {
		t.Errorf("%d files are left", n)
	}
}

func TestHoldShared_OtherFoldersAreUnknown(t *testing.T) {
	here, there := t.TempDir(), t.TempDir()
	h, err := process.HoldShared(here)
	if err != nil {
		t.Fatal(err)
	}
	lock := store.Lock{Holder: h.ID()}
	life := func(dir string) store.Life {
		t.Helper()
		got, err := process.Prover{Dir: dir, Shared: true}.Life(t.Context(), lock)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := life(here); got != store.Alive {
		t.Errorf("in its folder: %v, want alive", got)
	}
	if got := life(there); got != store.Unknown {
		t.Errorf("from another folder: %v, want unknown: its file cannot be seen there", got)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if got := life(here); got != store.Dead {
		t.Errorf("after its end: %v, want dead", got)
	}
}
