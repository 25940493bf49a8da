package window_test

import (
	"bytes"
	"testing"
	"testing/iotest"

	"github.com/lockstep-data/lockstep/shared/connector/file/internal/window"
)

// FuzzWindow moves over a text in steps of any size, read in pieces of any size, and always sees what is there.
func FuzzWindow(f *testing.F) {
	f.Add([]byte("hello world"), []byte{1, 2, 0, 200}, uint16(1))
	f.Add([]byte{}, []byte{0}, uint16(0))
	f.Add(bytes.Repeat([]byte("0123456789"), 50), []byte{64, 65, 1, 255}, uint16(20_000))
	f.Fuzz(func(t *testing.T, piece, steps []byte, times uint16) {
		data := bytes.Repeat(piece, min(int(times), 3*window.Size/max(len(piece), 1)))
		w := window.New(iotest.HalfReader(bytes.NewReader(data)), 0)
		for i, at := 0, 0; w.Ensure(1) && len(steps) > 0; i++ {
			b := w.Bytes()
			if int(w.Offset()) != at || !bytes.Equal(b, data[at:at+len(b)]) || !bytes.Equal(w.Behind(), data[max(0, at-window.Kept):at]) {
				t.Fatalf("at %d the window shows something else", at)
			}
			n := min(len(b), int(steps[i%len(steps)])*997)
			if n == 0 && !w.Ensure(len(b)+1) || i > 10_000 {
				return
			}
			w.Skip(n)
			at += n
		}
	})
}
