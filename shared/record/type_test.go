package record_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
)

func TestParseType(t *testing.T) {
	for s, want := range map[string]record.Type{
		"int":              {Kind: record.Int},
		"decimal(12,2)":    {Kind: record.Decimal, Precision: 12, Scale: 2},
		"decimal( 38 , 0)": {Kind: record.Decimal, Precision: 38},
		"decimal(1,1)":     {Kind: record.Decimal, Precision: 1, Scale: 1},
		"timestamptz":      {Kind: record.TimestampTZ},
	} {
		got, err := record.ParseType(s)
		if err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", s, got, err, want)
		}
		if again, err := record.ParseType(got.String()); err != nil || again != want {
			t.Errorf("%s: its own name %s gives %v, %v", s, got, again, err)
		}
	}
	for _, k := range record.Kinds {
		if got, err := record.ParseType(string(k)); k != record.Decimal && (err != nil || got.Kind != k || got.Arrow() == nil) {
			t.Errorf("%s: got %v, %v", k, got, err)
		}
	}
}

func TestParseType_ConfigInvalid(t *testing.T) {
	for s, hint := range map[string]string{
		"":                                "use int",
		"decimal":                         "decimal(p,s)",
		"decimal(0,0)":                    "",
		"decimal(39,0)":                   "",
		"decimal(5,6)":                    "",
		"decimal(5)":                      "",
		"decimal(-5,2)":                   "",
		"decimal(5,2) ":                   "",
		"integer":                         "",
		"timestmp":                        "did you mean timestamp?",
		"INT":                             "",
		"varchar":                         "use int",
		"decimal(99999999999999999999,0)": "",
	} {
		_, err := record.ParseType(s)
		if !fault.Has(err, fault.ConfigInvalid) || !strings.Contains(fault.Hint(err), hint) {
			t.Errorf("%q: got %v, want ConfigInvalid with %q", s, err, hint)
		}
	}
}

// TestWiden is the table of types that hold every value of two others. The order of the two does not matter.
func TestWiden(t *testing.T) {
	for _, c := range []struct {
		a, b, want string
		ok         bool
	}{
		{"int", "int", "int", true},
		{"decimal(5,2)", "decimal(7,4)", "decimal(7,4)", true},
		{"decimal(5,0)", "decimal(5,5)", "decimal(10,5)", true},
		{"decimal(38,0)", "decimal(38,38)", "string", false},
		{"decimal(38,0)", "decimal(38,1)", "string", false},
		{"int", "decimal(5,2)", "decimal(21,2)", true},
		{"int", "decimal(38,2)", "decimal(38,2)", true},
		{"int", "decimal(38,19)", "decimal(38,19)", true},
		{"int", "decimal(38,20)", "string", false},
		{"int", "float", "string", false},
		{"float", "decimal(5,2)", "string", false},
		{"int", "bool", "string", false},
		{"date", "timestamp", "timestamp", true},
		{"date", "timestamptz", "string", false},
		{"timestamp", "timestamptz", "string", false},
		{"time", "timestamp", "string", false},
		{"uuid", "string", "string", false},
		{"bytes", "string", "string", false},
		{"json", "int", "json", false},
		{"json", "string", "json", false},
	} {
		a, b := parseType(t, c.a), parseType(t, c.b)
		for range 2 {
			if got, ok := record.Widen(a, b); got.String() != c.want || ok != c.ok {
				t.Errorf("%s and %s: got %s, %t, want %s, %t", a, b, got, ok, c.want, c.ok)
			}
			a, b = b, a
		}
	}
}

func TestSchema(t *testing.T) {
	s := record.Schema{Columns: []record.Column{{"id", parseType(t, "int")}, {"price", parseType(t, "decimal(5,2)")}, {"extra", parseType(t, "json")}}}
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"columns":[{"name":"id","type":"int"},{"name":"price","type":"decimal(5,2)"},{"name":"extra","type":"json"}]}`; string(data) != want {
		t.Errorf("got %s, want %s", data, want)
	}
	var again record.Schema
	if err := json.Unmarshal(data, &again); err != nil || !again.Equal(s) {
		t.Errorf("read back: %v, %v", again, err)
	}
	if err := json.Unmarshal([]byte(`{"columns":[{"name":"id","type":"number"}]}`), &again); !fault.Has(err, fault.ConfigInvalid) {
		t.Errorf("wrong type: got %v, want ConfigInvalid", err)
	}
	if got := s.Names(); !cmp.Equal(got, []string{"id", "price", "extra"}) {
		t.Errorf("got %v", got)
	}
	if typ, ok := s.Type("price"); !ok || typ.String() != "decimal(5,2)" || !typ.Numeric() {
		t.Errorf("got %v, %v", typ, ok)
	}
	if _, ok := s.Type("Price"); ok || s.Index("") != -1 {
		t.Error("a column that does not exist was found")
	}
	other := record.Schema{Columns: []record.Column{s.Columns[1], s.Columns[0], s.Columns[2]}}
	if s.Equal(other) || s.Digest() == other.Digest() || len(s.Digest()) != 16 || s.Digest() != again16(s) {
		t.Error("digests do not name the order of columns")
	}
	if got := s.Arrow().Field(2); got.Type != arrow.BinaryTypes.String || !got.Nullable {
		t.Errorf("got %v", got)
	}
}

func again16(s record.Schema) string {
	return record.Schema{Columns: append([]record.Column(nil), s.Columns...)}.Digest()
}

// FuzzParseType reads any text as a type: what is one has a form that is read as the same, and columns can be made of it.
func FuzzParseType(f *testing.F) {
	for _, s := range []string{"", "int", "INT", "decimal", "decimal(38,38)", "decimal(0,0)", "decimal(5,-1)", "decimal( 5 , 2 )", "decimal(99999999999999999999,1)", "decimal(5,2)x", "timestamptz", "string(10)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		typ, err := record.ParseType(s)
		if err != nil {
			return
		}
		if again, err := record.ParseType(typ.String()); err != nil || again != typ {
			t.Fatalf("%q is %v, and %q %v, %v", s, typ, typ.String(), again, err)
		}
		record.NewColumnBuilder(typ).AppendNull()
	})
}
