package dynamo

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// open says so when the store was closed.
func (s *Store) open(action string) error {
	if s.closed.Load() {
		return fault.New(fault.Internal, "%s table %s: the store is closed", action, s.table)
	}
	return nil
}

// get reads one item consistently, nil when it is absent.
func (s *Store) get(ctx context.Context, action string, k key) (item, error) {
	if err := s.open(action); err != nil {
		return nil, err
	}
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.table, Key: k.item(), ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	if err != nil {
		return nil, s.failed(action, err)
	}
	s.meter.read(consumed(out.ConsumedCapacity)...)
	return out.Item, nil
}

// put writes an item under a condition; a refusal answers the item that is there.
func (s *Store) put(ctx context.Context, action string, p putting, cond expression.ConditionBuilder) (item, bool, error) {
	if err := s.open(action); err != nil {
		return nil, false, err
	}
	e, err := expression.NewBuilder().WithCondition(cond).Build()
	if err != nil {
		return nil, false, s.failed(action, err)
	}
	out, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.table, Item: p.item, ConditionExpression: e.Condition(), ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	if err != nil {
		return s.refusal(action, err)
	}
	s.meter.write(consumed(out.ConsumedCapacity)...)
	return p.item, true, nil
}

// replace writes an item whatever is there.
func (s *Store) replace(ctx context.Context, action string, p putting) error {
	if err := s.open(action); err != nil {
		return err
	}
	out, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.table, Item: p.item, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	if err != nil {
		return s.failed(action, err)
	}
	s.meter.write(consumed(out.ConsumedCapacity)...)
	return nil
}

// change is one conditional UpdateItem.
type change struct {
	key
	set  expression.UpdateBuilder
	when expression.ConditionBuilder
}

// update makes the change and answers the item as it is then; a refused one answers the item that is there, nil when none is.
func (s *Store) update(ctx context.Context, action string, c change) (item, bool, error) {
	if err := s.open(action); err != nil {
		return nil, false, err
	}
	e, err := expression.NewBuilder().WithUpdate(c.set).WithCondition(c.when).Build()
	if err != nil {
		return nil, false, s.failed(action, err)
	}
	out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: c.key.item(), UpdateExpression: e.Update(), ConditionExpression: e.Condition(),
		ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(), ReturnValues: types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	if err != nil {
		return s.refusal(action, err)
	}
	s.meter.write(consumed(out.ConsumedCapacity)...)
	return out.Attributes, true, nil
}

// refusal tells a condition that does not hold, which is no error, from an error.
func (s *Store) refusal(action string, err error) (item, bool, error) {
	var refused *types.ConditionalCheckFailedException
	if errors.As(err, &refused) {
		s.meter.refused(1, refused.Item)
		return refused.Item, false, nil
	}
	return nil, false, s.failed(action, err)
}

// delete removes an item.
func (s *Store) delete(ctx context.Context, action string, k key) error {
	if err := s.open(action); err != nil {
		return err
	}
	out, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &s.table, Key: k.item(), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	if err != nil {
		return s.failed(action, err)
	}
	s.meter.write(consumed(out.ConsumedCapacity)...)
	return nil
}

// transaction is writes that are made together or not at all.
type transaction struct {
	writes []types.TransactWriteItem
	token  string // the same for the same content, and for no other; "" lets the client draw one
	err    error
}

// update adds a change; a when that is not set is no condition.
func (t *transaction) update(table *string, c change) {
	b := expression.NewBuilder().WithUpdate(c.set)
	if c.when.IsSet() {
		b = b.WithCondition(c.when)
	}
	e, err := b.Build()
	if err != nil {
		t.err = err
		return
	}
	t.writes = append(t.writes, types.TransactWriteItem{Update: &types.Update{
		TableName: table, Key: c.key.item(), UpdateExpression: e.Update(), ConditionExpression: e.Condition(), ExpressionAttributeNames: e.Names(),
		ExpressionAttributeValues: e.Values(), ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}})
}

// put adds an item; ifAbsent makes that a condition.
func (t *transaction) put(table *string, p putting, ifAbsent bool) {
	w := &types.Put{TableName: table, Item: p.item}
	if ifAbsent {
		e, err := expression.NewBuilder().WithCondition(absent()).Build()
		if err != nil {
			t.err = err
			return
		}
		w.ConditionExpression, w.ExpressionAttributeNames = e.Condition(), e.Names()
		w.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	}
	t.writes = append(t.writes, types.TransactWriteItem{Put: w})
}

// check adds a condition on an item that stays as it is.
func (t *transaction) check(table *string, k key, when expression.ConditionBuilder) {
	e, err := expression.NewBuilder().WithCondition(when).Build()
	if err != nil {
		t.err = err
		return
	}
	t.writes = append(t.writes, types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: table, Key: k.item(), ConditionExpression: e.Condition(), ExpressionAttributeNames: e.Names(),
		ExpressionAttributeValues: e.Values(), ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}})
}

// refusedBy is which write of a transaction had a condition that does not hold, with the item that is there; at -1 none had.
type refusedBy struct {
	at   int
	item item
}

// transact makes the writes. A condition that does not hold is no error; one that does counts more than what else was in the way.
func (s *Store) transact(ctx context.Context, action string, t transaction) (refusedBy, error) {
	none := refusedBy{at: -1}
	if err := s.open(action); err != nil {
		return none, err
	}
	if t.err != nil {
		return none, s.failed(action, t.err)
	}
	in := &dynamodb.TransactWriteItemsInput{TransactItems: t.writes, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal}
	if t.token != "" {
		in.ClientRequestToken = &t.token
	}
	out, err := s.client.TransactWriteItems(ctx, in)
	if err == nil {
		s.meter.write(out.ConsumedCapacity...)
		return none, nil
	}
	var canceled *types.TransactionCanceledException
	if errors.As(err, &canceled) {
		for i, r := range canceled.CancellationReasons {
			if deref(r.Code) == conditionFailed {
				s.meter.refused(2, t.items(i, r.Item)...)
				return refusedBy{i, r.Item}, nil
			}
		}
	}
	return none, s.failed(action, err)
}

// items gives what a refused transaction is billed by.
func (t *transaction) items(at int, there item) []item {
	out := make([]item, len(t.writes))
	for i, w := range t.writes {
		switch {
		case i == at:
			out[i] = there
		case w.Put != nil:
			out[i] = w.Put.Item
		}
	}
	return out
}

// search is one query of the table or of an index.
type search struct {
	index    string // "": the table, consistently
	keys     expression.KeyConditionBuilder
	backward bool
	limit    int32 // per call; 0: as much as fits
}

// pages calls see with each page of what a query finds, until it answers false.
func (s *Store) pages(ctx context.Context, action string, q search, see func([]item) (more bool, err error)) error {
	e, err := expression.NewBuilder().WithKeyCondition(q.keys).Build()
	if err != nil {
		return s.failed(action, err)
	}
	in := &dynamodb.QueryInput{
		TableName: &s.table, KeyConditionExpression: e.KeyCondition(), ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
		ScanIndexForward: aws.Bool(!q.backward), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}
	if q.index != "" {
		in.IndexName = &q.index
	} else {
		in.ConsistentRead = aws.Bool(true)
	}
	if q.limit > 0 {
		in.Limit = &q.limit
	}
	for {
		if err := s.open(action); err != nil {
			return err
		}
		out, err := s.client.Query(ctx, in)
		if err != nil {
			return s.failed(action, err)
		}
		s.meter.read(consumed(out.ConsumedCapacity)...)
		more, err := see(out.Items)
		if err != nil || !more || len(out.LastEvaluatedKey) == 0 {
			return err
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// all gives everything that a query finds.
func (s *Store) all(ctx context.Context, action string, keys expression.KeyConditionBuilder) ([]item, error) {
	var found []item
	err := s.pages(ctx, action, search{keys: keys}, func(page []item) (bool, error) {
		found = append(found, page...)
		return true, nil
	})
	return found, err
}
