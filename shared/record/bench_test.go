package record_test

import (
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lockstep-data/lockstep/shared/record"
)

// wideBatch is 50,000 rows of 16 columns of seven types, every fifth cell null in half of them.
func wideBatch(b *testing.B) (record.Batch, int64) {
	b.Helper()
	const rows = 50_000
	kinds := []string{"int", "string", "float", "string", "decimal(12,2)", "date", "timestamptz", "bool"}
	var s record.Schema
	for i := range 16 {
		s.Columns = append(s.Columns, record.Column{Name: fmt.Sprint("c", i), Type: parseType(b, kinds[i%len(kinds)])})
	}
	build := record.NewBuilder(s)
	for i := range s.Columns {
		for row := range rows {
			if i >= 8 && row%5 == 0 {
				build.Column(i).AppendNull()
				continue
			}
			switch c := build.Column(i).(type) {
			case *array.Int64Builder:
				c.Append(int64(row * 7919))
			case *array.StringBuilder:
				c.Append(fmt.Sprintf("value %d of %d", row%1000, i))
			case *array.Float64Builder:
				c.Append(float64(row) * 1.0001)
			case *array.Decimal128Builder:
				c.Append(decimal(fmt.Sprint(row)))
			case *array.Date32Builder:
				c.Append(arrow.Date32(row % 20000))
			case *array.TimestampBuilder:
				c.Append(arrow.Timestamp(row * 1_000_003))
			case *array.BooleanBuilder:
				c.Append(row%3 == 0)
			}
		}
	}
	out := record.New(s, build.Rows())
	var size int64
	for _, col := range out.Rows.Columns() {
		size += int64(col.Data().SizeInBytes())
	}
	return out, size
}

func BenchmarkMarshal(b *testing.B) {
	batch, size := wideBatch(b)
	for _, c := range compressions {
		b.Run(string(c), func(b *testing.B) {
			b.SetBytes(size)
			stored := 0
			for b.Loop() {
				stored = len(marshal(b, batch, c))
			}
			b.ReportMetric(float64(stored)/float64(size), "stored/size")
		})
	}
}

func BenchmarkUnmarshal(b *testing.B) {
	batch, size := wideBatch(b)
	for _, c := range compressions {
		data := marshal(b, batch, c)
		b.Run(string(c), func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				if _, err := record.Unmarshal(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkTakeRows(b *testing.B) {
	batch, size := wideBatch(b)
	var half []int32
	for row := 0; row < batch.Len(); row += 2 {
		half = append(half, int32(row))
	}
	b.SetBytes(size / 2)
	for b.Loop() {
		record.TakeRows(batch.Rows, half)
	}
}

func BenchmarkBatch_JSON(b *testing.B) {
	batch, _ := wideBatch(b)
	for b.Loop() {
		b.SetBytes(int64(len(batch.JSON(1))))
	}
}
