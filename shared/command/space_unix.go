//go:build linux || darwin || freebsd

package command

import "syscall"

// freeSpace gives the bytes that this user may still write below a folder.
func freeSpace(dir string) (int64, bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true
}
