// Package window is a sliding view over a stream of bytes: records are looked at where they lie in the buffer, and the buffer is
// refilled behind them. It knows no format. Only the connector file imports it.
package window

import (
	"errors"
	"fmt"
	"io"
)

// Size is how many bytes a window reads at once.
const Size = 1 << 20

// Kept is how many bytes before its start a window still knows.
const Kept = 64

// first is the size of the first read: many streams are short.
const first = 64 << 10

// Window shows the bytes of a stream from a moving start. Not safe for concurrent use.
type Window struct {
	r    io.Reader
	buf  []byte
	lo   int   // first byte shown
	hi   int   // behind the last byte read
	base int64 // offset in the stream of buf[lo]
	done bool  // the stream has ended
	err  error // other than io.EOF
}

// New makes a window over a stream whose first byte has the given offset.
func New(r io.Reader, offset int64) *Window {
	return &Window{r: r, base: offset}
}

// Bytes gives what is shown now; it is valid until the next call of More.
func (w *Window) Bytes() []byte { return w.buf[w.lo:w.hi] }

// Behind gives up to Kept bytes that stand before the start, valid as Bytes is; fewer near the beginning of the stream.
func (w *Window) Behind() []byte { return w.buf[max(0, w.lo-Kept):w.lo] }

// Offset is the place in the stream of the first byte shown.
func (w *Window) Offset() int64 { return w.base }

// Done says that the stream has ended: Bytes holds all that is left.
func (w *Window) Done() bool { return w.done }

// Err is the error that ended the stream, nil at its proper end.
func (w *Window) Err() error { return w.err }

// Skip moves the start forward by n bytes of those shown.
func (w *Window) Skip(n int) {
	w.lo += n
	w.base += int64(n)
}

// More reads on, so that Bytes grows, and answers false when nothing more comes. What Bytes gave before may have moved.
func (w *Window) More() bool {
	if w.done {
		return false
	}
	w.room()
	for range 100 {
		n, err := w.r.Read(w.buf[w.hi:])
		w.hi += n
		if err != nil {
			w.done = true
			if !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				w.err = fmt.Errorf("read: %w", err)
			}
		}
		if n > 0 || w.done {
			return n > 0
		}
	}
	w.done, w.err = true, io.ErrNoProgress
	return false
}

// room makes place behind hi: for half a Size, or less while little was read.
func (w *Window) room() {
	if len(w.buf) == 0 {
		w.buf = make([]byte, first)
		return
	}
	if len(w.buf)-w.hi >= min(Size, len(w.buf))/2 {
		return
	}
	from := max(0, w.lo-Kept)
	kept := w.hi - from
	if len(w.buf)-kept < min(Size, len(w.buf))/2 || len(w.buf) < Size {
		to := make([]byte, max(Size, 2*len(w.buf)))
		copy(to, w.buf[from:w.hi])
		w.buf = to
	} else {
		copy(w.buf, w.buf[from:w.hi])
	}
	w.lo, w.hi = w.lo-from, kept
}

// Ensure reads until at least n bytes are shown, and answers false when there are fewer.
func (w *Window) Ensure(n int) bool {
	for w.hi-w.lo < n {
		if !w.More() {
			return false
		}
	}
	return true
}
