package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDoctor_AfterRestore removes the state of a log that was moved in part, and mends it.
func TestDoctor_AfterRestore(t *testing.T) {
	p := newProject(t)
	p.file(t, "jobs/sample.yaml", `id: sample
source: {connector: file, config: {path: data/log.csv}, streams: [{name: log, mode: incremental, columns: {id: int}}]}
destinations: [{connector: sqlite, config: {path: out.db}, write: append}]
batch: {records: 10}
`)
	rows := func(n int) {
		p.file(t, "data/log.csv", "id,x\n"+strings.Repeat("1,a\n", n))
	}
	rows(25)
	p.want(t, ExitOK, []string{"read     25 = 25 loaded"}, "run", "sample")
	p.want(t, ExitOK, []string{"may run again, under numbers that nobody had"}, "doctor", "--after-restore", "--yes")
	if err := os.RemoveAll(filepath.Join(p.dir, ".lockstep")); err != nil {
		t.Fatal(err)
	}
	p.want(t, ExitWrong, []string{"there is no state"}, "doctor", "--after-restore")
	rows(32)
	p.want(t, ExitFailed, []string{"[StateBehind]", "lockstep doctor --after-restore"}, "run", "sample")
	p.want(t, ExitNotStarted, nil, "run", "sample")
	c := p.want(t, ExitOK, nil, "doctor", "--after-restore", "--json")
	if got := decode[[]restoredJob](t, c); len(got) != 1 || len(got[0].Moved) != 1 || got[0].Moved[0].From != 0 || got[0].Moved[0].To != 3 {
		t.Errorf("%s", c.out)
	}
	p.want(t, ExitOK, []string{"read     7 = 7 loaded"}, "run", "sample")
	p.want(t, ExitOK, []string{"nothing new at the source"}, "run", "sample")
}
