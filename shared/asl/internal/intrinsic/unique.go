package intrinsic

import (
	"math"
	"unicode/utf16"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
)

// unique gives the different values of a list in the order in which the service's hash table holds them: small whole numbers and single
// letters ascending, all else as their hashes fall.
func unique(a *arguments) (any, error) {
	list, err := a.array(0)
	if err != nil {
		return nil, err
	}
	size := 16
	for float64(size) < float64(len(list))/0.75+1 {
		size *= 2
	}
	buckets, seen := make([][]any, size), make(map[string]bool, len(list))
	for _, v := range list {
		h := uint32(hashCode(v))
		i := (h ^ h>>16) & uint32(size-1)
		text, err := jsonata.Encode(v)
		if err != nil {
			return nil, err
		}
		if !seen[string(text)] {
			seen[string(text)] = true
			buckets[i] = append(buckets[i], v)
		}
	}
	out := []any{}
	for _, b := range buckets {
		out = append(out, b...)
	}
	return out, nil
}

// hashCode is the hash of a value in the service's runtime.
func hashCode(v any) int32 {
	switch v := v.(type) {
	case bool:
		if v {
			return 1231
		}
		return 1237
	case string:
		h := int32(0)
		for _, unit := range utf16.Encode([]rune(v)) {
			h = 31*h + int32(unit)
		}
		return h
	case int64:
		return int32(v ^ int64(uint64(v)>>32))
	case float64:
		switch {
		case v != math.Trunc(v):
			bits := math.Float64bits(v)
			return int32(bits ^ bits>>32)
		case v >= math.MinInt32 && v <= math.MaxInt32:
			return int32(v)
		}
		return hashCode(int64(v))
	case []any:
		h := int32(1)
		for _, e := range v {
			h = 31*h + hashCode(e)
		}
		return h
	case map[string]any:
		h := int32(0)
		for k, e := range v {
			h += hashCode(k) ^ hashCode(e)
		}
		return h
	}
	return 0
}
