package file

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/lockstep-data/lockstep/shared/connector/file/internal/cell"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
)

// Positions are one of three forms:
//
//	o<offset>                          full streams: of the decompressed UTF-8 text, behind the record
//	a<beginning>:<offset and check>    incremental streams: beginning is a hash of the file's first line; the number is
//	                                   offset·2^20 + a hash of the 64 bytes before it, so that a rewritten file is noticed
//	c<n>:<rejects>:<value>             incremental streams with a cursor: the value, how many records with it were read, and how
//	                                   many rejects behind the last of them; with + before it, how many at the beginning of a
//	                                   file that has no record up to the value
const (
	offsetPrefix = "o"
	appendPrefix = "a"
	cursorPrefix = "c"
	freshMark    = "+"
	checkBits    = 20
	maxOffset    = 1 << (63 - checkBits) // 8 TiB
	firstBytes   = 1 << 10               // of the first line that count
	maxCursor    = 400                   // bytes of a cursor's value
)

// badPosition is a position that this source has not written, or for another mode or format.
func badPosition(p string) error {
	return fault.New(fault.Conflict, "position %q does not belong to this stream as it is set up now", p).WithHint("reset the stream with: lockstep reset")
}

// changed is the error for a file that is not what was read before.
func changed(name, what string) error {
	return fault.New(fault.Conflict, "file %s was changed since it was read: %s", name, what).
		WithHint("lockstep reset reads it from the beginning; mode full reads it whole every time")
}

func parseOffset(p string) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimPrefix(p, offsetPrefix), 10, 64)
	if err != nil || n < 0 || !strings.HasPrefix(p, offsetPrefix) {
		return 0, badPosition(p)
	}
	return n, nil
}

// follow is a position in a file that grows.
type follow struct {
	beginning string // hash of the first line
	offset    int64
	check     int64
}

func parseFollow(p string) (follow, error) {
	beginning, number, ok := strings.Cut(strings.TrimPrefix(p, appendPrefix), ":")
	n, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || n < 0 || !strings.HasPrefix(p, appendPrefix) {
		return follow{}, badPosition(p)
	}
	return follow{beginning, n >> checkBits, n & (1<<checkBits - 1)}, nil
}

// checkOf is the hash of the bytes before an offset.
func checkOf(behind []byte) int64 { return int64(xxhash.Sum64(behind) & (1<<checkBits - 1)) }

// beginningOf hashes the first line of a text; false while the line has no end.
func beginningOf(head []byte, eol byte) (string, bool) {
	n := strings.IndexByte(string(head), eol)
	if n < 0 && len(head) < firstBytes {
		return "", false
	}
	if n < 0 || n > firstBytes {
		n = firstBytes
	}
	return fmt.Sprintf("%016x", xxhash.Sum64(head[:n])), true
}

// readHead gives up to firstBytes+1 bytes.
func readHead(r io.Reader) ([]byte, error) {
	head := make([]byte, firstBytes+1)
	n, err := io.ReadFull(r, head)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return head[:n], err
}

// cursorAt is where a stream with a cursor is.
type cursorAt struct {
	value   cell.Value
	text    string
	n       int64 // records with the value; 0: none was read yet
	rejects int64 // behind the last of them
	fresh   bool  // the rejects stand at the beginning of a file with nothing up to value
}

func (c cursorAt) String() string {
	mark := ""
	if c.fresh {
		mark = freshMark
	}
	return fmt.Sprintf("%s%d:%s%d:%s", cursorPrefix, c.n, mark, c.rejects, c.text)
}

func parseCursor(p string, t record.Type) (cursorAt, error) {
	parts := strings.SplitN(strings.TrimPrefix(p, cursorPrefix), ":", 3)
	if len(parts) != 3 || !strings.HasPrefix(p, cursorPrefix) {
		return cursorAt{}, badPosition(p)
	}
	n, err1 := strconv.ParseInt(parts[0], 10, 64)
	count, fresh := strings.CutPrefix(parts[1], freshMark)
	rejects, err2 := strconv.ParseInt(count, 10, 64)
	at := cursorAt{n: n, rejects: rejects, text: parts[2], fresh: fresh}
	if err1 != nil || err2 != nil || n < 0 || rejects < 0 {
		return cursorAt{}, badPosition(p)
	}
	if n == 0 {
		return at, nil
	}
	col := cell.NewColumn(t, false)
	if !col.Text([]byte(parts[2])) {
		return cursorAt{}, badPosition(p)
	}
	at.value = col.Last()
	return at, nil
}
