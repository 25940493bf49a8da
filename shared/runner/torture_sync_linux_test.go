//go:build linux && (amd64 || arm64)

package runner_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"unsafe"
)

// Numbers of seccomp that package syscall does not have.
const (
	prSetNoNewPrivs     = 38
	seccompSetFilter    = 1
	seccompAllThreads   = 1<<0 | 1<<4 // TSYNC, with TSYNC_ESRCH
	seccompListener     = 1 << 3
	seccompAllow        = 0x7fff0000
	seccompNotify       = 0x7fc00000
	seccompReceive      = 0xc0502100
	seccompSend         = 0xc0182101
	syncPass            = 0x10c2 // in the upper half of a file descriptor's register, which the kernel does not read: the watcher's own call
	bpfLoad, bpfEqual   = syscall.BPF_LD | syscall.BPF_W | syscall.BPF_ABS, syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K
	bpfReturn           = syscall.BPF_RET | syscall.BPF_K
	dataNumber, dataTop = 0, 20 // offsets in a call's data: its number, and the upper half of its first argument
)

// seccompCall is the number of the system call.
var seccompCall = map[string]uintptr{"amd64": 317, "arm64": 277}[runtime.GOARCH]

// notification is a call that waits for its answer.
type notification struct {
	id            uint64
	pid, flags    uint32
	number        int32
	arch          uint32
	ip            uint64
	args          [6]uint64
	answerID      uint64 // the answer
	value         int64
	errno         int32
	answerOptions uint32
}

// watchSync crosses the points before and after every fsync of this process, whoever calls it: the kernel hands each call to a goroutine,
// which makes it in the caller's place. It answers why it cannot, "" when it can.
func (p *points) watchSync() string {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	program := []syscall.SockFilter{
		{Code: bpfLoad, K: dataNumber},
		{Code: bpfEqual, K: syscall.SYS_FSYNC, Jt: 1},
		{Code: bpfEqual, K: syscall.SYS_FDATASYNC, Jf: 3},
		{Code: bpfLoad, K: dataTop},
		{Code: bpfEqual, K: syncPass, Jt: 1},
		{Code: bpfReturn, K: seccompNotify},
		{Code: bpfReturn, K: seccompAllow},
	}
	filter := syscall.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if _, _, e := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0, 0); e != 0 {
		return "no_new_privs: " + e.Error()
	}
	fd, _, e := syscall.RawSyscall(seccompCall, seccompSetFilter, seccompAllThreads|seccompListener, uintptr(unsafe.Pointer(&filter)))
	if e != 0 {
		return "seccomp: " + e.Error()
	}
	go p.answerSyncs(fd)
	return ""
}

func (p *points) answerSyncs(listener uintptr) {
	for {
		var n notification
		if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, listener, seccompReceive, uintptr(unsafe.Pointer(&n))); e != 0 {
			if e == syscall.EINTR || e == syscall.ENOENT {
				continue
			}
			panic("wait for an fsync: " + e.Error())
		}
		fd := uint32(n.args[0])
		p.call("fsync of "+fileOf(fd), func() {
			_, _, e := syscall.Syscall(uintptr(n.number), syncPass<<32|uintptr(fd), 0, 0)
			n.errno = -int32(e)
		})
		n.answerID = n.id
		if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, listener, seccompSend, uintptr(unsafe.Pointer(&n.answerID))); e != 0 && e != syscall.ENOENT {
			panic("answer an fsync: " + e.Error())
		}
	}
}

var changing = regexp.MustCompile(`[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}|[0-9a-f]{12,}`)

// fileOf names an open file, without what is different in each run.
func fileOf(fd uint32) string {
	path, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		return "?"
	}
	if strings.HasSuffix(path, ".tmp") && strings.Contains(path, "/blobs/") {
		return "an object"
	}
	if strings.Contains(path+"/", "/blobs/") {
		return "an object's folder"
	}
	return changing.ReplaceAllString(filepath.Base(path), "~")
}
