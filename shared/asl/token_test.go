package asl

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

const waiting = `"A": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "HeartbeatSeconds": 10, "TimeoutSeconds": 60,
	"Parameters": {"QueueUrl": "q", "MessageBody": {"t.$": "$$.Task.Token"}}, "Catch": [{"ErrorEquals": ["%"], "ResultPath": "$.e", "Next": "Z"}], "End": true}, "Z": {"Type": "Pass", "End": true}`

// tokenRig gives an interpreter whose one task hands its token to do.
func tokenRig(t *testing.T, catch string, do func(*Tokens, string)) *rig {
	t.Helper()
	r := newRig(t, jsonPathStates(`"A": {"Type": "Succeed"}`))
	m, err := Load([]byte(jsonPathStates(replace(waiting, catch))))
	if err != nil {
		t.Fatal(err)
	}
	r.Machines["m"] = m
	r.Clock, r.Tokens = nil, &Tokens{}
	r.Tasks["arn:aws:states:::sqs:sendMessage.waitForTaskToken"] = func(_ context.Context, arguments json.RawMessage) (json.RawMessage, error) {
		var a struct{ MessageBody struct{ T string } }
		if err := json.Unmarshal(arguments, &a); err != nil || a.MessageBody.T == "" {
			t.Errorf("arguments are %s", arguments)
		}
		go do(r.Tokens, a.MessageBody.T)
		return json.RawMessage(`{"MessageId": "1"}`), nil
	}
	return r
}

func replace(text, catch string) string {
	out := ""
	for _, c := range text {
		if c == '%' {
			out += catch
			continue
		}
		out += string(c)
	}
	return out
}

func TestTokens(t *testing.T) {
	for _, c := range []struct {
		name, catch, want string
		do                func(*Tokens, string)
		took              time.Duration
	}{
		{"success", "E", `SUCCEEDED 7`, func(k *Tokens, token string) {
			<-time.After(5 * time.Second)
			_ = k.SendTaskSuccess(token, json.RawMessage(`7`))
		}, 5 * time.Second},
		{"failure", "E", `SUCCEEDED {"e":{"Cause":"c","Error":"E"}}`, func(k *Tokens, token string) { _ = k.SendTaskFailure(token, "E", "c") }, 0},
		{"failure without a name", "States.ALL", `SUCCEEDED {"e":{"Cause":null,"Error":null}}`, func(k *Tokens, token string) { _ = k.SendTaskFailure(token, "", "") }, 0},
		{"no heartbeat", "States.HeartbeatTimeout", `SUCCEEDED {"e":{"Cause":"","Error":"States.Timeout"}}`, func(*Tokens, string) {}, 10 * time.Second},
		{"heartbeats keep it alive", "E", `SUCCEEDED 1`, func(k *Tokens, token string) {
			for range 5 {
				<-time.After(8 * time.Second)
				_ = k.SendTaskHeartbeat(token)
			}
			_ = k.SendTaskSuccess(token, json.RawMessage(`1`))
		}, 40 * time.Second},
		{"heartbeats do not keep it from its time-out", "E", `FAILED States.Timeout`, func(k *Tokens, token string) {
			for range 7 {
				<-time.After(8 * time.Second)
				_ = k.SendTaskHeartbeat(token)
			}
		}, 60 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := tokenRig(t, c.catch, c.do)
				start := time.Now()
				check(t, r.run(t, `{}`), c.want)
				if d := time.Since(start); d != c.took {
					t.Errorf("took %s, want %s", d, c.took)
				}
				if got := r.rec.events[4]; got.Type != "TaskSubmitted" || string(got.Output) != `{"MessageId": "1"}` {
					t.Errorf("event is %+v", got)
				}
			})
		})
	}
}

func TestTokens_AnswerTooLate(t *testing.T) {
	k := &Tokens{}
	for _, err := range []error{k.SendTaskSuccess("t", nil), k.SendTaskFailure("t", "E", ""), k.SendTaskHeartbeat("t")} {
		if !errors.Is(err, ErrNoToken) {
			t.Errorf("error is %v", err)
		}
	}
}

func TestRedrive(t *testing.T) {
	calls := map[string]int{}
	r := newRig(t, jsonataStates(`"A": {"Type": "Task", "Resource": "f", "Arguments": "first", "Assign": {"x": 5}, "Next": "P"},
		"P": {"Type": "Parallel", "Next": "M", "Branches": [{"StartAt": "B", "States": {"B": {"Type": "Task", "Resource": "f", "Arguments": "good", "End": true}}},
			{"StartAt": "C", "States": {"C": {"Type": "Pass", "Assign": {"y": 1}, "Next": "D"}, "D": {"Type": "Task", "Resource": "f", "Arguments": "{% 'once ' & $x & $y %}", "End": true}}}]},
		"M": {"Type": "Map", "MaxConcurrency": 1, "Items": [1, 2, 3], "End": true, "ItemProcessor": {"StartAt": "E", "States": {"E": {"Type": "Task", "Resource": "f", "Arguments": "{% 'item ' & $states.input %}", "End": true}}}}`))
	fail := map[string]bool{`"once 51"`: true, `"item 2"`: true}
	r.Tasks["f"] = func(_ context.Context, arguments json.RawMessage) (json.RawMessage, error) {
		calls[string(arguments)]++
		if fail[string(arguments)] {
			delete(fail, string(arguments))
			return nil, &Error{Name: "Once"}
		}
		return arguments, nil
	}
	e := Execution{ID: "x", Name: "x", StateMachine: StateMachine{ID: "m", Name: "m"}}
	got := r.Run(t.Context(), e)
	check(t, got, "FAILED Once")
	got = r.Redrive(t.Context(), e, got)
	check(t, got, "FAILED Once")
	got = r.Redrive(t.Context(), e, got)
	check(t, got, `SUCCEEDED ["item 1","item 2","item 3"]`)
	want := map[string]int{`"first"`: 1, `"good"`: 1, `"once 51"`: 2, `"item 1"`: 1, `"item 2"`: 2, `"item 3"`: 1}
	for k, n := range want {
		if calls[k] != n {
			t.Errorf("%s was called %d times, want %d", k, calls[k], n)
		}
	}
	redriven := 0
	for i, e := range r.rec.events {
		if e.ID != int64(i)+1 {
			t.Fatalf("event %d has the number %d", i, e.ID)
		}
		if e.Type == "ExecutionRedriven" {
			redriven++
			if e.RedriveCount != redriven {
				t.Errorf("redrive %d is counted as %d", redriven, e.RedriveCount)
			}
		}
	}
	check(t, r.Redrive(t.Context(), e, got), "FAILED ExecutionNotRedrivable")
}

func TestVirtualClock(t *testing.T) {
	for _, c := range []struct{ name, states, want string }{
		{"a long wait", `"A": {"Type": "Wait", "Seconds": 99999999, "End": true}`, `SUCCEEDED {}`},
		{"waits side by side", `"A": {"Type": "Map", "Items": [5, 1, 3], "Output": "{% $states.result %}", "End": true, "ItemProcessor": {"StartAt": "B", "States": {
			"B": {"Type": "Wait", "Seconds": "{% $states.input %}", "End": true}}}}`, `SUCCEEDED [5,1,3]`},
		{"a time-out", `"A": {"Type": "Task", "Resource": "never", "TimeoutSeconds": 5000, "End": true}`, `FAILED States.Timeout`},
		{"a failure ends what waits beside it", `"A": {"Type": "Parallel", "End": true, "Branches": [
			{"StartAt": "B", "States": {"B": {"Type": "Wait", "Seconds": 3, "Next": "F"}, "F": {"Type": "Fail", "Error": "E"}}},
			{"StartAt": "C", "States": {"C": {"Type": "Task", "Resource": "never", "End": true}}}]}`, `FAILED E`},
		{"nothing will happen", `"A": {"Type": "Task", "Resource": "never", "End": true}`, `ABORTED`},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 20 {
				r := newRig(t, jsonataStates(c.states))
				ctx, cancel := context.WithCancel(t.Context())
				clock := NewVirtualClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
				clock.Stuck = cancel
				r.Clock = clock
				r.Tasks["never"] = func(ctx context.Context, _ json.RawMessage) (json.RawMessage, error) {
					CallOf(ctx).Wait(ctx, nil)
					return nil, ctx.Err()
				}
				check(t, r.Run(ctx, Execution{ID: "x", StateMachine: StateMachine{ID: "m"}}), c.want)
				cancel()
			}
		})
	}
}

func TestVirtualClock_KeepsTheOrderOfTimers(t *testing.T) {
	r := newRig(t, jsonataStates(`"A": {"Type": "Map", "Items": [5, 1, 3], "End": true, "ItemProcessor": {"StartAt": "B", "States": {
		"B": {"Type": "Wait", "Seconds": "{% $states.input %}", "Next": "C"}, "C": {"Type": "Pass", "End": true}}}}`))
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r.Clock = NewVirtualClock(start)
	check(t, r.run(t, `{}`), "SUCCEEDED [5,1,3]")
	var order []int
	for _, e := range r.rec.events {
		if e.Type == "PassStateEntered" {
			order = append(order, int(e.Time.Sub(start).Seconds()))
		}
	}
	if len(order) != 3 || order[0] != 1 || order[1] != 3 || order[2] != 5 {
		t.Errorf("the waits ended after %v seconds", order)
	}
}
