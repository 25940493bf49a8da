package validate

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/lockstep-data/lockstep/shared/record"
)

// maxExcerpt is how much of a value a reason shows, in bytes.
const maxExcerpt = 40

// value shows a cell in a reason: nothing of it when the column is masked.
func (c column) value(col arrow.Array, row int) string {
	if c.masked {
		return "***"
	}
	text := string(record.AppendText(nil, col, c.typ, row))
	if c.typ.Numeric() || c.typ.Kind == record.Bool {
		return text
	}
	if len(text) > maxExcerpt {
		text = strings.ToValidUTF8(text[:maxExcerpt], "") + "…"
	}
	return strconv.Quote(text)
}

// where makes a reason for rows that are sorted, each shown with its value.
func (c column) where(b record.Batch, rows []int32, format string, args ...any) []Broken {
	col := b.Rows.Column(c.place)
	out := make([]Broken, len(rows))
	why := fmt.Sprintf(format, args...)
	for i, row := range rows {
		out[i] = Broken{int(row), fmt.Sprintf("%s is %s, %s", c.name, c.value(col, int(row)), why)}
	}
	return out
}

// merge joins lists of broken rows, each ascending.
func merge(lists ...[]Broken) []Broken {
	var f finder
	for _, list := range lists {
		for _, x := range list {
			f.add(x.Row, x.Reason)
		}
	}
	return f.broken()
}
