package check

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// corpus is where the recordings of the service are.
const corpus = "../corpus/testdata"

// recording is a case of the corpus, as far as this package needs it.
type recording struct {
	raw json.RawMessage

	ID         string
	Type       string
	Definition json.RawMessage
	Text       *string `json:"definition_text"`
	Recorded   struct {
		Exception   *struct{ Message string }
		Diagnostics []Diagnostic
		Events      []struct {
			Type, State string
			Length      int
		}
	}
}

func (r recording) text() []byte {
	if r.Text != nil {
		return []byte(*r.Text)
	}
	return r.Definition
}

// recordings reads the cases of a folder of the corpus.
func recordings(t testing.TB, folder string) []recording {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(corpus, folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings in %s: %v", folder, err)
	}
	var out []recording
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var cases []json.RawMessage
		if err := json.Unmarshal(text, &cases); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		for _, raw := range cases {
			r := recording{raw: raw}
			if err := json.Unmarshal(raw, &r); err != nil {
				t.Fatalf("%s: %v", f, err)
			}
			out = append(out, r)
		}
	}
	return out
}

// What the service recorded of definitions that it was asked about, to the letter.
func TestDefinition_Validation(t *testing.T) {
	for _, r := range recordings(t, "validation") {
		t.Run(r.ID, func(t *testing.T) {
			got := Definition(r.text(), r.Type)
			if r.Recorded.Exception != nil {
				if diff := cmp.Diff(got.Refusal(), r.Recorded.Exception.Message); diff != "" {
					t.Errorf("the refusal differs (-got +want):\n%s", diff)
				}
				return
			}
			if diff := cmp.Diff(got.Service, r.Recorded.Diagnostics, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the diagnostics differ (-got +want):\n%s", diff)
			}
		})
	}
}

// The service has run every other definition of the corpus, so none may be refused. A few read variables that nothing assigns, on purpose.
func TestDefinition_Corpus(t *testing.T) {
	checked := 0
	for _, r := range recordings(t, "case") {
		got := Definition(r.text(), r.Type)
		checked++
		if refusal := got.Refusal(); refusal != "" {
			t.Errorf("%s: %s", r.ID, refusal)
		}
		for _, d := range got.Own {
			onPurpose := strings.Contains(r.ID, "undefined_reference") || strings.Contains(r.ID, "random_seeded")
			switch d.Code { // what the interpreter refuses beyond these is its own test's matter
			case UndefinedVariable, DuplicateKey, TooDeep, MissingEnd:
				if d.Code != UndefinedVariable || !onPurpose {
					t.Errorf("%s: %s", r.ID, d)
				}
			}
		}
	}
	t.Logf("%d definitions", checked)
}

// machine makes a definition of states.
func machine(states string) string { return `{"StartAt":"A","States":{` + states + `}}` }

func jsonataMachine(states string) string {
	return `{"QueryLanguage":"JSONata","StartAt":"A","States":{` + states + `}}`
}

const (
	lambda = `"Type":"Task","Resource":"arn:aws:states:::lambda:invoke"`
	pass   = `{"Type":"Pass","End":true}`
	flowOf = `{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}`
)

var definitions = []struct {
	name, text string
	want       []string // CODE at location: message
}{
	{"empty", "", []string{"MISSING_DESCRIPTION at : The definition is empty"}},
	{"array", "[]", []string{"SCHEMA_VALIDATION_FAILED at /: Expected value of type [OBJECT]"}},
	{"no states", `{"StartAt":"A","States":{}}`, []string{"SCHEMA_VALIDATION_FAILED at /States: Value cannot be empty"}},
	{"unknown field", `{"StartAt":"A","Start":1,"States":{"A":` + pass + `}}`, []string{"SCHEMA_VALIDATION_FAILED at /: Field 'Start' is not supported"}},
	{"version", `{"Version":"2.0","StartAt":"A","States":{"A":` + pass + `}}`, []string{"SCHEMA_VALIDATION_FAILED at /Version: Value should be one of the following: [1.0]"}},
	{"type of a state", machine(`"A":{"Type":"Pss","End":true}`),
		[]string{"SCHEMA_VALIDATION_FAILED at /States/A/Type: The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map]"}},
	{"field of another type", machine(`"A":{"Type":"Pass","End":true,"Catch":[{"ErrorEquals":["States.ALL"],"Next":"A"}]}`),
		[]string{"SCHEMA_VALIDATION_FAILED at /States/A: Field 'Catch' is not supported"}},
	{"neither Next nor End", machine(`"A":{"Type":"Pass"}`), []string{
		"SCHEMA_VALIDATION_FAILED at /States/A: This object should have only one of the following fields: [Next, End]",
		"MISSING_END_STATE at : Workflow has no terminal state"}},
	{"Next and End", machine(`"A":{"Type":"Pass","Next":"B","End":true},"B":` + pass), []string{
		"SCHEMA_VALIDATION_FAILED at /States/A: There should only be one of the following fields: [Next, End]"}},
	{"unknown state", machine(`"A":{"Type":"Pass","Next":"NOPE"}`), []string{
		"MISSING_TRANSITION_TARGET at /States/A/Next: Missing 'Next' target: NOPE",
		"MISSING_END_STATE at : Workflow has no terminal state"}},
	{"unknown start", `{"StartAt":"Nope","States":{"A":` + pass + `}}`, []string{
		"MISSING_TRANSITION_TARGET at /StartAt: Missing 'Next' target: Nope",
		`MISSING_TRANSITION_TARGET at /States/A: State "A" is not reachable.`}},
	{"unreachable", machine(`"A":` + pass + `,"a/b":` + pass), []string{`MISSING_TRANSITION_TARGET at /States/a/b: State "a/b" is not reachable.`}},
	{"endless", machine(`"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Pass","Next":"A"},"C":{"Type":"Pass","Next":"A"}`),
		[]string{"MISSING_END_STATE at : Workflow has no terminal state"}},
	{"endless branch", machine(`"A":{"Type":"Parallel","End":true,"Branches":[{"StartAt":"B","States":{"B":{"Type":"Pass","Next":"B"}}}]}`),
		[]string{"MISSING_END_STATE at /States/A/Branches[0]: no state ends this flow, so its execution never leaves it"}},
	{"unreachable in a branch", machine(`"A":{"Type":"Parallel","End":true,"Branches":[{"StartAt":"B","States":{"B":` + pass + `,"C":` + pass + `}}]}`),
		[]string{`MISSING_TRANSITION_TARGET at /States/A/Branches[0]/States/C: State "C" is not reachable.`}},
	{"name used twice", machine(`"A":{"Type":"Map","End":true,"ItemProcessor":{"StartAt":"A","States":{"A":` + pass + `}}}`),
		[]string{"DUPLICATE_STATE_NAME at /States/A/ItemProcessor/States/A: Duplicate State name: A"}},
	{"key used twice", machine(`"A":{"Type":"Pass","End":true,"End":true}`), []string{"DUPLICATE_KEY at /States/A/End: this name stands twice in its object; the first value is lost"}},
	{"unknown language", machine(`"A":{"Type":"Pass","QueryLanguage":"foo","InputPath":"$.a","End":true}`), []string{
		"SCHEMA_VALIDATION_FAILED at /States/A: The QueryLanguage is set to 'JSONata', but field 'InputPath' is only supported for the 'JSONPath' QueryLanguage",
		"SCHEMA_VALIDATION_FAILED at /States/A/QueryLanguage: Value should be one of the following: [JSONPath, JSONata]"}},
	{"language of an item processor", machine(`"A":{"Type":"Map","QueryLanguage":"JSONata","End":true,"ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","Output":1,"End":true}}}}`), []string{
		"SCHEMA_VALIDATION_FAILED at /States/A/ItemProcessor/States/P: The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the 'JSONata' QueryLanguage"}},
	{"language where none stands", machine(`"A":{"Type":"Map","End":true,"ItemProcessor":{"QueryLanguage":"JSONata","StartAt":"P","States":{"P":` + pass + `}}}`),
		[]string{"SCHEMA_VALIDATION_FAILED at /States/A/ItemProcessor: Field 'QueryLanguage' is not supported"}},
	{"rule of the other language", jsonataMachine(`"A":{"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"Next":"B"}]},"B":` + pass), []string{
		"SCHEMA_VALIDATION_FAILED at /States/A/Choices[0]: The QueryLanguage is set to 'JSONata', but field 'Variable' is only supported for the 'JSONPath' QueryLanguage",
		"SCHEMA_VALIDATION_FAILED at /States/A/Choices[0]: Field 'IsNull' is not supported"}},
	{"number too small", machine(`"A":{"Type":"Map","MaxConcurrency":-1,"ItemProcessor":` + flowOf + `,"End":true}`), []string{"SCHEMA_VALIDATION_FAILED at /States/A/MaxConcurrency: Minimum value is 0"}},
	{"percentage", machine(`"A":{"Type":"Map","ToleratedFailurePercentage":101,"ItemProcessor":` + flowOf + `,"End":true}`),
		[]string{"SCHEMA_VALIDATION_FAILED at /States/A/ToleratedFailurePercentage: Maximum value is 100.0"}},
	{"number as text", machine(`"A":{"Type":"Wait","Seconds":"5","End":true}`), []string{"SCHEMA_VALIDATION_FAILED at /States/A/Seconds: Expected value of type Integer"}},
	{"time-out of none", machine(`"A":{` + lambda + `,"TimeoutSeconds":0,"End":true}`), []string{"SCHEMA_VALIDATION_FAILED at /States/A/TimeoutSeconds: Minimum value is 1"}},
	{"wait of two kinds", machine(`"A":{"Type":"Wait","Seconds":5,"SecondsPath":"$.a","End":true}`), []string{
		"SCHEMA_VALIDATION_FAILED at /States/A: There should only be one of the following fields: [SecondsPath, Seconds, TimestampPath, Timestamp]"}},
	{"timestamp", machine(`"A":{"Type":"Wait","Timestamp":"2026-11-22","End":true}`), []string{"SCHEMA_VALIDATION_FAILED at /States/A/Timestamp: String does not match RFC3339 timestamp"}},
	{"both a number and its path", machine(`"A":{"Type":"Map","MaxConcurrency":1,"MaxConcurrencyPath":"$.n","ItemProcessor":` + flowOf + `,"End":true}`), []string{
		"SCHEMA_VALIDATION_FAILED at /States/A: There should only be one of the following fields: [MaxConcurrency, MaxConcurrencyPath]"}},
	{"path", machine(`"A":{"Type":"Pass","InputPath":"a","End":true}`), []string{"SCHEMA_VALIDATION_FAILED at /States/A/InputPath: Value must be a valid JSONPath."}},
	{"reference path", machine(`"A":{"Type":"Pass","ResultPath":"$..a","End":true}`), []string{"SCHEMA_VALIDATION_FAILED at /States/A/ResultPath: Value is not a Reference Path"}},
	{"payload template", machine(`"A":{"Type":"Pass","Parameters":{"x":{"a.$":"States.format('x')"}},"End":true}`), []string{
		"SCHEMA_VALIDATION_FAILED at /States/A/Parameters/x: The value for the field 'a.$' must be a valid JSONPath or a valid intrinsic function call"}},
	{"resource", machine(`"A":{"Type":"Task","Resource":"my-function","End":true}`), []string{"SCHEMA_VALIDATION_FAILED at /States/A/Resource: Value is not a valid resource ARN"}},
	{"resource to be filled", machine(`"A":{"Type":"Task","Resource":"${Function}","End":true}`), nil},
	{"retry", machine(`"A":{` + lambda + `,"Retry":[{"ErrorEquals":["States.ALL","x"]},{"ErrorEquals":[]},{"MaxAttempts":-1,"BackoffRate":0.5,"ErrorEquals":["x"],"JitterStrategy":"HALF"}],"End":true}`), []string{
		"SCHEMA_VALIDATION_FAILED at /States/A/Retry[0]/ErrorEquals: States.ALL must appear alone and at end of list",
		"SCHEMA_VALIDATION_FAILED at /States/A/Retry[1]/ErrorEquals: Value cannot be empty",
		"SCHEMA_VALIDATION_FAILED at /States/A/Retry[2]/MaxAttempts: Minimum value is 0",
		"SCHEMA_VALIDATION_FAILED at /States/A/Retry[2]/BackoffRate: Minimum value is 1.0",
		"SCHEMA_VALIDATION_FAILED at /States/A/Retry[2]/JitterStrategy: Value should be one of the following: [NONE, FULL]"}},
	{"catch", machine(`"A":{` + lambda + `,"Catch":[{"_comment":1},{"ErrorEquals":["x"],"Next":"Ghost"}],"End":true}`), []string{
		"SCHEMA_VALIDATION_FAILED at /States/A/Catch[0]: Field '_comment' is not supported",
		"SCHEMA_VALIDATION_FAILED at /States/A/Catch[0]: These fields are required: [ErrorEquals, Next]",
		"MISSING_TRANSITION_TARGET at /States/A/Catch[1]/Next: Missing 'Next' target: Ghost"}},
	{"no branches", machine(`"A":{"Type":"Parallel","Branches":[],"End":true}`), []string{"SCHEMA_VALIDATION_FAILED at /States/A/Branches: Value cannot be empty"}},
	{"no item processor", machine(`"A":{"Type":"Map","End":true}`), []string{
		"SCHEMA_VALIDATION_FAILED at /States/A: This object should have only one of the following fields: [ItemProcessor, Iterator]"}},
	{"distributed", machine(`"A":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED"},"StartAt":"P","States":{"P":` + pass + `}},"End":true}`), []string{
		"SCHEMA_VALIDATION_FAILED at /States/A/ItemProcessor/ProcessorConfig: These fields are required: [ExecutionType]"}},
	{"no choices", machine(`"A":{"Type":"Choice","Choices":[],"Default":"B"},"B":` + pass), []string{"SCHEMA_VALIDATION_FAILED at /States/A/Choices: Value cannot be empty"}},
	{"rules", machine(`"A":{"Type":"Choice","Choices":[{"Next":"B"},{"Not":{"Or":[]},"Next":"B"},{"Not":{"Variable":"a","IsNull":true,"Next":"B"},"Next":"B"}]},"B":` + pass), []string{
		"SCHEMA_VALIDATION_FAILED at /States/A/Choices[0]: The object must have only one of the following fields, [And, Or, Not, Variable, Condition]",
		"SCHEMA_VALIDATION_FAILED at /States/A/Choices[1]/Not/Or: Value cannot be empty",
		"SCHEMA_VALIDATION_FAILED at /States/A/Choices[2]/Not: Field 'Next' is not supported",
		"SCHEMA_VALIDATION_FAILED at /States/A/Choices[2]/Not/Variable: Value is not a Reference Path: Reference path didn't start with '$'"}},
	{"expression", jsonataMachine(`"A":{"Type":"Pass","Output":{"x":["{% 1 + %}"]},"End":true}`), []string{"INVALID_JSONATA_EXPRESSION at /States/A/Output/x[0]: Unexpected end of expression"}},
	{"expression that does not end", jsonataMachine(`"A":{"Type":"Pass","Output":"{% 1","End":true}`), []string{
		"SCHEMA_VALIDATION_FAILED at /States/A/Output: JSONata string must start with {% and end with %}"}},
	{"what an expression cannot see", jsonataMachine(`"A":{"Type":"Pass","Output":["{% $$ %}","{% $states.errorOutput %}","{% $states.result.x %}"],"End":true}`), []string{
		"UNSUPPORTED_JSONATA_EXPRESSION at /States/A/Output[0]: Reference to '$$' is not supported.",
		"UNSUPPORTED_JSONATA_EXPRESSION at /States/A/Output[1]: Field '$states.errorOutput' does not exist.",
		"UNSUPPORTED_JSONATA_EXPRESSION at /States/A/Output[2]: Field '$states.result' does not exist."}},
	{"error output where it is", jsonataMachine(`"A":{` + lambda + `,"Output":"{% $states.result %}","Catch":[{"ErrorEquals":["States.ALL"],"Assign":{"e":"{% $states.errorOutput %}"},"Next":"B"}],"End":true},"B":{"Type":"Pass","Output":"{% $e %}","End":true}`), nil},
	{"names of variables", machine(`"A":{"Type":"Pass","Assign":{"states":1,"a-b":2,"ok.$":"$.x"},"End":true}`), []string{
		"RESERVED_VARIABLE_NAME at /States/A/Assign: Cannot assign to reserved variable '$states'.",
		"INVALID_VARIABLE_NAME at /States/A/Assign: Invalid variable name 'a-b': the variable name contains invalid characters."}},
	{"variable too early", jsonataMachine(`"A":{"Type":"Pass","Assign":{"x":"{% $x %}"},"Output":"{% $state.input %}","Next":"B"},"B":{"Type":"Pass","Output":"{% $x %}","End":true}`), []string{
		"UNDEFINED_VARIABLE at /States/A/Assign/x: nothing assigns the variable $x before this",
		"UNDEFINED_VARIABLE at /States/A/Output: nothing assigns the variable $state before this"}},
	{"variable of a loop", jsonataMachine(`"A":{"Type":"Choice","Choices":[{"Condition":"{% $exists($x) %}","Next":"C"}],"Default":"B"},"B":{"Type":"Pass","Assign":{"x":1},"Next":"A"},"C":` + pass), nil},
	{"variable of a branch", machine(`"A":{"Type":"Parallel","Branches":[{"StartAt":"B","States":{"B":{"Type":"Pass","Assign":{"inner":1},"End":true}}}],"Next":"C"},"C":{"Type":"Pass","Parameters":{"x.$":"$inner"},"End":true}`),
		[]string{"UNDEFINED_VARIABLE at /States/C/Parameters: nothing assigns the variable $inner before this"}},
	{"resource that no service has", machine(`"A":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMesage","Parameters":{},"End":true}`), []string{
		"SCHEMA_VALIDATION_FAILED at /States/A/Resource: The resource provided arn:aws:states:::sqs:sendMesage is not recognized"}},
	{"static result", machine(`"A":{"Type":"Pass","Result":{"a.$":"$.x"},"End":true}`), []string{
		"PASS_RESULT_IS_STATIC at /States/A/Result/a.$: The Result of a Pass state is taken as it stands; the path in 'a.$' is not looked up"}},
}

func TestDefinition(t *testing.T) {
	for _, d := range definitions {
		t.Run(d.name, func(t *testing.T) {
			r := Definition([]byte(d.text), Standard)
			var got []string
			for _, g := range append(r.Service, r.Own...) {
				got = append(got, g.Code+" at "+g.Location+": "+g.Message)
			}
			if diff := cmp.Diff(got, d.want); diff != "" {
				t.Errorf("the diagnostics differ (-got +want):\n%s", diff)
			}
		})
	}
}

// No text may bring the checker down, or keep it busy.
func FuzzDefinition(f *testing.F) {
	for _, d := range definitions {
		f.Add(d.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := Definition([]byte(text), Standard)
		if !r.OK() {
			return
		}
		if _, err := Events([]byte(text), Standard, Limits{Turns: map[string]int{"A": 3}, Items: map[string]int{"A": 1 << 40}}); err != nil {
			t.Errorf("%q is right but cannot be measured: %v", text, err)
		}
	})
}

func BenchmarkDefinition(b *testing.B) {
	text, err := os.ReadFile("../../../statemachine/sync.asl.json")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if r := Definition(text, Standard); !r.OK() {
			b.Fatal(r)
		}
	}
}
