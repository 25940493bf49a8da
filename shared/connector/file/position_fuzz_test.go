package file

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
)

// FuzzPosition reads any text as a position of each kind and as a fingerprint: what is none is Conflict, what is one comes out as it
// went in.
func FuzzPosition(f *testing.F) {
	for _, s := range []string{"", "o0", "o18446744073709551616", "o-1", "o 1", "a0123456789abcdef:1048577", "a:1", "a0:-1", "c2:0:2026-08-22", "c0:3:", "c1:0:x:y", "c-1:0:", "v1;stat=a;content=b", "v1;stat=a;content="} {
		for kind := range record.Kinds {
			f.Add(s, uint8(kind))
		}
	}
	f.Fuzz(func(t *testing.T, s string, kind uint8) {
		refused := func(err error) bool {
			if err != nil && (!fault.Has(err, fault.Conflict) || fault.Hint(err) == "") {
				t.Fatalf("%q: %v", s, err)
			}
			return err != nil
		}
		if n, err := parseOffset(s); !refused(err) && (n < 0 || !strings.HasPrefix(s, offsetPrefix)) {
			t.Fatalf("%q is the offset %d", s, n)
		}
		if at, err := parseFollow(s); !refused(err) && (at.offset < 0 || at.offset >= maxOffset || at.check < 0 || at.check >= 1<<checkBits) {
			t.Fatalf("%q is %+v", s, at)
		}
		typ := record.Type{Kind: record.Kinds[int(kind)%len(record.Kinds)], Precision: 20, Scale: 2}
		switch typ.Kind {
		case record.Bool, record.JSON, record.UUID, record.Bytes:
			return // no cursor has such a type
		case record.Decimal:
		default:
			typ = record.Type{Kind: typ.Kind}
		}
		if at, err := parseCursor(s, typ); !refused(err) {
			again, err := parseCursor(at.String(), typ)
			if err != nil || again.value.Compare(at.value) != 0 || again.n != at.n || again.rejects != at.rejects {
				t.Fatalf("%q is %+v, and %q %+v, %v", s, at, at, again, err)
			}
		}
		if p := parseFingerprint(s); p.stat != "none" && p.content != "none" && p.String() != s {
			t.Fatalf("%q comes out as %q", s, p)
		}
	})
}

// FuzzState reads any bytes as the state beside a target: they are DataInvalid or VersionTooNew, or a state that is the same when it was
// stored again, and that admits a batch or says why not.
func FuzzState(f *testing.F) {
	whole := state{Version: 1, Stream: "s", Columns: []string{"a"}, Length: 12, Guard: guard{"r", 3, "o"}, Swap: "x", Files: []part{{Name: "p", Seq: 1}}}
	whole.put("p", slot{Staged: 4, Header: 2})
	good, _ := json.Marshal(whole)
	f.Add(good)
	for _, s := range []string{"", "{}", "null", "[]", `{"version":2}`, `{"version":-1,"length":-5}`, `{"partitions":{"p":null}}`, `{"partitions":{"p":{"receipt":{"Seq":9223372036854775807}}}}`, `{"files":[{"name":"../../x"}]}`, `{"length":1e3}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		f := &target{statePath: "x.lockstep.json", shown: "x"}
		s, err := f.parse(data)
		if err != nil {
			if !fault.Has(err, fault.DataInvalid) && !fault.Has(err, fault.VersionTooNew) {
				t.Fatal(err)
			}
			return
		}
		one, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		again, err := f.parse(one)
		if err != nil {
			t.Fatal(err)
		}
		if two, err := json.Marshal(again); err != nil || string(one) != string(two) {
			t.Fatalf("%s comes out as %s, %v", one, two, err)
		}
		_, _ = s.admit(connector.LoadRequest{Partition: "p", Seq: 2, Claim: connector.Claim{Fence: 1, Owner: "o"}})
		s.forget("r")
		sortParts(s.Files)
	})
}
