package setting

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// Resolver looks up what references stand for. References of a kind whose function is nil stay as they are written.
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
	var secrets []string
	if look := r.Secret; look != nil {
		r.Secret = func(ctx context.Context, name string) (string, error) {
			value, err := look(ctx, name)
			if value != "" {
				secrets = append(secrets, value, "***")
			}
			return value, err
		}
	}
	out, problems := Expand(ctx, f, path, v, r)
	if len(problems) > 0 {
		return out, problems
	}
	out, problems = Check(f, path, out)
	hide := strings.NewReplacer(secrets...)
	for i := range problems {
		problems[i].Message, problems[i].Hint = hide.Replace(problems[i].Message), hide.Replace(problems[i].Hint)
	}
	return out, problems
}

// Expand replaces references as Resolve does and checks nothing.
func Expand(ctx context.Context, f Field, path string, v any, r Resolver) (any, fault.Problems) {
	e := expander{secret: func(name string) (string, error) { return r.Secret(ctx, name) }, env: r.Env}
	if r.Secret == nil {
		e.secret = nil
	}
	return e.walk(f, path, v), e.problems
}

type expander struct {
	env      func(name string) (string, bool)
	secret   func(name string) (string, error)
	problems fault.Problems
}

func (e *expander) walk(f Field, path string, v any) any {
	switch v := v.(type) {
	case string:
		if !IsReference(v) {
			return v
		}
		before := len(e.problems)
		if text := e.expand(path, v); len(e.problems) == before {
			return coerce(f, text)
		}
		return v // still a reference, so that nothing else is found wrong with it
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = e.walk(f.form(v).Element(), Index(path, i), v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = e.walk(f.form(v).Member(k), Join(path, k), v[k])
		}
		return out
	}
	return v
}

func (e *expander) expand(path, s string) string {
	if name, ok := strings.CutPrefix(s, "secret://"); ok {
		if e.secret == nil {
			return s
		}
		value, err := e.secret(name)
		if err != nil {
			e.problems = append(e.problems, fault.Problem{Path: path, Code: "missing_secret", Message: fmt.Sprintf("secret %q cannot be read: %v", name, err), Hint: fault.Hint(err)})
		}
		return value
	}
	if e.env == nil {
		return s
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
		if value, ok := e.env(name); ok && (value != "" || parts[2] == "") {
			return value
		}
		if parts[2] == "" {
			e.problems = append(e.problems, fault.Problem{Path: path, Code: "missing_variable", Message: fmt.Sprintf("the environment variable %s is not set", name), Hint: fmt.Sprintf("set it, or give a default: ${%s:-value}", name)})
		}
		return parts[3]
	})
}

// coerce turns a resolved text into the scalar that the field wants, when it reads as one; the first form that it fits counts.
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
	case Choice:
		for _, form := range f.Forms {
			if v := coerce(form, s); form.fits(v) {
				return v
			}
		}
	}
	return s
}

// Element declares the elements of the list that the field, or one of its forms, is; Any when it is none.
func (f Field) Element() Field {
	if f.Kind == Choice {
		for _, form := range f.Forms {
			if form.Kind == List {
				return form.Element()
			}
		}
	}
	if f.Item != nil {
		return *f.Item
	}
	return Field{Kind: Any}
}

// Member declares a name of the map or object that the field, or one of its forms, is; Any when it is none.
func (f Field) Member(name string) Field {
	switch f.Kind {
	case Map:
		if f.Item != nil {
			return *f.Item
		}
	case Object:
		for _, sub := range f.Fields {
			if sub.Name == name {
				return sub
			}
		}
	case Choice:
		for _, form := range f.Forms {
			if form.Kind == Object || form.Kind == Map {
				return form.Member(name)
			}
		}
	}
	return Field{Kind: Any}
}

// Walk calls visit for the value and everything below it, with the declaration of each, in sorted order.
func Walk(f Field, path string, v any, visit func(f Field, path string, v any)) {
	visit(f.form(v), path, v)
	switch v := v.(type) {
	case []any:
		for i := range v {
			Walk(f.form(v).Element(), Index(path, i), v[i], visit)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			Walk(f.form(v).Member(k), Join(path, k), v[k], visit)
		}
	}
}

// form gives the form of a Choice that fits the value; the field itself when it is no Choice or none fits.
func (f Field) form(v any) Field {
	for _, form := range f.Forms {
		if form.fits(v) {
			form.Secret = form.Secret || f.Secret
			return form
		}
	}
	return f
}

// Redact replaces the values of secret fields, and of references to secrets, with "***".
func Redact(f Field, v any) any {
	if f.form(v).Secret && v != nil {
		return "***"
	}
	switch v := v.(type) {
	case string:
		if strings.HasPrefix(v, "secret://") {
			return "***"
		}
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = Redact(f.form(v).Element(), v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = Redact(f.form(v).Member(k), v[k])
		}
		return out
	}
	return v
}
