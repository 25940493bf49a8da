package infra_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"testing"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/statemachine"
)

// TestFunctions_Holes holds that every hole of the machine is filled by one function.
func TestFunctions_Holes(t *testing.T) {
	var holes []string
	for _, f := range infra.Functions() {
		if f.Hole != "" {
			holes = append(holes, f.Hole)
		}
	}
	slices.Sort(holes)
	if want := statemachine.SyncHoles(); !slices.Equal(holes, want) {
		t.Errorf("functions fill %v, the machine has %v", holes, want)
	}
}

// TestFunctions_Timeouts holds that Lambda ends a step before Step Functions gives it up.
func TestFunctions_Timeouts(t *testing.T) {
	timeouts := taskTimeouts(t)
	for _, f := range infra.Functions() {
		if f.Hole == "" {
			continue
		}
		if got, want := timeouts["${"+f.Hole+"}"], float64(f.TimeoutS+60); got != want {
			t.Errorf("%s: its state ends after %v s, want %v", f.Name, got, want)
		}
	}
}

// taskTimeouts gives the time-outs of all Task states by their Resource.
func taskTimeouts(t *testing.T) map[string]float64 {
	t.Helper()
	text, err := statemachine.Sync(nil)
	if err != nil {
		t.Fatal(err)
	}
	var definition any
	if err := json.Unmarshal(text, &definition); err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	var walk func(v any)
	walk = func(v any) {
		m, ok := v.(map[string]any)
		if !ok {
			return
		}
		if resource, ok := m["Resource"].(string); ok {
			out[resource], _ = m["TimeoutSeconds"].(float64)
		}
		for _, inner := range m {
			walk(inner)
		}
	}
	walk(definition)
	return out
}

func TestFunctions_Limits(t *testing.T) {
	form := regexp.MustCompile(`^[a-z]{1,20}$`)
	seen := map[string]bool{}
	for _, f := range infra.Functions() {
		if !form.MatchString(f.Name) || seen[f.Name] {
			t.Errorf("%q is no name, or there twice", f.Name)
		}
		seen[f.Name] = true
		if f.MemoryMB < 128 || f.MemoryMB > 10240 || f.TimeoutS < 1 || f.TimeoutS > 900 || f.Summary == "" {
			t.Errorf("%+v: Lambda takes 128 to 10,240 MB and 1 to 900 s", f)
		}
		if got := slices.Contains(f.Env(), infra.EnvMachine); got != f.Machine {
			t.Errorf("%s: gets the machine's ARN: %t, want %t", f.Name, got, f.Machine)
		}
	}
}
