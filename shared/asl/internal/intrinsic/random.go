package intrinsic

import "math"

// random gives a whole number from the first argument on and below the second; with a third, the seed, always the same one.
func random(a *arguments) (any, error) {
	var x [2]int64
	for i := range x {
		n, err := a.number(i)
		if err != nil {
			return nil, err
		}
		if math.Abs(n) > 1<<53 {
			return nil, a.wrong()
		}
		x[i] = int64(n)
	}
	span := x[1] - x[0]
	if span <= 0 {
		return nil, a.wrong()
	}
	if len(a.values) == 2 {
		return float64(x[0] + int64(a.scope.Uint64()%uint64(span))), nil
	}
	seed, err := a.number(2)
	if err != nil || math.Abs(seed) > 1<<53 {
		return nil, a.wrong()
	}
	g := newGenerator(int64(seed))
	if span > math.MaxInt32 {
		return float64(x[0] + int64(g.float()*float64(span))), nil
	}
	return float64(x[0] + int64(g.below(int32(span)))), nil
}

// generator is the linear congruential generator of the service's runtime, so that a seed gives the number that it gives there.
type generator struct{ state uint64 }

const (
	multiplier = 0x5DEECE66D
	stateMask  = 1<<48 - 1
)

func newGenerator(seed int64) *generator { return &generator{(uint64(seed) ^ multiplier) & stateMask} }

func (g *generator) bits(n uint) int32 {
	g.state = (g.state*multiplier + 0xB) & stateMask
	return int32(g.state >> (48 - n))
}

// below gives a number from 0 on and below bound.
func (g *generator) below(bound int32) int32 {
	if bound&-bound == bound {
		return int32(int64(bound) * int64(g.bits(31)) >> 31)
	}
	for {
		bits := g.bits(31)
		if n := bits % bound; bits-n+(bound-1) >= 0 {
			return n
		}
	}
}

// float gives a number from 0 on and below 1.
func (g *generator) float() float64 {
	high := int64(g.bits(26)) << 27
	return float64(high+int64(g.bits(27))) / (1 << 53)
}
