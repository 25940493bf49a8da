package blob_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/fault"
)

// childEnv names the folder in which this process is to write until it is killed.
const childEnv = "LOCKSTEP_TEST_BLOB_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		fmt.Println(writeForEver(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// content is what an object of a number holds: the number, often.
func content(n int) []byte { return bytes.Repeat(fmt.Appendf(nil, "%08d\n", n), 4000) }

// numberOf gives the number of an object, and says when it is not whole.
func numberOf(data []byte) (int, error) {
	if len(data) < 8 {
		return 0, fmt.Errorf("%d bytes", len(data))
	}
	n, err := strconv.Atoi(string(data[:8]))
	if err != nil || !bytes.Equal(data, content(n)) {
		return 0, fmt.Errorf("%d bytes that begin with %q are not whole", len(data), data[:8])
	}
	return n, nil
}

// writeForEver creates the objects made/1, made/2 … and counts them in the object count; it prints each number of which it was told that
// it is there.
func writeForEver(dir string) error {
	ctx := context.Background()
	b, err := blob.OpenFolder(dir)
	if err != nil {
		return err
	}
	for {
		n, data, etag := 0, []byte(nil), ""
		if data, etag, err = b.Get(ctx, "count"); err == nil {
			n, err = numberOf(data)
		}
		if err != nil && !fault.Has(err, fault.NotFound) {
			return err
		}
		if _, err := b.Create(ctx, fmt.Sprint("made/", n+1), content(n+1)); err != nil {
			return err
		}
		if _, err := b.Put(ctx, "count", content(n+1), etag); err != nil {
			return err
		}
		fmt.Println(n + 1)
	}
}

// TestFolder_Killed kills a process while it writes, again and again: what it was told is there, each object is whole, nothing else is
// listed, and the lock is free at once.
func TestFolder_Killed(t *testing.T) {
	dir := t.TempDir()
	b := folder(t, dir)
	last := 0
	for round := range 12 {
		said := killed(t, dir, 2+round%3, time.Duration(round)*311*time.Microsecond)
		if said <= last {
			t.Fatalf("the child got to %d, from %d", said, last)
		}
		data, etag, err := b.Get(t.Context(), "count")
		if err != nil {
			t.Fatal(err)
		}
		n, err := numberOf(data)
		if err != nil || n < said {
			t.Fatalf("the child was told %d, the object says %d, %v", said, n, err)
		}
		keys, err := blob.Keys(t.Context(), b, "made/")
		if err != nil || len(keys) != n && len(keys) != n+1 {
			t.Fatalf("%d objects, counted %d, %v", len(keys), n, err)
		}
		for _, key := range keys {
			data, err := b.Read(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := numberOf(data); err != nil {
				t.Errorf("%s: %v", key, err)
			}
		}
		if all, err := blob.Keys(t.Context(), b, ""); err != nil || len(all) != len(keys)+1 {
			t.Errorf("%q, %v", all, err)
		}
		if _, err := b.Put(t.Context(), "count", content(n), etag); err != nil {
			t.Error(err)
		}
		last = n
	}
	left, err := filepath.Glob(filepath.Join(dir, "*", ".*.tmp"))
	t.Logf("the child was killed at %d; it left %d files, %v", last, len(left), err)
}

// killed lets a child write until it has said so many numbers, and a little longer; the answer is the last number that it said.
func killed(t *testing.T, dir string, numbers int, longer time.Duration) int {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), self)
	child.Env = append(os.Environ(), childEnv+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	said, lines := 0, bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		if said, err = strconv.Atoi(lines.Text()); err != nil {
			t.Fatalf("the child says %q", lines.Text())
		}
		if n == numbers {
			time.AfterFunc(longer, func() { _ = child.Process.Kill() })
		}
	}
	if err := child.Wait(); err == nil {
		t.Fatal("the child ended by itself")
	}
	return said
}
