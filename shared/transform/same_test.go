package transform

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"

	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

// sameBytes is what the batch of TestChain_SameBytes hashes to, on every machine (invariant 12), by its compression. make test-arm64 runs the
// test as an arm64 program: there the compiler may work out x*y+z in one step, with another last bit.
var sameBytes = map[record.Compression]string{
	record.LZ4:  "7b4486fca2b6603b40523be1b42733d4304ed9bf48ece3c176e37186ba26fbaf",
	record.Zstd: "5d9e1557741dfe0aee01b98c3c85b9e174aab6b309ab5e28dd4ba86ea2a61a72",
}

func TestChain_SameBytes(t *testing.T) {
	s := schemaOf("id int", "a float", "b float", "c float", "n string", "m string")
	random := rand.New(rand.NewPCG(1, 2))
	number := func() string {
		return strconv.FormatInt(random.Int64N(2_000_000)-1_000_000, 10) + "." + strconv.FormatInt(1000+random.Int64N(9000), 10)
	}
	var rows [][]string
	fused := 0
	for i := range 500 {
		row := []string{strconv.Itoa(i), number(), number(), number(), number(), number()}
		rows = append(rows, row)
		a, _ := strconv.ParseFloat(row[1], 64)
		b, _ := strconv.ParseFloat(row[2], 64)
		c, _ := strconv.ParseFloat(row[3], 64)
		if math.FMA(a, b, c) != float64(a*b)+c {
			fused++
		}
	}
	if fused < 50 {
		t.Fatalf("only %d rows tell one step from two", fused)
	}
	chain, err := NewChain(Builtin(), []job.Component{
		component("cast", map[string]any{"n": "float", "m": "decimal(18,4)"}),
		component("set", map[string]any{
			"sum": "a * b + c", "difference": "a - b * c", "other": "c - a * b", "both": "a * b + b * c + c * a - n * n", "part": "a / b + c / (n * n + 1)",
			"rounded": "round(a * b + c, 2)", "below": "floor(a * b - c)", "above": "ceil(a / 3 + b * c)", "exact": "m * m + m",
			"least": "min(a * b + c, a - b * c)", "text": "string(a * b + c)", "list": "map(split(\"1,2,3\", \",\"), float(#) * 0.1 + 0.2)",
		}),
		component("filter", "a * b + c > c - a * b"),
		component("hash", map[string]any{"columns": []any{"text"}}),
	}, ChainConfig{Path: "transforms", Schema: s, Key: []string{"id"}})
	if err != nil {
		t.Fatal(err)
	}
	out, err := chain.Apply(t.Context(), batchOf(s, rows...))
	if err != nil {
		t.Fatal(err)
	}
	if out.Active() < 100 || out.Filtered() < 100 || len(out.Rejects) > 0 {
		t.Fatalf("%d active, %d filtered, %d failed", out.Active(), out.Filtered(), len(out.Rejects))
	}
	for compression, want := range sameBytes {
		data, err := record.Marshal(out, compression)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("on %s with compression %v the batch hashes to %s, want %s", runtime.GOARCH, compression, got, want)
		}
	}
}
