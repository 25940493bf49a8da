package validate

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
)

// windowVectors are "size,threshold operation→accepted[failures after] …"; A are records that went well, N failures.
var windowVectors = []string{
	"1,0 N1→0", "1,0 A5→5 N3→0", "100,0 N1→0", "0,0 N5→5 N1000→1000", "0,7 N5→5 N1000→1000",
	"5,2 N1→1[1] N1→1[2] N1→0[3] A10→0 N1→0[3]",
	"5,2 N4→2[3] A5→0 N1→0", "5,2 N2→2 A3→3 N1→1[2] N1→1[2]", "5,2 N2→2 A2→2 N1→0[3]",
	"5,2 N2→2 A5→5[0] N2→2 N1→0[3]", "10,3 N5→3[4]", "10,3 N3→3[3] N1→0[4]",
	"3,2 N2→2 A1→1 N2→2 A1→1 N2→2", "2,1 N1→1 A1→1 N1→1 A1→1 N1→1 N1→0[2]",
	"4,3 N3→3 N4→0", "4,3 N3→3 A1→1 N3→3",
}

func TestWindow_Store(t *testing.T) {
	for _, v := range windowVectors {
		t.Run(v, func(t *testing.T) {
			fields := strings.Fields(v)
			var c job.Window
			if _, err := fmt.Sscanf(fields[0], "%d,%d", &c.Size, &c.Threshold); err != nil {
				t.Fatal(err)
			}
			w := NewWindow(c)
			for _, op := range fields[1:] {
				var n, accepted int
				var kind rune
				if _, err := fmt.Sscanf(op, "%c%d→%d", &kind, &n, &accepted); err != nil {
					t.Fatal(op, err)
				}
				if got := w.Store(n, kind == 'N'); got != accepted {
					t.Fatalf("%s: got %d accepted", op, got)
				}
				if _, text, ok := strings.Cut(op, "["); ok && text != fmt.Sprintf("%d]", w.Failures()) {
					t.Fatalf("%s: got %d failures", op, w.Failures())
				}
				again, err := Decode(c, w.Encode())
				if err != nil {
					t.Fatal(err)
				}
				w = again // a restart between two batches forgets nothing
			}
		})
	}
}

func TestWindow_EncodeFits(t *testing.T) {
	w := NewWindow(job.Window{Size: 4000, Threshold: 3999})
	w.Store(3998, true)
	if n := len(w.Encode()); n > 700 {
		t.Errorf("got %d bytes", n)
	}
}

func TestDecode_OtherSize(t *testing.T) {
	w := NewWindow(job.Window{Size: 6, Threshold: 5})
	w.Store(2, true)
	w.Store(3, false)
	w.Store(1, true)
	for _, c := range []struct {
		to   job.Window
		want int
	}{
		{job.Window{Size: 6, Threshold: 1}, 3},
		{job.Window{Size: 4, Threshold: 3}, 1},
		{job.Window{Size: 12, Threshold: 5}, 3},
		{job.Window{}, 0},
	} {
		got, err := Decode(c.to, w.Encode())
		if err != nil || got.Failures() != c.want {
			t.Errorf("%+v: got %d failures, %v; want %d", c.to, got.Failures(), err, c.want)
		}
	}
}

func TestDecode_Damaged(t *testing.T) {
	for s, code := range map[string]fault.Code{
		"x": fault.DataInvalid, "1:5:9:": fault.DataInvalid, "1:5:0:/w": fault.DataInvalid, "1:5:0:AAAA": fault.DataInvalid,
		"1:5:0": fault.DataInvalid, "2:anything": fault.VersionTooNew, "1:-1:0:": fault.DataInvalid,
	} {
		if _, err := Decode(job.Window{Size: 5, Threshold: 1}, s); !fault.Has(err, code) {
			t.Errorf("%q: got %v, want %s", s, err, code)
		}
	}
}

// TestWindow_Model holds the window against a list of outcomes.
func TestWindow_Model(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 20).Draw(t, "size")
		threshold := rapid.IntRange(1, 20).Draw(t, "threshold")
		w := NewWindow(job.Window{Size: size, Threshold: threshold})
		var outcomes []bool
		count := func() int {
			n := 0
			for _, bad := range outcomes[max(0, len(outcomes)-size):] {
				if bad {
					n++
				}
			}
			return n
		}
		for range rapid.IntRange(0, 40).Draw(t, "operations") {
			n, bad := rapid.IntRange(0, 30).Draw(t, "n"), rapid.Bool().Draw(t, "bad")
			want := 0
			for ; want < n && count() <= threshold; want++ {
				outcomes = append(outcomes, bad)
				if bad && count() > threshold {
					break
				}
			}
			if got := w.Store(n, bad); got != want || w.Failures() != count() || w.Tripped() != (count() > threshold) {
				t.Fatalf("store(%d, %v): got %d accepted, %d failures; want %d, %d", n, bad, got, w.Failures(), want, count())
			}
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(5, 2, "1:5:3:Hw")
	f.Add(4000, 100, "1:4000:17:")
	f.Fuzz(func(t *testing.T, size, threshold int, s string) {
		if size < 0 || size > 5000 {
			return
		}
		w, err := Decode(job.Window{Size: size, Threshold: threshold}, s)
		if err != nil {
			return
		}
		again, err := Decode(job.Window{Size: size, Threshold: threshold}, w.Encode())
		if err != nil || again.Encode() != w.Encode() {
			t.Fatalf("round trip of %q: %v", w.Encode(), err)
		}
	})
}

func BenchmarkWindow_Store(b *testing.B) {
	w := NewWindow(job.Window{Size: 4000, Threshold: 3999})
	for b.Loop() {
		w.Store(10, true)
		w.Store(990, false)
	}
}
