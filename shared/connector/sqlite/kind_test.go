package sqlite

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/lockstep-data/lockstep/shared/record"
)

func TestTypeOf(t *testing.T) {
	for decl, want := range map[string]string{
		"INTEGER": "int", "int": "int", "BIGINT": "int", "UNSIGNED BIG INT": "int", "TINYINT(1)": "int",
		"REAL": "float", "DOUBLE PRECISION": "float", "float": "float", "NUMERIC": "float", "DECIMAL": "float", "DECIMAL(99,2)": "float", "MONEY": "float",
		"TEXT": "string", "VARCHAR(255)": "string", "NVARCHAR (10)": "string", "CLOB": "string",
		"BLOB": "bytes", "LONGBLOB": "bytes",
		"DECIMAL(12,2)": "decimal(12,2)", "numeric( 38 , 10 )": "decimal(38,10)", "DECIMAL(5)": "decimal(5,0)", "DECIMAL TEXT(12,2)": "decimal(12,2)",
		"BOOLEAN": "bool", "bool": "bool", "DATE": "date", "TIME": "time", "DATETIME": "timestamp", "TIMESTAMP": "timestamp", "timestamp(6)": "timestamp",
		"TIMESTAMPTZ": "timestamptz", "TIMESTAMP  WITH TIME ZONE": "timestamptz", "UUID": "uuid", "GUID": "uuid", "JSON": "json", "JSON TEXT": "json",
	} {
		if got, ok := typeOf(decl); !ok || got.String() != want {
			t.Errorf("%s: got %s, %v; want %s", decl, got, ok, want)
		}
	}
	if got, ok := typeOf(""); ok {
		t.Errorf("a column without a declaration is %s", got)
	}
}

func TestDeclared_ReadsBack(t *testing.T) {
	for _, k := range record.Kinds {
		want := record.Type{Kind: k}
		if k == record.Decimal {
			want.Precision, want.Scale = 38, 10
		}
		if got, ok := typeOf(declared(want)); !ok || got != want {
			t.Errorf("%s is declared %s, which reads back as %s", want, declared(want), got)
		}
		if affinityOf(declared(want)) == numericAffinity && (k == record.Decimal || k == record.JSON || k == record.String) {
			t.Errorf("%s would turn texts into numbers", declared(want))
		}
	}
}

func TestColumn_Holds(t *testing.T) {
	for name, c := range map[string]struct {
		decl, typ string
		want      bool
	}{
		"same":                         {"TEXT", "string", true},
		"no declaration":               {"", "json", true},
		"wider decimal":                {"DECIMAL TEXT(22,2)", "int", true},
		"narrower decimal":             {"DECIMAL TEXT(10,2)", "decimal(12,2)", false},
		"numeric of 15 digits":         {"DECIMAL(15,2)", "decimal(15,2)", true},
		"numeric of more loses digits": {"DECIMAL(16,2)", "decimal(16,2)", false},
		"number in text":               {"TEXT", "int", false},
		"float for int":                {"REAL", "int", false},
		"date in timestamp":            {"TIMESTAMP", "date", true},
	} {
		typ, err := record.ParseType(c.typ)
		if err != nil {
			t.Fatal(err)
		}
		if got := (column{declared: c.decl}).holds(typ); got != c.want {
			t.Errorf("%s: %s holds %s: got %v", name, c.decl, c.typ, got)
		}
	}
}

func TestStampText_AsRecordDoes(t *testing.T) {
	stamp, instant := record.Type{Kind: record.Timestamp}, record.Type{Kind: record.TimestampTZ}
	for text, zoned := range map[string]string{
		"1970-01-01T00:00:00":        "1970-01-01T00:00:00.000000Z",
		"1969-12-31T23:59:59.999999": "1969-12-31T23:59:59.999999Z",
		"2026-08-22T17:03:59.5":      "2026-08-22T17:03:59.500000Z",
		"0001-01-01T00:00:00.00001":  "0001-01-01T00:00:00.000010Z",
		"9999-12-31T23:59:59":        "9999-12-31T23:59:59.000000Z",
	} {
		for typ, c := range map[record.Type][2]string{stamp: {text, text}, instant: {zoned, zoned}} {
			b := record.NewColumnBuilder(typ)
			if err := record.ParseText(b, typ, c[0]); err != nil {
				t.Fatal(err)
			}
			if got := storedCell(b.NewArray(), typ); got != c[1] {
				t.Errorf("%s of %s: got %s", typ, c[0], got)
			}
		}
	}
}

// storedCell gives the first value of a column as SQLite stores it.
func storedCell(col arrow.Array, typ record.Type) any {
	c := cellOf(col, typ)
	switch {
	case c.nulls != nil && c.nulls.IsNull(0):
		return nil
	case c.class == integers:
		return c.integer(0)
	case c.class == reals:
		return c.real(0)
	case c.class == blobs:
		return c.text([]byte{}, 0)
	}
	return string(c.text(nil, 0))
}

func TestIdentifierEnd(t *testing.T) {
	for in, want := range map[string]string{
		`things (id INT)`: "things", `things(id)`: "things", `"a ""b"" (c)" (id)`: `"a ""b"" (c)"`, "`x``(`(id)": "`x``(`", `[a (b] (id)`: `[a (b]`,
		"'q'(id)": "'q'", "t\n(id)": "t", "t/* c */(id)": "t", "t--c\n(id)": "t",
	} {
		if got := in[:identifierEnd(in)]; got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}
