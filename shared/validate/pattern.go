package validate

import (
	"context"
	"fmt"
	"regexp"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func patternSpec() Spec {
	return Spec{
		Spec: setting.Spec{
			Name:    "pattern",
			Summary: "Texts must match a regular expression.",
			Doc:     "RE2 syntax. A match anywhere in the text is enough: ^ and $ stand for its ends. Null passes: add the rule required.",
			Body: setting.Field{Kind: setting.Object, Fields: []setting.Field{
				{Name: "column", Kind: setting.String, Syntax: setting.Column, Doc: "The column, of type string.", Required: true},
				{Name: "regex", Kind: setting.String, Syntax: setting.Regexp, Doc: "The regular expression.", Required: true},
			}},
			Example: "pattern: {column: iata, regex: \"^[A-Z]{3}$\"}",
			Since:   "0.1.0",
		},
		New: newPattern,
	}
}

type pattern struct {
	column column
	re     *regexp.Regexp
}

func newPattern(c Config) (Rule, error) {
	var v struct {
		Column string `json:"column"`
		Regex  string `json:"regex"`
	}
	if err := decode(c, &v); err != nil {
		return nil, err
	}
	var p problems
	r := &pattern{column: p.column(c, setting.Join(c.Path, "column"), v.Column)}
	if r.column.place >= 0 && r.column.typ.Kind != record.String {
		p.add(setting.Join(c.Path, "column"), "wrong_type", fmt.Sprintf("%q is a column of type %s, not string", v.Column, r.column.typ), "cast it to string first")
	}
	var err error
	if r.re, err = regexp.Compile(v.Regex); err != nil {
		p.add(setting.Join(c.Path, "regex"), "bad_regexp", err.Error(), "")
	}
	return r, p.list.Err()
}

// Check answers the rows that do not match.
func (r *pattern) Check(_ context.Context, b record.Batch) ([]Broken, error) {
	texts := b.Rows.Column(r.column.place).(*array.String)
	var rows []int32
	for row := range texts.Len() {
		if !texts.IsNull(row) && !r.re.MatchString(texts.Value(row)) {
			rows = append(rows, int32(row))
		}
	}
	return r.column.where(b, rows, "which does not match %s", r.re), nil
}
