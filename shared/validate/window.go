package validate

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
)

// Window counts the failures among a partition's last records, and says how many of the next ones may be accepted. It is not safe
// for concurrent use.
type Window struct {
	size, threshold int
	cursor          int // the slot that was written last
	nacks           int
	slots           []byte // one bit a slot: 1 is a failure
}

// windowForm is the version of the stored form.
const windowForm = "1"

// NewWindow makes an empty window. Size 0 never stops; a threshold of 0 stops at the first failure, so that only one slot is kept.
func NewWindow(w job.Window) *Window {
	size := max(w.Size, 0)
	if size > 0 && w.Threshold <= 0 {
		size = 1
	}
	return &Window{size: size, threshold: max(w.Threshold, 0), slots: make([]byte, (size+7)/8)}
}

// Store takes the outcomes of the next n records, all of them failures when nack is set, and answers how many are accepted. Fewer
// than n means that there were too many failures: the record behind them was counted and trips the window, which accepts nothing
// from then on.
func (w *Window) Store(n int, nack bool) int {
	if w.size == 0 {
		return n
	}
	if w.nacks > w.threshold {
		return 0
	}
	if !nack && w.nacks == 0 {
		w.cursor = (w.cursor + n) % w.size // every slot stays 0
		return n
	}
	for i := range n {
		w.put(nack)
		if nack && w.nacks > w.threshold {
			return i
		}
	}
	return n
}

func (w *Window) put(nack bool) {
	w.cursor = (w.cursor + 1) % w.size
	if w.nack(w.cursor) == nack {
		return
	}
	w.slots[w.cursor/8] ^= 1 << (w.cursor % 8)
	if nack {
		w.nacks++
	} else {
		w.nacks--
	}
}

func (w *Window) nack(slot int) bool { return w.slots[slot/8]&(1<<(slot%8)) != 0 }

// Failures counts the failures in the window.
func (w *Window) Failures() int { return w.nacks }

// Tripped says whether the window accepts nothing any more.
func (w *Window) Tripped() bool { return w.size > 0 && w.nacks > w.threshold }

// Encode gives the window as text of at most 700 bytes for 4,000 slots: version, size, cursor and slots. A window without failures
// is short.
func (w *Window) Encode() string {
	slots := ""
	if w.nacks > 0 {
		slots = base64.RawStdEncoding.EncodeToString(w.slots)
	}
	return strings.Join([]string{windowForm, strconv.Itoa(w.size), strconv.Itoa(w.cursor), slots}, ":")
}

// Decode reads what Encode gave; "" is an empty window. When the configuration has changed since, the latest outcomes are taken over
// into a window of the new size. Anything else is DataInvalid, a later version VersionTooNew.
func Decode(c job.Window, s string) (*Window, error) {
	w := NewWindow(c)
	if s == "" {
		return w, nil
	}
	old, err := parseWindow(s)
	if err != nil {
		return nil, err
	}
	if old.size == w.size {
		w.cursor, w.nacks, w.slots = old.cursor, old.nacks, old.slots
		return w, nil
	}
	if w.size > 0 && old.nacks > 0 {
		for i := 1; i <= old.size; i++ { // from the oldest slot, the one behind the cursor
			w.put(old.nack((old.cursor + i) % old.size))
		}
	}
	return w, nil
}

func parseWindow(s string) (*Window, error) {
	parts := strings.Split(s, ":")
	if v, err := strconv.Atoi(parts[0]); err == nil && v > 1 {
		return nil, fault.New(fault.VersionTooNew, "the failure window has form %d, this version reads form %s", v, windowForm)
	}
	damaged := fault.New(fault.DataInvalid, "the stored failure window is damaged")
	if len(parts) != 4 || parts[0] != windowForm {
		return nil, damaged
	}
	size, err1 := strconv.Atoi(parts[1])
	cursor, err2 := strconv.Atoi(parts[2])
	slots, err3 := base64.RawStdEncoding.Strict().DecodeString(parts[3])
	if err1 != nil || err2 != nil || err3 != nil || size < 0 || size > 1<<20 || cursor < 0 || cursor >= max(size, 1) {
		return nil, damaged
	}
	w := &Window{size: size, cursor: cursor, slots: slots}
	if len(slots) == 0 {
		w.slots = make([]byte, (size+7)/8)
	}
	if len(w.slots) != (size+7)/8 {
		return nil, damaged
	}
	for i := range len(w.slots) * 8 {
		if !w.nack(i) {
			continue
		}
		if i >= size {
			return nil, damaged
		}
		w.nacks++
	}
	return w, nil
}
