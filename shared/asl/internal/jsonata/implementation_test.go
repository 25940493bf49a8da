package jsonata

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// reference is the folder of the implementation that defines the language, in the version that Step Functions documents: make corpora.
const reference = "../../../../out/corpora/jsonata-2.0.6"

// ask evaluates a list of expressions in the reference implementation.
const ask = `
const jsonata = require(process.argv[1]);
(async () => {
  const {cases, vars} = JSON.parse(require('fs').readFileSync(0));
  const out = [];
  for (const text of cases) {
    try {
      const v = await jsonata(text).evaluate(undefined, vars);
      out.push(v === undefined ? {} : {value: v});
    } catch (e) {
      out.push({code: e.code, position: e.position || 0, message: e.message});
    }
  }
  console.log(JSON.stringify(out));
})();`

type referenceAnswer struct {
	Value    any    `json:"value"`
	Code     string `json:"code"`
	Position int    `json:"position"`
	Message  string `json:"message"`
}

// differs are the expressions for which we mean to differ, with the reason.
var differs = map[string]string{
	`{"a": [1 / 0, -1 / 0]}`:        "the service makes texts of numbers that JSON does not have",
	`%`:                             "the reference knows no place for it",
	`function($x)<n:n> { $x }("a")`: "the reference knows no name for it",
	`$states.input.big`:             "integers beyond 2^53 stay exact here",
	`$keys({'b': 1, 'a': 2})`:       "objects have no order of keys here",
	`$eval('1')`:                    "Step Functions removed the function",
	`$assert(1 = 2, 'no')`:          "the reference has no code for it",
}

// service are the functions that Step Functions adds.
var service = []string{"$partition", "$range", "$hash", "$parse", "$uuid", "$now", "$millis", "$random"}

// TestReference asks the reference implementation all that the tables of these tests ask: values, codes, places and messages must be the same.
func TestReference(t *testing.T) {
	node, err := exec.LookPath("node")
	script := filepath.Join(reference, "jsonata.js")
	if _, missing := os.Stat(script); err != nil || missing != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("needs node and the package jsonata: make corpora")
		}
		t.Skip("needs node and the package jsonata: make corpora fetches it")
	}
	var texts []string
	for _, c := range values {
		texts = append(texts, c.expr)
	}
	for _, c := range language {
		texts = append(texts, c.expr)
	}
	for _, c := range faulty {
		texts = append(texts, c.expr)
	}
	texts = slices.DeleteFunc(texts, func(s string) bool {
		return differs[s] != "" || slices.ContainsFunc(service, func(f string) bool { return strings.Contains(s, f+"(") })
	})
	vars := map[string]any{"leg": 1.0, "call": map[string]any{"run": "r1"}}
	for name, text := range map[string]string{"shop": shop, "states": states} {
		if vars[name], err = Decode([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	in, err := json.Marshal(map[string]any{"cases": texts, "vars": vars})
	if err != nil {
		t.Fatal(err)
	}
	script, err = filepath.Abs(script)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, "-e", ask, script)
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var answers []referenceAnswer
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(texts) {
		t.Fatalf("%d answers, %v", len(answers), err)
	}
	env := &Env{Lookup: func(name string) (any, bool) { v, ok := vars[name]; return v, ok }}
	for i, text := range texts {
		if diff := cmp.Diff(answer(text, env), answers[i]); diff != "" {
			t.Errorf("%s\n(-ours +reference)\n%s", text, diff)
		}
	}
	t.Logf("%d expressions are as in the reference implementation, %d differ with a reason", len(texts), len(differs))
}

func answer(text string, env *Env) (a referenceAnswer) {
	e, err := Compile(text)
	if err == nil {
		a.Value, err = e.Eval(env)
	}
	if fault, ok := err.(*Error); ok {
		return referenceAnswer{Code: fault.Code, Position: fault.Position, Message: fault.Message}
	}
	b, err := Encode(a.Value)
	if err != nil {
		return referenceAnswer{Message: err.Error()}
	}
	_ = json.Unmarshal(b, &a.Value)
	return a
}
