package transform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// problems collects what is wrong while a transform is compiled.
type problems struct{ list fault.Problems }

func (p *problems) add(path, code, message, hint string) {
	p.list = append(p.list, fault.Problem{Path: path, Code: code, Message: message, Hint: hint})
}

// column gives the place of a column that must be there, or -1 and a problem.
func (p *problems) column(path string, s record.Schema, name string) int {
	i := s.Index(name)
	if i < 0 {
		p.add(path, "unknown_column", fmt.Sprintf("there is no column %q here", name), nearestColumn(s, name))
	}
	return i
}

func nearestColumn(s record.Schema, name string) string {
	if near := fault.Nearest(name, s.Names()); near != "" {
		return "did you mean " + near + "?"
	}
	names := s.Names()
	if len(names) > 12 {
		names = append(slices.Clone(names[:12]), "…")
	}
	return "columns here: " + strings.Join(names, ", ")
}

// keyStays reports a column of the key that a transform would remove or change.
func (p *problems) keyStays(path, name, what string, key []string) {
	if slices.Contains(key, name) {
		p.add(path, "key_column", fmt.Sprintf("%q is part of the key and cannot be %s", name, what), "the key identifies a record in every step; leave it as it is")
	}
}

// newName reports a column name that cannot be given.
func (p *problems) newName(path, name string) {
	switch {
	case name == "":
		p.add(path, "empty", "a column needs a name", "")
	case record.Reserved(name):
		p.add(path, "reserved_name", fmt.Sprintf("%q is a name that Lockstep uses itself", name), "choose another name")
	}
}

// unique reports columns of a schema that have one name.
func (p *problems) unique(path string, s record.Schema) {
	seen := map[string]bool{}
	for _, c := range s.Columns {
		if seen[c.Name] {
			p.add(path, "duplicate_column", fmt.Sprintf("two columns would be named %q", c.Name), "choose another name, or drop one of them")
		}
		seen[c.Name] = true
	}
}

// typed reads a column type.
func (p *problems) typed(path, text string) record.Type {
	t, err := record.ParseType(text)
	if err != nil {
		p.add(path, "bad_type", fmt.Sprintf("%q is not a column type", text), fault.Hint(err))
	}
	return t
}

// decode fills out from checked values; an error is a slip in the declaration of the transform's settings.
func decode(c Config, out any) error {
	if err := c.Values.Decode(out); err != nil {
		return fault.Problems{{Path: c.Path, Code: "wrong_type", Message: err.Error()}}
	}
	return nil
}

// columnList declares a list of at least one column.
func columnList(name, doc string) setting.Field {
	return setting.Field{
		Name: name, Kind: setting.List, Doc: doc, Required: true, Min: setting.Bound(1),
		Item: &setting.Field{Kind: setting.String, Syntax: setting.Column},
	}
}
