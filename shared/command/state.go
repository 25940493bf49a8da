package command

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/lockstep-data/lockstep/shared/store"
	"github.com/lockstep-data/lockstep/shared/store/process"
	"github.com/lockstep-data/lockstep/shared/store/sqlite"
)

// state is the opened state of a project.
type state struct {
	store.Store
	protocol store.Protocol
}

// shared says whether the state is at a URL, where other machines use it too.
func (s site) shared() bool { return strings.Contains(s.state, "://") }

// holders is the folder where the processes of this machine say that they live.
func (s site) holders() string {
	if s.shared() {
		return filepath.Join(s.dir, stateFolder)
	}
	return filepath.Dir(s.state)
}

// hold makes this process a holder of locks. Where the state is shared, other folders and machines keep holders too, and none may be
// taken for dead because its file is not here.
func hold(s site) (*process.Holder, error) {
	if s.shared() {
		return process.HoldShared(s.holders())
	}
	return process.Hold(s.holders())
}

// kind finds what opens a URL.
func (a *app) kind(url string) (store.Kind, error) {
	scheme, _, _ := strings.Cut(url, "://")
	names := []string{"a path, as in --store state.db"}
	for _, k := range a.o.Stores {
		if k.Scheme == scheme {
			return k, nil
		}
		names = append(names, k.Scheme+"://…")
	}
	return store.Kind{}, wrong("write "+strings.Join(names, ", or "), "--store %q is no file and no store that this program knows", url)
}

// openState opens the state, and makes a file that is missing. Whatever is wrong with it, the command cannot reach it.
func (a *app) openState(ctx context.Context, s site) (*state, error) {
	if a.flags.aws.on {
		return a.awsState(ctx)
	}
	opened, err := a.openStore(ctx, s)
	if err != nil {
		return nil, unreachable(err)
	}
	return &state{Store: opened, protocol: store.Protocol{
		Store: opened, Prover: process.Prover{Dir: s.holders(), Shared: s.shared()}, Now: a.o.Now, NewRVN: token, Jitter: jitter,
	}}, nil
}

func (a *app) openStore(ctx context.Context, s site) (store.Store, error) {
	if !s.shared() {
		opened, err := sqlite.Open(ctx, sqlite.Options{Path: s.state, Now: a.o.Now})
		if err != nil {
			return nil, err // not opened: a nil pointer in an interface would not be nil
		}
		return opened, nil
	}
	k, err := a.kind(s.state)
	if err != nil {
		return nil, err
	}
	return k.Open(ctx, s.state, a.o.Now)
}

// viewState opens a state that is there. It answers nil when nothing ran yet, so that looking makes no file.
func (a *app) viewState(ctx context.Context, s site) (*state, error) {
	if !a.flags.aws.on && !s.shared() && !exists(s.state) {
		return nil, nil
	}
	return a.openState(ctx, s)
}
