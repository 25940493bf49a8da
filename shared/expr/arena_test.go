package expr

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestArena_convert(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var a arena
	kept := map[string]string{}
	for range 20_000 {
		var s strings.Builder
		for range random.IntN(30) {
			if random.IntN(60) == 0 {
				s.WriteRune('ß')
			}
			s.WriteByte(byte(random.IntN(0x80)))
		}
		text := strings.Clone(s.String())
		up, low := a.convert(text, 'a', 'z', strings.ToUpper), a.convert(text, 'A', 'Z', strings.ToLower)
		if up != strings.ToUpper(text) || low != strings.ToLower(text) {
			t.Fatalf("%q becomes %q and %q", text, up, low)
		}
		kept[text] = up
	}
	for text, up := range kept {
		if up != strings.ToUpper(text) {
			t.Fatalf("what was made of %q is %q by now", text, up)
		}
	}
}
