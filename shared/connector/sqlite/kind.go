package sqlite

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/lockstep-data/lockstep/shared/record"
)

// affinity is what SQLite makes of values that are stored in a column.
type affinity int

const (
	noAffinity      affinity = iota // stored as they are
	textAffinity                    // numbers become text
	numericAffinity                 // text that looks like a number becomes one, with at most 15 digits
	integerAffinity
	realAffinity
)

// affinityOf applies SQLite's rules for declared types, in their order.
func affinityOf(declared string) affinity {
	d := strings.ToUpper(declared)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(d, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("INT"):
		return integerAffinity
	case has("CHAR", "CLOB", "TEXT"):
		return textAffinity
	case d == "" || has("BLOB"):
		return noAffinity
	case has("REAL", "FLOA", "DOUB"):
		return realAffinity
	}
	return numericAffinity
}

// declared gives the type that a column is made with. Decimals and JSON are texts with a name that gives them TEXT affinity: in a
// column declared plainly DECIMAL or JSON, SQLite would turn 1.50 into the number 1.5 and keep 15 digits at most.
func declared(t record.Type) string {
	switch t.Kind {
	case record.Int:
		return "INTEGER"
	case record.Float:
		return "REAL"
	case record.Decimal:
		return fmt.Sprintf("DECIMAL TEXT(%d,%d)", t.Precision, t.Scale)
	case record.Bool:
		return "BOOLEAN"
	case record.String:
		return "TEXT"
	case record.Bytes:
		return "BLOB"
	case record.JSON:
		return "JSON TEXT"
	}
	return strings.ToUpper(string(t.Kind)) // DATE, TIME, TIMESTAMP, TIMESTAMPTZ, UUID: such texts are no numbers, so they stay texts
}

// words maps the first words of declared types; what is not here follows from the affinity.
var words = map[string]record.Kind{
	"BOOLEAN": record.Bool, "BOOL": record.Bool, "DATE": record.Date, "TIME": record.Time, "DATETIME": record.Timestamp,
	"TIMESTAMP": record.Timestamp, "TIMESTAMPTZ": record.TimestampTZ, "TIMESTAMP WITH TIME ZONE": record.TimestampTZ,
	"TIMESTAMP WITHOUT TIME ZONE": record.Timestamp, "UUID": record.UUID, "GUID": record.UUID, "JSON": record.JSON, "JSON TEXT": record.JSON,
	"DECIMAL": record.Decimal, "DECIMAL TEXT": record.Decimal, "NUMERIC": record.Decimal,
}

var declaredForm = regexp.MustCompile(`^\s*([A-Za-z_][A-Za-z0-9_ ]*?)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)\s*)?$`)

// typeOf gives the record type of a declared type; false when the declaration says nothing and the values must tell.
func typeOf(decl string) (record.Type, bool) {
	if m := declaredForm.FindStringSubmatch(decl); m != nil {
		kind, ok := words[strings.Join(strings.Fields(strings.ToUpper(m[1])), " ")]
		switch {
		case ok && kind == record.Decimal && m[2] != "":
			p, _ := strconv.Atoi(m[2])
			s, _ := strconv.Atoi("0" + m[3])
			if p >= 1 && p <= 38 && s <= p {
				return record.Type{Kind: kind, Precision: int32(p), Scale: int32(s)}, true
			}
		case ok && kind != record.Decimal:
			return record.Type{Kind: kind}, true
		}
	}
	switch affinityOf(decl) {
	case integerAffinity:
		return record.Type{Kind: record.Int}, true
	case textAffinity:
		return record.Type{Kind: record.String}, true
	case realAffinity, numericAffinity:
		return record.Type{Kind: record.Float}, true
	}
	return record.Type{Kind: record.Bytes}, decl != ""
}

// holds says whether a column takes every value of the type and gives it back as it was.
func (c column) holds(t record.Type) bool {
	own, known := typeOf(c.declared)
	if !known {
		return true // without a declaration values are stored as they are
	}
	if wide, ok := record.Widen(own, t); !ok || wide != own {
		return false
	}
	numeric := affinityOf(c.declared) == numericAffinity
	return !numeric || own.Kind != record.Decimal || own.Precision <= 15
}
