package command

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestText_Numbers(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct{ name, got, want string }{
		{"count 0", count(0), "0"},
		{"count 999", count(999), "999"},
		{"count 1,000", count(1000), "1,000"},
		{"count 1,234,567", count(1234567), "1,234,567"},
		{"count below zero", count(-1234), "-1,234"},
		{"plural 1", plural(1, "record"), "1 record"},
		{"plural 2", plural(2000, "record"), "2,000 records"},
		{"plural batches", plural(2, "batch"), "2 batches"},
		{"span ms", span(45 * time.Millisecond), "45 ms"},
		{"span s", span(4500 * time.Millisecond), "4.5 s"},
		{"span many s", span(45 * time.Second), "45 s"},
		{"span min", span(3*time.Minute + 5*time.Second), "3 min 05 s"},
		{"span h", span(26*time.Hour + 30*time.Minute), "26 h 30 min"},
		{"span below zero", span(-time.Second), "0 ms"},
		{"ago never", ago(time.Time{}, now), "never"},
		{"ago now", ago(now, now), "just now"},
		{"ago s", ago(now.Add(-90*time.Second), now), "90 s ago"},
		{"ago min", ago(now.Add(-90*time.Minute), now), "90 min ago"},
		{"ago h", ago(now.Add(-30*time.Hour), now), "30 h ago"},
		{"ago days", ago(now.Add(-72*time.Hour), now), "3 days ago"},
		{"ago future", ago(now.Add(time.Hour), now), "in the future"},
		{"rate", rate(5000, 2*time.Second), "2,500/s"},
		{"rate of nothing", rate(0, time.Second), ""},
		{"size", size(1536), "1.5 KiB"},
		{"size small", size(12), "12 bytes"},
		{"shorten", shorten("a  b\nc", 10), "a b c"},
		{"shorten cuts", shorten("abcdef", 4), "abc…"},
		{"printable", printable("a\x1b[2Jb\u009b"), "a·[2Jb·"},
		{"shell", shellLine([]string{"lockstep", "run", "a b", "it's", "ok.yaml"}), `lockstep run 'a b' 'it'\''s' ok.yaml`},
		{"stamp", stamp(now), "2026-11-22 12:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.got != c.want {
				t.Errorf("got %q, want %q", c.got, c.want)
			}
		})
	}
}

func TestWrap_KeepsWordsWhole(t *testing.T) {
	got := wrap("one two three four", 2, 11)
	if want := "  one two\n  three\n  four"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTable_Write(t *testing.T) {
	tab := table{head: []string{"JOB", "READ", "MESSAGE"}, right: []int{1}}
	tab.add("a", "1,000", "short")
	tab.under("next: lockstep run a")
	tab.add("longer", "7", "a message that is too long to stand on one line of this terminal")
	for _, c := range []struct {
		name  string
		width int
		want  string
	}{
		{"no terminal", 0, `
JOB      READ  MESSAGE
a       1,000  short
  next: lockstep run a
longer      7  a message that is too long to stand on one line of this terminal
`},
		{"narrow", 40, `
JOB      READ  MESSAGE
a       1,000  short
  next: lockstep run a
longer      7  a message that is too lo…
`},
		{"too narrow", 10, `
JOB      READ  MESSAGE
a       1,000  short
  next: lockstep run a
longer      7  a message that is t…
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b strings.Builder
			tab.write(&b, false, c.width)
			if diff := cmp.Diff(strings.TrimPrefix(c.want, "\n"), b.String()); diff != "" {
				t.Errorf("want -, got +\n%s", diff)
			}
		})
	}
}

func TestPalette(t *testing.T) {
	if got := palette(false).status("failed"); got != "failed" {
		t.Errorf("without colours: %q", got)
	}
	if got, want := palette(true).status("failed"), "\x1b[31mfailed\x1b[0m"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
