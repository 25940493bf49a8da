package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// element is one entry of a list of transforms or rules, as checked.
type element struct {
	component job.Component
	extras    map[string]any // severity, label
}

// family is transforms or rules: what their lists share.
type family struct {
	noun   string // transform or rule
	specs  map[string]setting.Spec
	extras []setting.Field
}

func (b *builder) transforms(path string, checked, raw any) []job.Component {
	var out []job.Component
	for _, e := range b.elements(path, family{"transform", b.Transforms, transformExtras()}, checked, raw) {
		out = append(out, e.component)
	}
	return out
}

func (b *builder) rules(checked, raw any) []job.Rule {
	var out []job.Rule
	for _, e := range b.elements("rules", family{"rule", b.Rules, ruleExtras()}, checked, raw) {
		r := job.Rule{Component: e.component, Severity: job.Severity(as[string](e.extras[keySeverity])), Label: as[string](e.extras[keyLabel])}
		if r.Severity == "" {
			r.Severity = job.Reject
		}
		out = append(out, r)
	}
	return out
}

// elements reads a list. An element that could not be read keeps its place, so that places in the model are places in the file.
func (b *builder) elements(path string, f family, checked, raw any) []element {
	items, written := as[[]any](checked), as[[]any](raw)
	if len(items) == 0 {
		return nil
	}
	out := make([]element, len(items))
	for i := range items {
		out[i] = b.element(setting.Index(path, i), f, items[i], written[i])
	}
	return out
}

func (b *builder) element(path string, f family, checked, raw any) element {
	if name, bare := checked.(string); bare {
		spec, known := f.specs[name]
		if !known {
			return element{component: job.Component{Name: name}}
		}
		return element{component: job.Component{Name: name, Config: b.settings(path, f, spec, nil)}}
	}
	keys := slices.Sorted(maps.Keys(as[map[string]any](raw)))
	var names, unknown []string
	for _, k := range keys {
		if _, known := f.specs[k]; known {
			names = append(names, k)
		} else if !slices.ContainsFunc(f.extras, func(e setting.Field) bool { return e.Name == k }) {
			unknown = append(unknown, k)
			b.rename(setting.Join(path, k), fmt.Sprintf("there is no %s %q", f.noun, k), "unknown_"+f.noun)
		}
	}
	switch {
	case len(names) > 1:
		b.add(path, "several", "put each behind a dash of its own", "one %s an element, not %s", f.noun, strings.Join(names, " and "))
		return element{}
	case len(names) == 0:
		if len(unknown) == 0 && as[map[string]any](raw) != nil {
			b.add(path, "missing", "known: "+strings.Join(slices.Sorted(maps.Keys(f.specs)), ", "), "the element names no %s", f.noun)
		}
		return element{}
	}
	return b.named(path, f, names[0], as[map[string]any](checked))
}

// rename changes the words of a problem that the check of the declarations found.
func (b *builder) rename(path, message, code string) {
	for i := range b.problems {
		if p := &b.problems[i]; p.Path == path && p.Code == "unknown_key" {
			p.Message, p.Code = message, code
		}
	}
}

// named reads an element that has one name; the extras are lifted out of the settings.
func (b *builder) named(path string, f family, name string, checked map[string]any) element {
	spec, at := f.specs[name], setting.Join(path, name)
	e := element{component: job.Component{Name: name}, extras: map[string]any{}}
	body := checked[name]
	if body == nil {
		e.component.Config = b.settings(at, f, spec, nil)
	} else {
		own := objectFields(spec.Body)
		m, isMap := body.(map[string]any)
		for _, x := range f.extras {
			if isMap && own != nil && !slices.Contains(own, x.Name) && m[x.Name] != nil {
				e.extras[x.Name] = m[x.Name]
				delete(m, x.Name)
				if checked[x.Name] != nil {
					b.add(setting.Join(at, x.Name), "conflict", "keep one of them", "%s is there twice: beside %s and inside it", x.Name, name)
				}
			}
		}
		e.component.Config = setting.Of(body)
	}
	for _, x := range f.extras {
		if v := checked[x.Name]; v != nil {
			e.extras[x.Name] = v
		}
	}
	e.component.Streams = list(e.extras[keyStreams])
	b.plainSecrets(spec.Body, at, e.component.Config.Raw())
	return e
}

// settings checks settings that the form has not seen, such as those of a bare name.
func (b *builder) settings(path string, f family, spec setting.Spec, v any) setting.Values {
	checked, problems := setting.Check(spec.Body, path, v)
	if len(problems) > 0 && v == nil {
		b.add(path, "missing", "as in "+strings.ReplaceAll(strings.TrimSpace(spec.Example), "\n", "\n    "), "the %s %s wants settings", f.noun, spec.Name)
		return setting.Of(nil)
	}
	b.problems = append(b.problems, problems...)
	return setting.Of(checked)
}

// objectFields lists the names that the body's object form declares; nil when it has none.
func objectFields(body setting.Field) []string {
	switch body.Kind {
	case setting.Object:
		names := []string{}
		for _, f := range body.Fields {
			names = append(names, f.Name)
		}
		return names
	case setting.Choice:
		for _, form := range body.Forms {
			if names := objectFields(form); names != nil {
				return names
			}
			if form.Kind == setting.Map {
				return nil
			}
		}
	}
	return nil
}
