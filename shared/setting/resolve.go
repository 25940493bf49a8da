package setting

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// Resolver looks up what references stand for.
type Resolver struct {
	Env    func(name string) (string, bool)
	Secret func(ctx context.Context, name string) (string, error) // NotFound when there is none
}

var reference = regexp.MustCompile(`\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\}|\$\{`)

// IsReference says whether the text holds ${…} or is a secret://… .
func IsReference(s string) bool {
	return strings.Contains(s, "${") || strings.HasPrefix(s, "secret://")
}

// Resolve replaces every ${NAME}, ${NAME:-default} and secret://name in the value, turns the text into the field's type, checks it
// again and answers the result with every problem found. "$$" stands for one dollar sign in a text that holds references. The
// result is for use at once; it is never stored.
func Resolve(ctx context.Context, f Field, path string, v any, r Resolver) (any, fault.Problems) {
	e := expander{ctx: ctx, r: r}
	out := e.walk(f, path, v)
	if len(e.problems) > 0 {
		return out, e.problems
	}
	return Check(f, path, out)
}

type expander struct {
	ctx      context.Context
	r        Resolver
	problems fault.Problems
}

func (e *expander) walk(f Field, path string, v any) any {
	switch v := v.(type) {
	case string:
		if !IsReference(v) {
			return v
		}
		return coerce(f, e.expand(path, v))
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = e.walk(f.element(), Index(path, i), v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = e.walk(f.member(k), Join(path, k), v[k])
		}
		return out
	}
	return v
}

func (e *expander) expand(path, s string) string {
	if name, ok := strings.CutPrefix(s, "secret://"); ok {
		value, err := e.r.Secret(e.ctx, name)
		if err != nil {
			e.problems = append(e.problems, fault.Problem{Path: path, Code: "missing_secret", Message: fmt.Sprintf("secret %q cannot be read: %v", name, err), Hint: fault.Hint(err)})
		}
		return value
	}
	return reference.ReplaceAllStringFunc(s, func(m string) string {
		if m == "$$" {
			return "$"
		}
		parts := reference.FindStringSubmatch(m)
		name := parts[1]
		if name == "" {
			e.problems = append(e.problems, fault.Problem{Path: path, Code: "bad_reference", Message: fmt.Sprintf("%q is not a reference", s), Hint: "write ${NAME} or ${NAME:-default}, and $${ for the text itself"})
			return m
		}
		if value, ok := e.r.Env(name); ok && (value != "" || parts[2] == "") {
			return value
		}
		if parts[2] == "" {
			e.problems = append(e.problems, fault.Problem{Path: path, Code: "missing_variable", Message: fmt.Sprintf("the environment variable %s is not set", name), Hint: fmt.Sprintf("set it, or give a default: ${%s:-value}", name)})
		}
		return parts[3]
	})
}

// coerce turns a resolved text into the scalar that the field wants, when it reads as one.
func coerce(f Field, s string) any {
	switch f.Kind {
	case Int:
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n
		}
	case Float:
		if n, err := strconv.ParseFloat(s, 64); err == nil {
			return n
		}
	case Bool:
		if b, err := strconv.ParseBool(s); err == nil {
			return b
		}
	}
	return s
}

func (f Field) element() Field {
	if f.Kind == Choice {
		for _, form := range f.Forms {
			if form.Kind == List {
				return form.element()
			}
		}
	}
	if f.Item != nil {
		return *f.Item
	}
	return Field{Kind: Any}
}

func (f Field) member(name string) Field {
	switch f.Kind {
	case Map:
		return *f.Item
	case Object:
		for _, sub := range f.Fields {
			if sub.Name == name {
				return sub
			}
		}
	case Choice:
		for _, form := range f.Forms {
			if form.Kind == Object || form.Kind == Map {
				return form.member(name)
			}
		}
	}
	return Field{Kind: Any}
}

// Redact replaces the values of secret fields, and of references to secrets, with "***".
func Redact(f Field, v any) any {
	switch v := v.(type) {
	case string:
		if f.Secret || strings.HasPrefix(v, "secret://") {
			return "***"
		}
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = Redact(f.element(), v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = Redact(f.member(k), v[k])
		}
		return out
	}
	if f.Secret && v != nil {
		return "***"
	}
	return v
}
