// Package stacktest deploys the product's CDK app to LocalStack and runs jobs there, for tests. Each deployment has an account of its own, so
// that nothing of an earlier one is seen. All but this file needs the build tag localstack; tests import it.
package stacktest

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// NewAccount draws an account: LocalStack takes an access key of 12 digits for one.
func NewAccount() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	n := uint64(0)
	for _, x := range b {
		n = n<<8 | uint64(x)
	}
	return fmt.Sprintf("%012d", 100_000_000_000+n%800_000_000_000)
}

// Poll asks again every so often until the answer is true or an error, or the context ends.
func Poll(ctx context.Context, every time.Duration, ask func() (bool, error)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		done, err := ask()
		if err != nil || done {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Processes lists the ids of this machine's processes whose environment holds all of the variables, each as NAME=value.
func Processes(variables ...string) ([]int, error) {
	found, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return nil, err
	}
	var out []int
	for _, file := range found {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // it ended, or is somebody else's
		}
		if !holdsAll("\x00"+string(data), variables) {
			continue
		}
		if id, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			out = append(out, id)
		}
	}
	return out, nil
}

func holdsAll(environment string, variables []string) bool {
	for _, v := range variables {
		if !strings.Contains(environment, "\x00"+v+"\x00") {
			return false
		}
	}
	return true
}
