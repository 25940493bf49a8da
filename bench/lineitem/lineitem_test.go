package lineitem_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"io"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/bench/lineitem"
)

func made(t *testing.T, rows int, seed uint64) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := lineitem.Write(&out, rows, seed); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestWrite_SameBytes(t *testing.T) {
	sum := sha256.Sum256(made(t, 10_000, 1))
	if got, want := hex.EncodeToString(sum[:8]), "279cbad52e666ec6"; got != want {
		t.Errorf("10,000 rows have the sum %s, want %s: figures of earlier days can no longer be compared", got, want)
	}
	if bytes.Equal(made(t, 100, 1), made(t, 100, 2)) {
		t.Error("two seeds give the same rows")
	}
	if !bytes.HasPrefix(made(t, 1000, 1), made(t, 100, 1)) {
		t.Error("more rows do not begin with fewer")
	}
}

func TestWrite_Rows(t *testing.T) {
	r := csv.NewReader(bytes.NewReader(made(t, 5000, 3)))
	rows := -1
	for {
		fields, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if rows++; rows == 0 {
			continue
		}
		if len(fields) != len(lineitem.Columns) {
			t.Fatalf("row %d has %d fields", rows, len(fields))
		}
		for _, i := range []int{10, 11, 12} {
			if _, err := time.Parse(time.DateOnly, fields[i]); err != nil {
				t.Fatalf("row %d: %v", rows, err)
			}
		}
	}
	if rows != 5000 {
		t.Errorf("%d rows", rows)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestWrite_Error(t *testing.T) {
	if err := lineitem.Write(full{}, 10, 1); err != io.ErrShortWrite {
		t.Errorf("got %v", err)
	}
}
