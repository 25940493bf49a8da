package validate

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// maxCauses is how many causes a reason names.
const maxCauses = 3

// teller tells what does not fit a schema.
type teller struct {
	rule *jsonSchema // nil: a schema is held against the schema of schemas
}

// tell lists the first causes, each as path: message, in the order of the paths.
func (t *teller) tell(e *jsonschema.ValidationError) []string {
	var all []string
	t.leaves(e, &all)
	slices.Sort(all) // the library walks through maps
	all = slices.Compact(all)
	if n := len(all); n > maxCauses {
		all = append(all[:maxCauses], fmt.Sprintf("and %d more", n-maxCauses))
	}
	return all
}

func (t *teller) leaves(e *jsonschema.ValidationError, all *[]string) {
	for _, cause := range e.Causes {
		t.leaves(cause, all)
	}
	if len(e.Causes) == 0 {
		*all = append(*all, t.leaf(e))
	}
}

func (t *teller) leaf(e *jsonschema.ValidationError) string {
	path := e.InstanceLocation
	masked := false
	if t.rule != nil {
		if !t.rule.whole {
			path = slices.Concat([]string{t.rule.fields[0].name}, path)
		}
		if len(path) > 0 {
			i := slices.IndexFunc(t.rule.fields, func(f column) bool { return f.name == path[0] })
			masked = i >= 0 && t.rule.fields[i].masked
		}
	}
	if masked { // names of members are data, too
		return path[0] + ": does not keep " + keyword(e.ErrorKind)
	}
	text := shorten(says(e.ErrorKind), 4*maxExcerpt)
	if len(path) == 0 {
		return text
	}
	return shorten(strings.Join(path, "/"), 2*maxExcerpt) + ": " + text
}

// keyword is the keyword that a value does not keep.
func keyword(k jsonschema.ErrorKind) string {
	if path := k.KeywordPath(); len(path) > 0 {
		return path[0]
	}
	return "the schema"
}

// says is what a value does not keep, with an excerpt of the value.
func says(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Pattern:
		return fmt.Sprintf("%s does not match /%s/", excerpt(k.Got), shorten(k.Want, 2*maxExcerpt))
	case *kind.Format:
		return fmt.Sprintf("%s is not of format %s", excerpt(fmt.Sprint(k.Got)), k.Want)
	case *kind.AdditionalProperties:
		return "not allowed: " + names(k.Properties)
	case *kind.Required:
		return "missing: " + names(k.Missing)
	case *kind.PropertyNames:
		return "not allowed as a name: " + names([]string{k.Property})
	case *kind.Minimum:
		return exact(k.Got) + " is below " + exact(k.Want)
	case *kind.Maximum:
		return exact(k.Got) + " is above " + exact(k.Want)
	case *kind.ExclusiveMinimum:
		return exact(k.Got) + " is not above " + exact(k.Want)
	case *kind.ExclusiveMaximum:
		return exact(k.Got) + " is not below " + exact(k.Want)
	case *kind.MultipleOf:
		return exact(k.Got) + " is not a multiple of " + exact(k.Want)
	}
	return k.LocalizedString(message.NewPrinter(language.English))
}

// exact shows a number as it is, if it is not too long.
func exact(r *big.Rat) string {
	digits, _ := r.FloatPrec()
	return shorten(r.FloatString(min(digits, maxExcerpt)), maxExcerpt)
}

// names lists at most three names.
func names(list []string) string {
	list = slices.Sorted(slices.Values(list))
	if len(list) > 3 {
		list = append(list[:3], "…")
	}
	for i, name := range list {
		if name != "…" {
			list[i] = excerpt(name)
		}
	}
	return strings.Join(list, ", ")
}
