package sqlite

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/fault"
)

func FuzzDecodeToken(f *testing.F) {
	for _, token := range []string{"", "x", "bm9uZQ", encodeToken("runs", []any{int64(5), "job", "run"}), encodeToken("locks", []any{int64(1), "a"})} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		key, err := decodeToken("runs", token, 3)
		if err != nil {
			if !fault.Has(err, fault.DataInvalid) {
				t.Fatalf("error %v, want DataInvalid", err)
			}
			return
		}
		again, err := decodeToken("runs", encodeToken("runs", key), 3)
		if err != nil || !cmp.Equal(again, key) {
			t.Fatalf("got %v, %v, want %v", again, err, key)
		}
	})
}
