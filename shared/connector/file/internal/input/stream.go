package input

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// Form is how a file's text is stored.
type Form struct {
	Compression string // auto, none, gzip, zstd
	Encoding    string // utf-8, utf-16, utf-16le, utf-16be or a name of the WHATWG list
}

// CompressionOf gives the compression of a file by its name.
func (f Form) CompressionOf(name string) string {
	if f.Compression != "auto" && f.Compression != "" {
		return f.Compression
	}
	switch {
	case strings.HasSuffix(name, ".gz"):
		return "gzip"
	case strings.HasSuffix(name, ".zst"):
		return "zstd"
	}
	return "none"
}

// Bare gives a file's name without the ending of its compression.
func Bare(name string) string {
	return strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst")
}

// CheckEncoding says what is wrong with the name of an encoding, or nil.
func CheckEncoding(name string) error {
	switch name {
	case "", "utf-8", "utf-16", "utf-16le", "utf-16be", "latin1":
		return nil
	}
	if _, err := htmlindex.Get(name); err != nil {
		return fault.New(fault.ConfigInvalid, "%q is not an encoding that is known", name).WithHint("use utf-8, utf-16, latin1, windows-1252 or another name of the WHATWG encoding standard")
	}
	return nil
}

// Stream is a file's text as UTF-8, without a byte order mark.
type Stream struct {
	io.Reader
	// Start is the offset of the first byte: 3 behind a byte order mark that was passed over.
	Start int64
	// Seekable says that offsets of the text are offsets of the file.
	Seekable bool
	// Decoded says that the text was in another encoding; bytes that this does not know have become U+FFFD.
	Decoded bool

	read  atomic.Int64
	close []func() error
}

// Options of a stream that is opened.
type Options struct {
	Form
	Offset int64          // where to begin; of the text
	Raw    func(p []byte) // gets the decompressed bytes as they are read; may be nil
	Limit  int64          // how much of the text there is, from its very beginning; 0: all
}

// OpenStream opens a file as text. Behind an offset that is not 0 reading begins there; a file that is compressed or in another
// encoding is read from its beginning up to it.
func OpenStream(ctx context.Context, p Place, name string, o Options) (*Stream, error) {
	s := &Stream{}
	direct := o.CompressionOf(name) == "none" && (o.Encoding == "" || o.Encoding == "utf-8")
	if direct && o.Offset > 0 {
		marked, err := wide(ctx, p, name)
		if err != nil {
			return nil, err
		}
		direct = !marked
	}
	if direct && o.Offset > 0 {
		r, err := p.Open(ctx, name, o.Offset)
		if err != nil {
			return nil, err
		}
		s.close = append(s.close, r.Close)
		s.Reader, s.Start, s.Seekable = s.limit(s.counted(r), o.Limit-o.Offset, o.Limit), o.Offset, true
		return s, nil
	}
	r, err := p.Open(ctx, name, 0)
	if err != nil {
		return nil, err
	}
	s.close = append(s.close, r.Close)
	if err := s.decode(s.counted(r), name, o); err != nil {
		_ = s.Close()
		return nil, err
	}
	s.Reader = s.limit(s.Reader, o.Limit-s.Start, o.Limit)
	if o.Offset > s.Start {
		if n, err := io.CopyN(io.Discard, s.Reader, o.Offset-s.Start); err != nil {
			_ = s.Close()
			if errors.Is(err, io.EOF) {
				return nil, fault.New(fault.Conflict, "file %s ends at byte %d, before the position %d", name, s.Start+n, o.Offset)
			}
			return nil, err
		}
		s.Start = o.Offset
	}
	return s, nil
}

func (s *Stream) limit(r io.Reader, left, limit int64) io.Reader {
	if limit <= 0 {
		return r
	}
	return io.LimitReader(r, max(left, 0))
}

// decode decompresses and turns into UTF-8.
func (s *Stream) decode(r io.Reader, name string, o Options) error {
	kind := o.CompressionOf(name)
	r, err := s.decompress(r, name, kind)
	if err != nil {
		return err
	}
	if o.Raw != nil {
		r = &tee{r, o.Raw}
	}
	b, head := sniff(r, 1<<10)
	s.Reader = b
	enc, mark, err := pickEncoding(name, o.Encoding, head)
	if err != nil {
		return err
	}
	if _, err := b.Discard(mark); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if enc != nil {
		s.Reader, s.Decoded = transform.NewReader(b, enc.NewDecoder()), true
		return nil
	}
	s.Start, s.Seekable = int64(mark), kind == "none"
	return nil
}

func (s *Stream) decompress(r io.Reader, name, kind string) (io.Reader, error) {
	switch kind {
	case "gzip":
		b, head := sniff(r, 2)
		if len(head) == 0 {
			return b, nil
		}
		if !bytes.Equal(head, []byte{0x1f, 0x8b}) {
			return nil, damaged(name, gzip.ErrHeader)
		}
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, damaged(name, err)
		}
		s.close = append(s.close, z.Close)
		return &checked{z, name}, nil
	case "zstd":
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30))
		if err != nil {
			return nil, damaged(name, err)
		}
		s.close = append(s.close, func() error { z.Close(); return nil })
		return &checked{z, name}, nil
	}
	return r, nil
}

// pickEncoding gives the decoder, nil for UTF-8, and the length of the byte order mark.
func pickEncoding(name, want string, head []byte) (encoding.Encoding, int, error) {
	little := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	big := unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	if want == "" || want == "utf-8" || want == "utf-16" {
		switch {
		case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
			return little, 2, nil
		case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
			return big, 2, nil
		case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
			return nil, 3, nil
		}
		even, odd := zeros(head)
		switch {
		case odd > len(head)/5 && even == 0 || want == "utf-16" && odd > even:
			return nil, 0, noMark(name, "utf-16le")
		case even > len(head)/5 && odd == 0 || want == "utf-16" && len(head) > 0:
			return nil, 0, noMark(name, "utf-16be")
		}
		return nil, 0, nil
	}
	mark := 0
	switch want {
	case "utf-16le":
		if bytes.HasPrefix(head, []byte{0xff, 0xfe}) {
			mark = 2
		}
		return little, mark, nil
	case "utf-16be":
		if bytes.HasPrefix(head, []byte{0xfe, 0xff}) {
			mark = 2
		}
		return big, mark, nil
	}
	enc, err := htmlindex.Get(want)
	if err != nil {
		return nil, 0, CheckEncoding(want)
	}
	return enc, 0, nil
}

func zeros(b []byte) (even, odd int) {
	for i, c := range b {
		if c == 0 {
			if i%2 == 0 {
				even++
			} else {
				odd++
			}
		}
	}
	return even, odd
}

func noMark(name, guess string) error {
	return fault.New(fault.DataInvalid, "file %s looks like UTF-16 without a byte order mark", name).WithHint("set encoding: %s", guess)
}

// InputBytes is how much of the file was read, as stored, from where the stream began.
func (s *Stream) InputBytes() int64 { return s.read.Load() }

// Close frees the stream.
func (s *Stream) Close() error {
	var first error
	for i := len(s.close) - 1; i >= 0; i-- {
		if err := s.close[i](); err != nil && first == nil {
			first = err
		}
	}
	s.close = nil
	return first
}

func (s *Stream) counted(r io.Reader) io.Reader {
	return &tee{r, func(p []byte) { s.read.Add(int64(len(p))) }}
}

// tee shows what is read.
type tee struct {
	r    io.Reader
	show func(p []byte)
}

func (t *tee) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if n > 0 {
		t.show(p[:n])
	}
	return n, err
}

// checked names the file in errors of a decompressor.
type checked struct {
	r    io.Reader
	name string
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = damaged(c.name, err)
	}
	return n, err
}

func damaged(name string, err error) error {
	what := "is damaged"
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		what = "is cut off"
	}
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, zstd.ErrMagicMismatch) {
		return fault.New(fault.DataInvalid, "file %s is not compressed as its name says: %w", name, err).WithHint("set compression: none, gzip or zstd")
	}
	return fault.New(fault.DataInvalid, "file %s %s: %w", name, what, err).WithHint("fetch or write the file again")
}

// wide says whether a file begins with a mark of UTF-16, so that offsets of its text are not those of the file.
func wide(ctx context.Context, p Place, name string) (bool, error) {
	r, err := p.Open(ctx, name, 0)
	if err != nil {
		return false, err
	}
	defer func() { _ = r.Close() }()
	head := make([]byte, 2)
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return false, err
	}
	return n == 2 && (head[0] == 0xff && head[1] == 0xfe || head[0] == 0xfe && head[1] == 0xff), nil
}
