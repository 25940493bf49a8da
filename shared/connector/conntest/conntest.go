// Package conntest is the contract of package connector as two suites of tests, Source and Destination, which every connector runs
// on an empty place of its own. What a connector cannot do it names as a Capability with its reason; nothing else is left out. It
// is imported by tests only.
package conntest

import (
	"slices"
	"testing"

	"github.com/lockstep-data/lockstep/shared/record"
)

// Capability is something that not every connector can do.
type Capability string

// The capabilities of sources.
const (
	Discovery   Capability = "discovery"   // Streams lists what is there
	Fingerprint Capability = "fingerprint" // Plan can say that nothing changed
	Incremental Capability = "incremental" // a later plan continues behind the committed positions
	Rejects     Capability = "rejects"     // a value can be there that is not of its column's type
)

// The capabilities of sources and destinations.
const (
	Kinds Capability = "kinds" // every kind of record.Kinds comes back as it was
	Nulls Capability = "nulls" // a null differs from an empty text
	Names Capability = "names" // any name of a table or column: quotes, spaces, other scripts, reserved words
)

// The capabilities of destinations.
const (
	Append         Capability = "append"
	Upsert         Capability = "upsert"
	Replace        Capability = "replace"
	TruncateInsert Capability = "truncate_insert"
	DeleteMissing  Capability = "delete_missing"
	Backup         Capability = "backup"
	Counts         Capability = "counts"       // inserted, updated and unchanged are told apart
	Receipts       Capability = "receipts"     // the receipt is stored with the data
	Fences         Capability = "fences"       // a writer with an old fence is refused
	Transactions   Capability = "transactions" // a load happens as a whole or not at all
	Refusals       Capability = "refusals"     // the place can be made to refuse single rows
	Drift          Capability = "drift"        // the target has a schema of its own
	CaseNames      Capability = "case_names"   // two columns may differ in case only
)

// without holds the exceptions of a case: what it cannot do, and why.
type without map[Capability]string

// run runs a subtest unless one of the capabilities it needs is missing; the log says why.
func (w without) run(t *testing.T, name string, test func(*testing.T), needs ...Capability) {
	t.Helper()
	for _, c := range needs {
		if why, missing := w[c]; missing {
			if why == "" {
				t.Errorf("%s: the exception %s needs a reason", name, c)
			}
			t.Logf("%s is left out: %s: %s", name, c, why)
			return
		}
	}
	t.Run(name, test)
}

// Table is records in a stream or a target.
type Table struct {
	Name   string
	Schema record.Schema
	Key    []string
	// Rows hold one value a column, as record.Append takes them: nil, int, float64, bool, []byte, or the text form of any type. The
	// test Rejects puts a text that is no number into a column of type int.
	Rows [][]any
}

// Batch gives the rows whose values are all of their column's type, and the indices of the others.
func (tb Table) Batch(t *testing.T) (record.Batch, []int) {
	t.Helper()
	var bad []int
	good := tb.Rows[:0:0]
	for i, row := range tb.Rows {
		if tb.fits(row) {
			good = append(good, row)
		} else {
			bad = append(bad, i)
		}
	}
	b := record.NewBuilder(tb.Schema)
	for _, row := range good {
		for c, v := range row {
			if err := record.Append(b.Column(c), tb.Schema.Columns[c].Type, v); err != nil {
				t.Fatalf("make a row of %s: %v", tb.Name, err)
			}
		}
	}
	return record.New(tb.Schema, b.Rows()), bad
}

func (tb Table) fits(row []any) bool {
	for c, v := range row {
		b := record.NewColumnBuilder(tb.Schema.Columns[c].Type)
		if record.Append(b, tb.Schema.Columns[c].Type, v) != nil {
			return false
		}
	}
	return true
}

// Lines gives each row as a compact JSON object.
func Lines(b record.Batch) []string {
	lines := make([]string, b.Len())
	for i := range lines {
		lines[i] = string(b.JSON(i))
	}
	return lines
}

// lines gives the good rows of a table as JSON objects.
func (tb Table) lines(t *testing.T) []string {
	t.Helper()
	b, _ := tb.Batch(t)
	return Lines(b)
}

func sorted(lines []string) []string {
	lines = slices.Clone(lines)
	slices.Sort(lines)
	return lines
}

// columns makes a schema of pairs of name and type: "id", "int", "name", "string".
func columns(pairs ...string) record.Schema {
	var s record.Schema
	for i := 0; i < len(pairs); i += 2 {
		typ, err := record.ParseType(pairs[i+1])
		if err != nil {
			panic("conntest: " + err.Error())
		}
		s.Columns = append(s.Columns, record.Column{Name: pairs[i], Type: typ})
	}
	return s
}

// everyKind is a table with a column of each kind and the values at its edges.
func everyKind() Table {
	return Table{
		Name: "kinds",
		Key:  []string{"id"},
		Schema: columns("id", "int", "i", "int", "f", "float", "d", "decimal(12,2)", "big", "decimal(38,10)", "b", "bool",
			"s", "string", "y", "bytes", "day", "date", "clock", "time", "ts", "timestamp", "tz", "timestamptz", "u", "uuid", "j", "json"),
		Rows: [][]any{
			{1, "-9223372036854775808", 0.1, "-0.01", "1234567890123456789012345678.0123456789", true, "plain", []byte{0, 255, 10},
				"2026-08-22", "17:03:59.000001", "2026-08-22T17:03:59.000001", "2026-08-22T17:03:59.123456Z",
				"6ba7b810-9dad-11d1-80b4-00c04fd430c8", `{"a":1,"b":[true,null,"x"]}`},
			{2, "9223372036854775807", -2.5e-300, "9999999999.99", "-9999999999999999999999999999.9999999999", false, "it's \"quoted\", with\nlines",
				[]byte("text"), "1969-12-31", "00:00:00", "1969-12-31T23:59:59.999999", "1969-12-31T23:59:59.999999Z",
				"ffffffff-ffff-ffff-ffff-ffffffffffff", `[]`},
			{3, 0, 3.0, "5.00", "0.0000000001", true, "żółw 🐢 日本", []byte{1}, "9999-12-31", "23:59:59.999999", "9999-12-31T23:59:59",
				"0001-01-01T00:00:00Z", "00000000-0000-0000-0000-000000000000", `"text"`},
			{4, -1, 1e300, "-1.50", "1.0000000000", false, "007", []byte("\x00"), "0001-01-01", "12:00:00", "0001-01-01T00:00:00",
				"9999-12-31T23:59:59.999999Z", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", `12.5`},
		},
	}
}

// oddNames is a table whose names need quoting everywhere.
func oddNames() Table {
	return Table{
		Name:   `odd "name" — żółw`,
		Key:    []string{"select"},
		Schema: columns("select", "int", `a "quoted" one`, "string", "with space", "string", "it's", "string", "żółw;--", "string", "from", "string", "a.b", "string", "%s?1:x", "string"),
		Rows: [][]any{
			{1, "a", "b", "c", "d", "e", "f", "g"},
			{2, "h", "i", "j", "k", "l", "m", "n"},
		},
	}
}
