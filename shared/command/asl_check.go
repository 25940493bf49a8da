package command

import (
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lockstep-data/lockstep/shared/asl/check"
)

// aslCheckFlags are those of asl check.
type aslCheckFlags struct {
	express bool
	items   []string
	turns   []string
	bytes   []string
	input   int
}

func (a *app) aslCheckCommand() *cobra.Command {
	var f aslCheckFlags
	c := &cobra.Command{
		Use:   "check FILE...",
		Short: "Find what is wrong in definitions, and what can pass a quota",
		Long: `Check tells what Step Functions would refuse, in its own words and with its own codes, then what it would take and cannot work all the
same: a variable that nothing assigns, a resource that no service has, a flow that never ends. Last it counts the events that one execution
can write at most, retries and all, against the 25,000 that end it, and the bytes that states hand on against 256 KiB.

How many items a Map has, how often a loop turns and how large a result is does not stand in a definition. Say it with --items, --turns, --bytes
and --input-bytes; for items and turns that are not said, check tells how much there is room for.

Exit code: 2 when there is an error.`,
		Example: `  lockstep asl check machine.asl.json
  lockstep asl check machine.asl.json --items Orders=5000 --turns Poll=120
  lockstep asl check *.asl.json --json`,
		Args: between(1, -1),
		RunE: func(_ *cobra.Command, args []string) error { return a.aslCheck(args, f) },
	}
	c.Flags().BoolVar(&f.express, "express", false, "check as an Express machine")
	c.Flags().StringSliceVar(&f.items, "items", nil, "items that a Map goes through, `STATE=NUMBER`")
	c.Flags().StringSliceVar(&f.turns, "turns", nil, "times that a state of a loop is entered, `STATE=NUMBER`")
	c.Flags().StringSliceVar(&f.bytes, "bytes", nil, "bytes of the result of a Task, `STATE=NUMBER`")
	c.Flags().IntVar(&f.input, "input-bytes", -1, "bytes of the execution's input")
	return c
}

// aslReport is what asl check found in one file.
type aslReport struct {
	File        string             `json:"file"`
	OK          bool               `json:"ok"`
	Diagnostics []check.Diagnostic `json:"diagnostics"`
	Bounds      []check.Bound      `json:"bounds"`
}

func (a *app) aslCheck(files []string, f aslCheckFlags) error {
	limits, err := f.limits()
	if err != nil {
		return err
	}
	reports := make([]aslReport, len(files))
	exit := ExitOK
	for i, file := range files {
		if reports[i], err = a.aslCheckFile(file, f.express, limits); err != nil {
			return err
		}
		if !reports[i].OK {
			exit = ExitWrong
		}
	}
	if a.flags.json {
		a.json(reports)
		return end(exit)
	}
	for _, r := range reports {
		a.writeASLReport(r)
	}
	return end(exit)
}

// limits reads what the flags declare.
func (f aslCheckFlags) limits() (check.Limits, error) {
	l := check.Limits{Items: make(map[string]int), Turns: make(map[string]int), Bytes: make(map[string]int)}
	if f.input >= 0 {
		l.Bytes[""] = f.input
	}
	for _, flag := range []struct {
		name   string
		values []string
		into   map[string]int
	}{{"items", f.items, l.Items}, {"turns", f.turns, l.Turns}, {"bytes", f.bytes, l.Bytes}} {
		for _, v := range flag.values {
			i := strings.LastIndexByte(v, '=')
			if i < 0 {
				return l, wrong("write --"+flag.name+" STATE=NUMBER", "--%s %s names no number", flag.name, v)
			}
			n, err := strconv.Atoi(v[i+1:])
			if err != nil || n < 0 {
				return l, wrong("write --"+flag.name+" STATE=NUMBER", "--%s %s: %q is no number from 0 on", flag.name, v, v[i+1:])
			}
			flag.into[v[:i]] = n
		}
	}
	return l, nil
}

// aslCheckFile checks one file. Bounds are measured only of what is right.
func (a *app) aslCheckFile(file string, express bool, limits check.Limits) (aslReport, error) {
	out := aslReport{File: file, Diagnostics: []check.Diagnostic{}, Bounds: []check.Bound{}}
	text, err := os.ReadFile(a.path(file))
	if err != nil {
		return out, wrongly(err)
	}
	machineType := check.Standard
	if express {
		machineType = check.Express
	}
	r := check.Definition(text, machineType)
	out.OK = r.OK()
	out.Diagnostics = append(append(out.Diagnostics, r.Service...), r.Own...)
	if !out.OK {
		return out, nil
	}
	bounds, err := check.Events(text, machineType, limits)
	if err != nil {
		return out, err
	}
	payload, err := check.Payload(text, machineType, limits)
	if err != nil {
		return out, err
	}
	for _, b := range append(bounds, payload) {
		out.Bounds = append(out.Bounds, b)
		for _, d := range b.Problems() {
			out.OK = out.OK && d.Severity != check.Error
			out.Diagnostics = append(out.Diagnostics, d)
		}
	}
	return out, nil
}

// writeASLReport prints one file's report for people.
func (a *app) writeASLReport(r aslReport) {
	for _, d := range r.Diagnostics {
		at := r.File
		if d.Location != "" {
			at += " " + d.Location
		}
		severity := a.p.red("error")
		if d.Severity == check.Warning {
			severity = a.p.yellow("warning")
		}
		a.printf("%s: %s: %s [%s]\n", at, severity, d.Message, d.Code)
		if d.Hint != "" {
			a.printf("    %s\n", d.Hint)
		}
	}
	if r.OK {
		a.printf("%s: ok", r.File)
		for _, b := range r.Bounds {
			if b.Known {
				a.printf(", at most %d of %d %s at %s", b.Most, b.Limit, b.Quota, b.Location)
			}
		}
		a.printf("\n")
	}
}
