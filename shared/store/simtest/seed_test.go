package simtest_test

import "github.com/lockstep-data/lockstep/shared/store/simtest"

// firstSeeds are the seeds that notice first that a rule is left out; another mix of what happens in a schedule needs another search.
func firstSeeds() map[simtest.Rule]caught {
	return map[simtest.Rule]caught{
		simtest.NoEpoch:            {6, 7},
		simtest.BindLeg:            {12, 7},
		simtest.BindAnswer:         {28, 6},
		simtest.LeaseCheck:         {6, 9},
		simtest.GuardSeq:           {1, 6},
		simtest.GuardFence:         {45, 4},
		simtest.ReceiptRefused:     {2, 1},
		simtest.ReceiptBatch:       {1, 7},
		simtest.AdoptObject:        {2, 1},
		simtest.ReceiptOrder:       {76, 7},
		simtest.ManifestFirst:      {2, 1},
		simtest.VersionTest:        {163, 6},
		simtest.Tombstones:         {5, 1},
		simtest.TopRedrive:         {62, 9},
		simtest.TopLeg:             {6, 7},
		simtest.StealByLease:       {2, 8},
		simtest.RedriveAtLeast:     {168, 7},
		simtest.CloseDescribe:      {1, 8},
		simtest.StopLooked:         {5, 9},
		simtest.StopBatch:          {8, 5},
		simtest.CommitDrained:      {15, 1},
		simtest.CommitSwapped:      {30, 8},
		simtest.DestinationDurable: {1, 1},
		simtest.VersionTerm:        {281, 1},
		simtest.LegRetry:           {549, 4},
		simtest.CommitGuard:        {1290, 8},
		simtest.CommitBind:         {2631, 4},
	}
}
