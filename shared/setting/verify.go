package setting

import (
	"fmt"
	"slices"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// Verify holds a declaration against itself: every field of an object is named once and documented, kinds have what they need, and
// defaults and examples are accepted. For tests of components; what it finds is a slip of their author.
func (s Spec) Verify() fault.Problems {
	v := verifier{}
	if s.Name == "" || !nameForm.MatchString(s.Name) {
		v.add("", "bad name %q", s.Name)
	}
	if s.Summary == "" {
		v.add(s.Name, "no summary")
	}
	if s.Example == "" {
		v.add(s.Name, "no example")
	}
	v.field(s.Name, s.Body)
	return v.problems
}

type verifier struct{ problems fault.Problems }

func (v *verifier) add(path, format string, args ...any) {
	v.problems = append(v.problems, fault.Problem{Path: path, Code: "declaration", Message: fmt.Sprintf(format, args...)})
}

func (v *verifier) field(path string, f Field) {
	switch f.Kind {
	case String, Int, Float, Bool, Any:
	case List, Map:
		if f.Item == nil {
			v.add(path, "a %s without Item", f.Kind)
			return
		}
		v.field(path+"[]", *f.Item)
	case Object:
		v.object(path, f)
	case Choice:
		if len(f.Forms) < 2 {
			v.add(path, "a choice of %d forms", len(f.Forms))
		}
		for _, form := range f.Forms {
			v.field(path, form)
		}
	default:
		v.add(path, "unknown kind %q", f.Kind)
		return
	}
	v.shape(path, f)
	for what, value := range map[string]any{"default": f.Default, "example": f.Example} {
		if value == nil {
			continue
		}
		if _, problems := Check(f, path, value); len(problems) > 0 {
			v.add(path, "the %s is not accepted: %v", what, problems)
		}
	}
}

// shape refuses what a kind does not use.
func (v *verifier) shape(path string, f Field) {
	if f.Kind != String && (f.Syntax != Plain || len(f.Options) > 0) {
		v.add(path, "syntax or options of a %s", f.Kind)
	}
	if f.Required && f.Default != nil {
		v.add(path, "required and with a default")
	}
	if f.Min != nil && f.Max != nil && *f.Min > *f.Max {
		v.add(path, "bounds that nothing fits")
	}
	if (f.Min != nil || f.Max != nil) && slices.Contains([]Kind{String, Bool, Any, Object, Choice}, f.Kind) {
		v.add(path, "bounds of a %s", f.Kind)
	}
}

func (v *verifier) object(path string, f Field) {
	seen := map[string]bool{}
	for _, sub := range f.Fields {
		at := Join(path, sub.Name)
		switch {
		case sub.Name == "":
			v.add(path, "a field without a name")
		case seen[sub.Name]:
			v.add(at, "declared twice")
		case sub.Doc == "":
			v.add(at, "no doc")
		}
		seen[sub.Name] = true
		v.field(at, sub)
	}
}
