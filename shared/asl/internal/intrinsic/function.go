package intrinsic

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonpath"
)

// function is an intrinsic function.
type function struct {
	name        string
	least, most int // arguments; most -1 is any number
	do          func(*arguments) (any, error)
}

// functions are all 18, by name.
var functions = byName(
	function{"States.Format", 1, -1, format},
	function{"States.StringToJson", 1, 1, stringToJSON},
	function{"States.JsonToString", 1, 1, jsonToString},
	function{"States.Array", 0, -1, array},
	function{"States.ArrayPartition", 2, 2, partition},
	function{"States.ArrayContains", 2, 2, contains},
	function{"States.ArrayRange", 3, 3, rangeOf},
	function{"States.ArrayGetItem", 2, 2, item},
	function{"States.ArrayLength", 1, 1, length},
	function{"States.ArrayUnique", 1, 1, unique},
	function{"States.Base64Encode", 1, 1, encode},
	function{"States.Base64Decode", 1, 1, decode},
	function{"States.Hash", 2, 2, hashOf},
	function{"States.JsonMerge", 3, 3, merge},
	function{"States.MathRandom", 2, 3, random},
	function{"States.MathAdd", 2, 2, add},
	function{"States.StringSplit", 2, 2, split},
	function{"States.UUID", 0, 0, newUUID},
)

func byName(list ...function) map[string]*function {
	out := make(map[string]*function, len(list))
	for i := range list {
		out[list[i].name] = &list[i]
	}
	return out
}

// Names gives the names of the functions, in no order.
func Names() []string {
	out := make([]string, 0, len(functions))
	for name := range functions {
		out = append(out, name)
	}
	return out
}

// stringToJSON reads a JSON text; an empty one is null.
func stringToJSON(a *arguments) (any, error) {
	s, err := a.text(0)
	if err != nil || strings.TrimSpace(s) == "" {
		return nil, err
	}
	v, err := jsonata.Decode([]byte(s))
	if err != nil {
		return nil, a.wrong()
	}
	return v, nil
}

func jsonToString(a *arguments) (any, error) {
	b, err := jsonata.Encode(a.values[0])
	return string(b), err
}

func array(a *arguments) (any, error) { return append([]any{}, a.values...), nil }

// partition cuts a list into lists of a size; the last may be shorter.
func partition(a *arguments) (any, error) {
	list, err := a.array(0)
	if err != nil {
		return nil, err
	}
	n, err := a.number(1)
	if err != nil {
		return nil, err
	}
	if n < 1 {
		return nil, a.wrong()
	}
	size := len(list) + 1
	if n < float64(size) {
		size = int(n)
	}
	out := []any{}
	for start := 0; start < len(list); start += size {
		end := min(start+size, len(list))
		out = append(out, list[start:end:end])
	}
	return out, nil
}

// contains compares the texts of values, as the service does: true is in a list that holds 'true'.
func contains(a *arguments) (any, error) {
	list, err := a.array(0)
	if err != nil {
		return nil, err
	}
	want := jsonpath.Text(a.values[1])
	for _, v := range list {
		if jsonpath.Text(v) == want {
			return true, nil
		}
	}
	return false, nil
}

// rangeOf counts from a number to another, both included.
func rangeOf(a *arguments) (any, error) {
	var x [3]float64
	for i := range x {
		n, err := a.number(i)
		if err != nil {
			return nil, err
		}
		x[i] = math.Trunc(n) + 0 // no negative zero
	}
	from, to, step := x[0], x[1], x[2]
	if step == 0 || math.Floor((to-from)/step)+1 > maxRange {
		return nil, a.wrong()
	}
	out := []any{}
	for i := 0.0; i <= (to-from)/step; i++ {
		out = append(out, from+i*step)
	}
	return out, nil
}

// item gives an element by its place; an empty list gives null for any.
func item(a *arguments) (any, error) {
	list, err := a.array(0)
	if err != nil {
		return nil, err
	}
	n, err := a.number(1)
	switch {
	case err != nil:
		return nil, err
	case len(list) == 0:
		return nil, nil
	case n <= -1 || n >= float64(len(list)):
		return nil, a.wrong()
	}
	return list[int(n)], nil
}

func length(a *arguments) (any, error) {
	list, err := a.array(0)
	return float64(len(list)), err
}

// short gives a text that is within the limit of the functions on bytes.
func (a *arguments) short(i int) (string, error) {
	s, err := a.text(i)
	if err == nil && utf8.RuneCountInString(s) > maxEncoded {
		err = a.wrong()
	}
	return s, err
}

func encode(a *arguments) (any, error) {
	s, err := a.short(0)
	return base64.StdEncoding.EncodeToString([]byte(s)), err
}

// decode is as lenient as the service: what is no letter of the alphabet is passed over, = ends the text, and missing padding is no error.
func decode(a *arguments) (any, error) {
	s, err := a.short(0)
	if err != nil {
		return nil, err
	}
	s, _, _ = strings.Cut(s, "=")
	clean := strings.Map(func(r rune) rune {
		switch {
		case r == '-':
			return '+'
		case r == '_':
			return '/'
		case r == '+' || r == '/' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z':
			return r
		}
		return -1
	}, s)
	if len(clean)%4 == 1 {
		clean = clean[:len(clean)-1]
	}
	b, err := base64.RawStdEncoding.DecodeString(clean)
	if err != nil {
		return nil, a.wrong()
	}
	return strings.ToValidUTF8(string(b), "\uFFFD"), nil
}

// hashOf takes any value but null and hashes its text.
func hashOf(a *arguments) (any, error) {
	if a.values[0] == nil {
		return nil, a.wrong()
	}
	s := jsonpath.Text(a.values[0])
	var h hash.Hash
	switch a.values[1] {
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
	}
	if h == nil || utf8.RuneCountInString(s) > maxEncoded {
		return nil, a.wrong()
	}
	h.Write([]byte(s))
	return hex.EncodeToString(h.Sum(nil)), nil
}

// merge gives the fields of both objects, those of the second first. The third argument asks for a deep merge, which the service does not have.
func merge(a *arguments) (any, error) {
	first, ok1 := a.values[0].(map[string]any)
	second, ok2 := a.values[1].(map[string]any)
	if !ok1 || !ok2 || a.values[2] == true {
		return nil, a.wrong()
	}
	out := make(map[string]any, len(first)+len(second))
	for k, v := range first {
		out[k] = v
	}
	for k, v := range second {
		out[k] = v
	}
	return out, nil
}

// add adds two numbers that it rounds, halves up. All three are to fit 32 bits.
func add(a *arguments) (any, error) {
	total := 0.0
	for i := range 2 {
		n, err := a.number(i)
		if err != nil {
			return nil, err
		}
		if n = math.Floor(n + 0.5); n < math.MinInt32 || n > math.MaxInt32 {
			return nil, a.wrong()
		}
		total += n
	}
	if total < math.MinInt32 || total > math.MaxInt32 {
		return nil, a.wrong()
	}
	return total, nil
}

// split cuts a text at each of the delimiter's characters; empty pieces are dropped.
func split(a *arguments) (any, error) {
	s, err := a.text(0)
	if err != nil {
		return nil, err
	}
	at, err := a.text(1)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for piece := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune(at, r) }) {
		out = append(out, piece)
	}
	return out, nil
}

func newUUID(a *arguments) (any, error) {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], a.scope.Uint64())
	binary.BigEndian.PutUint64(id[8:], a.scope.Uint64())
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id.String(), nil
}
