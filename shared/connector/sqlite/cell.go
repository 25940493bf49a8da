package sqlite

import (
	"database/sql/driver"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
)

// decoder adds a stored value, which is not null, to a column's builder. A value that is not of the type is DataInvalid, and then
// nothing was added.
type decoder func(v driver.Value) error

// newDecoder makes the decoder of a column. asked says that the user gave the type: then numbers may become texts.
func newDecoder(b array.Builder, t record.Type, asked bool) decoder {
	switch t.Kind {
	case record.Int:
		ints := b.(*array.Int64Builder)
		return func(v driver.Value) error {
			if n, ok := v.(int64); ok {
				ints.Append(n)
				return nil
			}
			return appendOther(b, t, v)
		}
	case record.Bytes:
		return func(v driver.Value) error {
			if x, ok := v.([]byte); ok {
				b.(*array.BinaryBuilder).Append(x)
				return nil
			}
			return storedAs(v, t)
		}
	case record.Bool:
		return func(v driver.Value) error {
			if n, ok := v.(int64); ok && (n == 0 || n == 1) {
				b.(*array.BooleanBuilder).Append(n == 1)
				return nil
			}
			return appendOther(b, t, v)
		}
	case record.UUID:
		return func(v driver.Value) error {
			if x, ok := v.([]byte); ok && len(x) == 16 {
				b.(*array.FixedSizeBinaryBuilder).Append(x)
				return nil
			}
			return appendOther(b, t, v)
		}
	case record.String:
		return func(v driver.Value) error {
			switch x := v.(type) {
			case int64:
				if asked {
					v = strconv.FormatInt(x, 10)
				}
			case float64:
				if asked {
					v = strconv.FormatFloat(x, 'g', -1, 64)
				}
			}
			return appendOther(b, t, v)
		}
	}
	return func(v driver.Value) error { return appendOther(b, t, v) }
}

// appendOther takes the text form of any type, and numbers for numbers.
func appendOther(b array.Builder, t record.Type, v driver.Value) error {
	switch x := v.(type) {
	case string:
		return record.ParseText(b, t, x)
	case int64, float64:
		if t.Numeric() {
			return record.Append(b, t, x)
		}
	}
	return storedAs(v, t)
}

// storedAs says what a value is and what it should be.
func storedAs(v driver.Value, t record.Type) error {
	class := "a text"
	switch v.(type) {
	case int64:
		class = "an integer"
	case float64:
		class = "a real number"
	case []byte:
		class = "a blob"
	}
	return fault.New(fault.DataInvalid, "%s is not of type %s", class, t).WithHint("give the column another type in columns of the stream")
}

// appendRaw appends a stored value as JSON, whatever the column's type: blobs in base64.
func appendRaw(dst []byte, v driver.Value) []byte {
	switch x := v.(type) {
	case int64:
		return strconv.AppendInt(dst, x, 10)
	case float64:
		b := record.NewColumnBuilder(record.Type{Kind: record.Float})
		if record.Append(b, record.Type{Kind: record.Float}, x) != nil { // infinite
			return record.AppendQuoted(dst, strconv.FormatFloat(x, 'g', -1, 64))
		}
		return record.AppendJSON(dst, b.NewArray(), record.Type{Kind: record.Float}, 0)
	case string:
		return record.AppendQuoted(dst, x)
	case []byte:
		b := record.NewColumnBuilder(record.Type{Kind: record.Bytes})
		b.(*array.BinaryBuilder).Append(x)
		return record.AppendJSON(dst, b.NewArray(), record.Type{Kind: record.Bytes}, 0)
	}
	return append(dst, "null"...)
}

// size is about how many bytes a value takes in a batch.
func size(v driver.Value) int64 {
	switch x := v.(type) {
	case string:
		return int64(len(x)) + 4
	case []byte:
		return int64(len(x)) + 4
	}
	return 8
}
