package command

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// rows writes a CSV file of n records.
func (p *project) rows(t *testing.T, name string, n int) {
	t.Helper()
	var text strings.Builder
	text.WriteString("id,name,amount\n")
	for i := range n {
		fmt.Fprintf(&text, "%d,name of %d,%d\n", i, i, i%97)
	}
	p.file(t, name, text.String())
}

// recorded counts the states that a history says were entered.
func recorded(t *testing.T, path string) (n int64) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var e struct{ Type string }
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(e.Type, "StateEntered") {
			n++
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestCost: the transitions that are forecast are those of the recorded history, within a tenth, for jobs of several shapes.
func TestCost(t *testing.T) {
	const out = "destination: {connector: file, config: {path: \"out/{stream}/\", format: ndjson}}\n"
	for name, c := range map[string]struct {
		job   string
		files map[string]int
	}{
		"one stream, no steps":       {"source: {connector: file, config: {path: \"in/{stream}.csv\"}}\nbatch: {records: 100}\n" + out, map[string]int{"a": 4000}},
		"two streams, both steps":    {"source: {connector: file, config: {path: \"in/{stream}.csv\"}}\nbatch: {records: 50}\ntransforms: [{set: {twice: amount * 2}}]\nrules: [{required: [name]}]\n" + out, map[string]int{"a": 1500, "b": 700}},
		"many partitions, transform": {"source: {connector: file, config: {path: \"in/{stream}.csv\", split: 10KiB}}\nbatch: {records: 200}\ntransforms: [{set: {twice: amount * 2}}]\n" + out, map[string]int{"a": 5000}},
		"one small batch":            {"source: {connector: file, config: {path: \"in/{stream}.csv\"}}\n" + out, map[string]int{"a": 10}},
	} {
		t.Run(name, func(t *testing.T) {
			p := &project{dir: t.TempDir()}
			p.file(t, "costly.yaml", "id: costly\n"+c.job)
			total := int64(0)
			for name, n := range c.files {
				p.rows(t, "in/"+name+".csv", n)
				total += int64(n)
			}
			forecast := decode[costReport](t, p.want(t, ExitOK, nil, "cost", "costly", "--json"))
			history := filepath.Join(p.dir, "history.ndjson")
			ran := decode[report](t, p.want(t, ExitOK, nil, "run", "costly", "--json", "--history", history))
			near := func(what string, got, want int64) {
				t.Helper()
				t.Logf("%s: forecast %d, recorded %d", what, got, want)
				if diff := got - want; max(diff, -diff)*10 > want {
					t.Errorf("%s: forecast %d, recorded %d", what, got, want)
				}
			}
			near("transitions", forecast.Pieces.Transitions, recorded(t, history))
			near("batches", forecast.Counts.Turns, ran.Batches)
			near("records", forecast.Records, total)
			if forecast.Bill.Total <= 0 || forecast.Prices.Region != "us-east-1" {
				t.Errorf("got %+v", forecast)
			}
		})
	}
}

func TestCost_Records(t *testing.T) {
	p := newProject(t)
	p.file(t, "plain.yaml", "id: plain\nsource: {connector: file, config: {path: \"s3.csv\"}}\ndestination: {connector: file, config: {path: out/, format: csv}}\nbatch: {records: 10000}\n")
	got := decode[costReport](t, p.want(t, ExitOK, nil, "cost", "plain", "--records", "1000000", "--json"))
	if got.Counts.Turns != 100 || got.Partitions != 1 || got.Pieces.Transitions < 300 || got.Pieces.Transitions > 330 {
		t.Errorf("got %+v", got)
	}
	p.want(t, ExitOK, []string{"1,000,000 records in 104 batches, 8 partitions", "per million records", "us-east-1"}, "cost", "plain", "--records", "1000000", "--partitions", "8")
	p.want(t, ExitWrong, []string{"out of range"}, "cost", "plain", "--records", "-1")
	p.file(t, "prices.json", `{"region":"mars"}`)
	p.want(t, ExitWrong, []string{"a price is missing"}, "cost", "plain", "--records", "1", "--prices", "prices.json")
	p.want(t, ExitUnreachable, []string{"read the prices"}, "cost", "plain", "--records", "1", "--prices", "none.json")
}
