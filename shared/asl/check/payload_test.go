package check

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// sized is an event with its payload, as recorded.
type sized struct {
	Type, State   string
	Length        int
	Input, Output json.RawMessage
}

func compact(t *testing.T, text json.RawMessage) int {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		t.Fatal(err)
	}
	return b.Len()
}

// What every recorded execution handed from state to state is within what is known of it, when the sizes that it had are declared.
func TestPayload_Recorded(t *testing.T) {
	held := 0
	for _, r := range recordings(t, "case") {
		var whole struct {
			Input    json.RawMessage
			Recorded struct{ Events []sized }
		}
		if err := json.Unmarshal(r.raw, &whole); err != nil {
			t.Fatal(err)
		}
		limits := Limits{Items: make(map[string]int), Bytes: map[string]int{"": compact(t, whole.Input)}}
		entered := ""
		for _, e := range whole.Recorded.Events {
			switch {
			case strings.HasSuffix(e.Type, "StateEntered"):
				entered = e.State
			case e.Type == "MapStateStarted":
				limits.Items[entered] = max(limits.Items[entered], e.Length)
			case strings.HasSuffix(e.Type, "Succeeded") && e.Output != nil && (strings.HasPrefix(e.Type, "Task") || strings.HasPrefix(e.Type, "Lambda")):
				limits.Bytes[entered] = max(limits.Bytes[entered], compact(t, e.Output))
			}
		}
		o := newPayload(limits)
		root, err := parse(r.text())
		if err != nil {
			t.Fatal(err)
		}
		c := &checker{states: make(map[string]string), labels: make(map[string]bool)}
		c.jsonata = c.language("", root.(*object), false)
		f := c.flow("", root.(*object))
		o.flow(f, o.declared(""), "")
		for _, e := range whole.Recorded.Events {
			s := f.byName[e.State]
			if s == nil || !strings.Contains(e.Type, "State") {
				continue
			}
			for _, p := range []json.RawMessage{e.Input, e.Output} {
				if p == nil || o.vague[s.at] || bytes.Contains(p, []byte("<any>")) {
					continue
				}
				held++
				if n := compact(t, p); int64(n) > o.seen[s.at] {
					t.Errorf("%s: %s of %s has %d bytes, over the bound %d: %.200s", r.ID, e.Type, e.State, n, o.seen[s.at], p)
				}
			}
		}
	}
	if held < 400 {
		t.Errorf("only %d payloads were held against their bound", held)
	}
	t.Logf("%d payloads", held)
}

func TestPayload(t *testing.T) {
	sizes := map[string]int{"": 100, "A": 200_000, "B": 100_000}
	task := func(name, rest string) string { return `"` + name + `":{` + lambda + `,` + rest + `}` }
	for _, c := range []struct {
		name, text, at string
		most           int64
		known          bool
	}{
		{"result in the place of the input", machine(task("A", `"Next":"B"`) + `,` + task("B", `"End":true`)), "/States/A", 200_000, true},
		{"results side by side", machine(task("A", `"ResultPath":"$.a","Next":"B"`) + `,` + task("B", `"ResultPath":"$.b","End":true`)), "/States/B", 100 + 200_005 + 100_005, true},
		{"result in a part of the input", machine(task("A", `"ResultPath":"$.x.y","End":true`)), "/States/A", 100 + 100 + 200_000 + 30 + 5, true},
		{"result thrown away", machine(task("A", `"ResultPath":null,"End":true`)), "/States/A", 100, true},
		{"a part of the result", machine(task("A", `"ResultSelector":{"x.$":"$.x"},"Next":"C"`) + `,"C":{"Type":"Pass","InputPath":"$.x","End":true}`), "/States/A", 200_007, true},
		{"under JSONata", jsonataMachine(task("A", `"Output":{"a":"{% $states.result %}","b":"{% $states.input.x %}"},"End":true`)), "/States/A", 200_112, true},
		{"an expression", jsonataMachine(task("A", `"Output":"{% $uppercase($states.result) %}","End":true`)), "/States/A", 100, false},
		{"a loop that fills one field again", machine(task("A", `"ResultPath":"$.a","Next":"C"`) +
			`,"C":{"Type":"Choice","Choices":[{"Variable":"$.n","IsNull":true,"Next":"A"}],"Default":"D"},"D":{"Type":"Succeed"}`), "/States/A", 200_105, true},
		{"a loop that grows", jsonataMachine(`"A":{"Type":"Pass","Output":{"more":"{% $states.input %}"},"Next":"C"},` +
			`"C":{"Type":"Choice","Choices":[{"Condition":"{% $states.input.n %}","Next":"A"}],"Default":"D"},"D":{"Type":"Succeed"}`), "/States/A", 866, false},
		{"a Map of declared items", machine(`"A":{"Type":"Map","ItemProcessor":{"StartAt":"B","States":{` + task("B", `"End":true`) + `}},"End":true}`), "/States/A", 100_001_002, true},
		{"an unknown Task", machine(task("A", `"Next":"Z"`) + `,` + task("Z", `"End":true`)), "/States/A", 200_000, false},
		{"an error that is caught", machine(task("A", `"Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":"$.e","Next":"C"}],"ResultPath":null,"End":true`) + `,"C":` + pass),
			"/States/A", 100 + errorOutput + 5, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if r := Definition([]byte(c.text), Standard); !r.OK() {
				t.Fatal(r)
			}
			b, err := Payload([]byte(c.text), Standard, Limits{Bytes: sizes, Items: map[string]int{"A": 1000}})
			if err != nil {
				t.Fatal(err)
			}
			if b.Most != c.most || b.Location != c.at || b.Known != c.known {
				t.Errorf("at most %d bytes at %s, known %v; want %d at %s, %v", b.Most, b.Location, b.Known, c.most, c.at, c.known)
			}
		})
	}
}

// The way leads from the beginning to the first state that is too large.
func TestPayload_Problems(t *testing.T) {
	text := machine(`"A":{` + lambda + `,"ResultPath":"$.a","Next":"B"},"B":{` + lambda + `,"ResultPath":"$.b","Next":"C"},"C":` + pass)
	b, err := Payload([]byte(text), Standard, Limits{Bytes: map[string]int{"": 2, "A": 200_000, "B": 100_000}})
	if err != nil {
		t.Fatal(err)
	}
	problems := b.Problems()
	if len(problems) != 1 || problems[0].Location != "/States/B" || problems[0].Message != "one execution can reach 300012 bytes; 262144 is the most" ||
		problems[0].Hint != "the way there: A 1×200007 → B 1×300012" {
		t.Errorf("got %+v", problems)
	}
}
