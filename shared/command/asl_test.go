package command

import (
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/shared/asl/corpus"
)

const (
	chargeMachine = `{"StartAt": "Charge", "States": {
		"Charge": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Retry": [{"ErrorEquals": ["Busy"]}], "Next": "Hold"},
		"Hold": {"Type": "Wait", "Seconds": 86400, "Next": "Done"}, "Done": {"Type": "Succeed"}}}`
	chargeAnswers = `{"Charge": [{"error": {"errorType": "Busy", "errorMessage": "later"}}, {"match": {"n": "<any>"}, "output": {"paid": true}}]}`
)

func TestASL_Run(t *testing.T) {
	p := &project{dir: t.TempDir()}
	p.file(t, "m.json", chargeMachine)
	p.file(t, "a.json", chargeAnswers)
	p.file(t, "in.json", `{"n": 3}`)
	p.want(t, ExitOK, []string{"TaskFailed", "Busy: later", "WaitStateExited", `SUCCEEDED {"paid":true}`}, "asl", "run", "m.json", "--answers", "a.json", "--input", `{"n": 1}`)
	out := decode[corpus.Outcome](t, p.want(t, ExitOK, nil, "asl", "run", "m.json", "--answers", "a.json", "--input", "@in.json", "--json"))
	if out.Status != "SUCCEEDED" || string(out.Output) != `{"paid":true}` || len(out.Events) != 14 {
		t.Errorf("got %+v", out)
	}
	p.want(t, ExitFailed, []string{"has no answer for a call of Charge"}, "asl", "run", "m.json")
	p.want(t, ExitWrong, []string{"the definition cannot be run"}, "asl", "run", "in.json")
	p.want(t, ExitWrong, []string{"is not JSON"}, "asl", "run", "m.json", "--input", "{")
	p.want(t, ExitWrong, []string{"no.json"}, "asl", "run", "no.json")
	p.want(t, ExitWrong, []string{"either a definition or --cases"}, "asl", "run")
}

func TestASL_Cases(t *testing.T) {
	p := &project{dir: t.TempDir()}
	good := `{"id": "good", "definition": ` + chargeMachine + `, "input": {"n": 1}, "answers": ` + chargeAnswers + `, "recorded": {"status": "SUCCEEDED", "output": {"paid": true}}}`
	bad := `{"id": "bad", "definition": {"StartAt": "A"}}`
	p.file(t, "cases.json", "["+good+", "+bad+"]")
	c := p.want(t, ExitOK, []string{`{"id":"good","status":"SUCCEEDED"`, `{"id":"bad","status":"ERROR"`}, "asl", "run", "--cases", "cases.json", "--json")
	if n := strings.Count(c.out, "\n"); n != 2 {
		t.Errorf("%d lines, want one a case", n)
	}
	p.want(t, ExitFailed, []string{"differs  bad", "2 cases, 1 as recorded"}, "asl", "run", "--cases", "cases.json", "--compare")
	p.want(t, ExitWrong, []string{"none.json"}, "asl", "run", "--cases", "none.json")
}

func TestASL_TestState(t *testing.T) {
	p := &project{dir: t.TempDir()}
	p.file(t, "m.json", chargeMachine)
	p.file(t, "s.json", `{"Type": "Pass", "InputPath": "$.a", "Parameters": {"x.$": "$.b"}, "ResultPath": "$.r", "End": true}`)
	p.want(t, ExitOK, []string{"SUCCEEDED", `{"a":{"b":1},"r":{"x":1}}`, `afterParameters            {"x":1}`},
		"asl", "test-state", "s.json", "--input", `{"a": {"b": 1}}`, "--inspection-level", "DEBUG")
	p.want(t, ExitFailed, []string{"RETRIABLE", "Busy"}, "asl", "test-state", "m.json", "--state", "Charge", "--mock", `{"errorOutput": {"error": "Busy"}}`)
	p.want(t, ExitOK, []string{`"status":"SUCCEEDED"`, `"nextState":"Hold"`}, "asl", "test-state", "m.json", "--state", "Charge", "--mock", `{"result": "{}"}`, "--json")
	p.want(t, ExitWrong, []string{"RoleArn must be specified"}, "asl", "test-state", "m.json", "--state", "Charge")
	p.want(t, ExitWrong, []string{"is no inspection level"}, "asl", "test-state", "s.json", "--inspection-level", "ALL")
}
