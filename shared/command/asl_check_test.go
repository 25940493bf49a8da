package command

import "testing"

func TestASL_Check(t *testing.T) {
	p := &project{dir: t.TempDir()}
	p.file(t, "good.json", `{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}`)
	p.file(t, "bad.json", `{"StartAt": "A", "States": {"A": {"Type": "Pass", "InputPath": "x", "Next": "Gone"}}}`)
	p.file(t, "map.json", `{"StartAt": "Each", "States": {"Each": {"Type": "Map", "End": true,
		"ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}}}}`)
	p.want(t, ExitOK, []string{"good.json: ok, at most 5 of 25000 events at /"}, "asl", "check", "good.json")
	p.want(t, ExitWrong, []string{
		"bad.json /States/A/InputPath: error: Value must be a valid JSONPath. [SCHEMA_VALIDATION_FAILED]",
		"bad.json /States/A/Next: error: Missing 'Next' target: Gone [MISSING_TRANSITION_TARGET]", "good.json: ok",
	}, "asl", "check", "bad.json", "good.json")
	p.want(t, ExitOK, []string{"map.json /States/Each: warning: more than 6248 items pass the quota of 25000 events [QUOTA]", "map.json: ok"}, "asl", "check", "map.json")
	p.want(t, ExitOK, []string{"map.json: ok, at most 24007 of 25000 events at /"}, "asl", "check", "map.json", "--items", "Each=6000")
	p.want(t, ExitWrong, []string{"map.json /: error: one execution can reach 28007 events; 25000 is the most [QUOTA]", "Each 1×28004"},
		"asl", "check", "map.json", "--items", "Each=7000")
	p.want(t, ExitOK, []string{"map.json: ok"}, "asl", "check", "map.json", "--items", "Each=7000", "--express")
	p.file(t, "task.json", `{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "f"},
		"ResultPath": "$.a", "End": true}}}`)
	p.want(t, ExitOK, []string{"at most 200105 of 262144 bytes at /States/A"}, "asl", "check", "task.json", "--input-bytes", "100", "--bytes", "A=200000")
	p.want(t, ExitWrong, []string{"task.json /States/A: error: one execution can reach 300105 bytes; 262144 is the most [QUOTA]"},
		"asl", "check", "task.json", "--input-bytes", "100", "--bytes", "A=300000")
	reports := decode[[]aslReport](t, p.want(t, ExitWrong, nil, "asl", "check", "good.json", "bad.json", "--json"))
	if len(reports) != 2 || !reports[0].OK || reports[1].OK || len(reports[1].Diagnostics) != 3 || len(reports[0].Bounds) != 2 {
		t.Errorf("got %+v", reports)
	}
	p.want(t, ExitWrong, []string{"write --items STATE=NUMBER"}, "asl", "check", "map.json", "--items", "Each")
	p.want(t, ExitWrong, []string{`"many" is no number`}, "asl", "check", "map.json", "--turns", "Each=many")
	p.want(t, ExitWrong, []string{"gone.json"}, "asl", "check", "gone.json")
	p.want(t, ExitWrong, []string{"asl check wants 1 argument"}, "asl", "check")
}
