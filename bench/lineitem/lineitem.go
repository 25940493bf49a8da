// Package lineitem makes the rows that benchmarks move: 16 columns in the manner of an order's line items, whole numbers, money, dates,
// texts of few and of many values, some of them in quotes. The same number of rows and seed give the same bytes on every machine and with
// every version of Go, so that figures of different days can be compared. Benchmarks and tests import it.
package lineitem

import (
	"bufio"
	"io"
	"strconv"
)

// Columns are the names of the columns, in order.
var Columns = []string{
	"orderkey", "partkey", "suppkey", "linenumber", "quantity", "extendedprice", "discount", "tax", "returnflag", "linestatus",
	"shipdate", "commitdate", "receiptdate", "shipinstruct", "shipmode", "comment",
}

var (
	instructions = []string{"DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"}
	modes        = []string{"AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB", "REG AIR"}
	words        = []string{
		"carefully", "final", "deposits", "sleep", "quickly", "ironic", "packages", "haggle", "furiously", "accounts", "even", "bold",
		"requests", "pending", "courts", "the", "slyly", "über", "regular", "instructions", "among", "blithely", "unusual", "ideas",
	}
)

// Write writes a header and rows as CSV, UTF-8, lines ending in "\n". The errors are those of the writer.
func Write(out io.Writer, rows int, seed uint64) error {
	w := bufio.NewWriterSize(out, 1<<20)
	for i, c := range Columns {
		if i > 0 {
			_ = w.WriteByte(',') // the writer keeps its first error for Flush
		}
		_, _ = w.WriteString(c)
	}
	_ = w.WriteByte('\n')
	g := generator{state: seed}
	line := make([]byte, 0, 512)
	for row := range rows {
		line = g.row(line[:0], row)
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return w.Flush()
}

// generator is splitmix64, written out since the standard library may change how it draws.
type generator struct{ state uint64 }

func (g *generator) draw() uint64 {
	g.state += 0x9e3779b97f4a7c15
	z := g.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below gives a number from 0 to n-1.
func (g *generator) below(n int64) int64 { return int64(g.draw() % uint64(n)) }

func (g *generator) row(b []byte, row int) []byte {
	order := int64(row/4)*8 + int64(row/4%8) + 1
	b = append(strconv.AppendInt(b, order, 10), ',')
	b = append(strconv.AppendInt(b, g.below(200_000)+1, 10), ',')
	b = append(strconv.AppendInt(b, g.below(10_000)+1, 10), ',')
	b = append(strconv.AppendInt(b, int64(row%4+1), 10), ',')
	quantity := g.below(50) + 1
	b = append(strconv.AppendInt(b, quantity, 10), ',')
	b = append(cents(b, quantity*(90_000+g.below(110_000))), ',')
	b = append(cents(b, g.below(11)), ',')
	b = append(cents(b, g.below(9)), ',')
	b = append(b, "NRA"[g.below(3)], ',', "OF"[g.below(2)], ',')
	shipped := g.below(2526)
	b = append(date(b, shipped), ',')
	b = append(date(b, shipped+g.below(90)-45), ',')
	b = append(date(b, shipped+g.below(30)+1), ',')
	b = append(append(b, instructions[g.below(4)]...), ',')
	b = append(append(b, modes[g.below(7)]...), ',')
	return append(g.comment(b), '\n')
}

// comment adds two to six words; every 16th has a comma and a quote in it, so that the field is quoted.
func (g *generator) comment(b []byte) []byte {
	n, quoted := g.below(5)+2, g.below(16) == 0
	if quoted {
		b = append(b, '"')
	}
	for i := range n {
		switch {
		case i == 1 && quoted:
			b = append(b, `, ""`...)
		case i > 0:
			b = append(b, ' ')
		}
		b = append(b, words[g.below(int64(len(words)))]...)
		if i == 1 && quoted {
			b = append(b, `""`...)
		}
	}
	if quoted {
		b = append(b, '"')
	}
	return b
}

// cents adds an amount with two digits behind the point.
func cents(b []byte, n int64) []byte {
	b = strconv.AppendInt(b, n/100, 10)
	return append(b, '.', byte('0'+n/10%10), byte('0'+n%10))
}

// date adds a day by its number since 1992-03-01, which may be negative: by at most 60.
func date(b []byte, day int64) []byte {
	// Years begin in March, so that the leap day is a year's last; 1992-03-01 is day 8095 since 1970-01-01, 727563 since 0000-03-01.
	day += 727_563
	era := day / 146_097
	of := day % 146_097
	year := (of - of/1460 + of/36_524 - of/146_096) / 365
	of -= 365*year + year/4 - year/100
	month := (5*of + 2) / 153
	d := of - (153*month+2)/5 + 1
	year += era * 400
	if month += 3; month > 12 {
		month, year = month-12, year+1
	}
	b = append(strconv.AppendInt(b, year, 10), '-', byte('0'+month/10), byte('0'+month%10), '-')
	return append(b, byte('0'+d/10), byte('0'+d%10))
}
