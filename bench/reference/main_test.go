package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const input = "orderkey,quantity,extendedprice,comment\n1,9,1.50,few\n2,10,2.50,\"a, \"\"b\"\"\"\n"

func TestRun(t *testing.T) {
	for format, want := range map[string]string{
		"ndjson": `{"comment":"A, \"B\"","orderkey":2,"price":2.50,"quantity":10}` + "\n",
		"csv":    "orderkey,quantity,price,comment\n2,10,2.50,\"A, \"\"B\"\"\"\n",
	} {
		in, out := filepath.Join(t.TempDir(), "in"), filepath.Join(t.TempDir(), "out")
		if err := os.WriteFile(in, []byte(input), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := run(format, in, out); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(out)
		if err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v, want %q", format, got, err, want)
		}
	}
}

// TestRun_Order holds many chunks against the input's order.
func TestRun_Order(t *testing.T) {
	in, out := filepath.Join(t.TempDir(), "in"), filepath.Join(t.TempDir(), "out")
	text := "quantity\n" + strings.Repeat("10\n11\n12\n", 5*chunkRows)
	if err := os.WriteFile(in, []byte(strings.Replace(text, "quantity", "quantity,comment", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run("csv", in, out); err == nil {
		t.Fatal("records without a comment are no error")
	}
	text = strings.ReplaceAll(text, "\n", ",x\n")
	if err := os.WriteFile(in, []byte(strings.Replace(text, "quantity,x", "quantity,comment", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run("csv", in, out); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	want := strings.ReplaceAll(strings.Replace(text, "quantity,x", "quantity,comment", 1), ",x", ",X")
	if err != nil || string(got) != want {
		t.Errorf("%d bytes, %v, want %d", len(got), err, len(want))
	}
}
