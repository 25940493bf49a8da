package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lockstep-data/lockstep/shared/asl/corpus"
)

func (a *app) aslCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "asl",
		Short: "Run state machine definitions of any kind, without AWS",
		Long: `Asl works with definitions in the Amazon States Language, also with those that have nothing to do with Lockstep: it runs them in
process with scripted tasks, and no real time passes; and it checks them as Step Functions would.`,
		Example: `  lockstep asl check machine.asl.json
  lockstep asl run machine.asl.json --input '{"n": 1}' --answers answers.json
  lockstep asl test-state state.json --input '{"n": 1}' --inspection-level DEBUG`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return a.help(cmd)
		},
	}
	c.AddCommand(a.aslRunCommand(), a.aslTestStateCommand(), a.aslCheckCommand())
	return c
}

// aslRunFlags are those of asl run.
type aslRunFlags struct {
	input   string
	answers string
	objects string
	clock   string
	express bool
	cases   string
	compare bool
	redrive string
	limit   time.Duration
}

func (a *app) aslRunCommand() *cobra.Command {
	var f aslRunFlags
	c := &cobra.Command{
		Use:   "run [FILE]",
		Short: "Run a definition with scripted tasks, or a file of cases",
		Long: `Run walks a definition to its end and prints its history and result. What its tasks answer stands in a file: by the name of the
state, the calls in order, each with an output, an error or "never", and if you like a match that the arguments must fit.

  {"Charge": [{"match": {"amount": "<any>"}, "error": {"errorType": "Busy"}}, {"output": {"paid": true}}]}

Waits, retries and time-outs take no real time. With --redrive it goes on where an execution stopped, by its history: as Lockstep keeps it, as
asl run --json prints it, or as GetExecutionHistory answers. What succeeded is not done again, nor the items of a Map that did. With --cases it runs a file of recorded cases instead and prints one line for each.`,
		Example: `  lockstep asl run machine.asl.json --input '{"n": 1}'
  lockstep asl run machine.asl.json --input @input.json --answers answers.json --json
  lockstep asl run machine.asl.json --redrive history.json --answers answers.json
  lockstep asl run --cases cases.json --json
  lockstep asl run --cases cases.json --compare`,
		Args: between(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case f.cases != "" && len(args) == 0:
				return a.aslCases(cmd.Context(), f)
			case f.cases == "" && len(args) == 1:
				return a.aslRun(cmd.Context(), args[0], f)
			}
			return wrong("lockstep asl run FILE, or lockstep asl run --cases FILE", "asl run wants either a definition or --cases")
		},
	}
	c.Flags().StringVar(&f.input, "input", "{}", "input as JSON, or @FILE")
	c.Flags().StringVar(&f.answers, "answers", "", "file with the answers of the tasks, by state")
	c.Flags().StringVar(&f.objects, "objects", "", "file with the objects that an ItemReader finds: a JSON object, bucket/key to text")
	c.Flags().StringVar(&f.clock, "clock", "", "time at which the execution starts, RFC 3339 (default: now)")
	c.Flags().BoolVar(&f.express, "express", false, "run as an Express execution: no limit of 25,000 events")
	c.Flags().StringVar(&f.redrive, "redrive", "", "file with the history of an execution that failed: go on where it stopped")
	c.Flags().StringVar(&f.cases, "cases", "", "file of recorded cases: a JSON array, or one object a line")
	c.Flags().BoolVar(&f.compare, "compare", false, "with --cases: compare with what is recorded, exit 1 when something differs")
	c.Flags().DurationVar(&f.limit, "limit", 10*time.Second, "real time that one execution may take")
	return c
}

// aslRun runs one definition.
func (a *app) aslRun(ctx context.Context, path string, f aslRunFlags) error {
	c := corpus.Case{ID: path, Type: "STANDARD", Clock: f.clock}
	if f.express {
		c.Type = "EXPRESS"
	}
	if c.Clock == "" {
		c.Clock = a.o.Now().UTC().Format(time.RFC3339)
	}
	var err error
	if c.Definition, err = a.jsonOf("@" + path); err != nil {
		return err
	}
	if c.Input, err = a.jsonOf(f.input); err != nil {
		return err
	}
	for _, file := range []struct {
		path string
		into any
	}{{f.answers, &c.Answers}, {f.objects, &c.Objects}} {
		if file.path == "" {
			continue
		}
		text, err := a.jsonOf("@" + file.path)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, file.into); err != nil {
			return wrong("lockstep asl run --help shows the form", "%s: %s", file.path, err)
		}
	}
	if f.redrive != "" {
		text, err := os.ReadFile(a.path(f.redrive))
		if err != nil {
			return wrongly(err)
		}
		if c.History, err = corpus.ReadHistory(text); err != nil {
			return err
		}
	}
	out := corpus.Run(ctx, &c, f.limit)
	if a.flags.json {
		a.printLine(out)
	} else {
		a.writeOutcome(out)
	}
	switch {
	case out.Status == "ERROR":
		return wrong("lockstep asl run takes definitions as CreateStateMachine does", "%s", out.Problem)
	case out.Status != "SUCCEEDED" || out.Problem != "":
		return end(ExitFailed)
	}
	return nil
}

// writeOutcome prints a history and its end for people.
func (a *app) writeOutcome(out corpus.Outcome) {
	for _, e := range out.Events {
		a.writeStep(e)
	}
	a.printf("%s", out.Status)
	if out.Output != nil {
		a.printf(" %s", out.Output)
	}
	if out.Error != "" || out.Cause != "" {
		a.printf(" %s: %s", out.Error, out.Cause)
	}
	a.printf("\n")
	if out.Problem != "" && out.Status != "ERROR" {
		a.printf("problem: %s\n", out.Problem)
	}
}

// writeStep prints an event of a history in one line.
func (a *app) writeStep(e corpus.Event) {
	a.printf("%4d  %-24s %s\n", *e.ID, e.Type, strings.TrimSpace(e.State+" "+shortDetail(e)))
}

// shortDetail is what matters most of an event, cut to a line.
func shortDetail(e corpus.Event) string {
	text := ""
	switch {
	case e.Error != nil:
		text = *e.Error
		if e.Cause != nil {
			text += ": " + *e.Cause
		}
	case e.Output != nil:
		text = "→ " + string(e.Output)
	case e.Parameters != nil:
		text = "← " + string(e.Parameters)
	case e.Input != nil:
		text = "← " + string(e.Input)
	}
	if r := []rune(text); len(r) > 100 {
		return string(r[:99]) + "…"
	}
	return text
}

// aslCases runs a file of cases, one line each.
func (a *app) aslCases(ctx context.Context, f aslRunFlags) error {
	cases, err := corpus.Read(a.path(f.cases))
	if err != nil {
		return err
	}
	differ := 0
	for i := range cases {
		c := &cases[i]
		out := corpus.Run(ctx, c, f.limit)
		d := corpus.Compare(c, out)
		if len(d) > 0 {
			differ++
		}
		switch {
		case a.flags.json && f.compare:
			a.printLine(struct {
				corpus.Outcome
				Differences []string `json:"differences"`
			}{out, append([]string{}, d...)})
		case a.flags.json:
			a.printLine(out)
		case f.compare && len(d) > 0:
			a.printf("differs  %s\n         %s\n", c.ID, strings.Join(d[:min(len(d), 5)], "\n         "))
		default:
			a.printf("%-9s %s\n", out.Status, c.ID)
		}
	}
	if !a.flags.json {
		a.printf("%d cases", len(cases))
		if f.compare {
			a.printf(", %d as recorded", len(cases)-differ)
		}
		a.printf("\n")
	}
	if f.compare && differ > 0 {
		return end(ExitFailed)
	}
	return nil
}

// printLine prints a value as one line of JSON, its characters as they are.
func (a *app) printLine(v any) {
	e := json.NewEncoder(a.o.Out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		a.printf("{\"problem\": %q}\n", err.Error())
	}
}

// jsonOf gives a JSON value that a flag holds, or the content of the file behind an @; "@-" is standard input.
func (a *app) jsonOf(value string) (json.RawMessage, error) {
	text := []byte(value)
	if path, ok := strings.CutPrefix(value, "@"); ok {
		var err error
		if path == "-" {
			text, err = io.ReadAll(a.o.In)
		} else {
			text, err = os.ReadFile(a.path(path))
		}
		if err != nil {
			return nil, wrong("write the path of a file that can be read", "read %s: %s", path, err)
		}
	}
	if !json.Valid(text) {
		return nil, wrong("write JSON, or @FILE for the content of a file", "%s is not JSON", clip(value))
	}
	return text, nil
}

func clip(s string) string {
	if len(s) > 60 {
		return fmt.Sprintf("%.60s…", s)
	}
	return s
}
