// Package setting declares what a user may write for a component: its fields with type, default, unit, options and a sentence
// each. Checks, defaults, the JSON schema and the reference pages all come from these declarations. It reads no file and
// knows no component. Every package may import it.
package setting

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// Kind is the shape of a field's value.
type Kind string

// The kinds of values, as they come out of YAML or JSON.
const (
	String Kind = "string" // text; a number or a bool is refused
	Int    Kind = "int"    // a whole number
	Float  Kind = "float"  // a number
	Bool   Kind = "bool"   // true or false
	Any    Kind = "any"    // any scalar, list or map
	List   Kind = "list"   // a list of Item
	Map    Kind = "map"    // names chosen by the user, each with an Item
	Object Kind = "object" // the names in Fields
	Choice Kind = "choice" // the first of Forms whose outer shape fits
)

// Syntax says what a string is, beyond being text.
type Syntax string

// The languages and forms that a string can have; each is checked.
const (
	Plain      Syntax = ""
	Expression Syntax = "expression" // of shared/expr, over the columns of the record
	Column     Syntax = "column"     // the name of a column
	Regexp     Syntax = "regexp"     // RE2
	Path       Syntax = "path"       // of a file, relative to the project
	Duration   Syntax = "duration"   // as in 1m30s
	Bytes      Syntax = "bytes"      // as in 16MiB
	Name       Syntax = "name"       // [A-Za-z0-9_.-], 1–64
	Type       Syntax = "type"       // a column type of shared/record
)

// Field declares one value that a user may write.
type Field struct {
	Name     string
	Kind     Kind
	Syntax   Syntax   // of a String
	Doc      string   // meaning, and special values, in a sentence or two
	Unit     string   // of a number: "rows", "ms", "bytes"
	Default  any      // nil: none
	Required bool     // must be written
	Secret   bool     // prints as ***; never stored, never logged
	Options  []string // the only values of a String
	Min, Max *float64 // of a number, or the length of a list; inclusive
	Fields   []Field  // of an Object
	Item     *Field   // of a List or a Map
	Forms    []Field  // of a Choice
	Example  any
}

// Spec declares a component: what it is called, what it does, and the value that configures it.
type Spec struct {
	Name    string // as a user writes it
	Summary string // one sentence
	Doc     string // more, Markdown
	Body    Field  // the shape of the configuration's value
	Example string // YAML
	Since   string // version
}

// Bound gives a pointer to a limit, for Field.Min and Field.Max.
func Bound(v float64) *float64 { return &v }

// Values is a checked configuration with its defaults filled in: nil, bool, int64, float64, string, []any, map[string]any.
type Values struct{ v any }

// Of wraps a value that Check has answered.
func Of(v any) Values { return Values{v} }

// Raw gives the value itself.
func (v Values) Raw() any { return v.v }

// Decode fills the struct (or map, slice, scalar) that out points to, by its json tags. A name that out does not know is an error.
func (v Values) Decode(out any) error {
	data, err := json.Marshal(v.v)
	if err != nil {
		return fmt.Errorf("encode settings: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(out); err != nil {
		return fmt.Errorf("decode settings: %w", err)
	}
	return nil
}

// MarshalJSON gives the value as it is, references to variables and secrets unresolved. A whole float keeps its .0, so that it is read back as
// a float.
func (v Values) MarshalJSON() ([]byte, error) { return json.Marshal(floats(v.v)) }

// floats gives a copy in which whole floats are written with a fraction.
func floats(v any) any {
	switch v := v.(type) {
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1e21 { // larger ones are written with an exponent
			return json.Number(strconv.FormatFloat(v, 'f', 1, 64))
		}
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = floats(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = floats(v[k])
		}
		return out
	}
	return v
}

// UnmarshalJSON reads what MarshalJSON wrote; whole numbers become int64.
func (v *Values) UnmarshalJSON(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var raw any
	if err := dec.Decode(&raw); err != nil {
		return err
	}
	v.v = numbers(raw)
	return nil
}

func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = numbers(v[k])
		}
	}
	return v
}
