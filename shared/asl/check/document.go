package check

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// object is a JSON object that knows the order of its fields.
type object struct {
	names    []string
	fields   map[string]any // *object, []any, string, json.Number, bool, nil
	repeated []string       // at the root: where a name stands twice, in the whole document
}

func (o *object) get(name string) (any, bool) {
	v, ok := o.fields[name]
	return v, ok
}

// text gives a field that is a text.
func (o *object) text(name string) (string, bool) {
	s, ok := o.fields[name].(string)
	return s, ok
}

// parse reads a JSON text.
func parse(text []byte) (any, error) {
	r := &reader{dec: json.NewDecoder(bytes.NewReader(text))}
	r.dec.UseNumber()
	v, err := r.value("", 0)
	if err != nil {
		return nil, err
	}
	if _, err := r.dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("more than one value")
	}
	if o, ok := v.(*object); ok {
		o.repeated = r.repeated
	}
	return v, nil
}

type reader struct {
	dec      *json.Decoder
	repeated []string
}

// nested is how deep a text may be at all; the decoder has no bound of its own when it reads tokens.
const nested = 10000

func (r *reader) value(at string, deep int) (any, error) {
	t, err := r.dec.Token()
	if err != nil {
		return nil, err
	}
	if deep > nested {
		return nil, fmt.Errorf("the text is deeper than %d levels", nested)
	}
	switch t {
	case json.Delim('{'):
		o := &object{fields: make(map[string]any)}
		for r.dec.More() {
			t, err := r.dec.Token()
			if err != nil {
				return nil, err
			}
			name := t.(string)
			if _, twice := o.fields[name]; twice {
				r.repeated = append(r.repeated, at+"/"+name)
			} else {
				o.names = append(o.names, name)
			}
			if o.fields[name], err = r.value(at+"/"+name, deep+1); err != nil {
				return nil, err
			}
		}
		_, err := r.dec.Token()
		return o, err
	case json.Delim('['):
		list := []any{}
		for r.dec.More() {
			v, err := r.value(element(at, len(list)), deep+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := r.dec.Token()
		return list, err
	}
	return t, nil
}

// element gives the place of an element of a list.
func element(at string, i int) string { return fmt.Sprintf("%s[%d]", at, i) }

// depth counts the objects and lists inside each other.
func depth(v any, above int) int {
	most := above
	switch v := v.(type) {
	case *object:
		for _, e := range v.fields {
			most = max(most, depth(e, above+1))
		}
	case []any:
		for _, e := range v {
			most = max(most, depth(e, above+1))
		}
	}
	return most
}

// syntax reports a text that is no JSON, as the service's reader does.
func (c *checker) syntax(text []byte, err error) {
	offset, word := int64(len(text)), ""
	if trimmed := strings.TrimLeft(string(text), " \t\r\n"); trimmed != "" && unicode.IsLetter([]rune(trimmed)[0]) {
		end := strings.IndexFunc(trimmed, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		if end < 0 {
			end = len(trimmed)
		}
		word = trimmed[:end]
		offset = int64(len(text) - len(trimmed) + end)
	}
	message := fmt.Sprintf("Unrecognized token '%s': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", word)
	if word == "" {
		message = err.Error()
		var wrong *json.SyntaxError
		if errors.As(err, &wrong) {
			offset = wrong.Offset
		}
	}
	before := string(text[:min(offset, int64(len(text)))])
	line, column := 1+strings.Count(before, "\n"), len([]rune(before[strings.LastIndexByte(before, '\n')+1:]))+1
	shown := []rune(string(text))
	place := fmt.Sprintf("[Source: (String)%q; line: %d, column: %d]", string(shown[:min(len(shown), 500)]), line, column)
	c.error(place, InvalidJSON, "%s\n at %s", message, place)
}
