package validate

import (
	"context"
	"regexp"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func patternSpec() Spec {
	return Spec{
		Spec: setting.Spec{
			Name:    "pattern",
			Summary: "Texts must, or must not, match a regular expression.",
			Doc: "Regular expressions are those of RE2. They match anywhere in the text: write ^ and $ around one that must match the whole, " +
				"(?i) before one that does not look at capitals. Null passes: add the rule required to refuse it.",
			Body: setting.Field{Kind: setting.Object, Fields: []setting.Field{
				columnField("The text column to look at."),
				{Name: "match", Kind: setting.String, Syntax: setting.Regexp, Doc: "What a text must match."},
				{Name: "not", Kind: setting.String, Syntax: setting.Regexp, Doc: "What a text must not match."},
			}},
			Example: "pattern: {column: airport_ident, match: '^[A-Z0-9-]{2,8}$'}",
			Since:   "0.1.0",
		},
		New: newPattern,
	}
}

type pattern struct {
	column     column
	match, not *regexp.Regexp // nil when there is none
}

func newPattern(c Config) (Rule, error) {
	var p problems
	r := &pattern{column: p.columnOf(c)}
	p.kinds(setting.Join(c.Path, keyColumn), r.column, "only text is matched: cast the column to string first", record.String)
	p.atLeastOne(c, "match", "not")
	r.match = p.regexp(c, "match")
	r.not = p.regexp(c, "not")
	return r, p.list.Err()
}

// regexp reads a regular expression; nil when there is none under the key.
func (p *problems) regexp(c Config, key string) *regexp.Regexp {
	text, written := mapOf(c)[key].(string)
	if !written {
		return nil
	}
	re, err := regexp.Compile(text)
	if err != nil {
		p.add(setting.Join(c.Path, key), "bad_regexp", err.Error(), "")
	}
	return re
}

// Check answers the rows whose text does not match, or matches what it must not.
func (r *pattern) Check(_ context.Context, b record.Batch) ([]Broken, error) {
	col := b.Rows.Column(r.column.place).(*array.String)
	var out []Broken
	for row := range col.Len() {
		if col.IsNull(row) {
			continue
		}
		s := col.Value(row)
		if r.match != nil && !r.match.MatchString(s) {
			out = append(out, Broken{row, r.column.show(col, row) + " does not match " + slashed(r.match)})
		} else if r.not != nil && r.not.MatchString(s) {
			out = append(out, Broken{row, r.column.show(col, row) + " matches " + slashed(r.not)})
		}
	}
	return out, nil
}

// slashed shows the beginning of a regular expression.
func slashed(re *regexp.Regexp) string { return "/" + shorten(re.String(), 2*maxExcerpt) + "/" }
