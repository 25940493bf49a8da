package jsonata

import (
	"fmt"
	"net/url"
	"strings"
)

// The characters that JavaScript's encodeURIComponent and encodeURI leave as they are, besides letters and digits.
const (
	plainComponent = "-_.!~*'()"
	plainURL       = plainComponent + ";,/?:@&=+$#"
)

// urlFunctions escape and read URLs and their parts.
var urlFunctions = []*builtin{
	define("encodeUrlComponent", "<s-:s>", 1, onString(func(s string) any { return escape(s, plainComponent) })),
	define("encodeUrl", "<s-:s>", 1, onString(func(s string) any { return escape(s, plainURL) })),
	define("decodeUrlComponent", "<s-:s>", 1, unescape),
	define("decodeUrl", "<s-:s>", 1, unescape),
}

// escape writes a text's UTF-8 with percent signs, but for the plain characters.
func escape(s, plain string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte(plain, c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// unescape reads what escape wrote.
func unescape(c *arguments) (any, error) {
	if c.none() {
		return undefined, nil
	}
	s, err := c.string(0)
	if err != nil {
		return nil, err
	}
	out, err := url.PathUnescape(s)
	if err != nil {
		return nil, fail("D3140", "Malformed URL passed to %s(): %q", c.name, s)
	}
	return out, nil
}
