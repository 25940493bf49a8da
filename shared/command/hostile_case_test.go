package command

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// hostileCases reads a file of cases; see testdata/hostile/README.md.
func hostileCases(t *testing.T, file string) []*hostile {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	common := &hostile{file: filepath.Base(file), path: "in.csv", count: -1}
	c := common
	var all []*hostile
	into := &c.in
	for n, line := range strings.Split(string(text), "\n") {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
			continue
		case strings.HasPrefix(line, "=== "):
			one := *common
			c = &one
			c.name = line[4:]
			into = &c.in
			all = append(all, c)
			continue
		case line[0] == '|':
			*into = append(*into, strings.TrimPrefix(line[1:], " ")+"\n"...)
			continue
		case key == "also":
			c.more = append(c.more, part{path: value})
			into = &c.more[len(c.more)-1].data
			continue
		}
		if err := c.set(key, value, into); err != "" {
			t.Fatalf("%s:%d: %s: %s", file, n+1, err, line)
		}
	}
	return all
}

// set takes one line of a case; it answers what is wrong with it.
func (c *hostile) set(key, value string, into *[]byte) string {
	switch key {
	case "path":
		c.path = value
	case "config":
		c.config = value
	case "stream":
		c.stream = value
	case "rules":
		c.rules = "rules: [" + value + "]\n"
	case "in":
		*into = append(*into, generated(value)...)
		c.size += len(*into)
	case "encode", "pack":
		for _, op := range strings.Split(value, ", ") {
			var ok bool
			if *into, ok = changed(*into, op); !ok {
				return "no such change"
			}
		}
	case "row":
		c.rows = append(c.rows, value)
	case "rows":
		c.count, _ = strconv.Atoi(value)
	case "reject":
		c.rejects = append(c.rejects, value)
	case "refused":
		c.refused = value
	case "problem":
		c.problems = append(c.problems, value)
	case "fine":
		c.fine = true
	default:
		return "no such line"
	}
	return ""
}

var repeated = regexp.MustCompile(`\{(\d+)\*((?:[^{}\\]|\\.)*)\}`)

// generated reads a text with escapes; {3*ab} is ababab, and # in it the number of the repetition.
func generated(s string) []byte {
	s = repeated.ReplaceAllStringFunc(s, func(m string) string {
		g := repeated.FindStringSubmatch(m)
		n, _ := strconv.Atoi(g[1])
		if !strings.Contains(g[2], "#") {
			return strings.Repeat(g[2], n)
		}
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.ReplaceAll(g[2], "#", strconv.Itoa(i+1)))
		}
		return b.String()
	})
	out := make([]byte, 0, len(s))
	for len(s) > 0 {
		if s[0] != '\\' || len(s) == 1 {
			out = append(out, s[0])
			s = s[1:]
			continue
		}
		if at := strings.IndexByte("0{}", s[1]); at >= 0 {
			out = append(out, "\x00{}"[at])
			s = s[2:]
			continue
		}
		r, wide, rest, err := strconv.UnquoteChar(s, 0)
		if err != nil {
			panic(err)
		}
		if wide {
			out = append(out, string(r)...)
		} else {
			out = append(out, byte(r))
		}
		s = rest
	}
	return out
}

// changed compresses, encodes or damages a file: gzip, zstd, utf-16le, utf-16be, utf-32le, cut N, flip N, tail TEXT, times N.
func changed(in []byte, op string) ([]byte, bool) {
	op, arg, _ := strings.Cut(op, " ")
	n, _ := strconv.Atoi(arg)
	var b bytes.Buffer
	switch op {
	case "gzip":
		w := gzip.NewWriter(&b)
		_, _ = w.Write(in)
		_ = w.Close()
	case "zstd":
		w, _ := zstd.NewWriter(&b)
		_, _ = w.Write(in)
		_ = w.Close()
	case "utf-16le", "utf-16be", "utf-32le":
		for _, r := range string(in) {
			switch op {
			case "utf-32le":
				b.Write([]byte{byte(r), byte(r >> 8), byte(r >> 16), 0})
				continue
			}
			for _, u := range utf16.Encode([]rune{r}) {
				if op == "utf-16le" {
					b.Write([]byte{byte(u), byte(u >> 8)})
				} else {
					b.Write([]byte{byte(u >> 8), byte(u)})
				}
			}
		}
	case "cut":
		return in[:max(len(in)-n, 0)], true
	case "flip":
		in = bytes.Clone(in)
		in[(n+len(in))%len(in)] ^= 0x55
		return in, true
	case "tail":
		return append(in, generated(arg)...), true
	case "times":
		return bytes.Repeat(in, n), true
	default:
		return nil, false
	}
	return b.Bytes(), true
}
