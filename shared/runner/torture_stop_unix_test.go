//go:build unix

package runner_test

import (
	"os"
	"syscall"
)

// stopMyself freezes this process until it gets SIGCONT.
func stopMyself() error { return syscall.Kill(os.Getpid(), syscall.SIGSTOP) }
