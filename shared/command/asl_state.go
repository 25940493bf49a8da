package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/lockstep-data/lockstep/shared/asl"
	"github.com/lockstep-data/lockstep/shared/asl/corpus"
)

// aslStateFlags are those of asl test-state.
type aslStateFlags struct {
	input     string
	state     string
	context   string
	variables string
	mock      string
	config    string
	level     string
	role      string
	cases     string
	limit     time.Duration
}

func (a *app) aslTestStateCommand() *cobra.Command {
	var f aslStateFlags
	c := &cobra.Command{
		Use:   "test-state [FILE]",
		Short: "Test one state with an input, as the API's TestState does",
		Long: `Test-state runs one state of a definition and tells its output, the state that comes next, and with --inspection-level DEBUG what each
of its fields made of the data. A Task, Map or Parallel needs a mock of what it would give.`,
		Example: `  lockstep asl test-state state.json --input '{"n": 1}'
  lockstep asl test-state machine.asl.json --state Charge --mock '{"result": "{\"paid\": true}"}' --inspection-level DEBUG
  lockstep asl test-state state.json --mock '{"errorOutput": {"error": "Busy", "cause": "try later"}}'`,
		Args: between(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case f.cases != "" && len(args) == 0:
				return a.aslStateCases(cmd.Context(), f)
			case f.cases == "" && len(args) == 1:
				return a.aslTestState(cmd.Context(), args[0], f)
			}
			return wrong("lockstep asl test-state FILE", "test-state wants the file of a state or machine")
		},
	}
	c.Flags().StringVar(&f.input, "input", "{}", "input as JSON, or @FILE")
	c.Flags().StringVar(&f.state, "state", "", "name of the state, when FILE holds a whole machine")
	c.Flags().StringVar(&f.context, "context", "", "context object as JSON, or @FILE")
	c.Flags().StringVar(&f.variables, "variables", "", "variables as a JSON object, or @FILE")
	c.Flags().StringVar(&f.mock, "mock", "", `{"result": "JSON text"} or {"errorOutput": {"error", "cause"}}, or @FILE`)
	c.Flags().StringVar(&f.config, "configuration", "", "retrierRetryCount, mapIterationFailureCount, errorCausedByState, mapItemReaderData as JSON")
	c.Flags().StringVar(&f.level, "inspection-level", asl.LevelInfo, "INFO, DEBUG or TRACE")
	c.Flags().StringVar(&f.role, "role", "", "role of the execution, which the context object shows")
	c.Flags().StringVar(&f.cases, "cases", "", "file of recorded calls: a JSON array, or one object a line")
	c.Flags().DurationVar(&f.limit, "limit", 10*time.Second, "real time that one test may take")
	return c
}

// aslTestState tests one state.
func (a *app) aslTestState(ctx context.Context, path string, f aslStateFlags) error {
	if !slices.Contains([]string{asl.LevelInfo, asl.LevelDebug, asl.LevelTrace}, f.level) {
		return wrong("write INFO, DEBUG or TRACE", "%q is no inspection level", f.level)
	}
	t := asl.StateTest{StateName: f.state, InspectionLevel: f.level, RoleArn: f.role}
	var mock, config json.RawMessage
	for _, field := range []struct {
		value string
		to    *json.RawMessage
	}{{"@" + path, &t.Definition}, {f.input, &t.Input}, {f.context, &t.Context}, {f.variables, &t.Variables}, {f.mock, &mock}, {f.config, &config}} {
		if field.value == "" {
			continue
		}
		var err error
		if *field.to, err = a.jsonOf(field.value); err != nil {
			return err
		}
	}
	if mock != nil {
		if err := json.Unmarshal(mock, &t.Mock); err != nil {
			return wrong(`as in {"result": "{\"a\": 1}"}`, "the mock cannot be read: %s", err)
		}
	}
	if config != nil {
		if err := json.Unmarshal(config, &t.Configuration); err != nil {
			return wrong(`as in {"retrierRetryCount": 1}`, "the configuration cannot be read: %s", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, f.limit)
	defer cancel()
	res, err := t.Run(ctx)
	var refused *asl.Error
	if errors.As(err, &refused) {
		return wrong("a Task, Map or Parallel needs --mock", "%s: %s", refused.Name, refused.Cause)
	}
	if a.flags.json {
		a.printLine(res)
	} else {
		a.writeStateResult(res)
	}
	if res.Status == "FAILED" || res.Status == "RETRIABLE" {
		return end(ExitFailed)
	}
	return nil
}

func (a *app) writeStateResult(res asl.StateResult) {
	a.printf("%s\n", res.Status)
	for _, line := range []struct{ name, value string }{{"output", string(res.Output)}, {"error", res.Error}, {"cause", res.Cause}, {"next", res.NextState}} {
		if line.value != "" {
			a.printf("  %-8s %s\n", line.name, line.value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(res.InspectionData)) {
		a.printf("  %-26s %v\n", name, res.InspectionData[name])
	}
}

// aslStateCases runs a file of recorded calls, one line each.
func (a *app) aslStateCases(ctx context.Context, f aslStateFlags) error {
	text, err := os.ReadFile(a.path(f.cases))
	if err != nil {
		return wrong("write the path of a file that can be read", "read %s: %s", f.cases, err)
	}
	cases, err := corpus.ParseStates(text)
	if err != nil {
		return wrong("a JSON array, or one object a line", "%s: %s", f.cases, err)
	}
	differ := 0
	for i := range cases {
		out := corpus.RunState(ctx, &cases[i], f.limit)
		d := corpus.CompareState(&cases[i], out)
		if len(d) > 0 {
			differ++
		}
		if a.flags.json {
			a.printLine(out)
			continue
		}
		a.printf("%-12s %s\n", fmt.Sprint(out.Status), out.ID)
	}
	if !a.flags.json {
		a.printf("%d cases, %d as recorded\n", len(cases), len(cases)-differ)
	}
	return nil
}

// path gives a path as the working directory has it.
func (a *app) path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(a.o.Dir, p)
}
