package window_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/lockstep-data/lockstep/shared/connector/file/internal/window"
)

// TestWindow goes through a stream in random steps and always sees what is there.
func TestWindow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, 5<<20)
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	for _, reader := range []io.Reader{bytes.NewReader(data), iotest.HalfReader(bytes.NewReader(data)), iotest.DataErrReader(bytes.NewReader(data))} {
		w := window.New(reader, 7)
		at := 0
		for w.Ensure(1) {
			if r.IntN(10) == 0 {
				w.Ensure(r.IntN(3 << 20))
			}
			b := w.Bytes()
			if !bytes.Equal(b, data[at:at+len(b)]) || w.Offset() != int64(at)+7 {
				t.Fatalf("at %d the window shows something else", at)
			}
			if behind := w.Behind(); !bytes.Equal(behind, data[max(0, at-window.Kept):at]) {
				t.Fatalf("at %d %d bytes behind, or others", at, len(behind))
			}
			n := min(r.IntN(20000), len(b))
			w.Skip(n)
			at += n
		}
		if at != len(data) || !w.Done() || w.Err() != nil {
			t.Errorf("ended at %d of %d: %v", at, len(data), w.Err())
		}
	}
}

func TestWindow_Err(t *testing.T) {
	broken := errors.New("broken")
	w := window.New(io.MultiReader(bytes.NewReader([]byte("abc")), iotest.ErrReader(broken)), 0)
	if w.Ensure(4) || string(w.Bytes()) != "abc" || !errors.Is(w.Err(), broken) {
		t.Errorf("got %q, %v", w.Bytes(), w.Err())
	}
	if w = window.New(iotest.ErrReader(io.ErrUnexpectedEOF), 0); w.Ensure(1) || w.Err() == nil {
		t.Error("a stream that was cut off has no error")
	}
}
