package setting_test

import (
	"testing"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// FuzzParseBytes reads any text as a size: it is ConfigInvalid, or a number that is not negative.
func FuzzParseBytes(f *testing.F) {
	for _, s := range []string{"", "0", "16MiB", "1.5GB", "-1", "9223372036854775807", "9223372036854775808", "8EiB", "1e3", " 1 KiB ", "1KiBKiB", "0x10", "NaN", "Inf GB"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := setting.ParseBytes(s)
		if err != nil && !fault.Has(err, fault.ConfigInvalid) || n < 0 {
			t.Fatalf("%q is %d, %v", s, n, err)
		}
	})
}
