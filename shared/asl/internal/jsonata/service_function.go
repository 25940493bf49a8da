package jsonata

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"math"
	"time"

	"github.com/blues/jsonata-go/jlib"
	"github.com/blues/jsonata-go/jtypes"
)

// serviceFunctions depend on the clock or on chance, or are Step Functions' own.
var serviceFunctions = []*builtin{
	define("now", "<s?s?:s>", 2, now),
	define("millis", "<:n>", 0, func(c *arguments) (any, error) {
		t, err := c.now()
		return float64(t.UnixMilli()), err
	}),
	define("fromMillis", "<n-s?s?:s>", 3, fromMillis),
	define("toMillis", "<s-s?:n>", 2, toMillis),
	define("random", "<n?:n>", 0, random),
	define("uuid", "<:s>", 0, uuid),
	define("partition", "<an:a>", 2, partition),
	define("range", "<nnn:a>", 3, rangeBy),
	define("hash", "<s-s:s>", 2, hashText),
	define("parse", "<s-:x>", 1, parseJSON),
}

func (c *arguments) now() (time.Time, error) {
	if c.ev.env.Now == nil {
		return time.Time{}, fail("T1006", "Attempted to invoke a non-function")
	}
	return c.ev.env.Now(), nil
}

func optional(v any) jtypes.OptionalString {
	if s, ok := v.(string); ok {
		return jtypes.NewOptionalString(s)
	}
	return jtypes.OptionalString{}
}

func now(c *arguments) (any, error) {
	t, err := c.now()
	if err != nil {
		return nil, err
	}
	s, err := jlib.FromMillis(t.UnixMilli(), optional(c.at(0)), optional(c.at(1)))
	if err != nil {
		return nil, fail("D3137", "%s", err)
	}
	return s, nil
}

func fromMillis(c *arguments) (any, error) {
	if c.none() {
		return undefined, nil
	}
	ms, err := c.number(0)
	if err != nil {
		return nil, err
	}
	s, err := jlib.FromMillis(int64(ms), optional(c.at(1)), optional(c.at(2)))
	if err != nil {
		return nil, fail("D3137", "%s", err)
	}
	return s, nil
}

func toMillis(c *arguments) (any, error) {
	if c.none() {
		return undefined, nil
	}
	s, err := c.string(0)
	if err != nil {
		return nil, err
	}
	ms, err := jlib.ToMillis(s, optional(c.at(1)), jtypes.OptionalString{})
	if err != nil {
		return nil, fail("D3110", "The argument of the toMillis function must be an ISO 8601 formatted timestamp. Given %q", s)
	}
	return float64(ms), nil
}

func random(c *arguments) (any, error) {
	if seed, ok := asNumber(c.at(0)); ok {
		return seeded(int64(seed)), nil
	}
	if c.ev.env.Float == nil {
		return nil, fail("T1006", "Attempted to invoke a non-function")
	}
	return c.ev.env.Float(), nil
}

// seeded is the first number of Java's linear congruential generator, which the service asks when it is given a seed.
func seeded(seed int64) float64 {
	const multiplier, mask = 0x5DEECE66D, 1<<48 - 1
	state := (uint64(seed) ^ multiplier) & mask
	next := func(bits int) uint64 {
		state = (state*multiplier + 0xB) & mask
		return state >> (48 - bits)
	}
	high := next(26)
	return float64(high<<27+next(27)) / (1 << 53)
}

func uuid(c *arguments) (any, error) {
	if c.ev.env.Float == nil {
		return nil, fail("T1006", "Attempted to invoke a non-function")
	}
	var b [16]byte
	for i := range b {
		b[i] = byte(c.ev.env.Float() * 256)
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}

// partition cuts an array into arrays of at most n.
func partition(c *arguments) (any, error) {
	if c.none() {
		return undefined, nil
	}
	n, err := c.number(1)
	if err != nil {
		return nil, err
	}
	size := int(n)
	if size < 1 {
		return nil, c.wrong(1)
	}
	a := list(c.at(0))
	out := make([]any, 0, len(a)/size+1)
	for i := 0; i < len(a); i += size {
		out = append(out, a[i:min(i+size, len(a)):min(i+size, len(a))])
	}
	return out, nil
}

// rangeBy counts from the first to the second number by the third, both ends included.
func rangeBy(c *arguments) (any, error) {
	var x [3]float64
	for i := range x {
		var err error
		if x[i], err = c.number(i); err != nil {
			return nil, err
		}
		x[i] = math.Trunc(x[i])
	}
	from, to, step := x[0], x[1], x[2]
	if step == 0 {
		return nil, c.wrong(2)
	}
	n := math.Floor((to-from)/step) + 1
	if n > maxItems {
		return nil, fail("", "%s", errMemory)
	}
	out := make([]any, 0, int(max(n, 0)))
	for i := 0.0; i < n; i++ {
		out = append(out, from+i*step)
	}
	return out, nil
}

func hashText(c *arguments) (any, error) {
	if c.none() {
		return undefined, nil
	}
	s, err := text(c.at(0))
	if err != nil {
		return nil, err
	}
	name, err := c.string(1)
	if err != nil {
		return nil, err
	}
	var h hash.Hash
	switch name {
	case "MD5":
		h = md5.New()
	case "SHA-1":
		h = sha1.New()
	case "SHA-256":
		h = sha256.New()
	case "SHA-384":
		h = sha512.New384()
	case "SHA-512":
		h = sha512.New()
	default:
		return nil, c.wrong(1)
	}
	h.Write([]byte(s))
	return hex.EncodeToString(h.Sum(nil)), nil
}

// parseJSON reads a JSON text.
func parseJSON(c *arguments) (any, error) {
	if c.none() {
		return undefined, nil
	}
	s, err := c.string(0)
	if err != nil {
		return nil, err
	}
	v, err := Decode([]byte(s))
	if err != nil {
		return nil, fail("D3137", "The argument of the parse function is not JSON")
	}
	return v, nil
}
