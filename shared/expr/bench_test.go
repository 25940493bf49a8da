package expr

import (
	"fmt"
	"testing"

	"github.com/lockstep-data/lockstep/shared/record"
)

// runways is a batch of the size that a turn has.
func runways(n int) record.Batch {
	s := schemaOf("id int", "surface string", "closed bool", "length_ft int", "tags json")
	rows := make([][]string, n)
	for i := range rows {
		rows[i] = []string{fmt.Sprint(i), []string{" asph", "CON ", "Turf/gravel", "X", ""}[i%5], []string{"true", "false"}[i%2], fmt.Sprint(i % 9000), `{"a":[1,2,3],"name":"x"}`}
	}
	return batchOf(s, rows)
}

func BenchmarkProgram_Eval(b *testing.B) {
	batch := runways(50_000)
	for _, src := range []string{`upper(trim(surface))`, `not closed`, `length_ft > 100 and surface != "X"`, `length_ft * 2 + 1`, `surface ?? "unknown"`,
		`concat(surface, "-", length_ft)`, `tags.name`, `any(tags.a, # == 3)`} {
		p, err := Compile(src, batch.Schema)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(src, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := p.Eval(batch); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
