package transform

import "testing"

// The hashes are from other tools: sha256sum, sha512sum, openssl dgst -hmac.
var hashCases = []chainCase{
	{
		name: "plain", config: map[string]any{"columns": []any{"s", "n"}}, schema: schemaOf("s string", "n int"), rows: [][]string{{"abc", "-"}, {"", "12"}},
		want: `s string, n string
			0 {"s":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","n":null}
			1 {"s":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","n":"6b51d431df5d7f141cbececcf79edf3dd861c3b4069f0b11661a3eefacbba918"}`,
	},
	{
		name: "salt", config: map[string]any{"columns": []any{"s"}, "salt": "key"}, schema: schemaOf("s string"), rows: [][]string{{"The quick brown fox jumps over the lazy dog"}},
		want: `s string
			0 {"s":"f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"}`,
	},
	{
		name: "sha512", config: map[string]any{"columns": []any{"s"}, "algorithm": "sha512"}, schema: schemaOf("s string"), rows: [][]string{{"abc"}},
		want: `s string
			0 {"s":"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"}`,
	},
	{
		name: "mistakes", config: map[string]any{"columns": []any{"t", "s", "s"}}, schema: schemaOf("s string"),
		problems: `transforms[0].hash.columns[0]: there is no column "t" here [unknown_column]
transforms[0].hash.columns[2]: it is in the list twice [duplicate_column]`,
	},
}

func TestHash(t *testing.T) {
	for _, c := range hashCases {
		c.run(t, "hash")
	}
}

func FuzzHash(f *testing.F) {
	f.Add("name", "salt", "x")
	f.Fuzz(func(t *testing.T, column, salt, cell string) {
		fuzzChain(t, component("hash", map[string]any{"columns": []any{column}, "salt": salt}), nil, cell)
	})
}

func BenchmarkHash(b *testing.B) {
	benchChain(b, component("hash", map[string]any{"columns": []any{"name"}, "salt": "x"}), nil)
}
