package command

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lockstep-data/lockstep/shared/fault"
)

//go:embed template
var template embed.FS

// templateFiles are the project's files, by their names in the template.
var templateFiles = []struct{ from, to string }{
	{"lockstep.yaml", "lockstep.yaml"},
	{"jobs/sample.yaml", "jobs/sample.yaml"},
	{"data/orders.csv", "data/orders.csv"},
	{"gitignore", ".gitignore"},
	{"README.md", "README.md"},
}

func (a *app) initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init [DIR]",
		Short: "Make a small project that works",
		Long: `Init makes a project with one job, from a CSV file into a SQLite database, and the data to try it. It overwrites nothing: when one of
its files is there already, none is written.`,
		Example: `  lockstep init my-project
  cd my-project && lockstep run sample`,
		Args: between(0, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.initialize(slices.Concat(args, []string{"."})[0])
		},
	}
}

func (a *app) initialize(dir string) error {
	at := dir
	if !filepath.IsAbs(at) {
		at = filepath.Join(a.o.Dir, at)
	}
	var there []string
	for _, f := range templateFiles {
		if exists(filepath.Join(at, filepath.FromSlash(f.to))) {
			there = append(there, f.to)
		}
	}
	if len(there) > 0 {
		return wrong("choose another folder: lockstep init my-project", "%s holds %s already; nothing was written", dir, strings.Join(there, ", "))
	}
	name := projectName(at)
	written := []string{}
	for _, f := range templateFiles {
		text, err := template.ReadFile("template/" + f.from)
		if err != nil {
			return fmt.Errorf("read the template: %w", err)
		}
		if err := create(filepath.Join(at, filepath.FromSlash(f.to)), strings.ReplaceAll(string(text), "NAME", name)); err != nil {
			return err
		}
		written = append(written, f.to)
	}
	if a.flags.json {
		a.json(struct {
			Dir   string   `json:"dir"`
			Files []string `json:"files"`
		}{dir, written})
		return nil
	}
	a.printf("made a project in %s: %s\n\nnext:\n", dir, strings.Join(written, ", "))
	if dir != "." {
		a.printf("  %s\n", shellLine([]string{"cd", dir}))
	}
	a.printf("  lockstep check\n  lockstep run sample\n")
	return nil
}

// create writes a file that does not exist yet.
func create(path, text string) error {
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	var f *os.File
	if err == nil {
		f, err = os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	}
	if err == nil {
		_, err = f.WriteString(text)
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}
	switch {
	case errors.Is(err, fs.ErrExist):
		return wrong("choose another folder", "%s is there already", path)
	case err != nil:
		return fault.New(fault.AuthDenied, "write %s: %w", path, err).WithHint("check the folder and its permissions")
	}
	return nil
}

var notName = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// projectName makes a name of the folder's.
func projectName(dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "project"
	}
	name := strings.Trim(notName.ReplaceAllString(filepath.Base(abs), "-"), "-.")
	if name == "" {
		return "project"
	}
	return name[:min(len(name), 64)]
}
