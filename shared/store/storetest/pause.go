package storetest

import (
	"strings"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

func (e *env) pause(by string) store.Pause {
	return store.Pause{Job: e.job, Since: e.now, By: by, Reason: "the source moves"}
}

func (e *env) paused() store.Pause {
	e.Helper()
	p, err := e.s.Paused(e.Context(), e.job)
	e.ok(err)
	return p
}

func (e *env) mustPause() store.Pause {
	e.Helper()
	want := e.pause("anna")
	got, applied, err := e.s.Pause(e.Context(), want)
	e.ok(err)
	if !applied {
		e.Fatalf("pause was refused: %+v", got)
	}
	e.same("answered pause", got, want)
	return got
}

// pauseCases hold PauseStore.
func pauseCases() []testCase {
	return []testCase{
		{"none", func(e *env) {
			e.same("pause", e.paused(), store.Pause{})
			got, applied, err := e.s.Resume(e.Context(), e.pause("x"))
			e.ok(err)
			if applied || got.On() {
				e.Fatalf("resumed what was not paused: %+v", got)
			}
		}},
		{"kept as it was", func(e *env) {
			want := e.mustPause()
			e.same("stored pause", e.paused(), want)
			e.now = e.now.Add(time.Hour)
			got, applied, err := e.s.Pause(e.Context(), e.pause("bert"))
			e.ok(err)
			if applied {
				e.Fatal("a pause was replaced")
			}
			e.same("answered pause", got, want)
			e.same("stored pause", e.paused(), want)
		}},
		{"resumed and paused anew", func(e *env) {
			first := e.mustPause()
			got, applied, err := e.s.Resume(e.Context(), first)
			e.ok(err)
			if !applied || got.On() || e.paused().On() {
				e.Fatalf("resume: applied %t, answered %+v, stored %+v", applied, got, e.paused())
			}
			e.now = e.now.Add(time.Second)
			second := e.mustPause()
			got, applied, err = e.s.Resume(e.Context(), first)
			e.ok(err)
			if applied {
				e.Fatal("a late resume took a later pause away")
			}
			e.same("answered pause", got, second)
			e.same("stored pause", e.paused(), second)
		}},
		{"outlives a run and a reset", func(e *env) {
			want := e.mustPause()
			e.mustRelease(e.mustAcquire("one"), "")
			e.mustReset(store.ResetLock{Streams: []string{""}})
			e.same("stored pause", e.paused(), want)
		}},
		{"of this job only", func(e *env) {
			e.mustPause()
			p, err := e.s.Paused(e.Context(), e.job+"-other")
			e.ok(err)
			e.same("another job's pause", p, store.Pause{})
		}},
		{"refused", func(e *env) {
			for _, p := range []store.Pause{{Since: e.now}, {Job: e.job}, {Job: e.job, Since: e.now, Reason: strings.Repeat("x", 2000)}} {
				_, applied, err := e.s.Pause(e.Context(), p)
				e.code(err, fault.DataInvalid)
				if applied {
					e.Fatalf("applied %+v", p)
				}
			}
		}},
	}
}
