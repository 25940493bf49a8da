package transform

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"

	"github.com/lockstep-data/lockstep/shared/setting"
)

func hashSpec() Spec {
	return Spec{
		Spec: setting.Spec{
			Name:    "hash",
			Summary: "Replaces values by a hash of their text form.",
			Doc: "The result is text of lower-case hexadecimal digits; the same value always gives the same. With a salt it is an HMAC, which nobody can " +
				"compute without the salt; without one, short values such as phone numbers can be found by trying them all. Null stays null.",
			Body: setting.Field{Kind: setting.Object, Fields: []setting.Field{
				columnList("columns", "The columns to hash."),
				{Name: "algorithm", Kind: setting.String, Doc: "The hash function.", Options: []string{"sha256", "sha512"}, Default: "sha256"},
				{Name: "salt", Kind: setting.String, Doc: "The key of the HMAC; when empty, the plain hash.", Secret: true, Default: ""},
			}},
			Example: "hash: {columns: [email], salt: \"secret://hash-salt\"}",
			Since:   "0.1.0",
		},
		New: newHash,
	}
}

func newHash(c Config) (Transform, error) {
	var v struct {
		Columns   []string `json:"columns"`
		Algorithm string   `json:"algorithm"`
		Salt      string   `json:"salt"`
	}
	if err := decode(c, &v); err != nil {
		return nil, err
	}
	algorithm := sha256.New
	if v.Algorithm == "sha512" {
		algorithm = sha512.New
	}
	open := algorithm
	if v.Salt != "" {
		open = func() hash.Hash { return hmac.New(algorithm, []byte(v.Salt)) }
	}
	var p problems
	t := p.rewrite(c, v.Columns)
	t.start = func() func(string) string {
		h, in, sum := open(), []byte(nil), []byte(nil)
		return func(s string) string {
			h.Reset()
			in = append(in[:0], s...)
			_, _ = h.Write(in) // never fails
			sum = h.Sum(sum[:0])
			return hex.EncodeToString(sum)
		}
	}
	return t, p.list.Err()
}
