package modeltest

// request is what the operations on one item say.
type request struct {
	TableName                           string
	Key, Item                           map[string]wire
	UpdateExpression                    *string
	ConditionExpression                 *string
	ProjectionExpression                *string
	ExpressionAttributeNames            map[string]string
	ExpressionAttributeValues           map[string]wire
	ConsistentRead                      *bool
	ReturnValues                        string
	ReturnValuesOnConditionCheckFailure string
	ReturnConsumedCapacity              string
	ReturnItemCollectionMetrics         string
}

// write is a checked write on one item.
type write struct {
	kind      string // Put Update Delete ConditionCheck
	table     *table
	key       key
	keyItem   item
	item      item // of Put
	actions   []action
	condition *node
	old, now  item  // once it was worked out
	showOld   bool  // in the answer of a refused condition
	badKey    error // the key does not fit the table: a call alone is refused, a transaction cancelled
}

// prepare checks a write.
func (s *Server) prepare(kind string, r request) (*write, error) {
	w := &write{kind: kind, showOld: r.ReturnValuesOnConditionCheckFailure == "ALL_OLD"}
	sc, err := newScope(r.ExpressionAttributeNames, r.ExpressionAttributeValues, r.UpdateExpression, r.ConditionExpression)
	if err != nil {
		return nil, err
	}
	if err := oneOf("ReturnValuesOnConditionCheckFailure", r.ReturnValuesOnConditionCheckFailure, "", "NONE", "ALL_OLD"); err != nil {
		return nil, err
	}
	if w.table, err = s.table(r.TableName); err != nil {
		return nil, err
	}
	if err := w.target(r); err != nil {
		return nil, err
	}
	if w.actions, err = sc.update(r.UpdateExpression); err != nil {
		return nil, err
	}
	if w.condition, err = sc.condition(r.ConditionExpression); err != nil {
		return nil, err
	}
	if kind == "ConditionCheck" && w.condition == nil {
		return nil, refuse("The condition of a ConditionCheck is missing")
	}
	if s.options.Mutate != nil {
		s.options.Mutate(Mutation{w})
	}
	return w, sc.allUsed()
}

// target reads the key or the item of a write.
func (w *write) target(r request) error {
	var err error
	if w.kind == "Put" {
		if r.Item == nil || r.Key != nil || r.UpdateExpression != nil {
			return refuse("A put has an item and neither a key nor an update expression")
		}
		if w.item, err = readItem(r.Item); err != nil {
			return err
		}
		w.keyItem = w.item
		w.badKey = w.table.checkKey(w.item)
	} else {
		if r.Key == nil || r.Item != nil || w.kind != "Update" && r.UpdateExpression != nil {
			return refuse("A key is missing, or there is an item or an update expression where none belongs")
		}
		if w.keyItem, err = readItem(r.Key); err != nil {
			return err
		}
		w.badKey = w.table.checkExact(w.keyItem)
	}
	w.key = w.table.keyOf(w.keyItem)
	return nil
}

// checkKeys refuses a key that does not fit, and an update of a key attribute.
func (w *write) checkKeys() error {
	if w.badKey != nil {
		return w.badKey
	}
	for _, a := range w.actions {
		if w.table.has(a.path[0].name) {
			return refuse("One or more parameter values were invalid: Cannot update attribute %s. This attribute is part of the key", a.path[0].name)
		}
	}
	return nil
}

// work finds what the write would make of the item as it is now; nothing is changed yet.
func (w *write) work() error {
	w.old = w.table.rows[w.key]
	if !w.condition.met(w.old) {
		if w.showOld {
			return refused(w.old)
		}
		return refused(nil)
	}
	var err error
	switch w.kind {
	case "Put":
		w.now = w.item
	case "Delete":
		w.now = nil
		return nil
	case "ConditionCheck":
		w.now = w.old
		return nil
	case "Update":
		base := w.old
		if base == nil {
			base = w.keyItem
		}
		if w.now, err = apply(base, w.actions); err != nil {
			return err
		}
	}
	return w.table.checkItem(w.now)
}

// commit makes the change.
func (w *write) commit() {
	if w.kind != "ConditionCheck" {
		w.table.put(w.key, w.now)
	}
}

// units is what the write costs: in the table, and in each index.
func (w *write) units(factor float64) spent {
	out := spent{table: w.table.name, indexes: map[string]float64{}}
	out.main = factor * units(max(w.old.bytes(), w.now.bytes()), 1<<10)
	if w.kind == "ConditionCheck" {
		return out
	}
	for name, x := range w.table.indexes {
		if n := w.table.indexUnits(x, w.old, w.now); n > 0 {
			out.indexes[name] = factor * n
		}
	}
	return out
}

// writeItem is PutItem, UpdateItem and DeleteItem.
func (s *Server) writeItem(kind string) func([]byte) (any, error) {
	values := map[string][]string{"Put": {"", "NONE", "ALL_OLD"}, "Delete": {"", "NONE", "ALL_OLD"},
		"Update": {"", "NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"}}
	return func(body []byte) (any, error) {
		var r request
		if err := decode(body, &r); err != nil {
			return nil, err
		}
		if err := oneOf("Return values", r.ReturnValues, values[kind]...); err != nil {
			return nil, err
		}
		if err := oneOf("ReturnItemCollectionMetrics", r.ReturnItemCollectionMetrics, "", "NONE"); err != nil {
			return nil, err
		}
		if err := oneOf("ReturnConsumedCapacity", r.ReturnConsumedCapacity, "", "NONE", "TOTAL", "INDEXES"); err != nil {
			return nil, err
		}
		w, err := s.prepare(kind, r)
		if err != nil {
			return nil, err
		}
		if err := w.checkKeys(); err != nil {
			return nil, err
		}
		if err := w.work(); err != nil {
			s.usage.WriteUnits += units(w.old.bytes(), 1<<10)
			return nil, err
		}
		cost := w.units(1)
		s.usage.WriteUnits += cost.total()
		w.commit()
		answer := map[string]any{}
		if attributes := w.returned(r.ReturnValues); len(attributes) > 0 {
			answer["Attributes"] = attributes
		}
		return answer, cost.into(answer, r.ReturnConsumedCapacity)
	}
}

// returned is what the write answers.
func (w *write) returned(which string) item {
	switch which {
	case "ALL_OLD":
		return w.old
	case "ALL_NEW":
		return w.now
	case "UPDATED_OLD":
		return w.touched(w.old)
	case "UPDATED_NEW":
		return w.touched(w.now)
	}
	return nil
}

// touched gives the attributes that an update named and that the item has; whole, also when a path leads into them.
func (w *write) touched(it item) item {
	out := item{}
	for _, a := range w.actions {
		if _, ok := a.path.find(it); ok {
			out[a.path[0].name] = it[a.path[0].name]
		}
	}
	return out
}

// oneOf refuses a setting that is none of its values.
func oneOf(what, got string, allowed ...string) error {
	for _, a := range allowed {
		if got == a {
			return nil
		}
	}
	return refuse("%s set to invalid value: %q", what, got)
}

// spent is what a call consumed of one table.
type spent struct {
	table   string
	main    float64
	indexes map[string]float64
}

func (s spent) total() float64 {
	sum := s.main
	for _, n := range s.indexes {
		sum += n
	}
	return sum
}

// report is ConsumedCapacity as it was asked for; nil when it was not.
func (s spent) report(which string) (map[string]any, error) {
	if err := oneOf("ReturnConsumedCapacity", which, "", "NONE", "TOTAL", "INDEXES"); err != nil {
		return nil, err
	}
	if which == "" || which == "NONE" {
		return nil, nil
	}
	out := map[string]any{"TableName": s.table, "CapacityUnits": s.total()}
	if which == "INDEXES" {
		out["Table"] = map[string]any{"CapacityUnits": s.main}
		if len(s.indexes) > 0 {
			indexes := map[string]any{}
			for name, n := range s.indexes {
				indexes[name] = map[string]any{"CapacityUnits": n}
			}
			out["GlobalSecondaryIndexes"] = indexes
		}
	}
	return out, nil
}

// into puts ConsumedCapacity into an answer.
func (s spent) into(answer map[string]any, which string) error {
	report, err := s.report(which)
	if report != nil {
		answer["ConsumedCapacity"] = report
	}
	return err
}
