package step

import (
	"context"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/record"
)

// living is a source's reader that outlives the turn that opened it, as a connection to a bucket needs: what it was opened with ends with a turn that
// waits for it, and not between turns.
type living struct {
	connector.Reader
	end context.CancelFunc
}

// openLiving opens a reader that the caller closes in some later turn.
func openLiving(ctx context.Context, s connector.Source, r connector.OpenRequest) (connector.Reader, error) {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer context.AfterFunc(ctx, end)()
	opened, err := s.Open(life, r)
	if err != nil {
		end()
		return nil, err
	}
	return living{opened, end}, nil
}

// Next implements connector.Reader.
func (l living) Next(ctx context.Context) (record.Batch, error) {
	defer context.AfterFunc(ctx, l.end)()
	return l.Reader.Next(ctx)
}

// Close implements connector.Reader.
func (l living) Close() error {
	defer l.end()
	return l.Reader.Close()
}
