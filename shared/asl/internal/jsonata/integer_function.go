package jsonata

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// integerFunctions write and read whole numbers by a picture of XPath's fn:format-integer.
var integerFunctions = []*builtin{
	define("formatInteger", "<n-s:s>", 2, formatInteger),
	define("parseInteger", "<s-s:n>", 2, parseInteger),
}

// picture is how a whole number is written.
type picture struct {
	kind    byte // w words, I roman, A letters, 0 digits
	upper   bool // letters, roman numerals and words in capitals
	title   bool // words with a capital each
	ordinal bool
	digits  int  // at least so many
	zero    rune // the digit 0 of the family
	every   int  // digits between separators; 0: none
	sep     rune
}

func readPicture(text string) (picture, error) {
	primary, modifier, _ := strings.Cut(text, ";")
	p := picture{ordinal: strings.HasPrefix(modifier, "o"), zero: '0'}
	switch primary {
	case "A", "a":
		p.kind, p.upper = 'A', primary == "A"
	case "I", "i":
		p.kind, p.upper = 'I', primary == "I"
	case "w", "W", "Ww":
		p.kind, p.upper, p.title = 'w', primary == "W", primary == "Ww"
	default:
		return p.readDigits(primary)
	}
	return p, nil
}

// readDigits reads a pattern such as #,##0: mandatory digits, and separators at a regular distance.
func (p picture) readDigits(pattern string) (picture, error) {
	p.kind = '0'
	behind, seps := 0, 0 // digits from the right, and separators among them
	for s := pattern; s != ""; {
		r, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
		switch {
		case r == '#':
			behind++
		case unicode.Is(unicode.Nd, r):
			p.digits++
			p.zero = zeroOf(r)
			behind++
		case p.sep == 0:
			p.sep, p.every, seps = r, behind, 1
		case r == p.sep && behind == p.every*(seps+1):
			seps++
		default:
			return p, fail("D3130", "Formatting or parsing an integer with the picture %q is not supported", pattern)
		}
	}
	if p.digits == 0 || p.sep != 0 && p.every == 0 {
		return p, fail("D3130", "Formatting or parsing an integer with the picture %q is not supported", pattern)
	}
	return p, nil
}

// zeroOf gives the first digit of the family of a digit. Families stand in tens, and so do the ranges of them.
func zeroOf(r rune) rune {
	for _, of := range unicode.Nd.R16 {
		if lo := rune(of.Lo); lo <= r && r <= rune(of.Hi) {
			return r - (r-lo)%10
		}
	}
	for _, of := range unicode.Nd.R32 {
		if lo := rune(of.Lo); lo <= r && r <= rune(of.Hi) {
			return r - (r-lo)%10
		}
	}
	return '0'
}

func formatInteger(c *arguments) (any, error) {
	if c.none() {
		return undefined, nil
	}
	x, err := c.number(0)
	if err != nil {
		return nil, err
	}
	text, err := c.string(1)
	if err != nil {
		return nil, err
	}
	p, err := readPicture(text)
	if err != nil {
		return nil, err
	}
	x = math.Floor(x)
	if math.Abs(x) > maxExact {
		return nil, fail("D3130", "The number %v is too large to be written in full", x)
	}
	n, sign := int64(x), ""
	if n < 0 {
		n, sign = -n, "-"
	}
	return sign + p.format(n), nil
}

func (p picture) format(n int64) string {
	switch p.kind {
	case 'w':
		return p.caps(words(n, p.ordinal))
	case 'I':
		return p.caps(roman(n))
	case 'A':
		return p.caps(letters(n))
	}
	digits := fmt.Sprintf("%0*d", p.digits, n)
	var b strings.Builder
	for i, d := range digits {
		if left := len(digits) - i; p.every > 0 && i > 0 && left%p.every == 0 {
			b.WriteRune(p.sep)
		}
		b.WriteRune(p.zero + d - '0')
	}
	if p.ordinal {
		b.WriteString(suffix(n))
	}
	return b.String()
}

// caps writes a text in small letters, capitals, or with a capital for each word.
func (p picture) caps(s string) string {
	switch {
	case p.upper:
		return strings.ToUpper(s)
	case !p.title:
		return s
	}
	b := []byte(s)
	for i := range b {
		if (i == 0 || b[i-1] == ' ' || b[i-1] == '-') && !strings.HasPrefix(s[i:], "and ") {
			b[i] = byte(unicode.ToUpper(rune(b[i])))
		}
	}
	return string(b)
}

func suffix(n int64) string {
	if n/10%10 != 1 {
		switch n % 10 {
		case 1:
			return "st"
		case 2:
			return "nd"
		case 3:
			return "rd"
		}
	}
	return "th"
}

var romans = []struct {
	value int64
	text  string
}{
	{1000, "m"}, {900, "cm"}, {500, "d"}, {400, "cd"}, {100, "c"}, {90, "xc"}, {50, "l"}, {40, "xl"}, {10, "x"}, {9, "ix"}, {5, "v"}, {4, "iv"}, {1, "i"},
}

func roman(n int64) string {
	n = min(n, 1_000_000) // a numeral is as long as the number is large
	var b strings.Builder
	for _, r := range romans {
		for ; n >= r.value; n -= r.value {
			b.WriteString(r.text)
		}
	}
	return b.String()
}

func letters(n int64) string {
	var out []byte
	for ; n > 0; n = (n - 1) / 26 {
		out = append([]byte{byte('a' + (n-1)%26)}, out...)
	}
	return string(out)
}

var (
	few = strings.Fields("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen " +
		"seventeen eighteen nineteen")
	tens       = strings.Fields("- - twenty thirty forty fifty sixty seventy eighty ninety")
	magnitudes = strings.Fields("thousand million billion trillion quadrillion")
	ordinals   = map[string]string{
		"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth", "twelve": "twelfth",
	}
)

// words writes a number in English, as in one hundred and twenty-three.
func words(n int64, ordinal bool) string {
	text := cardinal(n)
	if !ordinal {
		return text
	}
	at := strings.LastIndexAny(text, " -") + 1
	last := text[at:]
	switch o, ok := ordinals[last]; {
	case ok:
		last = o
	case strings.HasSuffix(last, "y"):
		last = last[:len(last)-1] + "ieth"
	default:
		last += "th"
	}
	return text[:at] + last
}

func cardinal(n int64) string {
	switch {
	case n < 20:
		return few[n]
	case n < 100 && n%10 == 0:
		return tens[n/10]
	case n < 100:
		return tens[n/10] + "-" + few[n%10]
	case n < 1000 && n%100 == 0:
		return few[n/100] + " hundred"
	case n < 1000:
		return few[n/100] + " hundred and " + cardinal(n%100)
	}
	unit, name := int64(1), ""
	for _, m := range magnitudes {
		if n/unit < 1000 {
			break
		}
		unit, name = unit*1000, m
	}
	text := cardinal(n/unit) + " " + name
	switch rest := n % unit; {
	case rest == 0:
		return text
	case rest < 100:
		return text + " and " + cardinal(rest)
	default:
		return text + ", " + cardinal(rest)
	}
}

func parseInteger(c *arguments) (any, error) {
	if c.none() {
		return undefined, nil
	}
	s, err := c.string(0)
	if err != nil {
		return nil, err
	}
	text, err := c.string(1)
	if err != nil {
		return nil, err
	}
	p, err := readPicture(text)
	if err != nil {
		return nil, err
	}
	n, ok := p.parse(s)
	if !ok {
		return nil, fail("D3137", "%q does not fit the picture %q", s, text)
	}
	return float64(n), nil
}

func (p picture) parse(s string) (int64, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	switch p.kind {
	case 'w':
		return parseWords(s)
	case 'I':
		return parseRoman(s)
	case 'A':
		return parseLetters(s)
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= p.zero && r <= p.zero+9:
			b.WriteRune('0' + r - p.zero)
		case r == '-' && b.Len() == 0:
			b.WriteRune(r)
		case r == p.sep, p.ordinal && unicode.IsLetter(r):
		default:
			return 0, false
		}
	}
	n, err := strconv.ParseInt(b.String(), 10, 64)
	return n, err == nil
}

func parseRoman(s string) (int64, bool) {
	var n int64
	for _, r := range romans {
		for strings.HasPrefix(s, r.text) {
			n, s = n+r.value, s[len(r.text):]
		}
	}
	return n, s == ""
}

func parseLetters(s string) (int64, bool) {
	var n int64
	for _, r := range s {
		if r < 'a' || r > 'z' || n > maxExact {
			return 0, false
		}
		n = n*26 + int64(r-'a') + 1
	}
	return n, s != ""
}

// parseWords reads what words writes.
func parseWords(s string) (int64, bool) {
	var total, part int64
	split := func(r rune) bool { return r == ' ' || r == '-' || r == ',' }
	found := false
	for _, w := range strings.FieldsFunc(s, split) {
		if w == "and" {
			continue
		}
		found = true
		switch v, unit := wordValue(w); {
		case unit >= 1000:
			total, part = total+max(part, 1)*unit, 0
		case unit == 100:
			part = max(part, 1) * 100
		case v < 0:
			return 0, false
		default:
			part += v
		}
	}
	return total + part, found
}

// wordValue gives the value of a word, or the unit that it stands for; -1 when it is none.
func wordValue(w string) (value, unit int64) {
	if w == "hundred" || w == "hundredth" {
		return 0, 100
	}
	for i := int64(0); i < 20; i++ {
		if w == few[i] || w == words(i, true) {
			return i, 0
		}
	}
	for i := int64(2); i < 10; i++ {
		if w == tens[i] || w == words(i*10, true) {
			return i * 10, 0
		}
	}
	size := int64(1)
	for _, m := range magnitudes {
		if size *= 1000; w == m || w == m+"th" {
			return 0, size
		}
	}
	return -1, 0
}
