package cell

import "github.com/lockstep-data/lockstep/shared/record"

// Guess collects what a column's values look like. The zero value has seen none. Guesses of parts of a stream are merged; the order
// of values and parts makes no difference.
type Guess struct {
	seen  forms
	whole int // most digits before the point
	scale int // most digits behind it
}

// forms is a set of what values look like.
type forms uint16

const (
	anInt       forms = 1 << iota // a whole number of 64 bits
	aBigInt                       // a whole number beyond
	aFraction                     // a number with a point or an exponent
	notAFloat                     // a number that a float would change
	anExponent                    // a number with an exponent
	aBool                         // true or false
	aDate                         //
	aTimestamp                    //
	anInstant                     // a timestamp with a zone
	aText                         // anything else
	aNested                       // a JSON object or array
	numberForms = anInt | aBigInt | aFraction | notAFloat | anExponent
)

// Text notes a value of a CSV field.
func (g *Guess) Text(b []byte) {
	if g.seen&aText != 0 || g.again(b) {
		return
	}
	if n := len(b); n > 0 && (b[0]-'0' <= 9 || b[0] == '-') {
		if g.number(b) || g.time(b) {
			return
		}
	} else if is(b, "true") || is(b, "false") {
		g.seen |= aBool
		return
	}
	g.seen |= aText
}

// again is the quick way for values that look like all before: short whole numbers, dates.
func (g *Guess) again(b []byte) bool {
	switch g.seen {
	case anInt:
		if len(b) > 15 || len(b) > 0 && b[0] == '-' {
			return false
		}
		if _, ok := ParseInt(b); !ok {
			return false
		}
		g.whole = max(g.whole, len(b))
		return true
	case aDate:
		_, ok := ParseDate(b)
		return ok
	}
	return false
}

// Quoted notes a JSON string.
func (g *Guess) Quoted(b []byte) {
	if g.seen&aText == 0 && !g.time(b) {
		g.seen |= aText
	}
}

// Number notes a JSON number.
func (g *Guess) Number(b []byte) {
	if !g.number(b) {
		g.seen |= aText
	}
}

// Bool notes a JSON true or false.
func (g *Guess) Bool() { g.seen |= aBool }

// Nested notes a JSON object or array.
func (g *Guess) Nested() { g.seen |= aNested }

func (g *Guess) number(b []byte) bool {
	n, ok := scanNumber(b)
	if !ok {
		return false
	}
	g.whole, g.scale = max(g.whole, n.whole), max(g.scale, n.scale)
	switch {
	case n.exponent:
		g.seen |= aFraction | anExponent
	case n.point, n.negative && n.digits == 0: // -0 is a float
		g.seen |= aFraction
	case n.digits <= 18:
		g.seen |= anInt
	default:
		if _, fits := ParseInt(b); fits {
			g.seen |= anInt
		} else {
			g.seen |= aBigInt
		}
	}
	if g.seen&notAFloat == 0 && (n.digits > 15 || n.exponent || n.scale >= 300) && !RoundTrips(b) {
		g.seen |= notAFloat
	}
	return true
}

func (g *Guess) time(b []byte) bool {
	if len(b) < 10 || b[4] != '-' {
		return false
	}
	if len(b) == 10 {
		if _, ok := ParseDate(b); ok {
			g.seen |= aDate
			return true
		}
		return false
	}
	if _, ok := ParseTimestamp(b, false); ok {
		g.seen |= aTimestamp
		return true
	}
	if _, ok := ParseTimestamp(b, true); ok {
		g.seen |= anInstant
		return true
	}
	return false
}

func is(b []byte, word string) bool { return view(b) == word }

// Merge adds what another guess has seen.
func (g *Guess) Merge(o Guess) {
	g.seen |= o.seen
	g.whole, g.scale = max(g.whole, o.whole), max(g.scale, o.scale)
}

// Type gives the narrowest type that holds all values without loss; String when there were none, or when they are mixed. Objects
// and arrays among them make it JSON.
func (g *Guess) Type() record.Type {
	kind := record.String
	switch s := g.seen; {
	case s&aNested != 0:
		kind = record.JSON
	case s == 0 || s&aText != 0:
	case s&^numberForms == 0:
		return g.numberType()
	case s == aBool:
		kind = record.Bool
	case s == aDate:
		kind = record.Date
	case s == aTimestamp:
		kind = record.Timestamp
	case s == anInstant:
		kind = record.TimestampTZ
	}
	return record.Type{Kind: kind}
}

func (g *Guess) numberType() record.Type {
	s := g.seen
	exact := s&anExponent == 0 && g.whole+g.scale <= 38
	switch {
	case s&(aBigInt|aFraction) == 0:
		return record.Type{Kind: record.Int}
	case s&aFraction == 0 && exact, s&notAFloat != 0 && exact:
		return record.Type{Kind: record.Decimal, Precision: int32(g.whole + g.scale), Scale: int32(g.scale)}
	case s&notAFloat == 0:
		return record.Type{Kind: record.Float}
	}
	return record.Type{Kind: record.String}
}
