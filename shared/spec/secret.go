package spec

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// SecretsFile is where a project's secrets are unless its lockstep.yaml says otherwise, below the project's folder.
const SecretsFile = ".lockstep/secrets.yaml"

// FileSecrets gives the secrets of a local file, for setting.Resolver. The file is read at the first question and kept. It is a YAML
// map of names and texts, or, when its name ends in .env, lines of NAME=value. Nobody but its owner may read or write it: else the
// answer is AuthDenied. A name or a file that is not there is NotFound; a file that cannot be read as such, ConfigInvalid.
// No message holds a value.
func FileSecrets(path string) func(ctx context.Context, name string) (string, error) {
	read := sync.OnceValues(func() (map[string]string, error) { return readSecrets(path) })
	return func(_ context.Context, name string) (string, error) {
		secrets, err := read()
		if err != nil {
			return "", err
		}
		if v, ok := secrets[name]; ok {
			return v, nil
		}
		missing := fault.New(fault.NotFound, "there is no secret %q in %s", name, path)
		if near := fault.Nearest(name, slices.Sorted(maps.Keys(secrets))); near != "" {
			return "", missing.WithHint("did you mean %s?", near)
		}
		return "", missing.WithHint("add a line to %s: %s: …", path, name)
	}
}

func readSecrets(path string) (map[string]string, error) {
	data, err := readWhole(func() (fs.File, error) {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		info, err := f.Stat()
		if err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
			err = fault.New(fault.AuthDenied, "others can read %s", path).WithHint("chmod 600 %s", path)
		}
		if err != nil {
			f.Close()
			return nil, err
		}
		return f, nil
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.New(fault.NotFound, "there is no file of secrets %s", path).WithHint("write one with lines such as name: value, and chmod 600 it")
	case err != nil:
		return nil, fmt.Errorf("read secrets: %w", err)
	case len(data) > MaxFile:
		return nil, fault.New(fault.ConfigInvalid, "%s is larger than %d bytes", path, MaxFile)
	case filepath.Ext(path) == ".env":
		return envSecrets(path, string(data))
	}
	return yamlSecrets(path, data)
}

// yamlSecrets reads a map of names and scalars; a number is taken as it is written.
func yamlSecrets(path string, data []byte) (map[string]string, error) {
	out := map[string]string{}
	node, problem := parseText(path, data)
	switch {
	case problem != nil && problem.Code == "empty":
		return out, nil
	case problem != nil: // its message may quote the text
		return nil, fault.New(fault.ConfigInvalid, "%s:%d is not YAML", path, problem.Line)
	case node.Kind != yaml.MappingNode:
		return nil, fault.New(fault.ConfigInvalid, "%s must hold a map of names and texts", path)
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if _, twice := out[key.Value]; twice {
			return nil, fault.New(fault.ConfigInvalid, "%s:%d: the secret %s is there twice", path, key.Line, key.Value)
		}
		if value.Kind != yaml.ScalarNode || value.ShortTag() == "!!null" {
			return nil, fault.New(fault.ConfigInvalid, "%s:%d: the secret %s must be text", path, key.Line, key.Value)
		}
		out[key.Value] = value.Value
	}
	return out, nil
}

var envForm = regexp.MustCompile(`^(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=\s*(.*)$`)

// envSecrets reads lines of NAME=value. Quotes around a value are taken off; nothing else is replaced in it.
func envSecrets(path, text string) (map[string]string, error) {
	out := map[string]string{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m := envForm.FindStringSubmatch(line)
		if m == nil {
			return nil, fault.New(fault.ConfigInvalid, "%s:%d is not NAME=value", path, i+1)
		}
		v := m[2]
		if n := len(v); n >= 2 && (v[0] == '"' || v[0] == '\'') && v[n-1] == v[0] {
			v = v[1 : n-1]
		}
		out[m[1]] = v
	}
	return out, nil
}
