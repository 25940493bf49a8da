package record_test

import (
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/shared/record"
)

func TestAppendDate(t *testing.T) {
	first := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	for d := first; d.Year() < 10000; d = d.AddDate(0, 0, 13) {
		got := string(record.AppendDate(nil, d.Unix()/86400))
		if want := d.Format("2006-01-02"); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
}
