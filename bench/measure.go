package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// cores is how many cores each process may use: GOMAXPROCS of ours and of the reference. sqlite3 uses one.
const cores = "2"

// usage is what one process used from start to exit.
type usage struct {
	Wall float64 // s
	CPU  float64 // s, user and system
	RSS  int64   // KiB, the most at any moment, of the whole process
}

// call is a process to measure.
type call struct {
	dir  string
	name string
	args []string
}

// measure runs a process to its end. What others have written is put to disk first, so that it does not pay for them.
func measure(c call) (usage, error) {
	syscall.Sync()
	cmd := exec.Command(c.name, c.args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "GOMAXPROCS="+cores)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	begin := time.Now()
	err := cmd.Run()
	u := usage{Wall: time.Since(begin).Seconds()}
	if err != nil {
		return u, fmt.Errorf("run %s %s: %w\n%s", c.name, strings.Join(c.args, " "), err, out.String())
	}
	r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return u, errors.New("the system does not tell what a process used")
	}
	u.CPU = (time.Duration(r.Utime.Nano()) + time.Duration(r.Stime.Nano())).Seconds()
	u.RSS = int64(r.Maxrss)
	return u, nil
}

// work is one row of the table: a job of lockstep and what it is held against.
type work struct {
	Name   string `json:"name"`
	Title  string `json:"title"`
	Target string `json:"target"`

	ours     call
	ref      call         // name "": none
	clean    []string     // removed before each run of ours
	refClean []string     // removed before each run of the reference
	ready    func() error // made ready before each run of ours; may be nil
	check    func() error // compares both outputs after the first round; may be nil
}

// result is a work as it was measured.
type result struct {
	Name      string  `json:"name"`
	Title     string  `json:"title"`
	Target    string  `json:"target"`
	Ours      float64 `json:"ours_s"` // median
	Reference float64 `json:"reference_s,omitempty"`
	Ratio     float64 `json:"ratio,omitempty"`     // median of the rounds' ratios
	CPURatio  float64 `json:"cpu_ratio,omitempty"` // the same of CPU seconds
	BestRatio float64 `json:"best_ratio,omitempty"`
	OursCPU   float64 `json:"ours_cpu_s"`
	RefCPU    float64 `json:"reference_cpu_s,omitempty"`
	PeakMiB   float64 `json:"peak_mib"`
	RefMiB    float64 `json:"reference_peak_mib,omitempty"`
}

// rounds measures works in turns: in each round every work and its reference, who comes first changing from round to round.
func (b *bench) rounds(works []work, rounds int) ([]result, error) {
	ours, refs := make([][]usage, len(works)), make([][]usage, len(works))
	for round := range rounds {
		for i, w := range works {
			for side := range 2 {
				own := side == round%2
				if !own && w.ref.name == "" {
					continue
				}
				u, err := b.side(w, own)
				if err != nil {
					return nil, err
				}
				if own {
					ours[i] = append(ours[i], u)
				} else {
					refs[i] = append(refs[i], u)
				}
			}
			if round == 0 && w.check != nil {
				if err := w.check(); err != nil {
					return nil, fmt.Errorf("%s: %w", w.Name, err)
				}
			}
			b.say("  round %d of %d  %-8s %s", round+1, rounds, w.Name, line(ours[i], refs[i]))
		}
	}
	out := make([]result, len(works))
	for i, w := range works {
		out[i] = sum(w, ours[i], refs[i])
	}
	return out, nil
}

func (b *bench) side(w work, own bool) (usage, error) {
	c, clean := w.ours, w.clean
	if !own {
		c, clean = w.ref, w.refClean
	}
	for _, name := range clean {
		if err := os.RemoveAll(filepath.Join(c.dir, name)); err != nil {
			return usage{}, err
		}
	}
	if own && w.ready != nil {
		if err := w.ready(); err != nil {
			return usage{}, err
		}
	}
	return measure(c)
}

func line(ours, refs []usage) string {
	u := ours[len(ours)-1]
	text := fmt.Sprintf("%.2f s, CPU %.2f s, %d MiB", u.Wall, u.CPU, u.RSS>>10)
	if len(refs) > 0 {
		r := refs[len(refs)-1]
		text += fmt.Sprintf("; reference %.2f s, CPU %.2f s; ratio %.2f", r.Wall, r.CPU, u.Wall/r.Wall)
	}
	return text
}

// sum makes one result of a work's rounds.
func sum(w work, ours, refs []usage) result {
	wall := func(u usage) float64 { return u.Wall }
	cpu := func(u usage) float64 { return u.CPU }
	r := result{Name: w.Name, Title: w.Title, Target: w.Target, Ours: median(each(ours, wall)), OursCPU: median(each(ours, cpu)), PeakMiB: peak(ours)}
	if len(refs) == 0 {
		return r
	}
	r.Reference, r.RefCPU, r.RefMiB = median(each(refs, wall)), median(each(refs, cpu)), peak(refs)
	var ratios, cpus []float64
	for i := range ours {
		ratios, cpus = append(ratios, ours[i].Wall/refs[i].Wall), append(cpus, ours[i].CPU/max(refs[i].CPU, 1e-4))
	}
	r.Ratio, r.CPURatio = median(ratios), median(cpus)
	r.BestRatio = slices.Min(each(ours, wall)) / slices.Min(each(refs, wall))
	return r
}

func each(of []usage, value func(usage) float64) []float64 {
	out := make([]float64, len(of))
	for i, u := range of {
		out[i] = value(u)
	}
	return out
}

// median gives the middle of the values, 0 when there are none.
func median(of []float64) float64 {
	if len(of) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(of))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// peak gives the largest peak in MiB.
func peak(of []usage) float64 {
	var most int64
	for _, u := range of {
		most = max(most, u.RSS)
	}
	return float64(most) / 1024
}
