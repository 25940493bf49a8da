package command

import (
	"strings"
	"testing"
)

// TestSweep looks at a run that lives, at one that was killed, and at what the next run makes of it.
func TestSweep(t *testing.T) {
	p := newProject(t)
	p.want(t, ExitOK, []string{"no dead runs"}, "sweep")
	p.slow(t)
	first := p.start(t, "run", "sample")
	var run string
	until(t, "the run moves", func() (ok bool) { run, ok = p.moving(t); return ok })
	p.want(t, ExitOK, []string{"no dead runs"}, "sweep")
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if c := first.end(); c.exit != -1 {
		t.Fatalf("it ended before it was killed: %+v", c)
	}
	swept := decode[[]sweptRun](t, p.want(t, ExitOK, nil, "sweep", "--json"))
	if len(swept) != 1 || swept[0].Run != run || swept[0].Job != "sample" {
		t.Errorf("swept %+v, want run %s", swept, run)
	}
	row := decode[[]runRow](t, p.want(t, ExitOK, nil, "runs", "sample", "--json"))[0]
	if row.Status != "failed" || row.Code != "Zombie" || row.Ended == nil {
		t.Errorf("the dead run: %+v", row)
	}
	p.want(t, ExitOK, []string{"FAILED"}, "status", "sample")
	p.want(t, ExitOK, []string{"no dead runs"}, "sweep")
	if c := p.want(t, ExitOK, []string{"which had died in the middle"}, "run", "sample"); !strings.Contains(c.out, "read     12,000 = 12,000 loaded") {
		t.Errorf("it did not go on:\n%s", c.out)
	}
}
