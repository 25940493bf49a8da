package validate

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// maxExcerpt is how many bytes of a value a reason shows.
const maxExcerpt = 40

// excerpt shows the beginning of a text in quotes.
func excerpt(s string) string { return strconv.Quote(shorten(s, maxExcerpt)) }

// shorten cuts a text after n bytes.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// show names the column and, when it may be seen, the value of a row: the subject of a reason.
func (c column) show(col arrow.Array, row int) string {
	if c.masked {
		return c.name
	}
	return c.name + " " + shown(col, c.typ, row)
}

// shown gives the beginning of a value as people write it.
func shown(col arrow.Array, t record.Type, row int) string {
	if col.IsNull(row) {
		return "null"
	}
	switch t.Kind {
	case record.String, record.JSON:
		return excerpt(col.(*array.String).Value(row))
	case record.Bytes:
		return fmt.Sprintf("(%d bytes)", len(col.(*array.Binary).Value(row)))
	}
	return string(record.AppendText(nil, col, t, row))
}

// kinds says whether a column that was found is of one of the kinds, and reports it when it is not.
func (p *problems) kinds(path string, c column, hint string, kinds ...record.Kind) bool {
	if c.place < 0 {
		return false
	}
	if slices.Contains(kinds, c.typ.Kind) {
		return true
	}
	p.add(path, "wrong_type", fmt.Sprintf("column %q is of type %s", c.name, c.typ), hint)
	return false
}

// maxDigits is how many digits of a decimal number a float keeps for certain.
const maxDigits = 15

// literal makes a column of one cell of a value that a user wrote; nil when it is not of the type, which is called name in problems.
func (p *problems) literal(path, name string, t record.Type, v any) arrow.Array {
	if f, ok := v.(float64); ok && t.Kind == record.Decimal && digitsOf(f) > maxDigits {
		p.add(path, "inexact", fmt.Sprintf("%s has more digits than a number keeps here", plain(f)), "put it in quotes, so that each digit counts")
		return nil
	}
	b := record.NewColumnBuilder(t)
	err := record.Append(b, t, v)
	if err == nil {
		return b.NewArray()
	}
	message, hint := fmt.Sprintf("%s is not of type %s", plain(v), name), ""
	switch _, text := v.(string); {
	case text && t.Kind != record.Bool && t.Kind != record.Decimal:
		message = err.Error()
	case !text && !t.Numeric() && t.Kind != record.Bool && v != nil:
		hint = "put it in quotes"
	case t.Kind == record.Bool:
		hint = "write true or false"
	}
	p.add(path, "wrong_type", message, hint)
	return nil
}

func digitsOf(f float64) int {
	text, _, _ := strings.Cut(strconv.FormatFloat(math.Abs(f), 'e', -1, 64), "e")
	return len(strings.Replace(text, ".", "", 1))
}

// plain shows a value of a configuration.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return excerpt(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		return "a list"
	case map[string]any:
		return "a map"
	}
	return fmt.Sprint(v)
}

// mapOf gives a configuration that is a map.
func mapOf(c Config) map[string]any {
	m, _ := c.Values.Raw().(map[string]any)
	return m
}

// textOf gives a text of a map, "" when there is none.
func textOf(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}

// columnOf finds the column under the key "column".
func (p *problems) columnOf(c Config) column {
	return p.column(c, setting.Join(c.Path, keyColumn), textOf(mapOf(c), keyColumn))
}

// The keys that several rules have.
const (
	keyColumn = "column"
	keyMin    = "min"
	keyMax    = "max"
)

// columnField declares the column that a rule looks at.
func columnField(doc string) setting.Field {
	return setting.Field{Name: keyColumn, Kind: setting.String, Syntax: setting.Column, Doc: doc, Required: true}
}
