package growing_log_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/lockstep-data/lockstep/examples/exampletest"
)

// line is a line of the log, as encoding/json reads it.
type line struct {
	TS     string
	ID     int64
	Path   string
	Status int64
	Agent  *struct {
		Name string
		Bot  bool
	}
}

// TestGrowingLog: only new lines move, each once, also those that have the time of the last one.
func TestGrowingLog(t *testing.T) {
	p := exampletest.Copy(t)
	log := filepath.Join(p.Dir, "data", "requests.ndjson")
	var runs []exampletest.Figures
	run := func(what string, want int64) {
		t.Helper()
		r := p.Run("requests")
		if r.Read != want || r.Loaded != want || r.Inserted != want {
			t.Errorf("%s: got %+v, want %d read, loaded and inserted", what, r, want)
		}
		runs = append(runs, r.Figures())
		compare(t, p, log)
	}
	run("at first", 600)
	run("nothing new", 0)

	before := lines(t, log)
	if got := script(t, p, "1"); got != "data/requests.ndjson has 601 lines\n" {
		t.Errorf("append.sh says %q", got)
	}
	if after := lines(t, log); after[600].TS != before[599].TS {
		t.Fatal("the first new line does not have the time of the last old one: the test shows nothing")
	}
	run("one line more, with the time of the last", 1)
	run("nothing new", 0)

	script(t, p, "12")
	run("twelve lines more", 12)

	p.Touch("data/requests.ndjson")
	run("a new time of the file", 0)
	exampletest.Expect(t, "runs.json", runs)
}

// script runs append.sh in the copy.
func script(t *testing.T, p *exampletest.Project, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "sh", append([]string{"append.sh"}, args...)...)
	c.Dir = p.Dir
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("append.sh: %v\n%s", err, out)
	}
	return string(out)
}

// lines reads the whole lines of the log.
func lines(t *testing.T, file string) []line {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []line
	for text := range bytes.Lines(data) {
		if !bytes.HasSuffix(text, []byte("\n")) {
			continue
		}
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			t.Fatal(err)
		}
		out = append(out, l)
	}
	return out
}

// compare holds the table against the log.
func compare(t *testing.T, p *exampletest.Project, file string) {
	t.Helper()
	var want []string
	for _, l := range lines(t, file) {
		name, bot := any(nil), any(nil)
		if l.Agent != nil {
			name, bot = l.Agent.Name, 0
			if l.Agent.Bot {
				bot = 1
			}
		}
		want = append(want, fmt.Sprint(l.ID, l.Path, l.Status, name, bot))
	}
	rows := p.Query("out/log.db", "SELECT id, path, status, agent_name, agent_bot FROM requests ORDER BY rowid")
	if len(rows) != len(want) {
		t.Fatalf("the table has %d rows, want %d", len(rows), len(want))
	}
	for i, r := range rows {
		if got := fmt.Sprint(r...); got != want[i] {
			t.Fatalf("row %d: got %s, want %s", i, got, want[i])
		}
	}
}
