// Command cold measures how long a function's program takes from the start of its process to its first question for work, and how much memory it
// has then: cold [-runs n] [-median ms] [-rss MB] FILE…
package main

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lockstep-data/lockstep/functions/internal/runtimeapi"
)

func main() {
	runs := flag.Int("runs", 50, "how often each program is started")
	maxMedian := flag.Float64("median", 0, "fail when the median is more, in ms; 0: never")
	maxRSS := flag.Float64("rss", 0, "fail when the resident memory is more, in MB; 0: never")
	flag.Parse()
	if err := measureAll(flag.Args(), *runs, *maxMedian, *maxRSS); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// measureAll measures each program once, whatever the number of its names.
func measureAll(files []string, runs int, maxMedian, maxRSS float64) error {
	seen := map[[32]byte]bool{}
	fmt.Println("| program | file MB | median ms | p90 ms | fastest ms | RSS MB |\n|---|---|---|---|---|---|")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if sum := sha256.Sum256(data); seen[sum] {
			continue
		} else {
			seen[sum] = true
		}
		var times, sizes []float64
		for range runs {
			took, rss, err := once(file)
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			times, sizes = append(times, took.Seconds()*1000), append(sizes, rss)
		}
		slices.Sort(times)
		slices.Sort(sizes)
		median, rss := times[len(times)/2], sizes[len(sizes)/2]
		fmt.Printf("| %s | %.1f | %.1f | %.1f | %.1f | %.1f |\n", file, float64(len(data))/1e6, median, times[len(times)*9/10], times[0], rss)
		if maxMedian > 0 && median > maxMedian || maxRSS > 0 && rss > maxRSS {
			return fmt.Errorf("%s: more than %.0f ms or %.0f MB", file, maxMedian, maxRSS)
		}
	}
	return nil
}

// once starts a program and ends it when it asks for work.
func once(file string) (took time.Duration, rss float64, err error) {
	api, err := runtimeapi.New()
	if err != nil {
		return 0, 0, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, file)
	cmd.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + api.Addr, "_HANDLER=extract", "AWS_REGION=eu-central-1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512"}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	err = api.Ready(ctx)
	took = time.Since(began)
	if err == nil {
		rss, err = resident(cmd.Process.Pid)
	}
	_ = api.Close()
	_ = cmd.Process.Kill() // it ends by itself, now that the API is gone
	_ = cmd.Wait()
	return took, rss, err
}

// resident gives the resident memory of a process, in MB.
func resident(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb * 1024 / 1e6, err
		}
	}
	return 0, fmt.Errorf("process %d has no resident memory", pid)
}
