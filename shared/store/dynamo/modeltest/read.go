package modeltest

import (
	"maps"
	"slices"
)

// pull is a checked read of items by their keys in one table.
type pull struct {
	table      *table
	projection []path
	consistent bool
}

// preparePull checks what a read by key says beside the key.
func (s *Server) preparePull(r request) (pull, error) {
	p := pull{consistent: r.ConsistentRead != nil && *r.ConsistentRead}
	if r.Item != nil || r.UpdateExpression != nil || r.ConditionExpression != nil || r.ReturnValues != "" || r.ExpressionAttributeValues != nil {
		return p, apiError{code: "SerializationException", message: "the model cannot read the request: a read that says what belongs to a write"}
	}
	sc, err := newScope(r.ExpressionAttributeNames, nil, r.ProjectionExpression)
	if err != nil {
		return p, err
	}
	if p.table, err = s.table(r.TableName); err != nil {
		return p, err
	}
	if p.projection, err = sc.projection(r.ProjectionExpression); err != nil {
		return p, err
	}
	return p, sc.allUsed()
}

// key checks a key of the read.
func (p pull) key(in map[string]wire) (key, error) {
	k, err := readItem(in)
	if err != nil {
		return "", err
	}
	return p.table.keyOf(k), p.table.checkExact(k)
}

// get reads one item, nil when it is absent, and says what it costs.
func (s *Server) get(p pull, k key) (item, float64) {
	it := s.seen(p.table, p.consistent).rows[k]
	n := units(it.bytes(), 4<<10)
	if !p.consistent {
		n /= 2
	}
	if it == nil {
		return nil, n
	}
	return project(it, p.projection), n
}

func (s *Server) getItem(body []byte) (any, error) {
	var r request
	if err := decode(body, &r); err != nil {
		return nil, err
	}
	p, err := s.preparePull(r)
	if err != nil {
		return nil, err
	}
	k, err := p.key(r.Key)
	if err != nil {
		return nil, err
	}
	it, n := s.get(p, k)
	s.usage.ReadUnits += n
	answer := map[string]any{}
	if it != nil {
		answer["Item"] = it
	}
	return answer, spent{table: p.table.name, main: n}.into(answer, r.ReturnConsumedCapacity)
}

// keysOf is what BatchGetItem asks of one table.
type keysOf struct {
	Keys                     []map[string]wire `json:",omitempty"`
	ProjectionExpression     *string           `json:",omitempty"`
	ExpressionAttributeNames map[string]string `json:",omitempty"`
	ConsistentRead           *bool             `json:",omitempty"`
}

func (s *Server) batchGet(body []byte) (any, error) {
	var r struct {
		RequestItems           map[string]keysOf
		ReturnConsumedCapacity string
	}
	if err := decode(body, &r); err != nil {
		return nil, err
	}
	count := 0
	for _, k := range r.RequestItems {
		count += len(k.Keys)
		if len(k.Keys) == 0 {
			return nil, refuse("BatchGetItem must have some keys for each table")
		}
	}
	if count == 0 || count > 100 {
		return nil, refuse("BatchGetItem takes 1 to 100 keys, this has %d", count)
	}
	var b batchAnswer
	for _, name := range slices.Sorted(maps.Keys(r.RequestItems)) {
		if err := s.batchGetTable(name, r.RequestItems[name], &b); err != nil {
			return nil, err
		}
	}
	answer := map[string]any{"Responses": b.responses, "UnprocessedKeys": b.left}
	return answer, s.reportAll(b.cost, r.ReturnConsumedCapacity, answer)
}

// batchAnswer is the answer of BatchGetItem as it grows.
type batchAnswer struct {
	responses map[string][]item
	left      map[string]keysOf
	cost      []spent
	bytes     int
}

// batchGetTable reads one table's keys. Keys behind the limit of an answer's size are left for another call.
func (s *Server) batchGetTable(name string, q keysOf, b *batchAnswer) error {
	if b.responses == nil {
		b.responses, b.left = map[string][]item{}, map[string]keysOf{}
	}
	p, err := s.preparePull(request{TableName: name, ProjectionExpression: q.ProjectionExpression,
		ExpressionAttributeNames: q.ExpressionAttributeNames, ConsistentRead: q.ConsistentRead})
	if err != nil {
		return err
	}
	cost := spent{table: p.table.name}
	b.responses[name] = []item{}
	seen := map[key]bool{}
	for _, in := range q.Keys {
		k, err := p.key(in)
		if err != nil {
			return err
		}
		if seen[k] {
			return refuse("Provided list of item keys contains duplicates")
		}
		seen[k] = true
		if b.bytes > maxBatch {
			left := b.left[name]
			q.Keys, left = nil, keysOf{Keys: append(left.Keys, in), ProjectionExpression: q.ProjectionExpression,
				ExpressionAttributeNames: q.ExpressionAttributeNames, ConsistentRead: q.ConsistentRead}
			b.left[name] = left
			continue
		}
		it, n := s.get(p, k)
		cost.main += n
		if it != nil {
			b.bytes += p.table.rows[k].bytes()
			b.responses[name] = append(b.responses[name], it)
		}
	}
	s.usage.ReadUnits += cost.main
	b.cost = append(b.cost, cost)
	return nil
}

// reportAll puts the ConsumedCapacity of several tables into an answer.
func (s *Server) reportAll(cost []spent, which string, answer map[string]any) error {
	var out []map[string]any
	for _, c := range cost {
		report, err := c.report(which)
		if err != nil {
			return err
		}
		if report != nil {
			out = append(out, report)
		}
	}
	if out != nil {
		answer["ConsumedCapacity"] = out
	}
	return nil
}

// batchOne is one request of BatchWriteItem.
type batchOne struct {
	PutRequest    *struct{ Item map[string]wire }
	DeleteRequest *struct{ Key map[string]wire }
}

func (s *Server) batchWrite(body []byte) (any, error) {
	var r struct {
		RequestItems           map[string][]batchOne
		ReturnConsumedCapacity string
	}
	if err := decode(body, &r); err != nil {
		return nil, err
	}
	writes, err := s.batchWrites(r.RequestItems)
	if err != nil {
		return nil, err
	}
	var cost []spent
	for _, w := range writes {
		if err := w.work(); err != nil {
			return nil, err
		}
		cost = addSpent(cost, w.units(1))
	}
	for _, w := range writes {
		w.commit()
	}
	for _, c := range cost {
		s.usage.WriteUnits += c.total()
	}
	answer := map[string]any{"UnprocessedItems": map[string]any{}}
	return answer, s.reportAll(cost, r.ReturnConsumedCapacity, answer)
}

// batchWrites checks the writes of a batch.
func (s *Server) batchWrites(requests map[string][]batchOne) ([]*write, error) {
	var out []*write
	seen := map[string]bool{}
	count := 0
	for _, name := range slices.Sorted(maps.Keys(requests)) {
		for _, one := range requests[name] {
			count++
			kind, r := "Put", request{TableName: name}
			switch {
			case one.PutRequest != nil && one.DeleteRequest == nil:
				r.Item = one.PutRequest.Item
			case one.DeleteRequest != nil && one.PutRequest == nil:
				kind, r.Key = "Delete", one.DeleteRequest.Key
			default:
				return nil, refuse("Supplied write request is none: it has one of PutRequest and DeleteRequest")
			}
			w, err := s.prepare(kind, r)
			if err == nil {
				err = w.checkKeys()
			}
			if err != nil {
				return nil, err
			}
			if at := name + "/" + string(w.key); seen[at] {
				return nil, refuse("Provided list of item keys contains duplicates")
			} else {
				seen[at] = true
			}
			out = append(out, w)
		}
	}
	if count == 0 || count > 25 {
		return nil, refuse("BatchWriteItem takes 1 to 25 requests, this has %d", count)
	}
	return out, nil
}

// addSpent adds to the sums of a call, table by table.
func addSpent(sums []spent, c spent) []spent {
	for i := range sums {
		if sums[i].table == c.table {
			sums[i].main += c.main
			if sums[i].indexes == nil {
				sums[i].indexes = map[string]float64{}
			}
			for name, n := range c.indexes {
				sums[i].indexes[name] += n
			}
			return sums
		}
	}
	return append(sums, c)
}
