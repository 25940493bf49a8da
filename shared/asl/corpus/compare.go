package corpus

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
)

// Compare gives the differences between a recording and an outcome by the rules of the recordings' README; none means that they agree.
func Compare(c *Case, got Outcome) []string {
	var out []string
	want := c.Recorded
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if got.Problem != "" {
		add("%s", got.Problem)
	}
	if want.Status != got.Status {
		add("status %s, recorded %s", got.Status, want.Status)
	}
	if len(want.Output) > 0 && !Matches(want.Output, got.Output) {
		add("output %s, recorded %s", got.Output, want.Output)
	}
	if !fitsText(want.Error, got.Error) {
		add("error %q, recorded %q", got.Error, want.Error)
	}
	if !sameCause(want.Cause, got.Cause) {
		add("cause %q, recorded %q", got.Cause, want.Cause)
	}
	if want.Events == nil {
		return out
	}
	return append(out, compareEvents(c, got.Events)...)
}

// sameCause compares causes; those that are JSON as JSON.
func sameCause(want, got string) bool {
	var w, g any
	if json.Unmarshal([]byte(want), &w) == nil && json.Unmarshal([]byte(got), &g) == nil {
		return Matches(json.RawMessage(want), json.RawMessage(got))
	}
	return want == wild || fitsText(want, got)
}

// compareEvents compares event by event; where paths ran side by side, path by path.
func compareEvents(c *Case, got []Event) []string {
	want := c.Recorded.Events
	strict := compareList(want, got, true)
	if len(strict) == 0 || !sideBySide(c) {
		return strict
	}
	if c.OrderScrubbed {
		return compareScrubbed(want, got)
	}
	w, g := paths(want), paths(got)
	var out []string
	for name, events := range w {
		if failed(want) && name != "" && len(compareList(events, g[name], false)) > 0 && len(g[name]) != len(events) {
			continue // how far the others got is free
		}
		for _, d := range compareList(events, g[name], false) {
			out = append(out, fmt.Sprintf("path %q: %s", name, d))
		}
	}
	for name := range g {
		if _, ok := w[name]; !ok && !failed(want) {
			out = append(out, fmt.Sprintf("path %q is not recorded", name))
		}
	}
	sort.Strings(out)
	return out
}

// failed says whether some path failed its Map or Parallel.
func failed(events []Event) bool {
	for _, e := range events {
		if e.Type == "MapStateFailed" || e.Type == "ParallelStateFailed" {
			return true
		}
	}
	return false
}

// sideBySide says whether a definition has paths that run at once.
func sideBySide(c *Case) bool {
	var d any
	if json.Unmarshal(c.definition(), &d) != nil {
		return false
	}
	return atOnce(d)
}

func atOnce(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		switch v["Type"] {
		case "Parallel":
			if b, ok := v["Branches"].([]any); ok && len(b) > 1 {
				return true
			}
		case "Map":
			if v["MaxConcurrency"] != 1.0 {
				return true
			}
		}
		for _, e := range v {
			if atOnce(e) {
				return true
			}
		}
	case []any:
		for _, e := range v {
			if atOnce(e) {
				return true
			}
		}
	}
	return false
}

// paths sorts events into the paths in which they happened: found by going back from event to event to the start of an iteration or
// of a Parallel.
func paths(events []Event) map[string][]Event {
	byID := make(map[int64]Event)
	for _, e := range events {
		if e.ID != nil {
			byID[*e.ID] = e
		}
	}
	names := make(map[int64]string)
	var name func(e Event) string
	name = func(e Event) string {
		if e.ID == nil || e.Prev == nil {
			return "?"
		}
		if n, ok := names[*e.ID]; ok {
			return n
		}
		prev, ok := byID[*e.Prev]
		n := ""
		switch {
		case !ok || *e.Prev >= *e.ID:
		case e.Type == "MapIterationStarted":
			n = fmt.Sprintf("%s[%d]", e.State, *e.Index)
		case prev.Type == "ParallelStateStarted" && strings.HasSuffix(e.Type, "StateEntered"):
			n = fmt.Sprintf("%s/%s", name(prev), e.State)
		case e.Type == "MapStateSucceeded" || e.Type == "ParallelStateSucceeded" || e.Type == "MapStateExited" || e.Type == "ParallelStateExited" ||
			e.Type == "MapStateFailed" || e.Type == "ParallelStateFailed":
			n = "" // of the path around the Map or Parallel
		default:
			n = name(prev)
		}
		names[*e.ID] = n
		return n
	}
	out := make(map[string][]Event)
	for _, e := range events {
		out[name(e)] = append(out[name(e)], e)
	}
	return out
}

// compareScrubbed compares a history whose recording lost the order inside a Parallel: the same events, whatever their order.
func compareScrubbed(want, got []Event) []string {
	if len(want) != len(got) {
		return []string{fmt.Sprintf("%d events, recorded %d", len(got), len(want))}
	}
	left := append([]Event{}, got...)
	var out []string
	for _, w := range want {
		found := false
		for i, g := range left {
			if len(differences(w, g, false)) == 0 {
				left = append(left[:i:i], left[i+1:]...)
				found = true
				break
			}
		}
		if !found {
			out = append(out, fmt.Sprintf("no event like the recorded %s of %s", w.Type, w.State))
		}
	}
	return out
}

func compareList(want, got []Event, ids bool) []string {
	var out []string
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(got):
			out = append(out, fmt.Sprintf("event %d is missing: recorded %s", i+1, want[i].Type))
		case i >= len(want):
			out = append(out, fmt.Sprintf("event %d is not recorded: %s", i+1, got[i].Type))
		default:
			for _, d := range differences(want[i], got[i], ids) {
				out = append(out, fmt.Sprintf("event %d (%s): %s", i+1, want[i].Type, d))
			}
		}
	}
	return out
}

// differences compares two events; their ids only when the order is certain and the recording has them.
func differences(want, got Event, ids bool) []string {
	var out []string
	add := func(name string, same bool, w, g any) {
		if !same {
			out = append(out, fmt.Sprintf("%s %v, recorded %v", name, g, w))
		}
	}
	if ids && want.ID != nil {
		add("id", got.ID != nil && *want.ID == *got.ID, *want.ID, shown(got.ID))
	}
	if ids && want.Prev != nil {
		add("prev", got.Prev != nil && *want.Prev == *got.Prev, *want.Prev, shown(got.Prev))
	}
	add("type", want.Type == got.Type, want.Type, got.Type)
	add("state", want.State == got.State, want.State, got.State)
	add("index", deep(want.Index) == deep(got.Index), deep(want.Index), deep(got.Index))
	add("length", deep(want.Length) == deep(got.Length), deep(want.Length), deep(got.Length))
	add("location", want.Location == got.Location, want.Location, got.Location)
	add("resource", want.Resource == got.Resource, want.Resource, got.Resource)
	add("resourceType", want.ResourceType == got.ResourceType, want.ResourceType, got.ResourceType)
	add("timeout", want.TimeoutInSeconds == got.TimeoutInSeconds, want.TimeoutInSeconds, got.TimeoutInSeconds)
	add("heartbeat", want.HeartbeatInSeconds == got.HeartbeatInSeconds, want.HeartbeatInSeconds, got.HeartbeatInSeconds)
	add("error", fitsText(deref(want.Error), deref(got.Error)), deref(want.Error), deref(got.Error))
	add("cause", sameCause(deref(want.Cause), deref(got.Cause)), deref(want.Cause), deref(got.Cause))
	for _, f := range []struct {
		name      string
		want, got json.RawMessage
	}{
		{"input", want.Input, got.Input}, {"parameters", want.Parameters, got.Parameters}, {"output", want.Output, got.Output},
		{"assigned", want.Assigned, got.Assigned}, {"credentials", want.Credentials, got.Credentials},
	} {
		same := (len(f.want) == 0) == (len(f.got) == 0) && Matches(f.want, f.got)
		add(f.name, same, string(f.want), string(f.got))
	}
	return out
}

func shown(id *int64) any {
	if id == nil {
		return "none"
	}
	return *id
}

// deep gives a number apart from none.
func deep(n *int) string {
	if n == nil {
		return "none"
	}
	return fmt.Sprint(*n)
}
