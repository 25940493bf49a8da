// Package acquire is the first step of a run: it finds the job, makes the run's row for a bare start, and takes the job's lock. A lock
// that somebody else holds ends the run without an error.
package acquire

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/stage"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store"
)

var runForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// Run takes the lock. Errors: ConfigInvalid (the input), NotFound (no such job, or it is disabled), Conflict (the run exists with another
// input), Superseded (a later attempt of the run took over, or it ended), and those of the store.
func Run(ctx context.Context, env *step.Env, c stage.AcquireCall) (stage.AcquireResult, error) {
	in, err := input(c)
	if err != nil {
		return stage.AcquireResult{}, err
	}
	bundle, err := env.Bundle(ctx)
	if err != nil {
		return stage.AcquireResult{}, err
	}
	written, resolved, err := env.JobIn(ctx, bundle, in.Job)
	if err != nil {
		return stage.AcquireResult{}, err
	}
	call := stage.CallFields{Run: in.Run, Job: written.Key(), Digest: written.Digest(), Bundle: bundle, Concurrency: written.Concurrency}
	if err := begin(ctx, env, c, in, written); err != nil {
		return stage.AcquireResult{}, err
	}
	pause, err := pauseOf(ctx, env, call)
	if err != nil {
		return stage.AcquireResult{}, fmt.Errorf("acquire: %w", err)
	}
	if pause.On() {
		return refuse(ctx, env, call, pause.Refusal())
	}
	taken, err := env.Protocol.Take(ctx, store.TakeRequest{
		Job: call.Job, Run: in.Run, Epoch: store.Epoch(c.Redrive, 1, 0, 0), Holder: env.Holder(c.Execution), LeaseUntil: env.Lease(),
		MaxTries: written.MaxTries, Unfenced: env.Unfenced(resolved), Slots: written.MaxInstances,
	})
	if err != nil {
		return stage.AcquireResult{}, fmt.Errorf("acquire: %w", err)
	}
	call.Term = taken.Lock.Term
	return settle(ctx, env, taken, call)
}

func input(c stage.AcquireCall) (stage.Input, error) {
	var in stage.Input
	dec := json.NewDecoder(bytes.NewReader(c.Input))
	if err := dec.Decode(&in); err != nil {
		return in, fault.New(fault.ConfigInvalid, "the run's input is not an object such as {\"job\": \"name\"}: %w", err)
	}
	if in.Job == "" {
		return in, fault.New(fault.ConfigInvalid, "the run's input names no job").WithHint(`start it with {"job": "name"}`)
	}
	if in.Run == "" {
		in.Run = c.Name
	}
	if !runForm.MatchString(in.Run) {
		return in, fault.New(fault.ConfigInvalid, "%q cannot be a run's id: letters, digits, '.', '_' and '-', at most 64", in.Run)
	}
	if in.Trigger == "" {
		in.Trigger = "manual"
	}
	return in, nil
}

// begin puts the run's row when it is not there yet.
func begin(ctx context.Context, env *step.Env, c stage.AcquireCall, in stage.Input, j job.Job) error {
	snapshot, err := json.Marshal(j)
	if err != nil {
		return fmt.Errorf("encode job: %w", err)
	}
	row, _, err := env.Protocol.Store.StartRun(ctx, store.Run{
		Job: j.Key(), ID: in.Run, Status: store.RunPending, Trigger: in.Trigger, Digest: j.Digest(), InputSHA256: InputDigest(in),
		Input: c.Input, Snapshot: snapshot, Version: env.Version, CreatedAt: env.Now(),
	})
	if err != nil {
		return fmt.Errorf("record run %s: %w", in.Run, err)
	}
	if row.InputSHA256 != InputDigest(in) {
		return fault.New(fault.Conflict, "run %s exists already with another input", in.Run).WithHint("choose another run id")
	}
	return nil
}

// InputDigest names a run's input, its own id left out.
func InputDigest(in stage.Input) string {
	in.Run = ""
	data, err := json.Marshal(in)
	if err != nil {
		panic("acquire: input cannot be encoded: " + err.Error())
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// settle records the outcome in the run's row and answers it.
func settle(ctx context.Context, env *step.Env, taken store.Taken, call stage.CallFields) (stage.AcquireResult, error) {
	now := env.Now()
	change := store.RunChange{Job: call.Job, ID: call.Run}
	result := stage.AcquireResult{Call: call}
	result.Call.Job = taken.Lock.Job // the name of the run's lock: the job's, with its slot behind it when it is not the first
	end := func(state string, status store.RunStatus, code fault.Code, text string) {
		codeText := string(code)
		result.State = state
		change.Status, change.ErrorCode, change.ErrorText, change.EndedAt = &status, &codeText, &text, &now
		change.Only = []store.RunStatus{store.RunPending}
	}
	lock := taken.Lock
	switch taken.Outcome {
	case store.OutcomeAcquired:
		running, none := store.RunRunning, ""
		result.State = stage.Acquired
		change.Status, change.StartedAt, change.Epoch, change.Holder = &running, &now, &lock.Epoch, &lock.Holder
		change.ErrorCode, change.ErrorText = &none, &none
		change.Only = []store.RunStatus{store.RunPending, store.RunRunning, store.RunFailed, store.RunAborted}
		change.Steps = map[string]string{"acquire": "completed", "plan": "pending", "finish": "pending"}
		for _, name := range step.Loop {
			change.Steps[name] = "pending"
		}
		env.Log.InfoContext(ctx, "lock acquired", "run_id", call.Run, "term", lock.Term, "epoch", lock.Epoch, "retaken", taken.Retaken, "stolen_from", lock.PrevRun)
	case store.OutcomeDone:
		result.State = stage.Done
		return result, nil
	case store.OutcomeIgnored:
		end(stage.Ignored, store.RunIgnored, fault.Ignored, fmt.Sprintf("job %s used up its tries (last error: %s)", call.Job, lock.ErrorCode))
	case store.OutcomeHeld:
		end(stage.Skipped, store.RunSkipped, fault.Held, fmt.Sprintf("job %s is held by run %s", call.Job, lock.Run))
	default:
		end(stage.Skipped, store.RunSkipped, fault.NotReady, fmt.Sprintf("job %s may not start before %s", call.Job, ready(lock)))
	}
	if taken.Stolen {
		if err := bury(ctx, env, lock); err != nil {
			return stage.AcquireResult{}, err
		}
	}
	if _, err := env.Protocol.Store.UpdateRun(ctx, change); err != nil {
		return stage.AcquireResult{}, fmt.Errorf("record run %s: %w", call.Run, err)
	}
	return result, nil
}

func ready(l store.Lock) string {
	at := l.NotBefore
	if l.LeaseUntil.Add(store.Skew).After(at) {
		at = l.LeaseUntil.Add(store.Skew)
	}
	return at.UTC().Format("2006-01-02T15:04:05Z")
}

// bury ends the row of the dead run that the lock was stolen from.
func bury(ctx context.Context, env *step.Env, l store.Lock) error {
	status, now, code, text := store.RunFailed, env.Now(), string(fault.Zombie), "the run's process or execution died; run "+l.Run+" took over"
	job, _ := store.SlotOf(l.Job)
	_, err := env.Protocol.Store.UpdateRun(ctx, store.RunChange{
		Job: job, ID: l.PrevRun, Status: &status, EndedAt: &now, ErrorCode: &code, ErrorText: &text,
	})
	if err != nil && !fault.Has(err, fault.NotFound) {
		return fmt.Errorf("end run %s: %w", l.PrevRun, err)
	}
	return nil
}
