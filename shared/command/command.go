// Package command is the lockstep command: its flags, what it prints, and its exit codes. A main of one line calls it, so that a
// user's own main can add Go functions, transforms and connectors to the catalog. It decides nothing about how data is moved: the
// runner, the steps and the store do. Only mains and tests import it.
package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/catalog"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/launch"
	"github.com/lockstep-data/lockstep/shared/store"
)

// Options say what the command works with. Only Catalog has to be set; the rest is the process's own when it is zero.
type Options struct {
	Catalog catalog.Catalog // what jobs may name
	Stores  []store.Kind    // where state may be beside a file
	Blobs   blob.Openers    // where batches may lie; nil: blob.Local()
	// AWS opens installations on AWS; nil in a build that does not know it.
	AWS func(ctx context.Context, p launch.Place) (launch.Installation, error)

	Args     []string                     // behind the command's name; nil: those of the process
	In       io.Reader                    // answers to questions
	Out      io.Writer                    // results
	Err      io.Writer                    // errors, progress and log
	Env      func(string) (string, bool)  // variables that jobs refer to
	Dir      string                       // the working directory; ".": the process's
	Now      func() time.Time             // the clock
	Signals  <-chan os.Signal             // interrupts; nil: those of the process
	Terminal func(stream any) (width int) // of In, Out or Err in columns, 0: no terminal; nil asks the system
	Pace     time.Duration                // how often a run on AWS is looked at; 0: each second
}

// Main runs the command and answers its exit code: 0 ok, 1 the run failed, 2 wrong use or configuration, 3 could not reach what it
// needs, 4 did not start. It does not end the process.
func Main(o Options) int {
	a := newApp(o)
	defer a.closeAWS()
	root := a.root()
	root.SetArgs(a.o.Args)
	err := root.Execute()
	if err == nil {
		return ExitOK
	}
	a.report(err)
	return exitOf(err)
}

// app is one call of the command.
type app struct {
	o     Options
	flags flags
	p     palette   // of Out
	logTo io.Writer // the log; nil: Err
	vault vault     // secrets that were looked up

	installed launch.Installation // on AWS; nil until it is wanted
	jobs      *deployed           // its jobs
}

// flags are those that every command knows.
type flags struct {
	project  string
	store    string
	blobs    string
	json     bool
	logLevel string
	noColor  bool
	aws      awsFlags
}

func newApp(o Options) *app {
	if o.Args == nil {
		o.Args = os.Args[1:]
	}
	if o.In == nil {
		o.In = os.Stdin
	}
	if o.Out == nil {
		o.Out = os.Stdout
	}
	if o.Err == nil {
		o.Err = os.Stderr
	}
	if o.Env == nil {
		o.Env = os.LookupEnv
	}
	if o.Dir == "" {
		o.Dir = "."
	}
	if o.Blobs == nil {
		o.Blobs = blob.Local()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Terminal == nil {
		o.Terminal = terminal
	}
	return &app{o: o}
}

// terminal gives the width of a terminal, 0 when the stream is none.
func terminal(stream any) int {
	f, ok := stream.(interface{ Fd() uintptr })
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		return 80
	}
	return width
}

// width is how wide Out is; 0 when it is no terminal.
func (a *app) width() int { return a.o.Terminal(a.o.Out) }

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "lockstep",
		Short: "Move data between systems in steps that can be proven",
		Long: `Lockstep moves data between systems: what was read, what was loaded, what failed, and where to go on.

A job is a YAML file; a project is a folder of them. State and batches are kept in .lockstep beside the project's files.`,
		Example: `  lockstep init my-project && cd my-project
  lockstep check
  lockstep run sample
  lockstep status`,
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return a.help(cmd)
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.begin(); err != nil {
				return err
			}
			return a.beginAWS(cmd)
		},
	}
	root.SetIn(a.o.In)
	root.SetOut(a.o.Out)
	root.SetErr(a.o.Err)
	root.SetFlagErrorFunc(unknownFlag)
	f := root.PersistentFlags()
	f.StringVar(&a.flags.project, "project", "", "folder of the project (default: the nearest one upwards)")
	f.StringVar(&a.flags.store, "store", "", "state: a file, or dynamodb://TABLE (default <project>/.lockstep/state.db)")
	f.StringVar(&a.flags.blobs, "blobs", "", "folder or URL of batches (default <project>/.lockstep/blobs)")
	f.BoolVar(&a.flags.json, "json", false, "print JSON")
	f.StringVar(&a.flags.logLevel, "log-level", "warn", "log to stderr from this level on: debug, info, warn, error")
	f.BoolVar(&a.flags.noColor, "no-color", false, "print without colours (also: NO_COLOR)")
	a.addAWSFlags(root)
	root.AddCommand(a.initCommand(), a.checkCommand(), a.runCommand(), a.stopCommand(), a.statusCommand(), a.runsCommand(), a.logsCommand(),
		a.failuresCommand(), a.resetCommand(), a.pauseCommand(), a.resumeCommand(), a.sweepCommand(), a.applyCommand(), a.pruneCommand(), a.costCommand(), a.pingCommand(), a.doctorCommand(), a.schemaCommand(), a.compileCommand(), a.aslCommand(), a.versionCommand())
	return root
}

// begin settles what the flags of every command ask for.
func (a *app) begin() error {
	if _, err := a.level(); err != nil {
		return err
	}
	if strings.Contains(a.flags.store, "://") {
		if _, err := a.kind(a.flags.store); err != nil {
			return err
		}
	}
	plain, _ := a.o.Env("NO_COLOR")
	dumb, _ := a.o.Env("TERM")
	a.p = palette(!a.flags.noColor && plain == "" && dumb != "dumb" && a.o.Terminal(a.o.Out) > 0)
	return nil
}

func (a *app) level() (slog.Level, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(a.flags.logLevel)); err != nil {
		return l, wrong("write debug, info, warn or error", "%q is no level of the log", a.flags.logLevel)
	}
	return l, nil
}

// log is text on Err.
func (a *app) log() *slog.Logger {
	l, _ := a.level() // begin has checked it
	var w io.Writer = a.o.Err
	if a.logTo != nil {
		w = a.logTo
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l}))
}

// help is what a command prints that only has others below it; who asks for JSON gets no text.
func (a *app) help(cmd *cobra.Command) error {
	if !a.flags.json {
		return cmd.Help()
	}
	return wrong("commands: "+strings.Join(commandNames(cmd), ", "), "%s wants a command", cmd.CommandPath())
}

func unknownCommand(cmd *cobra.Command, name string) error {
	names := commandNames(cmd)
	if near := fault.Nearest(name, names); near != "" {
		return wrong(fmt.Sprintf("did you mean %s %s?", cmd.CommandPath(), near), "there is no command %q", name)
	}
	return wrong("commands: "+strings.Join(names, ", "), "there is no command %q", name)
}

func commandNames(cmd *cobra.Command) []string {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return names
}

var (
	flagError = regexp.MustCompile(`^unknown flag: --([^ =]+)`)
	flagName  = regexp.MustCompile(`(?m)^ +(?:-\w, )?--([a-z-]+)`)
)

// unknownFlag names the nearest flag.
func unknownFlag(cmd *cobra.Command, err error) error {
	hint := fmt.Sprintf("%s --help lists the flags", cmd.CommandPath())
	if m := flagError.FindStringSubmatch(err.Error()); m != nil {
		var names []string
		for _, n := range flagName.FindAllStringSubmatch(cmd.LocalFlags().FlagUsages()+cmd.InheritedFlags().FlagUsages(), -1) {
			names = append(names, n[1])
		}
		if near := fault.Nearest(m[1], names); near != "" {
			hint = fmt.Sprintf("did you mean --%s?", near)
		}
	}
	return wrong(hint, "%v", err)
}

// between checks how many arguments a command got.
func between(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return wrong("usage: "+cmd.UseLine(), "%s wants %s", cmd.CommandPath(), plural(int64(least), "argument"))
		case most >= 0 && len(args) > most:
			return wrong("usage: "+cmd.UseLine(), "%s does not know what to do with %q", cmd.CommandPath(), args[most])
		}
		return nil
	}
}

// report prints an error: JSON on Out, or text on Err.
func (a *app) report(err error) {
	var exact *exitError
	if errors.As(err, &exact) && exact.shown {
		return
	}
	var problems fault.Problems
	isProblems := errors.As(err, &problems)
	if a.flags.json || slices.Contains(a.o.Args, "--json") {
		a.json(struct {
			explained
			Problems fault.Problems `json:"problems,omitempty"`
		}{explain(err), problems})
		return
	}
	p := palette(a.p && a.o.Terminal(a.o.Err) > 0)
	if isProblems {
		for _, one := range problems {
			fmt.Fprintln(a.o.Err, one.String())
		}
		fmt.Fprintln(a.o.Err, p.red(plural(int64(len(problems)), "problem")))
		return
	}
	e := explain(err)
	fmt.Fprintf(a.o.Err, "%s %s [%s]\n", p.red("error:"), e.Message, e.Code)
	if e.Hint != "" {
		fmt.Fprintf(a.o.Err, "  %s\n", e.Hint)
	}
}

// json prints a value on Out, indented, with a newline.
func (a *app) json(v any) {
	enc := json.NewEncoder(a.o.Out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		fmt.Fprintln(a.o.Err, "error: print JSON:", err)
	}
}

// printf prints a result.
func (a *app) printf(format string, args ...any) { fmt.Fprintf(a.o.Out, format, args...) }

// errorf prints what is no result.
func (a *app) errorf(format string, args ...any) { fmt.Fprintf(a.o.Err, format, args...) }
