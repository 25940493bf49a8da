package plan

import (
	"encoding/json"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/stage"
	"github.com/lockstep-data/lockstep/shared/store"
)

// Input reads the input that a run was started with.
func Input(r store.Run) (stage.Input, error) {
	var in stage.Input
	if err := json.Unmarshal(r.Input, &in); err != nil {
		return in, fault.New(fault.DataInvalid, "the input of run %s cannot be read: %w", r.ID, err)
	}
	return in, nil
}
