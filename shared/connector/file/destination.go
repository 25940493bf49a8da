package file

import (
	"context"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func openDestination(_ context.Context, _ connector.Config) (connector.Destination, error) {
	return nil, fault.New(fault.Internal, "not built yet")
}

func guarantee(_ setting.Values, _ job.Write) connector.Guarantee { return connector.Guarantee{} }
