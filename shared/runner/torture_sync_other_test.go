//go:build !linux || (!amd64 && !arm64)

package runner_test

// watchSync says why the points around fsync are left out here.
func (p *points) watchSync() string { return "only Linux can stop a process at its fsyncs" }
