package setting

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// Check holds a value against its declaration, fills in defaults and answers the value together with every problem found. Paths
// of problems begin with path. A string with ${…} or secret:// stands for any scalar: it is checked again when it is resolved.
func Check(f Field, path string, v any) (any, fault.Problems) {
	c := checker{}
	out := c.check(f, path, v)
	return out, c.problems
}

// Join gives the path of a key below path.
func Join(path, key string) string {
	if !plainKey.MatchString(key) {
		return path + "[" + strconv.Quote(key) + "]"
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// Index gives the path of an element below path.
func Index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

var (
	plainKey  = regexp.MustCompile(`^[A-Za-z0-9_$~-]+$`)
	nameForm  = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$`)
	bytesForm = regexp.MustCompile(`^([0-9]+)\s*(B|KB|KiB|MB|MiB|GB|GiB)?$`)
)

// maxWhole is the largest float below which every whole number is one.
const maxWhole = 1 << 53

type checker struct{ problems fault.Problems }

func (c *checker) add(path, code, hint, format string, args ...any) {
	c.problems = append(c.problems, fault.Problem{Path: path, Code: code, Message: fmt.Sprintf(format, args...), Hint: hint})
}

func (c *checker) check(f Field, path string, v any) any {
	if s, ok := v.(string); ok && IsReference(s) && f.Kind != List && f.Kind != Map && f.Kind != Object {
		return v
	}
	switch f.Kind {
	case String:
		return c.text(f, path, v)
	case Int, Float:
		return c.number(f, path, v)
	case Bool:
		if _, ok := v.(bool); !ok {
			c.add(path, "wrong_type", boolHint(v), "must be true or false, not %s", describe(v))
		}
	case List:
		return c.list(f, path, v)
	case Map:
		return c.mapping(f, path, v)
	case Object:
		return c.object(f, path, v)
	case Choice:
		return c.choice(f, path, v)
	}
	return v
}

func (c *checker) text(f Field, path string, v any) any {
	s, ok := v.(string)
	if !ok {
		c.add(path, "wrong_type", textHint(v), "must be text, not %s", describe(v))
		return v
	}
	if len(f.Options) > 0 && !slices.Contains(f.Options, s) {
		hint, what := "use one of: "+strings.Join(f.Options, ", "), "value"
		if near := fault.Nearest(s, f.Options); near != "" {
			hint = fmt.Sprintf("did you mean %s? %s", near, hint)
		}
		if f.Name != "" {
			what = f.Name
		}
		c.add(path, "unknown_value", hint, "%q is not a known %s", s, what)
		return v
	}
	if problem := f.Syntax.check(s); problem != "" {
		c.add(path, "bad_"+string(f.Syntax), "", "%s", problem)
	}
	if s == "" && f.Required && f.Syntax != Plain {
		c.add(path, "empty", "", "must not be empty")
	}
	return v
}

// textHint says how to write what YAML took for something else.
func textHint(v any) string {
	switch v.(type) {
	case bool, int64, int, float64:
		return "put it in quotes"
	}
	return ""
}

// boolHint knows the words that YAML 1.1 took for true and false.
func boolHint(v any) string {
	switch s, _ := v.(string); strings.ToLower(s) {
	case "yes", "on", "y", "true":
		return "write true"
	case "no", "off", "n", "false":
		return "write false"
	}
	return "write true or false"
}

func (s Syntax) check(v string) string {
	switch s {
	case Regexp:
		if _, err := regexp.Compile(v); err != nil {
			return fmt.Sprintf("is not a regular expression: %v", err)
		}
	case Duration:
		if _, err := time.ParseDuration(v); err != nil {
			return fmt.Sprintf("%q is not a duration such as 500ms or 1m30s", v)
		}
	case Bytes:
		if _, err := ParseBytes(v); err != nil {
			return err.Error()
		}
	case Name:
		if !nameForm.MatchString(v) {
			return fmt.Sprintf("%q is not a name: letters, digits, _ . and -, at most 64, not beginning with . or -", v)
		}
	}
	return ""
}

// ParseBytes reads a size such as 512KiB, 16MiB or 1000000.
func ParseBytes(s string) (int64, error) {
	m := bytesForm.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return 0, fault.New(fault.ConfigInvalid, "%q is not a size such as 512KiB, 16MiB or 1000000", s)
	}
	unit := map[string]int64{"": 1, "B": 1, "KB": 1e3, "KiB": 1 << 10, "MB": 1e6, "MiB": 1 << 20, "GB": 1e9, "GiB": 1 << 30}[m[2]]
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil || n > (1<<62)/unit {
		return 0, fault.New(fault.ConfigInvalid, "%q is too large a size", s)
	}
	return n * unit, nil
}

func (c *checker) number(f Field, path string, v any) any {
	var n float64
	switch x := v.(type) {
	case int64:
		n = float64(x)
	case int:
		n, v = float64(x), int64(x)
	case float64:
		n = x
		switch {
		case math.IsNaN(x) || math.IsInf(x, 0):
			c.add(path, "wrong_type", "", "must be a number, not %v", x)
			return v
		case f.Kind == Int && (x != math.Trunc(x) || x < -maxWhole || x > maxWhole):
			c.add(path, "wrong_type", "write a whole number", "must be a whole number, not %v", x)
			return v
		case f.Kind == Int:
			v = int64(x)
		}
	default:
		c.add(path, "wrong_type", "write a number without quotes", "must be a number, not %s", describe(v))
		return v
	}
	if f.Min != nil && n < *f.Min || f.Max != nil && n > *f.Max {
		c.add(path, "out_of_range", "", "%v is out of range: %s", v, f.bounds())
	}
	return v
}

func (f Field) bounds() string {
	unit := ""
	if f.Unit != "" {
		unit = " " + f.Unit
	}
	number := func(p *float64) string { return strconv.FormatFloat(*p, 'f', -1, 64) }
	switch {
	case f.Min != nil && f.Max != nil:
		return number(f.Min) + " to " + number(f.Max) + unit
	case f.Min != nil:
		return "at least " + number(f.Min) + unit
	default:
		return "at most " + number(f.Max) + unit
	}
}

func (c *checker) list(f Field, path string, v any) any {
	items, ok := v.([]any)
	if !ok {
		c.add(path, "wrong_type", "write it as [a, b]", "must be a list, not %s", describe(v))
		return v
	}
	if n := float64(len(items)); f.Min != nil && n < *f.Min || f.Max != nil && n > *f.Max {
		c.add(path, "wrong_length", "", "has %d elements: %s", len(items), f.bounds())
	}
	out := make([]any, len(items))
	for i, item := range items {
		out[i] = c.check(*f.Item, Index(path, i), item)
	}
	return out
}

func (c *checker) mapping(f Field, path string, v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		c.add(path, "wrong_type", "write it as {name: value}", "must be a map, not %s", describe(v))
		return v
	}
	if n := float64(len(m)); f.Min != nil && n < *f.Min || f.Max != nil && n > *f.Max {
		c.add(path, "wrong_length", "", "has %d entries: %s", len(m), f.bounds())
	}
	out := make(map[string]any, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out[k] = c.check(*f.Item, Join(path, k), m[k])
	}
	return out
}

func (c *checker) object(f Field, path string, v any) any {
	m, ok := v.(map[string]any)
	if v == nil {
		m, ok = map[string]any{}, true
	}
	if !ok {
		c.add(path, "wrong_type", "write it as {name: value}; names: "+strings.Join(f.names(), ", "), "must be a map, not %s", describe(v))
		return v
	}
	out := make(map[string]any, len(f.Fields))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(f.names(), k) {
			c.add(Join(path, k), "unknown_key", c.unknownHint(f, k), "unknown key %q", k)
		}
	}
	for _, sub := range f.Fields {
		value, written := m[sub.Name]
		switch {
		case written && (value != nil || sub.Kind == Any):
			out[sub.Name] = c.check(sub, Join(path, sub.Name), value)
		case sub.Required:
			c.add(Join(path, sub.Name), "missing", sub.Doc, "%s is missing", sub.Name)
		case sub.Default != nil:
			out[sub.Name] = c.check(sub, Join(path, sub.Name), sub.Default)
		}
	}
	return out
}

func (c *checker) unknownHint(f Field, k string) string {
	names := f.names()
	if near := fault.Nearest(k, names); near != "" {
		return "did you mean " + near + "?"
	}
	sort.Strings(names)
	return "known keys: " + strings.Join(names, ", ")
}

func (f Field) names() []string {
	names := make([]string, len(f.Fields))
	for i, sub := range f.Fields {
		names[i] = sub.Name
	}
	return names
}

// kindWords are the kinds as messages name them.
var kindWords = map[Kind]string{
	String: "text", Int: "a whole number", Float: "a number", Bool: "true or false", Any: "any value",
	List: "a list", Map: "a map", Object: "a map", Choice: "one of several forms",
}

// choice checks the first form whose outer shape fits; an unfitting value is told all forms.
func (c *checker) choice(f Field, path string, v any) any {
	for _, form := range f.Forms {
		if form.fits(v) {
			return c.check(form, path, v)
		}
	}
	var kinds []string
	for _, form := range f.Forms {
		if word := kindWords[form.Kind]; !slices.Contains(kinds, word) {
			kinds = append(kinds, word)
		}
	}
	c.add(path, "wrong_type", "", "must be %s, not %s", strings.Join(kinds, " or "), describe(v))
	return v
}

func (f Field) fits(v any) bool {
	switch v.(type) {
	case string:
		return f.Kind == String || f.Kind == Any
	case bool:
		return f.Kind == Bool || f.Kind == Any
	case int64, int:
		return f.Kind == Int || f.Kind == Float || f.Kind == Any
	case float64:
		return f.Kind == Float || f.Kind == Any
	case []any:
		return f.Kind == List || f.Kind == Any
	case map[string]any:
		return f.Kind == Map || f.Kind == Object || f.Kind == Any
	}
	return f.Kind == Any
}

func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		return fmt.Sprintf("the text %q", v)
	case bool:
		return fmt.Sprintf("%v", v)
	case int64, int, float64:
		return fmt.Sprintf("the number %v", v)
	case []any:
		return "a list"
	case map[string]any:
		return "a map"
	}
	return fmt.Sprintf("%T", v)
}
