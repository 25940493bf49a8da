package command

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lockstep-data/lockstep/shared/catalog"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/spec"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/statemachine"
)

func (a *app) schemaCommand() *cobra.Command {
	var docs, out string
	c := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON schema of job files, or write the reference pages",
		Long: `Schema prints the JSON schema of a job file, for editors that complete and check YAML. It comes from the same declarations as
the check, so it knows the transforms and connectors of a main of your own too.`,
		Example: `  lockstep schema --out job.schema.json
  lockstep schema --docs docs/reference`,
		Args: between(0, 0),
		RunE: func(*cobra.Command, []string) error { return a.schema(docs, out) },
	}
	c.Flags().StringVar(&docs, "docs", "", "write the reference pages into this folder")
	c.Flags().StringVar(&out, "out", "", "write the schema to this file")
	return c
}

func (a *app) schema(docs, out string) error {
	if docs != "" {
		pages := catalog.Reference(a.o.Catalog)
		for _, name := range slices.Sorted(maps.Keys(pages)) {
			if err := writeFile(filepath.Join(docs, filepath.FromSlash(name)), pages[name]); err != nil {
				return err
			}
		}
		if !a.flags.json {
			a.errorf("%s in %s\n", plural(int64(len(pages)), "page"), docs)
		}
		if out == "" {
			return nil
		}
	}
	text, err := spec.Schema(a.o.Catalog)
	if err != nil {
		return err
	}
	if out != "" {
		return writeFile(out, text)
	}
	a.printf("%s\n", bytes.TrimRight(text, "\n"))
	return nil
}

// writeFile writes a file and makes its folder.
func writeFile(path string, data []byte) error {
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, data, 0o644)
	}
	if err != nil {
		return fault.New(fault.AuthDenied, "write %s: %w", path, err)
	}
	return nil
}

func (a *app) compileCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "compile JOB|FILE",
		Short: "Print the state machine that runs a job",
		Long: `Compile prints the state machine definition that runs the job, in the Amazon States Language. All jobs are run by the same one:
what a job says is input to its steps. Where a deployment puts the functions' names, the definition has holes.`,
		Example:           "  lockstep compile runways > sync.asl.json",
		Args:              between(1, 1),
		ValidArgsFunction: a.completeJobs,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.compile(cmd.Context(), args[0]) },
	}
}

func (a *app) compile(ctx context.Context, arg string) error {
	f, err := a.find(ctx, arg)
	if err != nil {
		return err
	}
	text, err := statemachine.Sync(nil)
	if err != nil {
		return err
	}
	const key = `  "Comment": `
	comment := fmt.Sprintf("runs the job %s with the input {\"job\": %q}; holes: %s", f.doc.Job.ID, f.doc.Job.Key(), strings.Join(statemachine.SyncHoles(), ", "))
	quoted, err := json.Marshal(comment)
	if err != nil {
		return fmt.Errorf("encode the comment: %w", err)
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, key) {
			lines[i] = key + string(quoted) + ","
			break
		}
	}
	a.printf("%s\n", strings.Join(lines, "\n"))
	return nil
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Long:    "Version prints Lockstep's version and commit, Go's version, and the versions of what is stored.",
		Example: "  lockstep version --json",
		Args:    between(0, 0),
		RunE: func(*cobra.Command, []string) error {
			a.version()
			return nil
		},
	}
}

// version is what the build says of itself.
type version struct {
	Version string         `json:"version"`
	Go      string         `json:"go"`
	Commit  string         `json:"commit"`
	Formats map[string]int `json:"formats"` // what is stored: N+1 reads N, N refuses N+1
}

func (a *app) version() {
	v := buildVersion()
	if a.flags.json {
		a.json(v)
		return
	}
	a.printf("lockstep %s\n", v.Version)
	a.printf("  go       %s\n  commit   %s\n", v.Go, v.Commit)
	var formats []string
	for _, name := range slices.Sorted(maps.Keys(v.Formats)) {
		formats = append(formats, fmt.Sprintf("%s %d", name, v.Formats[name]))
	}
	a.printf("  formats  %s\n", strings.Join(formats, ", "))
}

func buildVersion() version {
	v := version{Version: "devel", Go: "unknown", Commit: "unknown", Formats: map[string]int{"batch": record.Format, "job": job.Version, "plan": step.PlanVersion}}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v.Go = info.GoVersion
	if m := info.Main.Version; m != "" && m != "(devel)" {
		v.Version = m
	}
	dirty := ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			v.Commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = " with changes"
		}
	}
	v.Commit += dirty
	return v
}

// versionText is what is stored with each run.
func versionText() string { return buildVersion().Version }
