package step

import (
	"context"
	"testing"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
)

// brittle is a source's reader whose code has a mistake.
type brittle struct{ connector.Reader }

func (brittle) Next(context.Context) (record.Batch, error) { panic("index out of range") }

func (brittle) Close() error { return nil }

// A panic beside the steps would end the process, and other partitions with it.
func TestReader_Ahead_Panic(t *testing.T) {
	r := &reader{source: brittle{}, compiled: &Compiled{}}
	r.begin(t.Context())
	if _, err := r.take(t.Context()); !fault.Has(err, fault.Internal) {
		t.Errorf("got %v", err)
	}
	if err := r.close(); err != nil {
		t.Error(err)
	}
}
