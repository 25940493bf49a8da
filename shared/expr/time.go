package expr

import (
	"fmt"
	"strings"
	"time"

	"github.com/lockstep-data/lockstep/shared/record"
)

var timeFunctions = map[string]function{
	"date":        {usage: `date(value[, "%d.%m.%Y"])`, doc: "A date of a text as in 2026-08-22 or of the given form, or the day of a timestamp.", min: 1, max: 2, make: makeTime(dateType)},
	"timestamp":   {usage: `timestamp(value[, "%d.%m.%Y %H:%M"])`, doc: "A timestamp without zone of a text, a date (its midnight) or an instant (its UTC time).", min: 1, max: 2, make: makeTime(stampType)},
	"timestamptz": {usage: `timestamptz(value[, "%d.%m.%Y %H:%M %z"])`, doc: "An instant of a text with a zone; a date or timestamp without one is taken as UTC.", min: 1, max: 2, make: makeTime(zonedType)},
	"format":      {usage: `format(time, "%Y-%m")`, doc: "A date or timestamp as text. The form knows %Y %m %d %H %M %S %f %y %b %B %a %A %j %I %p %z %e %F %T %%.", min: 2, max: 2, make: makeFormat},
	"year":        part("year(time)", "The year of a date or timestamp, in UTC.", func(t time.Time) int { return t.Year() }),
	"month":       part("month(time)", "The month of a date or timestamp, 1 to 12, in UTC.", func(t time.Time) int { return int(t.Month()) }),
	"day":         part("day(time)", "The day of the month of a date or timestamp, in UTC.", func(t time.Time) int { return t.Day() }),
	"hour":        part("hour(time)", "The hour of a date or timestamp, 0 to 23, in UTC.", func(t time.Time) int { return t.Hour() }),
	"weekday":     part("weekday(time)", "The day of the week, 1 (Monday) to 7, in UTC.", func(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }),
}

var directives = map[byte]string{
	'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'f': "000000", 'y': "06", 'b': "Jan", 'B': "January",
	'a': "Mon", 'A': "Monday", 'j': "002", 'I': "03", 'p': "PM", 'z': "Z0700", 'e': "_2", 'F': "2006-01-02", 'T': "15:04:05", '%': "%",
}

// layout turns a form with % directives into Go's.
func layout(n *node) (string, error) {
	if !n.is(record.String) {
		return "", failAt(n.at, badExpression, "the form of a time must be written out, as in \"%%Y-%%m-%%d\"")
	}
	form := n.value.(string)
	var out strings.Builder
	seen := false
	for i := 0; i < len(form); i++ {
		switch c := form[i]; {
		case c == '%' && i+1 < len(form) && directives[form[i+1]] != "":
			i++
			if seen = true; form[i] == 'f' && !strings.HasSuffix(out.String(), ".") {
				return "", failAt(n.at, badExpression, "%%f stands behind a point, as in %%S.%%f")
			}
			out.WriteString(directives[form[i]])
		case c == '%':
			return "", failAt(n.at, badExpression, "%s is not a form of times", quote(form)).withHint("use %%Y %%m %%d %%H %%M %%S %%b %%y %%z; %%%% is a percent sign")
		case c >= '0' && c <= '9', c == '_', c >= 'A' && c <= 'Z' && c != 'T' && c != 'Z' && c != 'W' && c != 'Q':
			// These could be read as part of Go's layouts.
			return "", failAt(n.at, badExpression, "%s: letters and digits cannot stand between the parts of a time", quote(form))
		default:
			out.WriteByte(c)
		}
	}
	if !seen {
		return "", failAt(n.at, badExpression, "%s is not a form of times", quote(form)).withHint("write it as in \"%%d.%%m.%%Y\"")
	}
	return out.String(), nil
}

func makeTime(to record.Type) func(c *call) (*node, error) {
	return func(c *call) (*node, error) {
		if len(c.args) == 1 {
			return makeConversion(to)(c)
		}
		if err := c.want(0, record.String); err != nil {
			return nil, err
		}
		form, err := layout(c.args[1])
		if err != nil {
			return nil, err
		}
		written := c.args[1].value.(string)
		c.args = c.args[:1]
		return c.node(map1(to, func(s string) (int64, error) {
			t, err := time.Parse(form, s)
			if err != nil || t.Nanosecond()%1000 != 0 {
				return 0, fmt.Errorf("%s is not a %s of the form %s", quote(s), to, written)
			}
			if to.Kind == record.Date {
				return floorDiv(t.Unix(), 86400), nil
			}
			return t.UnixMicro(), nil
		}))
	}
}

// moment gives the time of a cell.
func moment(t record.Type) func(int64) time.Time {
	if t.Kind == record.Date {
		return dayOf
	}
	return stampOf
}

func makeFormat(c *call) (*node, error) {
	if err := c.want(0, record.Date, record.Timestamp, record.TimestampTZ); err != nil {
		return nil, err
	}
	form, err := layout(c.args[1])
	if err != nil {
		return nil, err
	}
	of := moment(c.args[0].typ)
	c.args = c.args[:1]
	return c.node(pure1(stringType, func(x int64) string { return of(x).Format(form) }))
}

func part(usage, doc string, f func(time.Time) int) function {
	return function{usage, doc, 1, 1, func(c *call) (*node, error) {
		if err := c.want(0, record.Date, record.Timestamp, record.TimestampTZ); err != nil {
			return nil, err
		}
		of := moment(c.args[0].typ)
		return c.node(pure1(intType, func(x int64) int64 { return int64(f(of(x))) }))
	}}
}
