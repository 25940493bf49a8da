package edge_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/functions/internal/runtimeapi"
	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/fault"
)

// closed is the list of names that the state machine knows.
func closed(name string) bool {
	code, ok := strings.CutPrefix(name, "Lockstep.")
	return ok && slices.Contains(fault.Codes, fault.Code(code))
}

func do(what, code, text string) runtimeapi.Invocation {
	payload, _ := json.Marshal(order{what, code, text})
	return runtimeapi.Invocation{Payload: string(payload)}
}

// TestFunction_EveryPathHasAName holds that whatever an act does, the answer is JSON or an error of the closed list.
func TestFunction_EveryPathHasAName(t *testing.T) {
	p := newProcess(t)
	for _, code := range fault.Codes {
		if got := p.invoke(do("fail", string(code), "for a test")); got.Type != "Lockstep."+string(code) {
			t.Errorf("a fault %s is answered as %q", code, got.Type)
		}
	}
	short := func(i runtimeapi.Invocation) runtimeapi.Invocation {
		i.Left = 100 * time.Millisecond
		return i
	}
	for _, c := range []struct {
		name string
		call runtimeapi.Invocation
		want fault.Code
	}{
		{"a code that nobody knows", do("fail", "Mystery", "x"), fault.Internal},
		{"no code", do("fail uncoded", "", "x"), fault.Internal},
		{"a payload that is no JSON", runtimeapi.Invocation{Payload: "{"}, fault.ConfigInvalid},
		{"an empty payload", runtimeapi.Invocation{}, fault.ConfigInvalid},
		{"a payload of another shape", runtimeapi.Invocation{Payload: `[1]`}, fault.ConfigInvalid},
		{"an answer that is no JSON", do("answer what is no JSON", "", ""), fault.Internal},
		{"an answer that no state may give", do("answer too much", "", ""), fault.QuotaExceeded},
		{"the deadline", short(do("wait", "", "")), fault.Timeout},
		{"the deadline, by another name", short(do("wait, and say that it was ended", "", "")), fault.Timeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := p.invoke(c.call)
			if got.Type != "Lockstep."+string(c.want) || !closed(got.Type) {
				t.Errorf("answered as %q: %s%s; want %s", got.Type, got.Message, got.Body, c.want)
			}
		})
	}
	if got := p.invoke(do("nothing", "", "")); got.Type != "" || got.Body != `{"did":"nothing"}` {
		t.Errorf("the process does not work any more: %+v", got)
	}
	for _, l := range p.lines() {
		if code, failed := l["code"]; failed && !closed("Lockstep."+code.(string)) {
			t.Errorf("the log has code %q", code)
		}
	}
}

// TestFunction_Panic holds that a panic is answered, and that the process ends behind it.
func TestFunction_Panic(t *testing.T) {
	for _, what := range []string{"panic", "panic with a fault", "panic at run time"} {
		t.Run(what, func(t *testing.T) {
			p := newProcess(t)
			got := p.invoke(do(what, "", "the record"))
			if got.Type != "Lockstep.Internal" || strings.Contains(got.Message, "the record") {
				t.Errorf("answered as %q: %s", got.Type, got.Message)
			}
			if err := p.cmd.Wait(); err == nil {
				t.Error("the process ended without an error")
			}
			if said := p.out.String(); strings.Contains(said, "the record") || !strings.Contains(said, `"stack":"goroutine`) {
				t.Errorf("the log lacks the stack, or has the value:\n%s", said)
			}
			p.start() // as Lambda would
			if got := p.invoke(do("nothing", "", "")); got.Body != `{"did":"nothing"}` {
				t.Errorf("the next process answers %+v", got)
			}
		})
	}
}

// TestFunction_Environment holds that an environment that is not whole, and clients that cannot be made, are answers like others.
func TestFunction_Environment(t *testing.T) {
	p := newProcess(t, infra.EnvTable+"=", infra.EnvBundle+"=")
	for range 2 {
		got := p.invoke(do("nothing", "", ""))
		if got.Type != "Lockstep.ConfigInvalid" || !strings.Contains(got.Message, infra.EnvTable+", "+infra.EnvBundle) {
			t.Errorf("answered as %q: %s", got.Type, got.Message)
		}
	}
	late := newProcess(t, "TEST_CONNECT=late")
	if got := late.invoke(do("nothing", "", "")); got.Type != "Lockstep.Transient" {
		t.Errorf("a client that cannot be made is answered as %q", got.Type)
	}
	for range 2 {
		var told struct{ Connections int }
		if err := json.Unmarshal([]byte(late.invoke(do("tell", "", "")).Body), &told); err != nil || told.Connections != 2 {
			t.Errorf("connected %d times, %v; want once more and then never", told.Connections, err)
		}
	}
}

// TestFunction_World holds what an act gets from Lambda.
func TestFunction_World(t *testing.T) {
	p := newProcess(t)
	const trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
	call := do("tell", "", "")
	call.Trace, call.Left = trace, 90*time.Second
	call.Payload = strings.TrimSuffix(call.Payload, "}") + `,"execution":"arn:aws-cn:states:cn-north-1:000000000000:execution:sync:r-l2-r0-t0"}`
	got := p.invoke(call)
	var told map[string]any
	if err := json.Unmarshal([]byte(got.Body), &told); err != nil {
		t.Fatalf("%v: %+v", err, got)
	}
	want := map[string]any{
		"connections": 1.0, "request": got.Request, "timeout": 90.0, "trace": trace, "holder": "e", "resident": false, "table": "t",
		"machine": "arn:aws-cn:states:cn-north-1:000000000000:stateMachine:sync",
	}
	for name, v := range want {
		if fmt.Sprint(told[name]) != fmt.Sprint(v) {
			t.Errorf("%s is %v, want %v", name, told[name], v)
		}
	}
}

// TestFunction_Log holds the fields of the log, and that it has neither secrets nor what records said.
func TestFunction_Log(t *testing.T) {
	p := newProcess(t)
	call := do("log", "", "the password hunter2")
	call.Payload = strings.TrimSuffix(call.Payload, "}") + `,"run":"r1","job":"orders","item":{"stream":"s","partition":"p0","seq":4}}`
	call.Trace = "Root=1-5759e988"
	request := p.invoke(call).Request
	failing := func(code fault.Code, text string) runtimeapi.Answer { return p.invoke(do("fail", string(code), text)) }
	hidden := failing(fault.DataInvalid, "record 3: secret@example.com is no number")
	denied := failing(fault.AuthDenied, "hunter2 was refused")
	if strings.Contains(hidden.Message, "example.com") || denied.Message != "act: *** was refused" {
		t.Errorf("the history gets %q and %q", hidden.Message, denied.Message)
	}
	p.invoke(do("nothing", "", "")) // then all before it is written
	if said := p.out.String(); strings.Contains(said, "hunter2") || strings.Contains(said, "example.com") {
		t.Errorf("the log has a secret or a record:\n%s", said)
	}
	events := map[string]map[string]any{}
	for _, l := range p.lines() {
		if text, ok := l["msg"].(string); ok && l["request_id"] == request {
			events[text] = l
		}
	}
	for text, want := range map[string]map[string]any{
		"something happened": {"level": "INFO", "step": "mine", "text": "the password ***"},
		"something else":     {"level": "WARN", "step": "load", "err": "for the password ***"},
		"invocation ended":   {"level": "INFO", "step": "load"},
	} {
		for key, v := range map[string]any{"run_id": "r1", "job": "orders", "stream": "s", "partition": "p0", "seq": 5.0, "trace_id": "Root=1-5759e988"} {
			want[key] = v
		}
		for key, v := range want {
			if events[text][key] != v {
				t.Errorf("%q has %s=%v, want %v", text, key, events[text][key], v)
			}
		}
	}
}

// TestFunction_Metrics holds the embedded metric format: what CloudWatch reads, and no dimension beside the three.
func TestFunction_Metrics(t *testing.T) {
	p := newProcess(t)
	call := do("fail", "RateLimited", "slower")
	call.Payload = strings.TrimSuffix(call.Payload, "}") + `,"run":"r1","job":"orders"}`
	p.invoke(call)
	p.invoke(do("nothing", "", ""))
	p.invoke(do("nothing", "", "")) // then both before it are written
	var statuses []string
	for _, l := range p.lines() {
		meta, ok := l["_aws"].(map[string]any)
		if !ok {
			continue
		}
		about := meta["CloudWatchMetrics"].([]any)[0].(map[string]any)
		if about["Namespace"] != infra.MetricNamespace || fmt.Sprint(about["Dimensions"]) != "[[job step status]]" || meta["Timestamp"].(float64) < 1e12 {
			t.Errorf("metrics are described as %v", meta)
		}
		for _, m := range about["Metrics"].([]any) {
			if _, there := l[m.(map[string]any)["Name"].(string)].(float64); !there {
				t.Errorf("%v has no value in %v", m, l)
			}
		}
		statuses = append(statuses, fmt.Sprint(l["job"], l["step"], l["status"]))
	}
	if want := []string{"ordersloadRateLimited", "-loadok"}; len(statuses) < 2 || !slices.Equal(statuses[:2], want) {
		t.Errorf("metrics are for %v, want %v", statuses, want)
	}
}
