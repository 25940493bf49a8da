package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const pageHead = `<!-- Written by make bench from bench/history.jsonl; changes here are lost. -->

# Benchmarks

Rows of 16 columns like an order's line items (` + "`bench/lineitem`" + `: whole numbers, decimals, dates, texts of few and of many values; seeded, the same
bytes everywhere). Each work is the command, ` + "`lockstep run`" + `, as a process of its own from start to exit, in a project without state: staging of every
batch, checkpoints, receipts and fences as in any run. Its reference runs in the same round, the two in turns, each on 2 cores. The outputs of both are
compared row by row. Ratios are the median of the rounds' ratios, times the median; peak memory is the largest of all rounds, of the whole process (what
the kernel counts as resident, code and SQLite's cache included).

The references are in ` + "`bench/reference`" + `: the Go loop that somebody would write by hand, read, worked on and written on all cores, without state,
checkpoint, receipt or fsync; and the sqlite3 command, which imports into an empty table of the same types in one transaction.

    make bench                  # some minutes; writes this page and adds a line to bench/history.jsonl
    make bench BENCH_FULL=1     # 10,000,000 rows too
    make bench-smoke            # few rows, for CI: fails when a ratio has doubled
    make microbench             # go test -bench
`

// page gives docs/benchmarks.md: the last entry, the last of 10,000,000 rows, and how the ratios went.
func page(history []entry) []byte {
	var out strings.Builder
	out.WriteString(pageHead)
	if len(history) == 0 {
		return []byte(out.String())
	}
	last := history[len(history)-1]
	fmt.Fprintf(&out, "\n## %s rows\n\n%s\n\n%s", thousands(last.Rows), last.facts(), last.table())
	for _, e := range slices.Backward(history) {
		if e.Large != nil {
			fmt.Fprintf(&out, "\n## %s rows\n\n%s One round.\n\n%s", thousands(e.Large.Rows), e.facts(), table(e.Large.Works, e.Large.Rows))
			break
		}
	}
	out.WriteString("\n## History\n\n| day | commit | ")
	for _, w := range last.Works {
		out.WriteString(w.Name + " | ")
	}
	out.WriteString("peak |\n|---|---|" + strings.Repeat("---|", len(last.Works)+1) + "\n")
	for _, e := range history[max(0, len(history)-30):] {
		fmt.Fprintf(&out, "| %s | %s | ", e.Time.Format("2006-01-02 15:04"), e.Commit)
		for _, w := range last.Works {
			out.WriteString(e.short(w.Name) + " | ")
		}
		fmt.Fprintf(&out, "%.0f MiB |\n", e.peak())
	}
	return []byte(out.String())
}

// facts tells in a paragraph when, where and with what.
func (e entry) facts() string {
	m := e.Machine
	text := fmt.Sprintf("Measured on %s UTC at commit %s: %s, %d cores, %d MiB of memory, %s; %s", e.Time.Format("2006-01-02 15:04"), e.Commit,
		m.CPU, m.Cores, m.MemoryMiB, m.System, e.Versions.Go)
	if e.Versions.Reference != "" {
		text += ", sqlite3 " + e.Versions.Reference
	}
	text += fmt.Sprintf(". %d rounds, %d of the short works; load before the start %.2f.", e.Rounds, e.Starts, m.LoadBefore)
	return text
}

func (e entry) table() string { return table(e.Works, e.Rows) }

func table(works []result, rows int) string {
	var out strings.Builder
	out.WriteString("| work | lockstep | reference | ratio | target | rows/s | CPU | peak memory |\n|---|---|---|---|---|---|---|---|\n")
	for _, w := range works {
		ref, ratio, speed, cpu := "–", "–", "–", fmt.Sprintf("%.2f s", w.OursCPU)
		if w.Reference > 0 {
			ref, ratio = fmt.Sprintf("%.2f s", w.Reference), fmt.Sprintf("**%.2f ×**", w.Ratio)
			cpu += fmt.Sprintf(", %.2f s", w.RefCPU)
		}
		if strings.HasPrefix(w.Title, "CSV") {
			speed = thousands(int(float64(rows) / w.Ours))
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %s | %s | %s | %s | %.0f MiB |\n", w.Title, seconds(w.Ours), ref, ratio, w.Target, speed, cpu, w.PeakMiB)
	}
	return out.String()
}

func seconds(s float64) string {
	if s < 1 {
		return fmt.Sprintf("%.3f s", s)
	}
	return fmt.Sprintf("%.2f s", s)
}

// short is a work's figure in the history: its ratio, or its time.
func (e entry) short(name string) string {
	for _, w := range e.Works {
		switch {
		case w.Name == name && w.Ratio > 0:
			return fmt.Sprintf("%.2f ×", w.Ratio)
		case w.Name == name:
			return seconds(w.Ours)
		}
	}
	return "–"
}

// peak is the most memory that any of the works took.
func (e entry) peak() float64 {
	var most float64
	works := e.Works
	if e.Large != nil {
		works = append(slices.Clip(works), e.Large.Works...)
	}
	for _, w := range works {
		most = max(most, w.PeakMiB)
	}
	return most
}

// thousands writes 1234567 as 1,234,567.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
