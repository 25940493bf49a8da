// Command bench measures the main job at speed: each work beside its reference in one go, in several rounds, the two in turns. It prints
// median ratios and peak memory, writes docs/benchmarks.md and adds a line to bench/history.jsonl. With -smoke it moves few rows and fails
// when a ratio has doubled against bench/smoke.json. It is run from the repository's root by make bench and make bench-smoke.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// options are the flags.
type options struct {
	dir      string // where data and outputs go
	lockstep string // the command under test
	rows     int
	rounds   int
	starts   int  // rounds of the works that take a fraction of a second
	full     bool // the large file too
	smoke    bool
	update   bool // of smoke.json
}

// largeRows is the size of the run that shows that memory does not grow with the input.
const largeRows = 10_000_000

func main() {
	if len(os.Args) == 5 && os.Args[1] == "same" { // in a process of its own, so that its memory is not that of others
		finish(same(os.Args[2], os.Args[3], os.Args[4]))
		return
	}
	var o options
	flag.StringVar(&o.dir, "dir", filepath.Join("out", "bench"), "folder for data and outputs")
	flag.StringVar(&o.lockstep, "lockstep", filepath.Join("bin", "lockstep"), "the command to measure")
	flag.IntVar(&o.rows, "rows", 1_000_000, "rows of the large works")
	flag.IntVar(&o.rounds, "rounds", 5, "rounds of the large works")
	flag.IntVar(&o.starts, "starts", 15, "rounds of the works that take a fraction of a second")
	flag.BoolVar(&o.full, "full", false, "move 10,000,000 rows too, once")
	flag.BoolVar(&o.smoke, "smoke", false, "move few rows and fail when a ratio has doubled")
	flag.BoolVar(&o.update, "update", false, "with -smoke: keep what is measured as the figures to hold later runs against")
	flag.Parse()
	if o.smoke {
		o.dir, o.rows, o.rounds, o.starts = filepath.Join(o.dir, "smoke"), 50_000, 5, 9
	}
	finish(run(o))
}

func finish(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	b, err := open(o)
	if err != nil {
		return err
	}
	err = b.all(o)
	if o.smoke && !o.update && err != nil {
		b.say("%v\nonce more, since something else on the machine may have been the cause", err)
		err = b.all(o)
	}
	return err
}

// all measures everything once and keeps or compares what came out.
func (b *bench) all(o options) error {
	entry := entry{Time: time.Now().UTC().Truncate(time.Second), Commit: b.commit(), Machine: machineFacts(), Versions: b.versions(), Rows: o.rows, Rounds: o.rounds, Starts: o.starts}
	entry.Machine.LoadBefore = loadAverage()
	if l := entry.Machine.LoadBefore; l > 0.5 {
		b.say("note: the machine is busy (load %.1f); times depend on what else runs, ratios less so", l)
	}
	if err := b.large(&entry, o.rows, o.rounds); err != nil {
		return err
	}
	if err := b.small(&entry); err != nil {
		return err
	}
	b.say("\n%s", entry.table())
	if o.smoke {
		return entry.smoke(o.update)
	}
	if err := entry.keep(false); err != nil || !o.full {
		return err
	}
	whole := entry
	whole.Works = nil
	if err := b.large(&whole, largeRows, 1); err != nil {
		return err
	}
	entry.Large = &section{Rows: largeRows, Works: whole.Works}
	b.say("\n%s", table(whole.Works, largeRows))
	return entry.keep(true)
}
