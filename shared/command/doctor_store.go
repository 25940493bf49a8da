package command

import (
	"context"
	"fmt"

	"github.com/lockstep-data/lockstep/shared/store"
)

// probeStore tries out a state at a URL, and makes it first when that is asked for.
func (a *app) probeStore(ctx context.Context, s site, create bool) []probe {
	k, err := a.kind(s.state)
	if err != nil {
		return []probe{bad("state", err)}
	}
	var out []probe
	if create {
		done, err := k.Create(ctx, s.state)
		if err != nil {
			return []probe{bad("create", err)}
		}
		out = append(out, good("create", "%s", done))
	}
	more, failed := findings(k.Probe(ctx, s.state))
	out = append(out, more...)
	if failed {
		return out
	}
	st, err := a.openState(ctx, s)
	if err != nil {
		return append(out, bad("state", err))
	}
	defer st.Close()
	return append(out, a.probeClock(ctx, st))
}

// findings are the lines for what a probe found, and whether one failed.
func findings(found []store.Finding) (out []probe, failed bool) {
	for _, f := range found {
		p := probe{Name: f.Name, Answer: probeOK, Text: f.Text, Hint: f.Hint}
		switch {
		case f.Err != nil:
			p, failed = bad(f.Name, f.Err), true
		case f.Warn:
			p.Answer = probeWarn
		}
		out = append(out, p)
	}
	return out, failed
}

// billed says what a service billed, for people.
func billed(u store.Units) string {
	return fmt.Sprintf("%s read + %s write units", count(int64(u.Read+0.5)), count(int64(u.Write+0.5)))
}
