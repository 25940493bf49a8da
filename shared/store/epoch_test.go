package store_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

func TestParseEpoch_Inverse(t *testing.T) {
	part := rapid.IntRange(0, 9999)
	rapid.Check(t, func(t *rapid.T) {
		want := store.EpochParts{Redrive: part.Draw(t, "redrive"), Leg: part.Draw(t, "leg"), Retry: part.Draw(t, "retry"), ChildRedrive: part.Draw(t, "child")}
		got, err := store.ParseEpoch(store.Epoch(want.Redrive, want.Leg, want.Retry, want.ChildRedrive))
		if err != nil || got != want {
			t.Fatalf("got %+v, %v, want %+v", got, err, want)
		}
	})
}

func TestParseEpoch_Invalid(t *testing.T) {
	for name, in := range map[string]string{
		"empty": "", "three parts": "0000#0001#0000", "five parts": "0000#0001#0000#0000#0000", "short part": "0000#001#0000#0000",
		"no number": "0000#000x#0000#0000", "sign": "0000#+001#0000#0000", "space": "0000# 001#0000#0000",
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := store.ParseEpoch(in); !fault.Has(err, fault.DataInvalid) {
				t.Errorf("ParseEpoch(%q) = %+v, %v", in, got, err)
			}
		})
	}
}

func TestEpoch_OrderIsCausal(t *testing.T) {
	first := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	inOrder := []string{
		store.Attempt(store.Epoch(0, 1, 0, 0), first, 0),
		store.Attempt(store.Epoch(0, 1, 0, 0), first, 1),
		store.Attempt(store.Epoch(0, 1, 0, 0), first, 10),
		store.Attempt(store.Epoch(0, 1, 0, 0), first.Add(time.Millisecond), 0),
		store.Attempt(store.Epoch(0, 2, 0, 0), first, 0),
		store.Attempt(store.Epoch(0, 2, 0, 1), first, 0),
		store.Attempt(store.Epoch(0, 2, 1, 0), first, 0),
		store.Attempt(store.Epoch(0, 10, 0, 0), first, 0),
		store.Attempt(store.Epoch(1, 1, 0, 0), first, 0),
		store.Attempt(store.Epoch(10, 1, 0, 0), first, 0),
		store.Attempt(store.Epoch(9999, 1, 0, 0), first, 0),
	}
	if !slices.IsSorted(inOrder) {
		t.Errorf("not in order:\n%s", strings.Join(inOrder, "\n"))
	}
	if got, want := inOrder[0], "0000#0001#0000#0000#1772323200000#0000"; got != want {
		t.Errorf("attempt = %s, want %s", got, want)
	}
	if got, want := store.Owner("r1", "att", "req"), "r1#att#req"; got != want {
		t.Errorf("owner = %s, want %s", got, want)
	}
}

func TestBackoff(t *testing.T) {
	for name, c := range map[string]struct {
		base, limit time.Duration
		n           int
		want        time.Duration
	}{
		"first":          {time.Second, time.Minute, 0, time.Second},
		"doubles":        {time.Second, time.Minute, 3, 8 * time.Second},
		"capped":         {time.Second, time.Minute, 10, time.Minute},
		"never overruns": {time.Second, time.Minute, 1 << 30, time.Minute},
		"no base":        {0, time.Minute, 1 << 10, 0},
		"negative base":  {-time.Second, time.Minute, 2, 0},
		"no cap":         {time.Second, 0, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := store.Backoff(c.base, c.limit, c.n); got != c.want {
				t.Errorf("Backoff = %s, want %s", got, c.want)
			}
		})
	}
}

func TestEncodeKey(t *testing.T) {
	for in, want := range map[string]string{"": "", "a.b-c_d~e": "a.b-c_d~e", "a/b#c": "a%2Fb%23c", "é %": "%C3%A9%20%25"} {
		if got := store.EncodeKey(in); got != want {
			t.Errorf("EncodeKey(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestMoveCheckpoint_Completed(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	k := store.CheckpointKey{Job: "j", Stream: "a/b", Partition: "p"}
	w := store.MoveCheckpoint{CheckpointKey: k, Run: "r", Seq: 7, Now: now, Failures: []store.Failure{{Index: 3}, {ID: "own", Status: "discarded", ExpiresAt: now}}}
	got := w.Completed()
	if got[0].ID != "r#a%2Fb#p#00000007#000003" || got[0].Status != "open" || !got[0].CreatedAt.Equal(now) || got[0].Stream != "a/b" {
		t.Errorf("got %+v", got[0])
	}
	if got[1].ID != "own" || got[1].Status != "discarded" || !got[1].ExpiresAt.Equal(now) {
		t.Errorf("got %+v", got[1])
	}
	if w.Failures[0].ID != "" {
		t.Error("the request itself was changed")
	}
}

func FuzzParseEpoch(f *testing.F) {
	for _, in := range []string{"0000#0001#0000#0000", "9999#9999#9999#9999", "", "0#0#0#0"} {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got, err := store.ParseEpoch(in)
		if err == nil && store.Epoch(got.Redrive, got.Leg, got.Retry, got.ChildRedrive) != in {
			t.Fatalf("%q became %+v", in, got)
		}
	})
}
