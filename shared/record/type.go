package record

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// Kind is the family of a column type.
type Kind string

// The column types, as a user writes them.
const (
	Int         Kind = "int"         // 64 bit, signed
	Float       Kind = "float"       // 64 bit; NaN and infinities are refused at the source
	Decimal     Kind = "decimal"     // decimal(precision,scale), precision 1–38
	Bool        Kind = "bool"        //
	String      Kind = "string"      // UTF-8
	Bytes       Kind = "bytes"       // text form: base64
	Date        Kind = "date"        // days, as in 2026-08-22
	Time        Kind = "time"        // of day, microseconds, as in 17:03:59.000001
	Timestamp   Kind = "timestamp"   // without zone, microseconds, as in 2026-08-22T17:03:59.000001
	TimestampTZ Kind = "timestamptz" // an instant, microseconds, shown in UTC with Z
	UUID        Kind = "uuid"        // as in 6ba7b810-9dad-11d1-80b4-00c04fd430c8
	JSON        Kind = "json"        // any JSON value; objects and arrays of the source
)

// Kinds lists every kind.
var Kinds = []Kind{Int, Float, Decimal, Bool, String, Bytes, Date, Time, Timestamp, TimestampTZ, UUID, JSON}

// Type is the type of a column. Precision and Scale belong to Decimal only.
type Type struct {
	Kind      Kind
	Precision int32
	Scale     int32
}

var decimalForm = regexp.MustCompile(`^decimal\(\s*([0-9]+)\s*,\s*([0-9]+)\s*\)$`)

// ParseType reads a type as a user writes it: int, decimal(12,2), timestamptz …
func ParseType(s string) (Type, error) {
	if m := decimalForm.FindStringSubmatch(s); m != nil {
		p, _ := strconv.Atoi(m[1])
		scale, _ := strconv.Atoi(m[2])
		if p < 1 || p > 38 || scale > p {
			return Type{}, fault.New(fault.ConfigInvalid, "%s: precision is 1 to 38, scale at most the precision", s)
		}
		return Type{Decimal, int32(p), int32(scale)}, nil
	}
	if k := Kind(s); k != Decimal && slices.Contains(Kinds, k) {
		return Type{Kind: k}, nil
	}
	names := make([]string, len(Kinds))
	for i, k := range Kinds {
		names[i] = string(k)
	}
	err := fault.New(fault.ConfigInvalid, "%q is not a column type", s)
	if near := fault.Nearest(s, names); near != "" && near != "decimal" {
		return Type{}, err.WithHint("did you mean %s?", near)
	}
	return Type{}, err.WithHint("use int, float, decimal(p,s), bool, string, bytes, date, time, timestamp, timestamptz, uuid or json")
}

// String gives the type as a user writes it.
func (t Type) String() string {
	if t.Kind == Decimal {
		return fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
	}
	return string(t.Kind)
}

// MarshalText gives String.
func (t Type) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what ParseType reads.
func (t *Type) UnmarshalText(b []byte) error {
	var err error
	*t, err = ParseType(string(b))
	return err
}

// Numeric says whether the values are numbers.
func (t Type) Numeric() bool { return t.Kind == Int || t.Kind == Float || t.Kind == Decimal }

// Arrow gives the Arrow type that stores the values.
func (t Type) Arrow() arrow.DataType {
	switch t.Kind {
	case Int:
		return arrow.PrimitiveTypes.Int64
	case Float:
		return arrow.PrimitiveTypes.Float64
	case Decimal:
		return &arrow.Decimal128Type{Precision: t.Precision, Scale: t.Scale}
	case Bool:
		return arrow.FixedWidthTypes.Boolean
	case Bytes:
		return arrow.BinaryTypes.Binary
	case Date:
		return arrow.FixedWidthTypes.Date32
	case Time:
		return arrow.FixedWidthTypes.Time64us
	case Timestamp:
		return &arrow.TimestampType{Unit: arrow.Microsecond}
	case TimestampTZ:
		return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	case UUID:
		return &arrow.FixedSizeBinaryType{ByteWidth: 16}
	}
	return arrow.BinaryTypes.String // String, JSON
}

// Widen gives the narrowest type that holds every value of both without loss, and false when there is none but String.
func Widen(a, b Type) (Type, bool) {
	if a == b {
		return a, true
	}
	if a.Kind > b.Kind {
		a, b = b, a
	}
	switch {
	case a.Kind == Decimal && b.Kind == Decimal:
		scale := max(a.Scale, b.Scale)
		whole := max(a.Precision-a.Scale, b.Precision-b.Scale)
		if whole+scale <= 38 {
			return Type{Decimal, whole + scale, scale}, true
		}
	case a.Kind == Decimal && b.Kind == Int:
		if whole := max(a.Precision-a.Scale, 19); whole+a.Scale <= 38 {
			return Type{Decimal, whole + a.Scale, a.Scale}, true
		}
	case a.Kind == Date && b.Kind == Timestamp:
		return b, true
	case a.Kind == JSON || b.Kind == JSON:
		return Type{Kind: JSON}, false
	}
	return Type{Kind: String}, false
}

// Column is one column of a schema.
type Column struct {
	Name string `json:"name"`
	Type Type   `json:"type"`
}

// Schema is the columns of a stream, in order. Names are unique; every column may hold nulls.
type Schema struct {
	Columns []Column `json:"columns"`
}

// Names lists the columns' names.
func (s Schema) Names() []string {
	names := make([]string, len(s.Columns))
	for i, c := range s.Columns {
		names[i] = c.Name
	}
	return names
}

// Index gives the place of a column, or -1.
func (s Schema) Index(name string) int {
	return slices.IndexFunc(s.Columns, func(c Column) bool { return c.Name == name })
}

// Type gives the type of a column, and whether there is such a column.
func (s Schema) Type(name string) (Type, bool) {
	if i := s.Index(name); i >= 0 {
		return s.Columns[i].Type, true
	}
	return Type{}, false
}

// Equal says whether both have the same columns in the same order.
func (s Schema) Equal(o Schema) bool { return slices.Equal(s.Columns, o.Columns) }

// Digest names the schema by its content.
func (s Schema) Digest() string {
	data, _ := json.Marshal(s)
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// typeKey is the Arrow field's metadata that tells a JSON column from a string column.
const typeKey = "lockstep.type"

// Arrow gives the Arrow schema; each field carries its type's name.
func (s Schema) Arrow() *arrow.Schema {
	fields := make([]arrow.Field, len(s.Columns))
	for i, c := range s.Columns {
		fields[i] = arrow.Field{Name: c.Name, Type: c.Type.Arrow(), Nullable: true, Metadata: arrow.NewMetadata([]string{typeKey}, []string{c.Type.String()})}
	}
	return arrow.NewSchema(fields, nil)
}

// schemaOf reads the columns back from fields that Arrow wrote.
func schemaOf(fields []arrow.Field) (Schema, error) {
	var s Schema
	for _, f := range fields {
		name, _ := f.Metadata.GetValue(typeKey)
		t, err := ParseType(name)
		if err != nil {
			return Schema{}, fault.New(fault.DataInvalid, "column %s: %w", f.Name, err)
		}
		if !arrow.TypeEqual(t.Arrow(), f.Type) {
			return Schema{}, fault.New(fault.DataInvalid, "column %s is stored as %s, not as %s", f.Name, f.Type, t)
		}
		s.Columns = append(s.Columns, Column{f.Name, t})
	}
	return s, nil
}
