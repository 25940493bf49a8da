package corpus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// wild stands for any value as a whole text, and for any text inside one.
const wild = "<any>"

// Matches says whether a JSON value fits a pattern: numbers by value, objects without order, "<any>" as the wild card.
func Matches(pattern, got json.RawMessage) bool {
	p, err := decode(pattern)
	if err != nil {
		return false
	}
	g, err := decode(got)
	return err == nil && fits(p, g)
}

// decode reads JSON with its numbers as they are written; nothing at all is nil.
func decode(text json.RawMessage) (any, error) {
	if len(text) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("decode value: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("decode value: more than one")
	}
	return v, nil
}

func fits(pattern, got any) bool {
	switch p := pattern.(type) {
	case string:
		if p == wild {
			return true
		}
		g, ok := got.(string)
		return ok && fitsText(p, g)
	case json.Number:
		g, ok := got.(json.Number)
		return ok && sameNumber(p, g)
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(p) {
			return false
		}
		for i := range p {
			if !fits(p[i], g[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok || len(g) != len(p) {
			return false
		}
		for k, v := range p {
			if e, ok := g[k]; !ok || !fits(v, e) {
				return false
			}
		}
		return true
	}
	return pattern == got
}

// fitsText matches a text in which <any> stands for any text.
func fitsText(pattern, got string) bool {
	first, rest, ok := strings.Cut(pattern, wild)
	if !ok {
		return pattern == got
	}
	got, ok = strings.CutPrefix(got, first)
	if !ok {
		return false
	}
	for {
		middle, after, more := strings.Cut(rest, wild)
		if !more {
			return strings.HasSuffix(got, rest)
		}
		i := strings.Index(got, middle)
		if i < 0 {
			return false
		}
		got, rest = got[i+len(middle):], after
	}
}

func sameNumber(a, b json.Number) bool {
	if a == b {
		return true
	}
	f, err := a.Float64()
	g, err2 := b.Float64()
	return err == nil && err2 == nil && f == g
}
