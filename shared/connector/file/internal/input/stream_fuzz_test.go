package input

import (
	"bytes"
	"context"
	"io"
	"testing"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// memory is a place with one file.
type memory []byte

func (m memory) Glob(context.Context, string) ([]Info, error) { return nil, nil }

func (m memory) Stat(context.Context, string) (Info, error) {
	return Info{Name: "in", Size: int64(len(m))}, nil
}

func (m memory) Open(_ context.Context, _ string, offset int64) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(m[min(offset, int64(len(m))):])), nil
}

func (m memory) Close() error { return nil }

var (
	fuzzKinds     = []string{"none", "gzip", "zstd"}
	fuzzEncodings = []string{"utf-8", "utf-16", "utf-16le", "utf-16be", "latin1", "windows-1252", "shift_jis", "gb18030", "euc-kr", "iso-2022-jp", "big5"}
)

// fuzzLimit bounds what a fuzzed stream gives: a few bytes of zstd can stand for gigabytes.
const fuzzLimit = 1 << 20

// text reads a stream whole, from an offset on.
func text(t *testing.T, m memory, f Form, offset int64) (string, int64, error) {
	t.Helper()
	s, err := OpenStream(t.Context(), m, "in", Options{Form: f, Offset: offset})
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = s.Close() }() // of a damaged stream it gives the error that reading gave
	out, err := io.ReadAll(io.LimitReader(s, fuzzLimit))
	return string(out), s.Start, err
}

// FuzzStream reads any bytes as compressed text of any encoding. What is damaged is DataInvalid and never a fault of ours; a text can be
// read on from each place in it; the text of an encoding other than UTF-8 is UTF-8.
func FuzzStream(f *testing.F) {
	plain := []byte("a,b\n1,\xfc\n\"x\ny\",3\r\n")
	var packed, zipped bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write(plain)
	_ = w.Close()
	z, _ := zstd.NewWriter(&zipped)
	_, _ = z.Write(plain)
	_ = z.Close()
	for i := range fuzzEncodings {
		f.Add(plain, uint8(0), uint8(i), uint16(i))
	}
	for _, b := range [][]byte{packed.Bytes(), packed.Bytes()[:20], append(packed.Bytes(), packed.Bytes()...), append(packed.Bytes(), 0, 0), {0x1f, 0x8b}, nil} {
		f.Add(b, uint8(1), uint8(0), uint16(3))
	}
	for _, b := range [][]byte{zipped.Bytes(), zipped.Bytes()[:9], append(zipped.Bytes(), zipped.Bytes()...), append(zipped.Bytes(), 'x'), {0x28, 0xb5, 0x2f, 0xfd}} {
		f.Add(b, uint8(2), uint8(0), uint16(3))
	}
	f.Add([]byte("\xff\xfea\x00\n\x00\x00\xd8"), uint8(0), uint8(0), uint16(1))
	f.Add([]byte("\xef\xbb\xbfa\n"), uint8(0), uint8(0), uint16(4))
	f.Fuzz(func(t *testing.T, data []byte, kind, encoding uint8, from uint16) {
		form := Form{Compression: fuzzKinds[int(kind)%len(fuzzKinds)], Encoding: fuzzEncodings[int(encoding)%len(fuzzEncodings)]}
		whole, start, err := text(t, data, form, 0)
		if err != nil {
			if fault.CodeOf(err) != fault.DataInvalid {
				t.Fatalf("%+v: %v", form, err)
			}
			return
		}
		if form.Encoding != "utf-8" && form.Encoding != "utf-16" && !utf8.ValidString(whole) && len(whole) < fuzzLimit {
			t.Fatalf("%+v: the text is not UTF-8: %q", form, whole)
		}
		if len(whole) == fuzzLimit {
			return
		}
		at := start + int64(int(from)%(len(whole)+1))
		if at == 0 {
			return
		}
		rest, began, err := text(t, data, form, at)
		if err != nil || began != at || rest != whole[at-start:] {
			t.Fatalf("%+v from %d: %q at %d, %v; want %q", form, at, rest, began, err, whole[at-start:])
		}
	})
}
