package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/store"
)

// pauseKey stands beside the job's lock and checkpoints.
func pauseKey(job string) key { return key{jobKey(job), "PAUSE"} }

// decodePause gives the zero Pause for an item that is not there.
func (s *Store) decodePause(action, job string, i item) (store.Pause, error) {
	if i == nil {
		return store.Pause{}, nil
	}
	r := reader{item: i}
	p := store.Pause{Job: job, Since: r.time("since"), By: r.str("who"), Reason: r.str("reason")}
	return p, s.failed(action, r.err)
}

// Pause implements store.PauseStore.
func (s *Store) Pause(ctx context.Context, p store.Pause) (store.Pause, bool, error) {
	const action = "pause job in"
	if err := p.Check(); err != nil {
		return store.Pause{}, false, s.failed(action, err)
	}
	there, applied, err := s.put(ctx, action, put(pauseKey(p.Job)).time("since", p.Since).str("who", p.By).str("reason", p.Reason),
		expression.AttributeNotExists(expression.Name(infra.PartitionKey)))
	if err != nil {
		return store.Pause{}, false, err
	}
	got, err := s.decodePause(action, p.Job, there)
	return got, applied && err == nil, err
}

// Resume implements store.PauseStore.
func (s *Store) Resume(ctx context.Context, seen store.Pause) (store.Pause, bool, error) {
	const action = "resume job in"
	if err := s.open(action); err != nil {
		return store.Pause{}, false, err
	}
	e, err := expression.NewBuilder().WithCondition(is("since", millis(seen.Since))).Build()
	if err != nil {
		return store.Pause{}, false, s.failed(action, err)
	}
	out, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &s.table, Key: pauseKey(seen.Job).item(), ConditionExpression: e.Condition(), ExpressionAttributeNames: e.Names(),
		ExpressionAttributeValues: e.Values(), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if err == nil {
		s.meter.write(consumed(out.ConsumedCapacity)...)
		return store.Pause{}, true, nil
	}
	there, _, err := s.refusal(action, err)
	if err != nil {
		return store.Pause{}, false, err
	}
	got, err := s.decodePause(action, seen.Job, there)
	return got, false, err
}

// Paused implements store.PauseStore.
func (s *Store) Paused(ctx context.Context, job string) (store.Pause, error) {
	const action = "read pause in"
	i, err := s.get(ctx, action, pauseKey(job))
	if err != nil {
		return store.Pause{}, err
	}
	return s.decodePause(action, job, i)
}
