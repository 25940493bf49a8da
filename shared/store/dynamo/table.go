package dynamo

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/fault"
)

// creation is how long a new table may take until it is there.
const creation = 2 * time.Minute

// Create makes the table that infra describes under a name, waits until it is there, and turns on its time to live and backups. One that is
// there already is left as it is. It answers which features the target does not know, as emulators do. Errors: those of Open, QuotaExceeded.
func Create(ctx context.Context, client *dynamodb.Client, table string, def infra.Table) (unknown []string, err error) {
	_, err = client.CreateTable(ctx, creating(table, def))
	var exists *types.ResourceInUseException
	if err != nil && !errors.As(err, &exists) {
		return nil, failed(table, "create", err)
	}
	made := err == nil
	waiter := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay = time.Second })
	if err := waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: &table}, creation); err != nil {
		return nil, failed(table, "create", err)
	}
	if !made {
		return nil, nil
	}
	if def.TTL != "" {
		_, err = client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
			TableName: &table, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: &def.TTL, Enabled: aws.Bool(true)},
		})
		if unknown, err = note(unknown, "time to live", err); err != nil {
			return unknown, failed(table, "turn on the time to live of", err)
		}
	}
	if def.PointInTime {
		_, err = client.UpdateContinuousBackups(ctx, &dynamodb.UpdateContinuousBackupsInput{
			TableName: &table, PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(true)},
		})
		if unknown, err = note(unknown, "point in time recovery", err); err != nil {
			return unknown, failed(table, "turn on the backups of", err)
		}
	}
	return unknown, nil
}

// note takes a feature that the target does not know out of the errors.
func note(unknown []string, feature string, err error) ([]string, error) {
	if isUnknown(err) {
		return append(unknown, feature), nil
	}
	return unknown, err
}

// isUnknown says whether the target has no such call.
func isUnknown(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "UnknownOperationException"
}

// creating turns the definition into a request.
func creating(table string, def infra.Table) *dynamodb.CreateTableInput {
	in := &dynamodb.CreateTableInput{
		TableName: &table, KeySchema: schema(def.PartitionKey, def.SortKey), AttributeDefinitions: texts(nil, def.PartitionKey, def.SortKey),
		DeletionProtectionEnabled: &def.DeletionProtection,
	}
	if def.OnDemand {
		in.BillingMode = types.BillingModePayPerRequest
	}
	if def.Encryption == infra.AWSManaged {
		in.SSESpecification = &types.SSESpecification{Enabled: aws.Bool(true), SSEType: types.SSETypeKms}
	}
	for _, i := range def.Indexes {
		in.AttributeDefinitions = texts(in.AttributeDefinitions, i.PartitionKey, i.SortKey)
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: &i.Name, KeySchema: schema(i.PartitionKey, i.SortKey), Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		})
	}
	return in
}

func schema(partition, sort string) []types.KeySchemaElement {
	return []types.KeySchemaElement{{AttributeName: &partition, KeyType: types.KeyTypeHash}, {AttributeName: &sort, KeyType: types.KeyTypeRange}}
}

func texts(to []types.AttributeDefinition, names ...string) []types.AttributeDefinition {
	for _, n := range names {
		to = append(to, types.AttributeDefinition{AttributeName: &n, AttributeType: types.ScalarAttributeTypeS})
	}
	return to
}

// Drop deletes a table with everything in it, its protection first.
func Drop(ctx context.Context, client *dynamodb.Client, table string) error {
	_, err := client.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: &table, DeletionProtectionEnabled: aws.Bool(false)})
	if err == nil {
		_, err = client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &table})
	}
	if fault.Has(failed(table, "drop", err), fault.ConfigInvalid) {
		return nil // it is gone
	}
	return failed(table, "drop", err)
}
