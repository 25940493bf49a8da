// Package jsonl finds JSON objects in a stream, one a line or as the elements of an array, and takes them apart without a map or a
// string per value. Strings are unescaped, nested values come out as compact text with their keys in order. Only the connector
// file imports it.
package jsonl

import (
	"bytes"
	"errors"
	"fmt"
)

// MaxDepth is how deep objects and arrays may be nested.
const MaxDepth = 1000

// Kind is what a value is.
type Kind byte

// The kinds of values.
const (
	Null Kind = iota
	Bool
	Number
	String
	Nested // object or array
)

// Field is one member of an object. Column is its index among the decoder's names, -1 for a name that is not among them. Value is
// the text of a string without quotes and escapes, a number as written, true or false, or compact JSON.
type Field struct {
	Column int
	Kind   Kind
	Name   []byte // when Column is -1
	Value  []byte
}

// Decoder takes objects apart. Not safe for concurrent use.
type Decoder struct {
	names   []string
	index   map[string]int
	seen    []uint32 // by column: the last object that had it
	object  uint32
	fields  []Field
	scratch []byte
	b       []byte
	i       int
	depth   int
	keys    [][]byte        // of the nested objects that are open
	others  map[string]bool // names of this object that are not among the decoder's, once they are more than a few
}

// NewDecoder makes a decoder for objects with the given names.
func NewDecoder(names []string) *Decoder {
	d := &Decoder{index: make(map[string]int, len(names))}
	for _, n := range names {
		d.Add(n)
	}
	return d
}

// Add makes a name known and answers its column.
func (d *Decoder) Add(name string) int {
	if i, ok := d.index[name]; ok {
		return i
	}
	d.index[name] = len(d.names)
	d.names = append(d.names, name)
	d.seen = append(d.seen, 0)
	return len(d.names) - 1
}

// Names are the names known, by column.
func (d *Decoder) Names() []string { return d.names }

var (
	errObject    = errors.New("record is not a JSON object")
	errEnd       = errors.New("JSON ends too early")
	errSurrogate = errors.New("a string holds half of a surrogate pair")
	errEscape    = errors.New("a string holds an escape that JSON does not know")
	errControl   = errors.New("a string holds a control character that is not escaped")
	errNumber    = errors.New("a number is not written as JSON writes it")
	errDepth     = fmt.Errorf("JSON is nested deeper than %d", MaxDepth)
)

func syntax(what string, b []byte, i int) error {
	if i >= len(b) {
		return errEnd
	}
	return fmt.Errorf("JSON is broken at byte %d: %q instead of %s", i+1, b[i], what)
}

// Decode takes one object apart; b is valid UTF-8. Fields and their values are valid until the next call or until b changes.
func (d *Decoder) Decode(b []byte) ([]Field, error) {
	d.b, d.i, d.depth, d.fields, d.keys = b, 0, 0, d.fields[:0], d.keys[:0]
	d.others = nil
	d.object++
	if cap(d.scratch) < len(b) {
		d.scratch = make([]byte, 0, max(len(b), 4096)) // nothing that is unescaped grows, so values never move
	}
	d.scratch = d.scratch[:0]
	d.space()
	if d.i >= len(b) || b[d.i] != '{' {
		return nil, errObject
	}
	d.i++
	if err := d.members(); err != nil {
		return nil, err
	}
	if d.space(); d.i < len(b) {
		return nil, syntax("the end", b, d.i)
	}
	return d.fields, nil
}

// members reads behind { up to and with }.
func (d *Decoder) members() error {
	if d.space(); d.at('}') {
		return nil
	}
	for expected := 0; ; expected++ {
		d.space()
		if !d.at('"') {
			return syntax("a name in quotes", d.b, d.i)
		}
		f, err := d.name(expected)
		if err != nil {
			return err
		}
		if d.space(); !d.at(':') {
			return syntax("a colon", d.b, d.i)
		}
		d.space()
		if err := d.value(&f); err != nil {
			return err
		}
		d.fields = append(d.fields, f)
		d.space()
		if d.at('}') {
			return nil
		}
		if !d.at(',') {
			return syntax("a comma", d.b, d.i)
		}
	}
}

// name reads a member's name behind its quote. Objects of a stream tend to have the same names in the same order: expected is
// looked at first.
func (d *Decoder) name(expected int) (Field, error) {
	if expected < len(d.names) {
		n := d.names[expected]
		if end := d.i + len(n); end < len(d.b) && d.b[end] == '"' && string(d.b[d.i:end]) == n && d.seen[expected] != d.object && bytes.IndexByte(d.b[d.i:end], '\\') < 0 {
			d.i = end + 1
			d.seen[expected] = d.object
			return Field{Column: expected}, nil
		}
	}
	text, err := d.text()
	if err != nil {
		return Field{}, err
	}
	if c, ok := d.index[string(text)]; ok {
		if d.seen[c] == d.object {
			return Field{}, fmt.Errorf("the name %q comes twice", text)
		}
		d.seen[c] = d.object
		return Field{Column: c}, nil
	}
	if len(d.fields) >= maxNames {
		return Field{}, fmt.Errorf("the object has more than %d names", maxNames)
	}
	if d.unknown(text) {
		return Field{}, fmt.Errorf("the name %q comes twice", text)
	}
	return Field{Column: -1, Name: text}, nil
}

// unknown notes a name that is not among the decoder's, and says whether the object has it before.
func (d *Decoder) unknown(name []byte) bool {
	if d.others == nil {
		n := 0
		for _, f := range d.fields {
			if f.Column < 0 {
				if bytes.Equal(f.Name, name) {
					return true
				}
				n++
			}
		}
		if n < few {
			return false
		}
		d.others = make(map[string]bool, 4*few)
		for _, f := range d.fields {
			if f.Column < 0 {
				d.others[string(f.Name)] = true
			}
		}
	}
	twice := d.others[string(name)]
	d.others[string(name)] = true
	return twice
}

// maxNames bounds the names of one object.
const maxNames = 10_000

// value reads a member's value.
func (d *Decoder) value(f *Field) error {
	if d.i >= len(d.b) {
		return errEnd
	}
	var err error
	switch c := d.b[d.i]; c {
	case '"':
		d.i++
		f.Kind = String
		f.Value, err = d.text()
		return err
	case '{', '[':
		f.Kind = Nested
		from := len(d.scratch)
		err = d.nested()
		f.Value = d.scratch[from:]
		return err
	}
	from := d.i
	f.Kind, err = d.scalar()
	f.Value = d.b[from:d.i]
	return err
}

// scalar passes over true, false, null or a number.
func (d *Decoder) scalar() (Kind, error) {
	rest := d.b[d.i:]
	switch rest[0] {
	case 't':
		if bytes.HasPrefix(rest, []byte("true")) {
			d.i += 4
			return Bool, nil
		}
	case 'f':
		if bytes.HasPrefix(rest, []byte("false")) {
			d.i += 5
			return Bool, nil
		}
	case 'n':
		if bytes.HasPrefix(rest, []byte("null")) {
			d.i += 4
			return Null, nil
		}
	default:
		if rest[0] == '-' || rest[0]-'0' <= 9 {
			return Number, d.number()
		}
	}
	return Null, syntax("a value", d.b, d.i)
}

func (d *Decoder) number() error {
	if d.b[d.i] == '-' {
		d.i++
	}
	first := d.i
	if n := d.digits(); n == 0 || n > 1 && d.b[first] == '0' {
		return errNumber
	}
	if d.i < len(d.b) && d.b[d.i] == '.' {
		d.i++
		if d.digits() == 0 {
			return errNumber
		}
	}
	if d.i < len(d.b) && d.b[d.i]|0x20 == 'e' {
		d.i++
		if d.i < len(d.b) && (d.b[d.i] == '+' || d.b[d.i] == '-') {
			d.i++
		}
		if d.digits() == 0 {
			return errNumber
		}
	}
	return nil
}

func (d *Decoder) digits() int {
	from := d.i
	for d.i < len(d.b) && d.b[d.i]-'0' <= 9 {
		d.i++
	}
	return d.i - from
}

// nested copies an object or array to the scratch, without spaces.
func (d *Decoder) nested() error {
	if d.depth++; d.depth > MaxDepth {
		return errDepth
	}
	defer func() { d.depth-- }()
	open := d.b[d.i]
	end := open + 2 // { } and [ ] lie two apart
	d.keep(open)
	level := len(d.keys)
	var many map[string]bool // the keys, once they are more than a few
	defer func() { d.keys = d.keys[:level] }()
	if d.space(); d.at(end) {
		d.put(end)
		return nil
	}
	for {
		d.space()
		if open == '{' {
			if err := d.nestedName(level); err != nil {
				return err
			}
			if err := d.unique(level, &many); err != nil {
				return err
			}
		}
		if err := d.nestedValue(); err != nil {
			return err
		}
		d.space()
		switch {
		case d.at(end):
			d.put(end)
			return nil
		case d.at(','):
			d.put(',')
		default:
			return syntax("a comma", d.b, d.i)
		}
	}
}

func (d *Decoder) nestedName(level int) error {
	if d.i >= len(d.b) || d.b[d.i] != '"' {
		return syntax("a name in quotes", d.b, d.i)
	}
	from := d.i
	d.i++
	mark := len(d.scratch)
	key, err := d.text()
	if err != nil {
		return err
	}
	if len(d.scratch) > mark { // it was unescaped into the scratch, where the compact text must go
		key = bytes.Clone(key)
		d.scratch = d.scratch[:mark]
	}
	if len(d.keys)-level >= maxNames {
		return fmt.Errorf("the object has more than %d names", maxNames)
	}
	d.keys = append(d.keys, key)
	d.scratch = append(d.scratch, d.b[from:d.i]...)
	if d.space(); !d.at(':') {
		return syntax("a colon", d.b, d.i)
	}
	d.put(':')
	d.space()
	return nil
}

// few names of an object are compared with each other; more are looked up.
const few = 32

// unique says that the last key of the object whose keys begin at level is there before.
func (d *Decoder) unique(level int, many *map[string]bool) error {
	keys := d.keys[level:]
	last := keys[len(keys)-1]
	twice := false
	switch {
	case len(keys) <= few:
		for _, k := range keys[:len(keys)-1] {
			twice = twice || bytes.Equal(k, last)
		}
	case *many == nil:
		*many = make(map[string]bool, 4*few)
		for _, k := range keys[:len(keys)-1] {
			(*many)[string(k)] = true
		}
		fallthrough
	default:
		twice = (*many)[string(last)]
		(*many)[string(last)] = true
	}
	if twice {
		return fmt.Errorf("the name %q comes twice", last)
	}
	return nil
}

func (d *Decoder) nestedValue() error {
	if d.i >= len(d.b) {
		return errEnd
	}
	from := d.i
	switch d.b[d.i] {
	case '{', '[':
		return d.nested()
	case '"':
		d.i++
		mark := len(d.scratch)
		if _, err := d.text(); err != nil {
			return err
		}
		d.scratch = d.scratch[:mark]
	default:
		if _, err := d.scalar(); err != nil {
			return err
		}
	}
	d.scratch = append(d.scratch, d.b[from:d.i]...)
	return nil
}

// keep moves a byte to the scratch.
func (d *Decoder) keep(c byte) {
	d.put(c)
	d.i++
}

func (d *Decoder) put(c byte) { d.scratch = append(d.scratch, c) }

// at moves over a byte when it stands there.
func (d *Decoder) at(c byte) bool {
	if d.i < len(d.b) && d.b[d.i] == c {
		d.i++
		return true
	}
	return false
}

func (d *Decoder) space() {
	for d.i < len(d.b) {
		switch d.b[d.i] {
		case ' ', '\t', '\n', '\r':
			d.i++
		default:
			return
		}
	}
}
