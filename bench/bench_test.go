package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for name, c := range map[string]struct {
		of   []float64
		want float64
	}{"none": {nil, 0}, "one": {[]float64{3}, 3}, "odd": {[]float64{9, 1, 2}, 2}, "even": {[]float64{4, 1, 2, 9}, 3}} {
		if got := median(c.of); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestSum(t *testing.T) {
	ours := []usage{{Wall: 2, CPU: 4, RSS: 2048}, {Wall: 3, CPU: 4, RSS: 1024}, {Wall: 8, CPU: 4, RSS: 1024}}
	refs := []usage{{Wall: 1, CPU: 1}, {Wall: 1, CPU: 1}, {Wall: 4, CPU: 2}}
	got := sum(work{Name: "x"}, ours, refs)
	if got.Ours != 3 || got.Ratio != 2 || got.CPURatio != 4 || got.BestRatio != 2 || got.PeakMiB != 2 {
		t.Errorf("got %+v", got)
	}
	if got := sum(work{}, ours, nil); got.Ratio != 0 || got.Reference != 0 {
		t.Errorf("a work without reference got %+v", got)
	}
}

func TestSlower(t *testing.T) {
	figures := map[string]kept{"a": {CPURatio: 2, BestRatio: 3}}
	for name, c := range map[string]struct {
		work result
		want string
	}{
		"as before":        {result{Name: "a", CPURatio: 2.5, BestRatio: 4}, ""},
		"CPU has doubled":  {result{Name: "a", CPURatio: 4.1, BestRatio: 3}, "a has become slower"},
		"time has doubled": {result{Name: "a", CPURatio: 2, BestRatio: 6.1}, "a has become slower"},
		"unknown":          {result{Name: "b", CPURatio: 1, BestRatio: 1}, "b is not in"},
		"no reference":     {result{Name: "b"}, ""},
	} {
		err := slower([]result{c.work}, figures)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func TestSame(t *testing.T) {
	for name, c := range map[string]struct {
		format, a, b, want string
	}{
		"objects in other order": {"ndjson", `{"a":1.50,"b":"x"}` + "\n", `{"b":"x","a":1.50}` + "\n", ""},
		"another value":          {"ndjson", `{"a":1.50}` + "\n", `{"a":1.5}` + "\n", "row 0 is"},
		"a row less":             {"ndjson", "{}\n", "{}\n{}\n", "row 1"},
		"no rows":                {"ndjson", "", "", "0 rows"},
		"needless quotes":        {"csv", "a,b\n1,\"x\"\n", "a,b\n1,x\n", ""},
		"another field":          {"csv", "a\n1\n", "a\n2\n", "row 1 is"},
		"a line less":            {"csv", "a\n1\n", "a\n1\n2\n", "row 2"},
		"a header alone":         {"csv", "a\n", "a\n", "0 rows"},
	} {
		dir := t.TempDir()
		x, y := filepath.Join(dir, "x"), filepath.Join(dir, "y")
		for file, text := range map[string]string{x: c.a, y: c.b} {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		err := same(c.format, x, y)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func TestPage(t *testing.T) {
	works := []result{
		{Name: "csv", Title: "CSV → CSV", Target: "≤ 1.5 ×", Ours: 2, Reference: 1.6, Ratio: 1.25, OursCPU: 3, RefCPU: 2, PeakMiB: 111.4},
		{Name: "start", Title: "a job", Target: "≤ 0.2 s", Ours: 0.1234, PeakMiB: 30},
	}
	day := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	first := entry{Time: day, Commit: "abc", Rows: 1_000_000, Rounds: 5, Works: works, Large: &section{Rows: largeRows, Works: works[:1]}}
	second := entry{Time: day.AddDate(0, 0, 1), Commit: "def", Rows: 1_000_000, Rounds: 5, Works: works}
	text := string(page([]entry{first, second}))
	for _, want := range []string{
		"## 1,000,000 rows", "at commit def", "| CSV → CSV | 2.00 s | 1.60 s | **1.25 ×** | ≤ 1.5 × | 500,000 | 3.00 s, 2.00 s | 111 MiB |",
		"| a job | 0.123 s | – | – | ≤ 0.2 s | – | 0.00 s | 30 MiB |",
		"## 10,000,000 rows\n\nMeasured on 2026-11-22 10:00 UTC at commit abc", "| 2026-11-23 10:00 | def | 1.25 × | 0.123 s | 111 MiB |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q:\n%s", want, text)
		}
	}
}

// TestMeasure runs this test's own program.
func TestMeasure(t *testing.T) {
	u, err := measure(call{t.TempDir(), os.Args[0], []string{"-test.run=^TestMedian$"}})
	if err != nil {
		t.Fatal(err)
	}
	if u.Wall <= 0 || u.RSS < 1024 {
		t.Errorf("got %+v", u)
	}
	if _, err := measure(call{t.TempDir(), os.Args[0], []string{"-no-such-flag"}}); err == nil {
		t.Error("a process that fails is no error")
	}
}
