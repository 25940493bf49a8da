package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Files that are kept in the repository.
const (
	historyFile = "bench/history.jsonl"
	pageFile    = "docs/benchmarks.md"
	smokeFile   = "bench/smoke.json"
)

// entry is a line of the history: what was measured, where and with what.
type entry struct {
	Time     time.Time `json:"time"`
	Commit   string    `json:"commit"`
	Machine  machine   `json:"machine"`
	Versions versions  `json:"versions"`
	Rows     int       `json:"rows"`
	Rounds   int       `json:"rounds"`
	Starts   int       `json:"starts"`
	Works    []result  `json:"works"`
	Large    *section  `json:"large,omitempty"`
}

// section is works over another number of rows.
type section struct {
	Rows  int      `json:"rows"`
	Works []result `json:"works"`
}

type machine struct {
	CPU        string  `json:"cpu"`
	Cores      int     `json:"cores"`
	MemoryMiB  int64   `json:"memory_mib"`
	System     string  `json:"system"`
	LoadBefore float64 `json:"load_before"` // processes that wanted to run, on average over a minute
}

type versions struct {
	Go        string `json:"go"`
	Lockstep  string `json:"lockstep"`
	Reference string `json:"sqlite3,omitempty"`
}

// machineFacts tells what is known of the machine; what cannot be found out stays empty.
func machineFacts() machine {
	m := machine{Cores: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH}
	m.CPU = field("/proc/cpuinfo", "model name")
	kib, _, _ := strings.Cut(field("/proc/meminfo", "MemTotal"), " ")
	if n, err := strconv.ParseInt(kib, 10, 64); err == nil {
		m.MemoryMiB = n >> 10
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.System += ", kernel " + strings.TrimSpace(string(release))
	}
	return m
}

// field gives the first value of a name in a file of "name: value" lines.
func field(file, name string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for l := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func loadAverage() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), " ")
	load, _ := strconv.ParseFloat(first, 64) // 0 when it is no number
	return load
}

func (b *bench) versions() versions {
	v := versions{Go: runtime.Version(), Lockstep: firstLine(b.lockstep, "version")}
	if b.sqlite3 != "" {
		v.Reference, _, _ = strings.Cut(firstLine(b.sqlite3, "--version"), " ")
	}
	return v
}

// commit names what is measured, with a plus when the working tree differs from it.
func (b *bench) commit() string {
	name := firstLine("git", "rev-parse", "--short=12", "HEAD")
	if firstLine("git", "status", "--porcelain", "--untracked-files=no", "--", ":!"+historyFile, ":!"+pageFile) != "" {
		name += "+"
	}
	return name
}

// firstLine gives the first line that a command writes, "" when it fails.
func firstLine(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return ""
	}
	l, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(l)
}

// keep adds the entry to the history, or puts it in the place of the last one, which it completes, and writes the page.
func (e entry) keep(completes bool) error {
	history, err := readHistory()
	if err != nil {
		return err
	}
	if completes {
		history = history[:len(history)-1]
	}
	history = append(history, e)
	var text bytes.Buffer
	for _, one := range history {
		line, err := json.Marshal(one)
		if err != nil {
			return err
		}
		text.Write(append(line, '\n'))
	}
	if err := os.WriteFile(historyFile, text.Bytes(), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(pageFile, page(history), 0o644); err != nil {
		return err
	}
	fmt.Printf("\nwritten: %s and %s\n", pageFile, historyFile)
	return nil
}

func readHistory() ([]entry, error) {
	text, err := os.ReadFile(historyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []entry
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		var e entry
		if err := json.Unmarshal(s.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", historyFile, len(out)+1, err)
		}
		out = append(out, e)
	}
	return out, nil
}

// tolerated is how much a ratio may grow before the smoke test fails.
const tolerated = 2

// kept are the figures of a work that later runs are held against.
type kept struct {
	CPURatio  float64 `json:"cpu_ratio"`
	BestRatio float64 `json:"best_ratio"`
}

// smoke holds the entry against the kept figures, or keeps it as those: the ratio of CPU seconds, which others on the machine disturb
// least, and that of the best times, which knows of waiting too.
func (e entry) smoke(update bool) error {
	if update {
		figures := map[string]kept{}
		for _, w := range e.Works {
			figures[w.Name] = kept{round(w.CPURatio), round(w.BestRatio)}
		}
		text, err := json.MarshalIndent(figures, "", "  ")
		if err != nil {
			return err
		}
		return os.WriteFile(smokeFile, append(text, '\n'), 0o644)
	}
	text, err := os.ReadFile(smokeFile)
	if err != nil {
		return err
	}
	var figures map[string]kept
	if err := json.Unmarshal(text, &figures); err != nil {
		return fmt.Errorf("%s: %w", smokeFile, err)
	}
	return slower(e.Works, figures)
}

// slower says which ratios have doubled, and which are held against nothing.
func slower(works []result, figures map[string]kept) error {
	var errs []error
	for _, w := range works {
		was, ok := figures[w.Name]
		switch {
		case w.CPURatio == 0:
			fmt.Printf("%s: not compared, there was no reference\n", w.Name)
		case !ok:
			errs = append(errs, fmt.Errorf("%s is not in %s: make bench-smoke BENCH_UPDATE=1 adds it", w.Name, smokeFile))
		case w.CPURatio > tolerated*was.CPURatio || w.BestRatio > tolerated*was.BestRatio:
			errs = append(errs, fmt.Errorf("%s has become slower: CPU %.2f times the reference, kept is %.2f; time %.2f times, kept is %.2f",
				w.Name, w.CPURatio, was.CPURatio, w.BestRatio, was.BestRatio))
		}
	}
	return errors.Join(errs...)
}

func round(x float64) float64 { return float64(int64(x*100+0.5)) / 100 }
