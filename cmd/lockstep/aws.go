//go:build !lockstep_local

package main

import (
	"time"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/blob/s3"
	"github.com/lockstep-data/lockstep/shared/catalog/local"
	"github.com/lockstep-data/lockstep/shared/command"
	"github.com/lockstep-data/lockstep/shared/connector/file"
	"github.com/lockstep-data/lockstep/shared/launch/awsstack"
	"github.com/lockstep-data/lockstep/shared/launch/awsstep"
	"github.com/lockstep-data/lockstep/shared/store"
	"github.com/lockstep-data/lockstep/shared/store/dynamo"
)

// options know AWS: state in DynamoDB, files and batches in S3, installations by their stacks.
func options() command.Options {
	places := blob.Local().With(s3.Scheme, s3.Opener())
	return command.Options{
		Catalog: local.Builtin().WithConnector(file.Spec(places)),
		Stores:  []store.Kind{dynamo.Kind(infra.StateTable())},
		Blobs:   places,
		AWS:     awsstack.Opener(awsstack.Options{Machine: awsstep.Open, Now: time.Now}),
	}
}
