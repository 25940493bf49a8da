package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The package that is measured beside ours, at a version that does not move.
const (
	packageName    = "aws-local-stepfunctions"
	packageVersion = "3.0.0"
)

//go:embed reference.mjs
var script []byte

// figure is what the reference gave for a work.
type figure struct {
	Name         string
	Milliseconds float64 `json:"ms"`
	Output       json.RawMessage
}

// reference runs the works with the npm package. What is skipped comes with the reason.
func reference(ctx context.Context, dir string, works []work) (figures map[string]figure, skipped string, err error) {
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, tool + " is not installed", nil
		}
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, "", err
	}
	if why := install(ctx, dir); why != "" {
		return nil, why, nil
	}
	home := filepath.Join(dir, "reference.mjs")
	if err := os.WriteFile(home, script, 0o644); err != nil {
		return nil, "", err
	}
	args := []string{home, dir}
	for _, w := range works {
		text, err := json.Marshal(w)
		if err != nil {
			return nil, "", err
		}
		file := filepath.Join(dir, w.Name+".json")
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return nil, "", err
		}
		args = append(args, file)
	}
	var stderr bytes.Buffer
	c := exec.CommandContext(ctx, "node", args...)
	c.Stderr = &stderr
	text, err := c.Output()
	if err != nil {
		return nil, "", fmt.Errorf("run %s: %w: %s", packageName, err, stderr.String())
	}
	figures = make(map[string]figure)
	for line := range strings.Lines(string(text)) {
		var f figure
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			return nil, "", fmt.Errorf("read the figures of %s: %w", packageName, err)
		}
		figures[f.Name] = f
	}
	return figures, "", nil
}

// install fetches the package unless it is there, and says why it could not.
func install(ctx context.Context, dir string) string {
	var manifest struct{ Version string }
	text, err := os.ReadFile(filepath.Join(dir, "node_modules", packageName, "package.json"))
	if err == nil && json.Unmarshal(text, &manifest) == nil && manifest.Version == packageVersion {
		return ""
	}
	if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte("{\"private\": true}\n"), 0o644); err != nil {
		return err.Error()
	}
	c := exec.CommandContext(ctx, "npm", "install", "--prefix", dir, "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", packageName+"@"+packageVersion)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Sprintf("npm cannot fetch %s %s: %s", packageName, packageVersion, strings.TrimSpace(string(out)))
	}
	return ""
}
