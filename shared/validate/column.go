package validate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// column is a column that a rule looks at.
type column struct {
	name   string
	place  int
	typ    record.Type
	masked bool // its values must not be in reasons
}

type columns []column

// problems collects what is wrong while a rule is compiled.
type problems struct{ list fault.Problems }

func (p *problems) add(path, code, message, hint string) {
	p.list = append(p.list, fault.Problem{Path: path, Code: code, Message: message, Hint: hint})
}

// column finds a column that must be there.
func (p *problems) column(c Config, path, name string) column {
	i := c.Schema.Index(name)
	if i < 0 {
		p.add(path, "unknown_column", fmt.Sprintf("there is no column %q here", name), nearestColumn(c.Schema, name))
		return column{name: name, place: -1}
	}
	return column{name, i, c.Schema.Columns[i].Type, slices.Contains(c.Mask, name)}
}

// columns finds the columns of a list at c.Path.
func (p *problems) columns(c Config, names []string) columns {
	out := make(columns, 0, len(names))
	for i, name := range names {
		path := setting.Index(c.Path, i)
		if slices.Contains(names[:i], name) {
			p.add(path, "duplicate_column", fmt.Sprintf("%q is in the list twice", name), "name it once")
		}
		out = append(out, p.column(c, path, name))
	}
	return out
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

// decode fills out from checked values; an error is a slip in the declaration of the rule's settings.
func decode(c Config, out any) error {
	if err := c.Values.Decode(out); err != nil {
		return fault.Problems{{Path: c.Path, Code: "wrong_type", Message: err.Error()}}
	}
	return nil
}

// finder collects broken rows of several columns, in any order.
type finder struct {
	at  map[int]int // row → index in out
	out []Broken
}

// add notes a row; several reasons of one row are joined.
func (f *finder) add(row int, reason string) {
	if i, ok := f.at[row]; ok {
		f.out[i].Reason += "; " + reason
		return
	}
	if f.at == nil {
		f.at = map[int]int{}
	}
	f.at[row] = len(f.out)
	f.out = append(f.out, Broken{row, reason})
}

// broken lists the rows, ascending.
func (f *finder) broken() []Broken {
	slices.SortFunc(f.out, func(a, b Broken) int { return a.Row - b.Row })
	return f.out
}
