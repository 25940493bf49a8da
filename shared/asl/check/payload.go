package check

import (
	"fmt"
	"slices"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonpath"
)

// The bounds of the search for the largest payload.
const (
	maxVisits = 8       // of a state whose input still grows; then nothing is known of it
	maxWork   = 200_000 // states that are looked at
)

// Payload bounds the bytes that states hand on, from the sizes that limits declares: of the execution's input and of the results of Tasks. Most
// is the largest that is known, or the first that passes the quota; Known is false when there are states of which nothing is known: their
// expressions compute something, or read variables. The definition is one in which Definition finds no Error.
func Payload(text []byte, machineType string, limits Limits) (Bound, error) {
	c := &checker{express: machineType == Express, states: make(map[string]string), labels: make(map[string]bool)}
	root, err := parse(text)
	if err != nil {
		return Bound{}, fmt.Errorf("read the definition: %w", err)
	}
	o, ok := root.(*object)
	if !ok {
		return Bound{}, fmt.Errorf("the definition is no object")
	}
	c.jsonata = c.language("", o, false)
	p := newPayload(limits)
	p.flow(c.flow("", o), p.declared(""), "")
	return p.bound(), nil
}

// payload follows the sizes of values through a definition.
type payload struct {
	*measure
	seen  map[string]int64  // the most bytes that each state takes or gives and that are known, by its place
	vague map[string]bool   // the states that take or give something of which nothing is known
	from  map[string]string // where what a state takes comes from
	work  int
}

func newPayload(limits Limits) *payload {
	return &payload{measure: &measure{limits: limits}, seen: make(map[string]int64), vague: make(map[string]bool), from: make(map[string]string)}
}

// declared is the size that limits gives something.
func (p *payload) declared(name string) extent {
	n, ok := p.limits.Bytes[name]
	if !ok {
		return extent{}
	}
	return bytesOf(int64(n))
}

// bound gives the largest value, or the first that is too large.
func (p *payload) bound() Bound {
	b := Bound{Quota: "bytes", Location: "/", Limit: MaxPayload, Known: len(p.vague) == 0}
	for _, at := range places(p.seen) {
		if p.seen[at] > b.Most {
			b.Most, b.Location = p.seen[at], at
		}
	}
	if b.Most == 0 {
		return b
	}
	var way []string
	for at := b.Location; at != "" && !slices.Contains(way, at); at = p.from[at] {
		way = append(way, at)
	}
	for _, at := range way {
		if p.seen[at] > MaxPayload {
			b.Location, b.Most = at, p.seen[at]
		}
	}
	first := slices.Index(way, b.Location)
	for _, at := range way[first:] {
		b.Path = append(b.Path, Step{Location: at, Times: 1, Each: p.seen[at]})
	}
	slices.Reverse(b.Path)
	return b
}

// flow follows a flow from its input; it gives what its ends give.
func (p *payload) flow(f *flow, input extent, before string) extent {
	if f.byName[f.start] == nil {
		return extent{}
	}
	in, visits := map[string]extent{f.start: input}, make(map[string]int)
	var out *extent
	p.from[f.byName[f.start].at] = before
	for work := []string{f.start}; len(work) > 0; {
		s := f.byName[work[0]]
		work = work[1:]
		p.work++
		if visits[s.name]++; visits[s.name] > maxVisits || p.work > maxWork {
			in[s.name] = extent{}
		}
		given, failed := p.state(s, in[s.name])
		if s.end && s.kind != "Fail" {
			e := given
			if out != nil {
				e = join(*out, given)
			}
			out = &e
		}
		for i, t := range s.targets {
			next := f.byName[t.name]
			if next == nil {
				continue
			}
			e := given
			if caught := i - (len(s.targets) - len(failed)); caught >= 0 {
				e = failed[caught]
			}
			old, reached := in[t.name]
			if reached {
				e = join(old, e)
			}
			if !reached || !e.equal(old) {
				in[t.name] = e
				p.from[next.at] = s.at
				work = append(work, t.name)
			}
		}
	}
	if out == nil {
		return extent{}
	}
	return *out
}

// errorOutput is the most that an error and its cause are, each character of it a quote or a line end that is escaped. A cause of control
// characters alone would be larger; none is known.
const errorOutput = 2*(256+32<<10) + 24

// state gives what a state hands on, and what each of its catchers does. It notes the largest of what it takes and gives.
func (p *payload) state(s *state, input extent) (given extent, failed []extent) {
	given = p.output(s, input)
	p.note(s.at, input)
	p.note(s.at, given)
	list, _ := s.fields.fields["Catch"].([]any)
	for _, e := range list {
		o, ok := e.(*object)
		if !ok {
			continue
		}
		if _, ok := o.text("Next"); !ok {
			continue
		}
		e := bytesOf(errorOutput)
		output, has := o.get("Output")
		switch {
		case s.jsonata && has:
			e = scope{input: input}.template(output, true)
		case !s.jsonata:
			e = place(o, input, e)
		}
		p.note(s.at, e)
		failed = append(failed, e)
	}
	return given, failed
}

func (p *payload) note(at string, e extent) {
	if !e.known {
		p.vague[at] = true
		return
	}
	p.seen[at] = max(p.seen[at], e.size())
}

// output is what a state gives when it does not fail.
func (p *payload) output(s *state, input extent) extent {
	if s.jsonata {
		in := scope{input: input, result: p.result(s, scope{input: input})}
		given := in.result
		if output, ok := s.fields.get("Output"); ok {
			given = in.template(output, true)
		}
		rules, _ := s.fields.fields["Choices"].([]any)
		for _, r := range rules {
			if o, ok := r.(*object); ok && o.fields["Output"] != nil {
				given = join(given, in.template(o.fields["Output"], true))
			}
		}
		return given
	}
	taken := selected(s.fields, "InputPath", input)
	result := p.result(s, scope{input: taken})
	if v, ok := s.fields.get("ResultSelector"); ok {
		result = scope{input: result}.template(v, false)
	}
	switch s.kind {
	case "Pass", "Task", "Parallel", "Map":
		result = place(s.fields, input, result)
	}
	return selected(s.fields, "OutputPath", result)
}

// result is what a state's work gives: of a Task what is declared, of a Map and a Parallel what their flows give.
func (p *payload) result(s *state, in scope) extent {
	given := in.input
	name := "Parameters"
	if s.jsonata {
		name = "Arguments"
	}
	if v, ok := s.fields.get(name); ok && s.kind != "Map" {
		given = in.template(v, s.jsonata)
	}
	switch s.kind {
	case "Task":
		p.note(s.at, given)
		return p.declared(s.name)
	case "Pass":
		if v, ok := s.fields.get("Result"); ok {
			return literal(v)
		}
	case "Parallel":
		n, known := int64(2), true
		for _, b := range s.inner {
			e := p.flow(b, given, s.at)
			n, known = plus(n, e.size()+1), known && e.known
		}
		return extent{known: known, bytes: n}
	case "Map":
		return p.items(s, in)
	}
	return given
}

// items is what a Map gives: so many times what one item gives.
func (p *payload) items(s *state, in scope) extent {
	items, counted := p.measure.items(s)
	in.item = in.input
	if v, ok := s.fields.get("Items"); ok {
		in.item = in.template(v, true)
	} else if path, ok := s.fields.text("ItemsPath"); ok {
		in.item = in.path(path)
	}
	if _, read := s.fields.get("ItemReader"); read {
		in.item = extent{}
	}
	if n, ok := p.limits.ItemBytes[s.name]; ok {
		in.item = bytesOf(int64(n))
	}
	given := in.item
	for _, name := range []string{"ItemSelector", "Parameters"} {
		if v, ok := s.fields.get(name); ok {
			given = in.template(v, s.jsonata)
		}
	}
	if _, batched := s.fields.get("ItemBatcher"); batched {
		given = extent{}
	}
	var out extent
	for _, f := range s.inner {
		out = p.flow(f, given, s.at)
	}
	if !counted || !out.known {
		return extent{}
	}
	return bytesOf(plus(times(items, out.size()+1), 2))
}

// selected applies InputPath or OutputPath.
func selected(o *object, name string, v extent) extent {
	switch path := o.fields[name].(type) {
	case string:
		return scope{input: v}.path(path)
	case nil:
		if _, ok := o.get(name); ok {
			return bytesOf(2) // null stands for {}
		}
	}
	return v
}

// place applies ResultPath.
func place(o *object, input, result extent) extent {
	v, ok := o.get("ResultPath")
	if !ok {
		return result
	}
	text, isText := v.(string)
	if !isText {
		return input // null throws the result away
	}
	p, err := jsonpath.Parse(text)
	if err != nil {
		return extent{}
	}
	name, ok := p.Field()
	switch {
	case ok && name == "":
		return result
	case !ok || !input.known || !result.known:
		return extent{}
	case text == "$."+name:
		return input.with(name, result)
	}
	inside := bytesOf(plus(input.field(name).size(), plus(result.size(), int64(len(text))*6))) // the rest of the path is made new
	return input.with(name, inside)
}
