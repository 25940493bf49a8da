package modeltest

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// wire is an attribute value as requests and answers write it.
type wire struct {
	S    *string          `json:"S,omitempty"`
	N    *string          `json:"N,omitempty"`
	B    *[]byte          `json:"B,omitempty"`
	BOOL *bool            `json:"BOOL,omitempty"`
	NULL *bool            `json:"NULL,omitempty"`
	L    *[]wire          `json:"L,omitempty"`
	M    *map[string]wire `json:"M,omitempty"`
	SS   *[]string        `json:"SS,omitempty"`
	NS   *[]string        `json:"NS,omitempty"`
	BS   *[][]byte        `json:"BS,omitempty"`
}

// value is an attribute value. Values are never changed once made: items share them.
type value struct {
	kind  string           // S N B BOOL NULL L M SS NS BS
	text  string           // of S, N (in its one form) and B
	flag  bool             // of BOOL
	list  []value          // of L
	attrs map[string]value // of M
	set   []string         // of SS, NS and BS, sorted
}

// item is a stored item, never changed once it is stored.
type item map[string]value

// read checks a value of a request.
func (w wire) read() (value, error) {
	var out []value
	var err error
	add := func(v value, e error) {
		out = append(out, v)
		if err == nil {
			err = e
		}
	}
	if w.S != nil {
		add(value{kind: "S", text: *w.S}, nil)
	}
	if w.N != nil {
		n, e := parseNumber(*w.N)
		add(value{kind: "N", text: n.String()}, e)
	}
	if w.B != nil {
		add(value{kind: "B", text: string(*w.B)}, nil)
	}
	if w.BOOL != nil {
		add(value{kind: "BOOL", flag: *w.BOOL}, nil)
	}
	if w.NULL != nil {
		var e error
		if !*w.NULL {
			e = refuse("One or more parameter values were invalid: Null attribute value types must have the value of true")
		}
		add(value{kind: "NULL"}, e)
	}
	if w.L != nil {
		add(readList(*w.L))
	}
	if w.M != nil {
		m, e := readItem(*w.M)
		add(value{kind: "M", attrs: m}, e)
	}
	if w.SS != nil {
		add(readSet("SS", *w.SS))
	}
	if w.NS != nil {
		add(readSet("NS", *w.NS))
	}
	if w.BS != nil {
		var members []string
		for _, b := range *w.BS {
			members = append(members, string(b))
		}
		add(readSet("BS", members))
	}
	switch {
	case len(out) == 0:
		return value{}, refuse("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	case len(out) > 1:
		return value{}, refuse("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	}
	return out[0], err
}

func readList(in []wire) (value, error) {
	v := value{kind: "L"}
	for _, w := range in {
		e, err := w.read()
		if err != nil {
			return v, err
		}
		v.list = append(v.list, e)
	}
	return v, nil
}

func readSet(kind string, members []string) (value, error) {
	v := value{kind: kind}
	for _, m := range members {
		if kind == "NS" {
			n, err := parseNumber(m)
			if err != nil {
				return v, err
			}
			m = n.String()
		}
		v.set = append(v.set, m)
	}
	if len(v.set) == 0 {
		return v, refuse("One or more parameter values were invalid: A set may not be empty")
	}
	slices.Sort(v.set)
	if len(slices.Compact(slices.Clone(v.set))) != len(v.set) {
		return v, refuse("Input collection contains duplicates")
	}
	return v, nil
}

// readItem checks the values of a map of a request.
func readItem(in map[string]wire) (item, error) {
	out := make(item, len(in))
	for _, name := range slices.Sorted(maps.Keys(in)) {
		v, err := in[name].read()
		if err != nil {
			return nil, err
		}
		out[name] = v
	}
	return out, nil
}

// MarshalJSON writes the value as answers do.
func (v value) MarshalJSON() ([]byte, error) {
	var w wire
	switch v.kind {
	case "S":
		w.S = &v.text
	case "N":
		w.N = &v.text
	case "B":
		b := []byte(v.text)
		w.B = &b
	case "BOOL":
		w.BOOL = &v.flag
	case "NULL":
		yes := true
		w.NULL = &yes
	case "L":
		return json.Marshal(map[string]any{"L": append([]value{}, v.list...)})
	case "M":
		return json.Marshal(map[string]any{"M": item(v.attrs)})
	case "SS":
		w.SS = &v.set
	case "NS":
		w.NS = &v.set
	case "BS":
		members := make([][]byte, len(v.set))
		for i, m := range v.set {
			members[i] = []byte(m)
		}
		w.BS = &members
	}
	return json.Marshal(w)
}

// MarshalJSON writes an empty item as {}. Texts and numbers, which nearly all attributes are, are written in one go.
func (it item) MarshalJSON() ([]byte, error) {
	out := append(make([]byte, 0, 64*len(it)+2), '{')
	for name, v := range it {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(appendText(out, name), ':')
		if v.kind == "S" || v.kind == "N" {
			out = append(out, '{', '"', v.kind[0], '"', ':')
			out = append(appendText(out, v.text), '}')
			continue
		}
		text, err := v.MarshalJSON()
		if err != nil {
			return nil, err
		}
		out = append(out, text...)
	}
	return append(out, '}'), nil
}

// appendText writes a text as JSON.
func appendText(to []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(text) // texts always can
			return append(to, quoted...)
		}
	}
	to = append(to, '"')
	to = append(to, text...)
	return append(to, '"')
}

// equal compares two values: by value, sets and maps without order.
func (v value) equal(o value) bool {
	return v.kind == o.kind && v.text == o.text && v.flag == o.flag && slices.Equal(v.set, o.set) &&
		slices.EqualFunc(v.list, o.list, value.equal) && maps.EqualFunc(v.attrs, o.attrs, value.equal)
}

// ordered says whether values of the kind have an order.
func ordered(kind string) bool { return kind == "S" || kind == "N" || kind == "B" }

// compare orders two values of one ordered kind.
func (v value) compare(o value) int {
	if v.kind == "N" {
		return compareNumbers(v.text, o.text)
	}
	return strings.Compare(v.text, o.text)
}

// elements is what size() says; false for kinds that have none.
func (v value) elements() (int, bool) {
	switch v.kind {
	case "S", "B":
		return len(v.text), true
	case "L":
		return len(v.list), true
	case "M":
		return len(v.attrs), true
	case "SS", "NS", "BS":
		return len(v.set), true
	}
	return 0, false
}

// bytes is how much of an item's size the value takes.
func (v value) bytes() int {
	n := 0
	switch v.kind {
	case "S", "B":
		return len(v.text)
	case "N":
		return numberBytes(v.text)
	case "BOOL", "NULL":
		return 1
	case "L":
		n = 3
		for _, e := range v.list {
			n += e.bytes() + 1
		}
	case "M":
		n = 3
		for name, e := range v.attrs {
			n += len(name) + e.bytes() + 1
		}
	case "NS":
		for _, m := range v.set {
			n += numberBytes(m)
		}
	default:
		for _, m := range v.set {
			n += len(m)
		}
	}
	return n
}

// numberBytes is one byte for two digits, one for the exponent, one for a sign.
func numberBytes(s string) int {
	n, err := parseNumber(s)
	if err != nil || n.digits == "" {
		return 1
	}
	size := (len(n.digits)+1)/2 + 1
	if n.negative {
		size++
	}
	return size
}

// bytes is the item's size.
func (it item) bytes() int {
	n := 0
	for name, v := range it {
		n += len(name) + v.bytes()
	}
	return n
}

// equal compares two items.
func (it item) equal(o item) bool { return maps.EqualFunc(it, o, value.equal) }

// decode reads JSON and refuses fields that the model does not know: nothing of a request is passed over in silence.
func decode(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return apiError{code: "SerializationException", message: "the model cannot read the request: " + err.Error()}
	}
	return nil
}
