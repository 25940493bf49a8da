package simtest

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
)

// record is a change of a key in the source: a new value, or that it is gone. Some are refused by the first destination.
type record struct {
	part    string
	index   int
	key     string
	gone    bool
	refused bool
}

func (r record) id() string { return fmt.Sprintf("%s:%d", r.part, r.index) }

// batch is an object with records, written once.
type batch struct {
	name  string
	part  string
	seq   int64
	start string
	end   string
	rows  []record
	last  bool // it reached the end
}

// grow appends records to the source.
func (w *world) grow(part string, n int) {
	for range n {
		i := len(w.source[part])
		w.source[part] = append(w.source[part], record{
			part: part, index: i, key: fmt.Sprintf("%s-k%d", part, w.rng.IntN(2)), gone: w.rng.IntN(4) == 0, refused: w.rng.IntN(5) == 0,
		})
	}
}

// position is behind so many records; "" is the beginning.
func position(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func index(position string) int {
	n, _ := strconv.Atoi(position) // "" is 0
	return n
}

// cut makes the batch of a task from what the source holds now. Its name says run (of a full run), partition, seq, start and resets.
func (w *world) cut(t *task, gen int64) *batch {
	run := ""
	if w.full {
		run = t.x.run
	}
	from := min(index(t.start), len(w.source[t.part]))
	to := min(from+1+t.x.config%3, len(w.source[t.part]))
	b := &batch{
		name: fmt.Sprintf("%s/%s/%d/%s/%d/%d", run, t.part, t.seq, t.start, gen, t.x.config), part: t.part, seq: t.seq, start: t.start, end: position(to),
		rows: slices.Clone(w.source[t.part][from:to]), last: to == len(w.source[t.part]),
	}
	return b
}

func reversed[T any](in []T) []T {
	out := slices.Clone(in)
	slices.Reverse(out)
	return out
}

// panicExit ends the goroutine as a killed process ends.
func panicExit() { runtime.Goexit() }
