package csv

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lockstep-data/lockstep/shared/connector/file/internal/window"
)

// TestScanner_Quick holds the quick way to the one that takes field by field.
func TestScanner_Quick(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	taken, kinds := 0, map[bool]int{}
	for range 50_000 {
		text := make([]byte, random.IntN(60))
		for i := range text {
			text[i] = ",,\n\r\"ab\x00\x80\xff\x2b\x2d\x0b"[random.IntN(13)]
			if random.IntN(3) > 0 {
				text[i] = 'x'
			}
		}
		d := Dialect{Comma: ',', Quote: "\"\x00"[random.IntN(2)], CR: random.IntN(4) == 0, Lazy: random.IntN(4) == 0}
		s, slow := New(window.New(nil, 0), d, 1), New(window.New(nil, 0), d, 1)
		got, ok := s.quick(text)
		if !ok {
			continue
		}
		taken++
		want := slow.slow(text, true)
		kinds[len(slow.fields) > 1]++
		if got != want || !slices.Equal(s.fields, slow.fields) {
			t.Fatalf("%q of %+v: %+v %v instead of %+v %v", text, d, got, s.fields, want, slow.fields)
		}
	}
	if taken < 10_000 || kinds[true] < 1000 || kinds[false] < 1000 {
		t.Fatalf("the quick way took %d texts: %v", taken, kinds)
	}
}
