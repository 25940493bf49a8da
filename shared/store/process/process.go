// Package process says whether the process that holds a local run's lock is alive. A live process keeps a file locked that the
// operating system unlocks when the process ends, however it ends. The folder must be on a local file system; it is shared by the
// processes that share a state. Runners and commands import it.
package process

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/gofrs/flock"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

var _ store.Prover = Prover{}

// suffix ends the name of a holder's file.
const suffix = ".lock"

// Holder is this process as the holder of locks, until Close. One process may have several.
type Holder struct {
	id   string
	file *flock.Flock
}

// Hold makes a holder with a token that nobody had before, and removes the files of processes that ended. Errors: AuthDenied (the
// folder cannot be made or written), QuotaExceeded, Internal.
func Hold(dir string) (*Holder, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, fault.New(fault.Internal, "ask for the name of this machine: %w", err)
	}
	return holdAs(dir, host)
}

// HoldShared is Hold for a state that processes of other folders and machines use too: its id names the folder, so that a process elsewhere,
// which does not see the file, takes nobody for dead. Errors: those of Hold.
func HoldShared(dir string) (*Holder, error) {
	name, err := place(dir)
	if err != nil {
		return nil, err
	}
	return holdAs(dir, name)
}

// place names a folder of a machine: the machine's name and random bits that are kept in the folder.
func place(dir string) (string, error) {
	host, err := os.Hostname()
	if err != nil {
		return "", fault.New(fault.Internal, "ask for the name of this machine: %w", err)
	}
	folder := holders(dir)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fault.New(fault.AuthDenied, "make folder %s: %w", folder, err).WithHint("check the folder and its permissions")
	}
	path := filepath.Join(folder, placeFile)
	for {
		name, err := os.ReadFile(path)
		if err == nil && isToken(string(name)) {
			return host + "/" + string(name), nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fault.New(fault.AuthDenied, "read %s: %w", path, err)
		}
		if err == nil {
			return "", fault.New(fault.DataInvalid, "%s does not hold the name of this folder", path).WithHint("delete it when nothing runs")
		}
		bits := make([]byte, 16)
		if _, err := rand.Read(bits); err != nil {
			return "", fault.New(fault.Internal, "make a token: %w", err)
		}
		if err := publish(path, hex.EncodeToString(bits)); err != nil {
			return "", err
		}
	}
}

// placeFile holds what names the folder.
const placeFile = "place"

// publish makes a file with its whole content, unless it is there.
func publish(path, text string) error {
	tmp := path + "." + text
	if err := os.WriteFile(tmp, []byte(text), 0o600); err != nil {
		return fault.New(fault.AuthDenied, "write %s: %w", tmp, err)
	}
	err := os.Link(tmp, path)
	if rerr := os.Remove(tmp); rerr != nil {
		return fault.New(fault.Internal, "remove %s: %w", tmp, rerr)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fault.New(fault.AuthDenied, "make %s: %w", path, err)
	}
	return nil
}

// holdAs makes a holder whose id begins with a name.
func holdAs(dir, name string) (*Holder, error) {
	folder := holders(dir)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, denied("make folder", folder, err)
	}
	if err := sweep(folder); err != nil {
		return nil, err
	}
	for range 8 {
		token := make([]byte, 16)
		if _, err := rand.Read(token); err != nil {
			return nil, fault.New(fault.Internal, "make a token: %w", err)
		}
		mine := hex.EncodeToString(token)
		file, err := take(filepath.Join(folder, mine+suffix))
		if err != nil {
			return nil, err
		}
		if file != nil {
			return &Holder{id: store.LocalHolder + name + ":" + mine, file: file}, nil
		}
	}
	return nil, fault.New(fault.Transient, "files in %s vanish while they are made", folder)
}

// denied is an error of the file system: it is full, or may not be used.
func denied(action, path string, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fault.New(fault.QuotaExceeded, "%s %s: %w", action, path, err).WithHint("the disk is full: free some space and run again; nothing is lost")
	}
	return fault.New(fault.AuthDenied, "%s %s: %w", action, path, err).WithHint("the folder must be on a local file system, and writable")
}

// ID is local:<host>:<token>, what stands in a lock's Holder.
func (h *Holder) ID() string { return h.id }

// Close lets go: from now on the holder counts as dead. Nothing may run for it any more.
func (h *Holder) Close() error {
	path := h.file.Path()
	rerr := os.Remove(path) // before the file is unlocked, so that nobody else's is removed
	if err := h.file.Close(); err != nil {
		return fault.New(fault.Internal, "unlock %s: %w", path, err)
	}
	if rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
		return fault.New(fault.Internal, "remove %s: %w", path, rerr)
	}
	return nil
}

// take makes and locks a file; nil when a sweep removed it in between.
func take(path string) (*flock.Flock, error) {
	file := flock.New(path)
	locked, err := file.TryLock()
	if err != nil {
		return nil, denied("lock", path, err)
	}
	if !locked {
		return nil, nil
	}
	mine, err := file.Stat()
	if err == nil {
		var there fs.FileInfo
		if there, err = os.Stat(path); err == nil && os.SameFile(mine, there) {
			return file, nil
		}
	}
	if cerr := file.Close(); cerr != nil {
		return nil, fault.New(fault.Internal, "unlock %s: %w", path, cerr)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.Internal, "look at %s: %w", path, err)
	}
	return nil, nil
}

// Prover is a store.Prover for holders of this machine whose processes use Dir.
type Prover struct {
	Dir    string
	Shared bool // the holders are those of HoldShared
}

// Life says Dead when the holder's file is unlocked or gone, Alive when it is locked, and Unknown for holders of other machines and
// for executions.
func (p Prover) Life(_ context.Context, l store.Lock) (store.Life, error) {
	name, err := os.Hostname()
	if err == nil && p.Shared {
		name, err = place(p.Dir)
	}
	if err != nil {
		return store.Unknown, fmt.Errorf("ask for the name of this place: %w", err)
	}
	token, ok := strings.CutPrefix(l.Holder, store.LocalHolder+name+":")
	if !ok || !isToken(token) {
		return store.Unknown, nil
	}
	dead, err := ended(filepath.Join(holders(p.Dir), token+suffix))
	switch {
	case err != nil:
		return store.Unknown, err
	case dead:
		return store.Dead, nil
	}
	return store.Alive, nil
}

// isToken keeps names out that Hold did not make, as paths.
func isToken(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 16
}

func holders(dir string) string { return filepath.Join(dir, "holders") }

// ended says whether nobody has the file locked, and removes it then.
func ended(path string) (bool, error) {
	file := flock.New(path, flock.SetFlag(os.O_RDWR)) // without O_CREATE
	locked, err := file.TryLock()
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("try lock %s: %w", path, err)
	}
	if !locked {
		return false, nil
	}
	rerr := os.Remove(path)
	if err := file.Close(); err != nil {
		return true, fmt.Errorf("unlock %s: %w", path, err)
	}
	if rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
		return true, fmt.Errorf("remove %s: %w", path, rerr)
	}
	return true, nil
}

// sweep removes the files of processes that ended.
func sweep(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fault.New(fault.AuthDenied, "read folder %s: %w", folder, err).WithHint("check the folder and its permissions")
	}
	for _, e := range entries {
		if token, ok := strings.CutSuffix(e.Name(), suffix); !ok || !isToken(token) {
			continue
		}
		if _, err := ended(filepath.Join(folder, e.Name())); err != nil {
			return fault.New(fault.Internal, "remove the file of an ended process: %w", err)
		}
	}
	return nil
}
