package validate

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/lockstep-data/lockstep/shared/expr"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
)

// literal writes a value of a configuration as an expression.
func literal(v any) (string, bool) {
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case string:
		return strconv.Quote(v), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// compile compiles an expression about a column, which stands where the format has %s.
func (p *problems) compile(c Config, path, format, name string) *expr.Program {
	program, err := expr.Compile(fmt.Sprintf(format, `$[`+strconv.Quote(name)+`]`), c.Schema)
	if err == nil {
		return program
	}
	var wrong *expr.Error
	if errors.As(err, &wrong) {
		p.add(path, wrong.Code, fmt.Sprintf("%q: %s", name, wrong.Message), wrong.Hint)
	} else {
		p.add(path, "bad_expression", err.Error(), fault.Hint(err))
	}
	return nil
}

// trueRows lists the rows for which a condition holds; a nil one holds nowhere.
func trueRows(p *expr.Program, b record.Batch) ([]int32, error) {
	if p == nil {
		return nil, nil
	}
	rows, refused, err := p.Filter(b)
	for _, r := range refused { // comparisons with constants have results for all rows
		rows = append(rows, int32(r.Row))
	}
	return rows, err
}

// escape keeps percent signs of a text in a format.
func escape(s string) string { return strings.ReplaceAll(s, "%", "%%") }
