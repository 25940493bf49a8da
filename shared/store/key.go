package store

import (
	"fmt"
	"strings"
)

// MaxKeyPart is how long an encoded part of a key may be, in bytes.
const MaxKeyPart = 200

// EncodeKey percent-encodes what may not stand in a part of a key: everything but letters, digits, '.', '_', '-', '~', '=', '+',
// ',' and '@'.
func EncodeKey(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("._-~=+,@", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
