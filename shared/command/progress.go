package command

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/lockstep-data/lockstep/shared/asl"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store"
)

// How often progress is shown: redrawn on a terminal, as a line elsewhere.
const (
	drawEvery = 100 * time.Millisecond
	lineEvery = 5 * time.Second
)

// progress shows how far a run is. On a terminal two lines are drawn over again; elsewhere a line is printed every few seconds and
// when a partition ends. What is written through it stands above the drawn lines. Safe for concurrent use.
type progress struct {
	w     io.Writer
	width int // of the terminal; 0: none
	p     palette
	quiet bool // count only
	now   func() time.Time
	job   string
	plan  func(run string) int64 // bytes that the run reads, 0 when unknown

	mu       sync.Mutex
	began    time.Time
	run      string
	doing    string
	counters store.Counters
	input    map[string]int64 // consumed, by stream and partition
	planned  int64
	asked    bool // for planned
	drawn    bool
	printed  time.Time
	stopped  chan struct{}
	done     chan struct{}
}

func (g *progress) start() {
	g.began, g.input = g.now(), map[string]int64{}
	g.printed = g.began
	g.stopped, g.done = make(chan struct{}), make(chan struct{})
	if g.quiet || g.width == 0 {
		close(g.done)
		return
	}
	go func() {
		defer close(g.done)
		t := time.NewTicker(drawEvery)
		defer t.Stop()
		for {
			select {
			case <-g.stopped:
				return
			case <-t.C:
				g.mu.Lock()
				g.erase()
				g.draw()
				g.mu.Unlock()
			}
		}
	}()
}

// stop ends the drawing and leaves nothing of it.
func (g *progress) stop() {
	close(g.stopped)
	<-g.done
	g.mu.Lock()
	defer g.mu.Unlock()
	g.erase()
}

// Write puts text above the drawn lines.
func (g *progress) Write(text []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.erase()
	return g.w.Write(text)
}

func (g *progress) erase() {
	if g.drawn {
		fmt.Fprint(g.w, "\r\x1b[2K\x1b[1A\x1b[2K")
		g.drawn = false
	}
}

func (g *progress) draw() {
	first := fmt.Sprintf("%s  %s", g.job, g.doing)
	second := "  " + strings.Join(g.facts(), "  ")
	if bar := g.bar(); bar != "" {
		first += "  " + bar
	}
	fmt.Fprintf(g.w, "%s\n%s", g.p.bold(shorten(first, g.width-1)), cutLine(second, g.width-1))
	g.drawn = true
}

// cutLine cuts a line without touching its spaces.
func cutLine(s string, n int) string {
	if r := []rune(s); len(r) > n && n > 0 {
		return string(r[:n-1]) + "…"
	}
	return s
}

// facts are what is known, in the order of their use.
func (g *progress) facts() []string {
	took := g.now().Sub(g.began)
	c := g.counters
	out := []string{plural(c.Read, "record")}
	if r := rate(c.Read, took); r != "" {
		out = append(out, r)
	}
	out = append(out, plural(c.Batches, "batch"), count(c.Failed)+" failed", span(took.Truncate(100*time.Millisecond)))
	if share, known := g.share(); known {
		out = append(out, fmt.Sprintf("%d %% of the input", share))
	}
	return out
}

// share is the part of the input that was read, in percent.
func (g *progress) share() (int, bool) {
	if g.planned <= 0 {
		return 0, false
	}
	var n int64
	for _, bytes := range g.input {
		n += bytes
	}
	return int(min(100*n/g.planned, 100)), true
}

func (g *progress) bar() string {
	share, known := g.share()
	if !known {
		return ""
	}
	const cells = 20
	full := share * cells / 100
	return "[" + strings.Repeat("#", full) + strings.Repeat("-", cells-full) + "]"
}

// batch takes in what a load has committed.
func (g *progress) batch(b step.Progress) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.counters.Add(b.Counters)
	if b.InputBytes > 0 {
		g.input[b.Stream+"\x00"+b.Partition] = b.InputBytes
	}
	if b.PlannedBytes > 0 {
		g.planned = b.PlannedBytes
	}
	if g.planned == 0 && !g.asked && g.run != "" && g.plan != nil {
		g.asked = true
		g.planned = g.plan(g.run)
	}
	if now := g.now(); g.width == 0 && now.Sub(g.printed) >= lineEvery {
		g.printed = now
		g.line("%s", strings.Join(g.facts(), ", "))
	}
}

// total takes in what the whole run has committed so far.
func (g *progress) total(b step.Progress) {
	g.mu.Lock()
	g.counters = store.Counters{}
	g.mu.Unlock()
	g.batch(b)
}

// line prints a plain line, unless nothing is to be shown.
func (g *progress) line(format string, args ...any) {
	if !g.quiet {
		g.erase()
		fmt.Fprintf(g.w, "%s: %s\n", g.job, fmt.Sprintf(format, args...))
	}
}

// note prints a line whether or not progress is shown.
func (g *progress) note(format string, args ...any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.erase()
	fmt.Fprintf(g.w, "%s: %s\n", g.job, fmt.Sprintf(format, args...))
}

// event takes in an event of the run's history.
func (g *progress) event(e asl.Event) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.run == "" {
		g.run = e.Execution[strings.LastIndexByte(e.Execution, ':')+1:]
	}
	if e.Type == "TaskStateEntered" {
		g.doing = strings.ToLower(e.State)
	}
	if e.Type == "SucceedStateExited" && (e.State == "PartitionDone" || e.State == "PartitionFailed") && g.width == 0 {
		var p partitionEnd
		if json.Unmarshal(e.Output, &p) == nil {
			g.line("%s", p)
		}
	}
}

// partitionEnd is what the state machine says of a partition at its end.
type partitionEnd struct {
	Stream    string `json:"stream"`
	Partition string `json:"partition"`
	Turns     int64  `json:"turns"`
	Read      int64  `json:"read"`
	Failed    int64  `json:"failed"`
	More      bool   `json:"more"`
	Error     string `json:"error"`
}

// String is the line that is printed.
func (p partitionEnd) String() string {
	how := "ended"
	switch {
	case p.Error != "":
		how = "failed with " + strings.TrimPrefix(p.Error, "Lockstep.")
	case p.More:
		how = "goes on in the next leg"
	}
	return fmt.Sprintf("%s/%s %s: %s in %s, %s failed", p.Stream, p.Partition, how, plural(p.Read, "record"), plural(p.Turns, "batch"), count(p.Failed))
}
