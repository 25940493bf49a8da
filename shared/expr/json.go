package expr

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"strings"

	"github.com/lockstep-data/lockstep/shared/record"
)

// errJSON says that a JSON column holds something else; sources make sure that none does.
var errJSON = errors.New("the JSON text is damaged")

func isJSONNull(s string) bool { return len(s) >= 4 && strings.TrimSpace(s) == "null" }

func quoteJSON(s string) string { return string(record.AppendQuoted(make([]byte, 0, len(s)+2), s)) }

// JSONText gives the text of a JSON string, and every other JSON value as it is written.
func JSONText(raw string) (string, error) {
	raw = strings.TrimSpace(raw)
	if raw == "" || raw[0] != '"' {
		return raw, nil
	}
	if len(raw) >= 2 && strings.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1], nil
	}
	var s string
	if err := json.Unmarshal([]byte(raw), &s); err != nil {
		return "", errJSON
	}
	return s, nil
}

// JSONPart gives the value under a name of a JSON object; false when there is none, it is null, or raw is not an object. Of a name
// that comes twice the last one counts, as for encoding/json.
func JSONPart(raw, name string) (part string, ok bool, err error) {
	err = members(raw, func(key, value string) error {
		same := key[1:len(key)-1] == name
		if strings.IndexByte(key, '\\') >= 0 {
			text, err := JSONText(key)
			if err != nil {
				return err
			}
			same = text == name
		}
		if same {
			part, ok = value, value != "null"
		}
		return nil
	})
	return part, ok, err
}

// JSONElements lists the elements of a JSON array; false when raw is no array.
func JSONElements(raw string) (elements []string, ok bool, err error) {
	s := scanner{text: raw}
	if s.space(); s.peek() != '[' {
		return nil, false, nil
	}
	err = s.list(']', func() error {
		value, err := s.value()
		elements = append(elements, value)
		return err
	})
	return elements, true, err
}

// members calls do for each member of an object, with the name in its quotes; it does nothing for other values.
func members(raw string, do func(key, value string) error) error {
	s := scanner{text: raw}
	if s.space(); s.peek() != '{' {
		return nil
	}
	return s.list('}', func() error {
		key, err := s.value()
		if err != nil || key[0] != '"' {
			return errJSON
		}
		if s.space(); s.peek() != ':' {
			return errJSON
		}
		s.at++
		value, err := s.value()
		if err != nil {
			return err
		}
		return do(key, value)
	})
}

// scanner walks over JSON text without decoding it. It finds values in valid JSON; damaged text gives an error or wrong values,
// never a panic.
type scanner struct {
	text string
	at   int
}

func (s *scanner) peek() byte {
	if s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

func (s *scanner) space() {
	for s.at < len(s.text) && (s.text[s.at] == ' ' || s.text[s.at] == '\n' || s.text[s.at] == '\t' || s.text[s.at] == '\r') {
		s.at++
	}
}

// list walks over the items between brackets; the scanner stands at the opening one.
func (s *scanner) list(end byte, item func() error) error {
	s.at++
	if s.space(); s.peek() == end {
		s.at++
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		s.space()
		switch s.peek() {
		case end:
			s.at++
			return nil
		case ',':
			s.at++
		default:
			return errJSON
		}
	}
}

// value gives the next value as it is written.
func (s *scanner) value() (string, error) {
	s.space()
	from, depth := s.at, 0
	for s.at < len(s.text) {
		switch c := s.text[s.at]; c {
		case '"':
			if !s.str() {
				return "", errJSON
			}
			if depth == 0 {
				return s.text[from:s.at], nil
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return s.scalar(from)
			}
			if depth--; depth == 0 {
				s.at++
				return s.text[from:s.at], nil
			}
		case ',', ' ', '\n', '\t', '\r', ':':
			if depth == 0 {
				return s.scalar(from)
			}
		}
		s.at++
	}
	if depth > 0 {
		return "", errJSON
	}
	return s.scalar(from)
}

func (s *scanner) scalar(from int) (string, error) {
	if s.at == from {
		return "", errJSON
	}
	return s.text[from:s.at], nil
}

// str steps over a string.
func (s *scanner) str() bool {
	for s.at++; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case '\\':
			s.at++
		case '"':
			s.at++
			return true
		}
	}
	return false
}

// jsonPart is access to a part with a known name.
func jsonPart(name string) impl {
	return maybe1(jsonType, func(raw string) (string, bool, error) { return JSONPart(raw, name) })
}

func jsonKey(raw, name string) (string, bool, error) { return JSONPart(raw, name) }

// jsonIndex is access to an element; -1 is the last one.
func jsonIndex(raw string, i int64) (string, bool, error) {
	all, _, err := JSONElements(raw)
	if i < 0 {
		i += int64(len(all))
	}
	if err != nil || i < 0 || i >= int64(len(all)) {
		return "", false, err
	}
	return all[i], all[i] != "null", nil
}

// jsonCompare compares JSON values: of different kinds they are not equal and have no order.
func jsonCompare(name string) func(a, b string) (bool, error) {
	return func(a, b string) (bool, error) {
		a, b = strings.TrimSpace(a), strings.TrimSpace(b)
		ka, kb := jsonKind(a), jsonKind(b)
		equality := name == "==" || name == "!="
		switch {
		case ka != kb && equality:
			return name == "!=", nil
		case ka == "number" && kb == "number":
			c, err := compareNumbers(a, b)
			return holds(name, c), err
		case ka == "string" && kb == "string":
			x, err1 := JSONText(a)
			y, err2 := JSONText(b)
			return holds(name, strings.Compare(x, y)), cmp.Or(err1, err2)
		case equality:
			same, err := sameJSON(a, b)
			return same == (name == "=="), err
		}
		return false, fmt.Errorf("%s and %s have no order", ka, kb)
	}
}

func jsonKind(raw string) string {
	if raw == "" {
		return "nothing"
	}
	switch raw[0] {
	case '"':
		return "string"
	case '{':
		return "object"
	case '[':
		return "array"
	case 't', 'f':
		return "bool"
	case 'n':
		return "null"
	}
	return "number"
}

// maxDigits bounds the numbers that are compared exactly.
const maxDigits = 400

// compareNumbers compares numbers as they are written, exactly up to some hundred digits.
func compareNumbers(a, b string) (int, error) {
	x, err1 := strconv.ParseInt(a, 10, 64)
	y, err2 := strconv.ParseInt(b, 10, 64)
	if err1 == nil && err2 == nil {
		return cmp.Compare(x, y), nil
	}
	if len(a) <= maxDigits && len(b) <= maxDigits && !strings.ContainsAny(a+b, "eE") {
		p, ok1 := new(big.Rat).SetString(a)
		q, ok2 := new(big.Rat).SetString(b)
		if ok1 && ok2 {
			return p.Cmp(q), nil
		}
	}
	f, err1 := record.ParseFloat(a)
	g, err2 := record.ParseFloat(b)
	return cmp.Compare(f, g), cmp.Or(err1, err2)
}

// sameJSON compares values of one kind, numbers in them as they are written.
func sameJSON(a, b string) (bool, error) {
	if a == b {
		return true, nil
	}
	x, err1 := decodeJSON(a)
	y, err2 := decodeJSON(b)
	return reflect.DeepEqual(x, y), cmp.Or(err1, err2)
}

func decodeJSON(raw string) (any, error) {
	dec := json.NewDecoder(bytes.NewReader([]byte(raw)))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, errJSON
	}
	return v, nil
}

// jsonContains says whether an array has an element equal to x, an object a member named x, or a string x in it.
func jsonContains(x, raw string) (bool, error) {
	equal := jsonCompare("==")
	all, isArray, err := JSONElements(raw)
	if err != nil {
		return false, err
	}
	if !isArray {
		return false, fmt.Errorf("in needs a JSON array, not %s", jsonKind(strings.TrimSpace(raw)))
	}
	for _, e := range all {
		same, err := equal(x, e)
		if same || err != nil {
			return same, err
		}
	}
	return false, nil
}

// makeList writes an array; the first argument does not count.
func makeList(args []any) (any, error) {
	out := []byte{'['}
	for i, a := range args[1:] {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendRaw(out, a)
	}
	return string(append(out, ']')), nil
}

// makeObject writes an object of names and values; the first argument does not count.
func makeObject(args []any) (any, error) {
	out := []byte{'{'}
	for i := 1; i < len(args); i += 2 {
		if i > 1 {
			out = append(out, ',')
		}
		out = record.AppendQuoted(out, args[i].(string))
		out = appendRaw(append(out, ':'), args[i+1])
	}
	return string(append(out, '}')), nil
}

func appendRaw(out []byte, raw any) []byte {
	if raw == nil {
		return append(out, "null"...)
	}
	return append(out, raw.(string)...)
}

var jsonFunctions = map[string]function{
	"has": {usage: "has(json, name)", doc: "Whether a JSON object has a member of the name that is not null.", min: 2, max: 2, make: makeHas},
}

func makeHas(c *call) (*node, error) {
	if err := c.want(0, record.JSON); err != nil {
		return nil, err
	}
	if err := c.want(1, record.String); err != nil {
		return nil, err
	}
	return c.node(map2(boolType, func(raw, name string) (bool, error) {
		_, ok, err := JSONPart(raw, name)
		return ok, err
	}))
}

// jsonLength counts the elements of an array.
func jsonLength(raw string) (int64, error) {
	all, isArray, err := JSONElements(raw)
	if err == nil && !isArray {
		return 0, fmt.Errorf("length needs a JSON array, not %s", jsonKind(strings.TrimSpace(raw)))
	}
	return int64(len(all)), err
}
