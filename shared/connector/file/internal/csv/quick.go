package csv

import (
	"encoding/binary"
	"math/bits"
)

// quick is scan for a record without quotes, eight bytes at a time; false for any other, and for one whose end is not shown.
func (s *Scanner) quick(b []byte) (found, bool) {
	const lows = 0x7f7f7f7f7f7f7f7f
	lo := 0
	for i := 0; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		x, y, z := w^s.comma8, w^s.eol8, w^s.quote8
		// The high bit of each byte that is zero in x, y, z, and of no other.
		commas, ends, quotes := ^(x&lows + lows | x | lows), ^(y&lows + lows | y | lows), ^(z&lows + lows | z | lows)
		if s.d.Quote != 0 && quotes != 0 && (ends == 0 || bits.TrailingZeros64(quotes) < bits.TrailingZeros64(ends)) {
			return found{}, false
		}
		for hits := commas | ends; hits != 0; hits &= hits - 1 {
			bit := bits.TrailingZeros64(hits)
			at := i + bit/8
			if ends>>bit&1 != 0 {
				s.fields = append(s.fields, Field{Lo: lo, Hi: lo + s.strip(b[lo:at])})
				return found{whole, s.strip(b[:at]), at + 1}, true
			}
			s.fields = append(s.fields, Field{Lo: lo, Hi: at})
			lo = at + 1
		}
	}
	return found{}, false
}
