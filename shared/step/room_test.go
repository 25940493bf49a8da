package step_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/lockstep-data/lockstep/shared/stage"
	"github.com/lockstep-data/lockstep/shared/step"
)

func turnOf(env *step.Env, partition string) *step.Turn {
	return &step.Turn{Env: env, Call: stage.Call{Run: "r", Item: stage.Item{Stream: "s", Partition: partition}}}
}

func TestTurn_Enter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := &step.Env{Resident: true}
		a, b, c := turnOf(env, "a"), turnOf(env, "b"), turnOf(env, "c")
		a.Hold(10 << 20)
		a.Leave()
		for _, turn := range []*step.Turn{a, b, a} { // 10 MiB each, as the last one was, and a second time at once
			if err := turn.Enter(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		entered := false
		go func() {
			entered = c.Enter(t.Context()) == nil
		}()
		synctest.Wait()
		if entered {
			t.Error("a third batch came in beside two that fill the room")
		}
		b.Leave()
		b.Leave()
		synctest.Wait()
		if !entered {
			t.Error("nobody came in when there was room")
		}
		a.Hold(1000)
		c.Hold(1000)
		for _, p := range []string{"d", "e", "f", "g"} { // batches are known to be small now
			if err := turnOf(env, p).Enter(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestTurn_Enter_Alone(t *testing.T) {
	env := &step.Env{Resident: true}
	a := turnOf(env, "a")
	a.Hold(1 << 30)
	a.Leave()
	if err := a.Enter(t.Context()); err != nil {
		t.Errorf("a batch larger than the room does not come in: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := turnOf(env, "b").Enter(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
