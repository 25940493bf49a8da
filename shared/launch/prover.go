package launch

import (
	"context"
	"strings"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// Prover tells whether the execution that holds a lock is dead, by asking the machine.
type Prover struct{ Machine Machine }

var _ store.Prover = Prover{}

// Life implements store.Prover: a holder is dead when neither it nor its top runs and neither can be the execution from before a redrive that
// the epoch has seen. An execution that is not known says nothing.
func (p Prover) Life(ctx context.Context, l store.Lock) (store.Life, error) {
	if strings.HasPrefix(l.Holder, "local:") || l.Holder == "" {
		return store.Unknown, nil
	}
	topPart, childPart, err := epochParts(l.Epoch)
	if err != nil {
		return store.Unknown, err
	}
	top, child := l.Holder, ""
	if m := childName.FindStringSubmatch(nameOf(l.Holder)); m != nil {
		top, child = p.Machine.ID(m[1]), l.Holder
	}
	life, err := p.look(ctx, top, topPart)
	if err != nil || life != store.Dead || child == "" {
		return life, err
	}
	return p.look(ctx, child, childPart)
}

// look judges one execution; redrives is how often the epoch has seen it redriven.
func (p Prover) look(ctx context.Context, id string, redrives int) (store.Life, error) {
	e, err := p.Machine.Describe(ctx, id)
	switch {
	case fault.Has(err, fault.NotFound):
		return store.Unknown, nil
	case err != nil:
		return store.Unknown, err
	case e.Running():
		return store.Alive, nil
	case e.Redrives < redrives: // an old word
		return store.Unknown, nil
	}
	return store.Dead, nil
}

// nameOf gives the name in an execution's id, which is its last part.
func nameOf(id string) string { return id[strings.LastIndexByte(id, ':')+1:] }
