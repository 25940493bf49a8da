package runner_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/runner"
	"github.com/lockstep-data/lockstep/shared/store"
)

// envOwnMounts says that the test runs in a name space of its own, where it may mount.
const envOwnMounts = "LOCKSTEP_TEST_OWN_MOUNTS"

// mayMount says whether this process may mount file systems. When it may not, the test is run again in name spaces of its own; where the
// system forbids these too, it is skipped.
func mayMount(t *testing.T) bool {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k")
	if err == nil {
		return syscall.Unmount(dir, 0) == nil
	}
	if os.Getenv(envOwnMounts) != "" {
		t.Skipf("no small file system can be mounted here, also not in name spaces of our own: %v", err)
	}
	exe, eerr := os.Executable()
	if eerr != nil {
		t.Fatal(eerr)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), envOwnMounts+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, cerr := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case cerr == nil:
	case errors.As(cerr, &exit):
		t.Errorf("in name spaces of its own: %v\n%s", cerr, out)
	default:
		t.Skipf("no small file system can be mounted here: %v; nor are there name spaces: %v", err, cerr)
	}
	return false
}

// disk is a small file system in a project.
type disk struct {
	*lab
	dir string
}

// mount puts a file system of so many KB at a folder of the project.
func (l *lab) mount(name string, kb int) *disk {
	l.Helper()
	d := &disk{l, filepath.Join(l.dir, name)}
	l.ok(os.MkdirAll(d.dir, 0o755))
	l.ok(syscall.Mount("tmpfs", d.dir, "tmpfs", 0, fmt.Sprintf("size=%dk", kb)))
	l.Cleanup(func() { _ = syscall.Unmount(d.dir, syscall.MNT_DETACH) })
	return d
}

// fill leaves so many KB; the answer makes room again.
func (d *disk) fill(kb int) (free func()) {
	d.Helper()
	name := filepath.Join(d.dir, "filler")
	var st syscall.Statfs_t
	d.ok(syscall.Statfs(d.dir, &st))
	size := int(st.Bavail)*int(st.Bsize) - kb<<10
	if size < 0 {
		d.Fatalf("%s has no %d KB left", d.dir, kb)
	}
	d.ok(os.WriteFile(name, make([]byte, size), 0o644))
	return func() { d.ok(os.Remove(name)) }
}

// readOnly forbids all writes, or allows them again.
func (d *disk) readOnly(on bool) {
	d.Helper()
	flags := uintptr(syscall.MS_REMOUNT)
	if on {
		flags |= syscall.MS_RDONLY
	}
	d.ok(syscall.Mount("tmpfs", d.dir, "tmpfs", flags, ""))
}

// codeOf is the code with which a run ends, or with which it does not begin.
func (l *lab) codeOf() (fault.Code, string) {
	l.Helper()
	s, err := l.open(l.Context())
	if err != nil {
		return fault.CodeOf(err), err.Error()
	}
	defer s.close()
	r, err := s.Run(l.Context(), runner.Request{Job: "things"})
	if err != nil {
		return fault.CodeOf(err), err.Error()
	}
	return fault.Code(r.Run.ErrorCode), r.Run.ErrorText
}

// TestDiskFull fills the disk of the state, of the batches or of the destination: the run says QuotaExceeded, and when there is room again
// the job goes on to the right end.
func TestDiskFull(t *testing.T) {
	if !mayMount(t) {
		return
	}
	for _, c := range diskCases {
		for _, where := range []string{".lockstep", ".lockstep/blobs", "out"} {
			for _, left := range []int{0, 100} {
				if left > 0 && where != "out" && os.Getenv(envTorture) == "" {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%d KB left", c.name, where, left), func(t *testing.T) {
					l := newLab(t, fmt.Sprintf(onDisk, c.mode, c.destination))
					d := l.mount(where, 64<<10)
					l.rows(10)
					l.want(store.RunSucceeded, 10, 10, 0, 0)
					l.rows(8_000)
					free := d.fill(left)
					code, text := l.codeOf()
					if code != fault.QuotaExceeded && !(code == "" && where != "out" && left > 0) {
						t.Errorf("with a full disk it ends with %s: %s", code, text)
					}
					free()
					if end := l.run(runner.Request{}); end.Run.Status != store.RunSucceeded {
						t.Errorf("with room again it is %s: %s %s", end.Run.Status, end.Run.ErrorCode, end.Run.ErrorText)
					}
					if got, want := c.count(l), wantCount(c.name, 8_000); got != want {
						t.Errorf("got %s records, want %s", got, want)
					}
				})
			}
		}
	}
}

// TestPermissionLost makes the place of the batches or of the destination read-only in the middle of a run.
func TestPermissionLost(t *testing.T) {
	if !mayMount(t) {
		return
	}
	for _, c := range diskCases {
		for _, where := range []string{".lockstep/blobs", "out"} {
			t.Run(c.name+"/"+where, func(t *testing.T) {
				l := newLab(t, fmt.Sprintf(onDisk, c.mode, c.destination))
				d := l.mount(where, 64<<10)
				l.rows(10)
				l.want(store.RunSucceeded, 10, 10, 0, 0)
				l.rows(3_000)
				f := &frozen{T: t, dir: l.dir, still: true} // what is being written cannot be made read-only
				at := "load: before destination.Load things.csv #3"
				if c.name == "sqlite" || c.name == "sqlite-append" {
					at = "plan: before destination.open #1" // what is open for writing stays so
				}
				f.freeze(at, false)
				d.readOnly(true)
				end := f.thaw()
				if fault.Code(end.Code) != fault.AuthDenied {
					t.Errorf("without permission it ends with %s %s: %s", end.Status, end.Code, end.Err)
				}
				d.readOnly(false)
				if end := l.run(runner.Request{}); end.Run.Status != store.RunSucceeded {
					t.Errorf("with permission again it is %s: %s %s", end.Run.Status, end.Run.ErrorCode, end.Run.ErrorText)
				}
				if got, want := c.count(l), wantCount(c.name, 3_000); got != want {
					t.Errorf("got %s records, want %s", got, want)
				}
			})
		}
	}
}
