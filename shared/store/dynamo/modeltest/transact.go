package modeltest

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// remembered is a transaction that succeeded under a token.
type remembered struct {
	body   string
	at     time.Time
	answer map[string]any
}

// tokenLife is how long a token is remembered.
const tokenLife = 10 * time.Minute

// transactItem is one item of TransactWriteItems.
type transactItem struct {
	Put, Update, Delete, ConditionCheck *request
}

// one gives the only request of an item.
func (i transactItem) one() (kind string, r request, err error) {
	count := 0
	for _, c := range []struct {
		kind string
		r    *request
	}{{"Put", i.Put}, {"Update", i.Update}, {"Delete", i.Delete}, {"ConditionCheck", i.ConditionCheck}} {
		if c.r != nil {
			count++
			kind, r = c.kind, *c.r
		}
	}
	switch {
	case count != 1:
		return "", r, refuse("TransactItems can only contain one of Check, Put, Update or Delete")
	case r.ReturnValues != "" || r.ReturnConsumedCapacity != "" || r.ReturnItemCollectionMetrics != "" || r.ConsistentRead != nil || r.ProjectionExpression != nil:
		return "", r, apiError{code: "SerializationException", message: "the model cannot read the request: an item of a transaction says too much"}
	case kind == "Update" && r.UpdateExpression == nil:
		return "", r, refuse("An update of a transaction has an update expression")
	}
	return kind, r, nil
}

func (s *Server) transactWrite(body []byte) (any, error) {
	var r struct {
		TransactItems               []transactItem
		ClientRequestToken          string
		ReturnConsumedCapacity      string
		ReturnItemCollectionMetrics string
	}
	if err := decode(body, &r); err != nil {
		return nil, err
	}
	if err := oneOf("ReturnConsumedCapacity", r.ReturnConsumedCapacity, "", "NONE", "TOTAL", "INDEXES"); err != nil {
		return nil, err
	}
	if len(r.ClientRequestToken) > 36 {
		return nil, refuse("Value at 'clientRequestToken' failed to satisfy constraint: Member must have length less than or equal to 36")
	}
	writes, err := s.transactWrites(r.TransactItems)
	if err != nil {
		return nil, err
	}
	same, _ := json.Marshal(r.TransactItems) // it was JSON before
	if was, ok := s.tokens[r.ClientRequestToken]; ok && r.ClientRequestToken != "" && !s.options.Forget && s.options.Now().Sub(was.at) < tokenLife {
		if was.body != string(same) {
			return nil, apiError{code: "IdempotentParameterMismatchException", message: "the request differs from the one that used the token before"}
		}
		return was.answer, nil
	}
	cost, err := s.transact(writes)
	if err != nil {
		return nil, err
	}
	answer := map[string]any{}
	if r.ClientRequestToken != "" {
		s.tokens[r.ClientRequestToken] = remembered{body: string(bytes.Clone(same)), at: s.options.Now(), answer: answer}
	}
	return answer, s.reportAll(cost, r.ReturnConsumedCapacity, answer)
}

// transactWrites checks the items of a transaction against each other and its limits.
func (s *Server) transactWrites(items []transactItem) ([]*write, error) {
	if len(items) == 0 || len(items) > 100 {
		return nil, refuse("Value at 'transactItems' failed to satisfy constraint: 1 to 100 members, these are %d", len(items))
	}
	var out []*write
	seen := map[string]bool{}
	size := 0
	for _, i := range items {
		kind, r, err := i.one()
		if err != nil {
			return nil, err
		}
		w, err := s.prepare(kind, r)
		if err != nil {
			return nil, err
		}
		at := w.table.name + "/" + string(w.key)
		if seen[at] {
			return nil, refuse("Transaction request cannot include multiple operations on one item")
		}
		seen[at] = true
		if w.item.bytes() > maxItem {
			return nil, refuse("Item size has exceeded the maximum allowed size")
		}
		size += w.item.bytes()
		for _, v := range r.ExpressionAttributeValues {
			if read, err := v.read(); err == nil {
				size += read.bytes()
			}
		}
		out = append(out, w)
	}
	if size > maxTransact {
		return nil, refuse("Transaction payload size cannot exceed 4MB. Payload Size: %d", size)
	}
	return out, nil
}

// transact makes all writes or none. The reasons of a cancellation stand in the order of the items.
func (s *Server) transact(writes []*write) ([]spent, error) {
	reasons := make([]reason, len(writes))
	cancelled := false
	var cost []spent
	for i, w := range writes {
		reasons[i].Code = "None"
		err := w.checkKeys()
		if err == nil {
			err = w.work()
		}
		var fail apiError
		switch {
		case err == nil:
			cost = addSpent(cost, w.units(2))
			continue
		case !errors.As(err, &fail):
			return nil, err
		case fail.code == "ConditionalCheckFailedException":
			reasons[i] = reason{Code: "ConditionalCheckFailed", Message: fail.message, Item: fail.item}
		default:
			reasons[i] = reason{Code: "ValidationError", Message: fail.message}
		}
		cancelled = true
		cost = addSpent(cost, spent{table: w.table.name, main: 2 * units(w.old.bytes(), 1<<10)})
	}
	for _, c := range cost {
		s.usage.WriteUnits += c.total()
	}
	if !cancelled {
		for _, w := range writes {
			w.commit()
		}
		return cost, nil
	}
	return nil, cancelledBy(reasons)
}

// cancelledBy is the error of a cancelled transaction.
func cancelledBy(reasons []reason) error {
	codes := make([]string, len(reasons))
	for i, r := range reasons {
		codes[i] = r.Code
	}
	return apiError{code: "TransactionCanceledException", reasons: reasons,
		message: "Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.Join(codes, ", ") + "]"}
}

func (s *Server) transactGet(body []byte) (any, error) {
	var r struct {
		TransactItems          []struct{ Get *request }
		ReturnConsumedCapacity string
	}
	if err := decode(body, &r); err != nil {
		return nil, err
	}
	if len(r.TransactItems) == 0 || len(r.TransactItems) > 100 {
		return nil, refuse("Value at 'transactItems' failed to satisfy constraint: 1 to 100 members, these are %d", len(r.TransactItems))
	}
	type found struct {
		Item item `json:",omitempty"`
	}
	var out []found
	var cost []spent
	var reasons []reason
	cancelled := false
	seen := map[string]bool{}
	for _, i := range r.TransactItems {
		if i.Get == nil {
			return nil, refuse("TransactItems can only contain Get")
		}
		p, err := s.preparePull(*i.Get)
		if err != nil {
			return nil, err
		}
		k, err := p.key(i.Get.Key)
		if fail := (apiError{}); errors.As(err, &fail) {
			reasons = append(reasons, reason{Code: "ValidationError", Message: fail.message})
			cancelled = true
			continue
		}
		reasons = append(reasons, reason{Code: "None"})
		if at := p.table.name + "/" + string(k); seen[at] {
			return nil, refuse("Transaction request cannot include multiple operations on one item")
		} else {
			seen[at] = true
		}
		p.consistent = true
		it, n := s.get(p, k)
		out = append(out, found{Item: it})
		cost = addSpent(cost, spent{table: p.table.name, main: 2 * n})
		s.usage.ReadUnits += 2 * n
	}
	if cancelled {
		return nil, cancelledBy(reasons)
	}
	answer := map[string]any{"Responses": out}
	return answer, s.reportAll(cost, r.ReturnConsumedCapacity, answer)
}
