package check

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The history of every recorded execution is within the bound, when the items and turns that it had are declared.
func TestEvents_Recorded(t *testing.T) {
	held := 0
	for _, r := range recordings(t, "case") {
		events := r.Recorded.Events
		if len(events) == 0 || r.Type == Express {
			continue
		}
		limits := Limits{Items: make(map[string]int), Turns: make(map[string]int)}
		current := ""
		for _, e := range events {
			if strings.HasSuffix(e.Type, "StateEntered") {
				limits.Turns[e.State]++
			}
			switch e.Type {
			case "MapStateEntered":
				current = e.State
			case "MapStateStarted":
				limits.Items[current] = max(limits.Items[current], e.Length)
			}
		}
		bounds, err := Events(r.text(), r.Type, limits)
		if err != nil {
			t.Fatalf("%s: %v", r.ID, err)
		}
		held++
		if int64(len(events)) > bounds[0].Most {
			t.Errorf("%s: %d events were recorded, over the bound %d", r.ID, len(events), bounds[0].Most)
		}
	}
	if held < 100 {
		t.Errorf("only %d histories were held against their bound", held)
	}
}

const (
	loopStates = `"A":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Next":"B"},
		"B":{"Type":"Choice","Choices":[{"Variable":"$.done","BooleanEquals":true,"Next":"C"}],"Default":"A"},"C":{"Type":"Succeed"}`
	mapStates = `"A":{"Type":"Map","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true}`
)

func TestEvents(t *testing.T) {
	for _, c := range []struct {
		name, text string
		limits     Limits
		most       int64
		room       string
	}{
		{"one state", machine(`"A":` + pass), Limits{}, 5, ""},
		{"retries", machine(`"A":{` + lambda + `,"Retry":[{"ErrorEquals":["x"],"MaxAttempts":4},{"ErrorEquals":["States.ALL"]}],"End":true}`), Limits{}, 3 + 2 + 8*3, ""},
		{"the larger way", machine(`"A":{"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"Next":"B"}],"Default":"C"},"B":` + pass + `,"C":{` + lambda + `,"End":true}`), Limits{}, 3 + 2 + 5, ""},
		{"job that is waited for", machine(`"A":{"Type":"Task","Resource":"arn:aws:states:::glue:startJobRun.sync","End":true}`), Limits{}, 3 + 2 + 4, ""},
		{"expression that may fail", jsonataMachine(`"A":` + pass), Limits{}, 6, ""},
		{"branches", machine(`"A":{"Type":"Parallel","Branches":[` + flowOf + `,{"StartAt":"Q","States":{"Q":{"Type":"Pass","End":true}}}],"End":true}`), Limits{}, 3 + 2 + 2 + 4, ""},
		{"loop of unknown turns", machine(loopStates), Limits{}, 3 + 5 + 2 + 2, "/States/A 3570 turns"},
		{"loop of declared turns", machine(loopStates), Limits{Turns: map[string]int{"A": 10}}, 3 + 50 + 22 + 2, ""},
		{"too many turns", machine(loopStates), Limits{Turns: map[string]int{"A": 4000}}, 3 + 4000*5 + 4001*2 + 2, ""},
		{"loop that waits", `{"TimeoutSeconds":600,` + machine(`"A":{"Type":"Wait","Seconds":60,"Next":"B"},"B":{"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"Next":"A"}],"Default":"C"},"C":{"Type":"Succeed"}`)[1:],
			Limits{}, 3 + 11*2 + 12*2 + 2, ""},
		{"loop in a loop", machine(`"A":{"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"Next":"A"},{"Variable":"$.b","IsNull":true,"Next":"B"}],"Default":"C"},
			"B":{"Type":"Pass","Next":"A"},"C":{"Type":"Succeed"}`), Limits{Turns: map[string]int{"B": 2}}, 3 + 4 + 6 + 2, "/States/A 12495 turns"},
		{"unknown items", machine(mapStates), Limits{}, 3 + 2 + 2 + 4, "/States/A 6248 items"},
		{"declared items", machine(mapStates), Limits{Items: map[string]int{"A": 1000}}, 3 + 2 + 2 + 4000, ""},
		{"items as they stand", jsonataMachine(`"A":{"Type":"Map","Items":[1,2,3],"ItemProcessor":` + flowOf + `,"End":true}`), Limits{}, 3 + 3 + 2 + 3*5, ""},
		{"items of their own history", machine(`"A":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":` + pass + `}},"End":true}`),
			Limits{Items: map[string]int{"A": 1000000}}, 3 + 2 + 5, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if r := Definition([]byte(c.text), Standard); !r.OK() {
				t.Fatal(r)
			}
			bounds, err := Events([]byte(c.text), Standard, c.limits)
			if err != nil {
				t.Fatal(err)
			}
			b, room := bounds[0], ""
			for _, r := range b.Room {
				room += fmt.Sprintf("%s %d %s", r.Location, r.Most, r.What)
			}
			if b.Most != c.most || room != c.room || b.Known != (c.room == "") {
				t.Errorf("at most %d events, room %q, known %v; want %d, %q", b.Most, room, b.Known, c.most, c.room)
			}
		})
	}
}

// The room is exact: one more of what is not declared is too many.
func TestEvents_Room(t *testing.T) {
	for what, text := range map[string]string{"items": machine(mapStates), "turns": machine(loopStates)} {
		bounds, err := Events([]byte(text), Standard, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		room := int(bounds[0].Room[0].Most)
		for n, over := range map[int]bool{room: false, room + 1: true} {
			limits := Limits{Items: map[string]int{"A": n}}
			if what == "turns" {
				limits = Limits{Turns: map[string]int{"A": n}}
			}
			bounds, err := Events([]byte(text), Standard, limits)
			if err != nil {
				t.Fatal(err)
			}
			if got := bounds[0].Most > MaxEvents; got != over {
				t.Errorf("%d %s make %d events", n, what, bounds[0].Most)
			}
		}
	}
}

func TestBound_Problems(t *testing.T) {
	bounds, err := Events([]byte(machine(loopStates)), Standard, Limits{Turns: map[string]int{"A": 4000}})
	if err != nil {
		t.Fatal(err)
	}
	problems := bounds[0].Problems()
	if len(problems) != 1 || problems[0].Severity != Error || problems[0].Hint != "the way there: A 4000×5 → B 4001×2 → C 1×2" {
		t.Errorf("got %+v", problems)
	}
	bounds, err = Events([]byte(machine(mapStates)), Standard, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	problems = bounds[0].Problems()
	if len(problems) != 1 || problems[0].Severity != Warning || problems[0].Message != "more than 6248 items pass the quota of 25000 events" {
		t.Errorf("got %+v", problems)
	}
}

func TestEvents_Express(t *testing.T) {
	if bounds, err := Events([]byte(machine(`"A":`+pass)), Express, Limits{}); err != nil || bounds != nil {
		t.Errorf("an Express execution has no history with a quota: %v, %v", bounds, err)
	}
}

// Large definitions and declarations are measured in time, and no sum overflows.
func TestEvents_Large(t *testing.T) {
	var b strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&b, `"s%d":{"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"Next":"s%d"}],"Default":"s%d"},`, i, i+1, max(i-1, 0))
	}
	b.WriteString(`"s3000":{"Type":"Succeed"}`)
	text := `{"StartAt":"s0","States":{` + b.String() + `}}`
	if r := Definition([]byte(text), Standard); !r.OK() {
		t.Fatal(r)
	}
	bounds, err := Events([]byte(text), Standard, Limits{Turns: map[string]int{"s1": 1 << 62, "s2": 1 << 62}})
	if err != nil || bounds[0].Most <= MaxEvents {
		t.Errorf("got %v, %v", bounds, err)
	}
	if problems := bounds[0].Problems(); problems[0].Severity != Error {
		t.Errorf("got %+v", problems)
	}
}

func TestEvents_Own(t *testing.T) {
	text, err := os.ReadFile("../../../statemachine/sync.asl.json")
	if err != nil {
		t.Fatal(err)
	}
	bounds, err := Events(text, Standard, Limits{})
	if err != nil || len(bounds) != 1 || bounds[0].Known {
		t.Fatalf("got %+v, %v", bounds, err)
	}
}
