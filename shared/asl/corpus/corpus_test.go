package corpus

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// known lists the recordings that we do not reproduce, each with its reason. Two in a hundred may stand here.
var known = map[string]string{}

// caseLimit bounds a case in real time; all of them together take less.
const caseLimit = 20 * time.Second

func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/case/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	good, all := 0, 0
	for _, file := range files {
		cases, err := Read(file)
		if err != nil {
			t.Fatal(err)
		}
		agreed := 0
		kind := strings.TrimSuffix(filepath.Base(file), ".json")
		for i := range cases {
			c := &cases[i]
			d := Compare(c, Run(t.Context(), c, caseLimit))
			switch reason, listed := known[c.ID]; {
			case len(d) == 0 && listed:
				t.Errorf("%s agrees now; take it off the list (%s)", c.ID, reason)
			case len(d) == 0:
				agreed++
			case !listed:
				t.Errorf("%s\n   %s", c.ID, strings.Join(d[:min(len(d), 5)], "\n   "))
			}
		}
		good, all = good+agreed, all+len(cases)
		t.Logf("%-18s %3d of %3d", kind, agreed, len(cases))
	}
	t.Logf("%-18s %3d of %3d", "all", good, all)
	if good*100 < all*98 {
		t.Errorf("%d of %d recordings are reproduced, want 98 %%", good, all)
	}
}

func TestCompare_FindsDifferences(t *testing.T) {
	cases, err := Read("testdata/case/task-lambda.json")
	if err != nil {
		t.Fatal(err)
	}
	c := &cases[0]
	for _, spoil := range []struct {
		name string
		do   func(*Outcome)
	}{
		{"status", func(o *Outcome) { o.Status = "ABORTED" }},
		{"output", func(o *Outcome) { o.Output = json.RawMessage(`"other"`) }},
		{"cause", func(o *Outcome) { o.Cause = "other" }},
		{"problem", func(o *Outcome) { o.Problem = "an answer was not asked for" }},
		{"one event less", func(o *Outcome) { o.Events = o.Events[:len(o.Events)-1] }},
		{"events swapped", func(o *Outcome) { o.Events[1], o.Events[2] = o.Events[2], o.Events[1] }},
		{"wrong prev", func(o *Outcome) { prev := int64(99); o.Events[2].Prev = &prev }},
		{"wrong input", func(o *Outcome) { o.Events[1].Input = json.RawMessage(`{"other": 1}`) }},
		{"wrong resource", func(o *Outcome) { o.Events[2].Resource = "other" }},
	} {
		out := Run(t.Context(), c, caseLimit)
		if d := Compare(c, out); len(d) != 0 {
			t.Fatalf("the case itself differs: %v", d)
		}
		if spoil.do(&out); len(Compare(c, out)) == 0 {
			t.Errorf("%s: no difference found", spoil.name)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, got string
		want         bool
	}{
		{`{"a": 1, "b": [true, null]}`, `{"b":[true,null],"a":1.0}`, true},
		{`"<any>"`, `{"a": [1]}`, true},
		{`{"a": "<any>"}`, `{}`, false},
		{`"x <any> y"`, `"x 1 2 y"`, true},
		{`"x <any> y"`, `"x y"`, false},
		{`"<any>:<any>"`, `"a:b:c"`, true},
		{`"<uuid:1>"`, `"<uuid:2>"`, false},
		{`[1]`, `[1, 2]`, false},
		{`9007199254740993`, `9007199254740993`, true},
		{`1`, `"1"`, false},
		{`null`, ``, true},
		{`{`, `{`, false},
	} {
		if got := Matches(json.RawMessage(c.pattern), json.RawMessage(c.got)); got != c.want {
			t.Errorf("%s against %s gives %v", c.pattern, c.got, got)
		}
	}
}

const machine = `"definition": {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": true}}}, "input": {"n": 1}`

func TestRun_SaysWhatIsWrongWithACase(t *testing.T) {
	for _, c := range []struct{ name, text, status, problem string }{
		{"a call that the script does not know", `{"id": "x", ` + machine + `, "answers": {"A": [{"match": {"n": 2}, "output": 1}]}}`, "FAILED", "has no answer for a call of A"},
		{"an answer too many", `{"id": "x", ` + machine + `, "answers": {"A": [{"match": {"n": 1}, "output": 1}, {"output": 2}]}}`, "SUCCEEDED", "1 answers of A were not asked for"},
		{"a task that never answers", `{"id": "x", ` + machine + `, "answers": {"A": [{"never": true}]}}`, "ABORTED", "nothing could happen any more"},
		{"no definition", `{"id": "x"}`, "ERROR", "the definition cannot be run"},
		{"a field of the wrong type", `{"id": "x", "answers": 7}`, "ERROR", "cannot be run"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cases, err := Parse([]byte(c.text))
			if err != nil || len(cases) != 1 {
				t.Fatalf("%d cases, %v", len(cases), err)
			}
			out := Run(t.Context(), &cases[0], caseLimit)
			if out.ID != "x" || out.Status != c.status || !strings.Contains(out.Problem, c.problem) {
				t.Errorf("got %s: %s", out.Status, out.Problem)
			}
		})
	}
}

func TestRun_EndsACaseThatDoesNot(t *testing.T) {
	cases, err := Parse([]byte(`[{"id": "loop", "type": "EXPRESS", "definition": {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "A"}}}}]`))
	if err != nil {
		t.Fatal(err)
	}
	out := Run(t.Context(), &cases[0], 50*time.Millisecond)
	if !strings.Contains(out.Problem, "did not end within") {
		t.Errorf("got %s: %s", out.Status, out.Problem)
	}
}

func TestParse(t *testing.T) {
	for _, text := range []string{`[{"id": "1"}, {"id": "2"}]`, "{\"id\": \"1\"}\n{\"id\": \"2\"}\n"} {
		cases, err := Parse([]byte(text))
		if err != nil || fmt.Sprintf("%d %s %s", len(cases), cases[0].ID, cases[1].ID) != "2 1 2" {
			t.Errorf("got %v, %v", cases, err)
		}
	}
	if _, err := Parse([]byte(`{"id": `)); err == nil {
		t.Error("half a case is read")
	}
}
