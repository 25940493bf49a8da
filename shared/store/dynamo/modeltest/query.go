package modeltest

import (
	"slices"
	"strings"
)

// search is what Query and Scan say.
type search struct {
	TableName                 string
	IndexName                 *string
	KeyConditionExpression    *string
	FilterExpression          *string
	ProjectionExpression      *string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]wire
	ExclusiveStartKey         map[string]wire
	Limit                     *int
	ScanIndexForward          *bool
	ConsistentRead            *bool
	Select                    string
	ReturnConsumedCapacity    string
	Segment, TotalSegments    *int
}

// plan is a checked search.
type plan struct {
	search
	table      *table
	index      *index
	schema     schema // of the index or the table
	keys       []*node
	filter     *node
	projection []path
	start      item
	consistent bool
}

// checkSearch reads what Query and Scan have in common.
func (s *Server) checkSearch(q search) (*plan, error) {
	p := &plan{search: q, consistent: q.ConsistentRead != nil && *q.ConsistentRead}
	sc, err := newScope(q.ExpressionAttributeNames, q.ExpressionAttributeValues, q.KeyConditionExpression, q.FilterExpression, q.ProjectionExpression)
	if err != nil {
		return nil, err
	}
	if p.table, err = s.table(q.TableName); err != nil {
		return nil, err
	}
	if err := p.choose(); err != nil {
		return nil, err
	}
	condition, err := sc.condition(q.KeyConditionExpression)
	if err != nil {
		return nil, err
	}
	if p.filter, err = sc.condition(q.FilterExpression); err != nil {
		return nil, err
	}
	if p.projection, err = sc.projection(q.ProjectionExpression); err != nil {
		return nil, err
	}
	if err := p.projected(); err != nil {
		return nil, err
	}
	if err := sc.allUsed(); err != nil {
		return nil, err
	}
	if condition != nil {
		if err := p.keyCondition(condition); err != nil {
			return nil, err
		}
	}
	return p, p.checkStart()
}

// choose finds the index and checks the settings that depend on it.
func (p *plan) choose() error {
	p.schema = p.table.schema
	if p.IndexName != nil {
		x, ok := p.table.indexes[*p.IndexName]
		if !ok {
			return refuse("The table does not have the specified index: %s", *p.IndexName)
		}
		if p.consistent {
			return refuse("Consistent reads are not supported on global secondary indexes")
		}
		p.index, p.schema = x, x.schema
	}
	if p.Limit != nil && *p.Limit < 1 {
		return refuse("Limit must be greater than or equal to 1")
	}
	if err := oneOf("Select", p.Select, "", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "COUNT", "SPECIFIC_ATTRIBUTES"); err != nil {
		return err
	}
	switch {
	case p.ProjectionExpression != nil && p.Select != "" && p.Select != "SPECIFIC_ATTRIBUTES":
		return refuse("Cannot specify the ProjectionExpression when choosing to get %s", p.Select)
	case p.Select == "SPECIFIC_ATTRIBUTES" && p.ProjectionExpression == nil:
		return refuse("Must specify the ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
	case p.Select == "ALL_PROJECTED_ATTRIBUTES" && p.index == nil:
		return refuse("ALL_PROJECTED_ATTRIBUTES can be used only when querying using an index")
	case p.Select == "ALL_ATTRIBUTES" && p.index != nil && p.index.projection != "ALL":
		return refuse("Select type ALL_ATTRIBUTES is not supported for a global secondary index that does not project all attributes")
	}
	return nil
}

// projected refuses to read attributes that the index does not keep.
func (p *plan) projected() error {
	if p.index == nil || p.index.projection == "ALL" {
		return nil
	}
	kept := func(name string) bool {
		return p.schema.has(name) || p.table.has(name) || slices.Contains(p.index.include, name)
	}
	missing := p.filter.mentions(func(name string) bool { return !kept(name) })
	for _, at := range p.projection {
		if !kept(at[0].name) {
			missing = at[0].name
		}
	}
	if missing != "" {
		return refuse("One or more parameter values were invalid: Global secondary index %s does not project %s", p.index.name, missing)
	}
	return nil
}

// keyCondition takes a key condition apart: one equality of the hash key, at most one condition of the sort key.
func (p *plan) keyCondition(n *node) error {
	var flat []*node
	var walk func(*node)
	walk = func(n *node) {
		if n.op != "AND" {
			flat = append(flat, n)
			return
		}
		walk(n.args[0])
		walk(n.args[1])
	}
	walk(n)
	found := map[string]*node{}
	for _, c := range flat {
		c, err := turned(c)
		if err != nil {
			return err
		}
		name := c.args[0].path[0].name
		if found[name] != nil {
			return refuse("KeyConditionExpressions must only contain one condition per key")
		}
		found[name] = c
	}
	hash, sort := found[p.schema.hash.name], found[p.schema.sort.name]
	p.keys = []*node{hash}
	if sort != nil {
		p.keys = append(p.keys, sort)
	}
	switch {
	case hash == nil, len(found) != len(p.keys):
		return refuse("Query condition missed key schema element: %s", p.schema.hash.name)
	case hash.op != "=":
		return refuse("Query key condition not supported")
	}
	for i, c := range p.keys {
		part := p.schema.parts()[i]
		for _, a := range c.args[1:] {
			if a.value.kind != part.kind {
				return refuse("One or more parameter values were invalid: Condition parameter type does not match schema type")
			}
			if err := part.check(a.value, i == 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// turned gives a condition of a key with the path on the left.
func turned(n *node) (*node, error) {
	flip := map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
	if _, ok := flip[n.op]; !ok && n.op != "BETWEEN" && n.op != "begins_with" {
		return nil, refuse("Invalid operator used in KeyConditionExpression: %s", n.op)
	}
	if n.args[0].op == "value" && n.args[1].op == "path" && flip[n.op] != "" {
		n = &node{op: flip[n.op], args: []*node{n.args[1], n.args[0]}}
	}
	if n.args[0].op != "path" || len(n.args[0].path) != 1 {
		return nil, refuse("KeyConditionExpressions cannot contain nested operations")
	}
	for _, a := range n.args[1:] {
		if a.op != "value" {
			return nil, refuse("Invalid condition in KeyConditionExpression: %s is compared with no value", n.args[0].path)
		}
	}
	return n, nil
}

// checkStart reads ExclusiveStartKey.
func (p *plan) checkStart() error {
	if p.ExclusiveStartKey == nil {
		return nil
	}
	var err error
	if p.start, err = readItem(p.ExclusiveStartKey); err != nil {
		return err
	}
	want := keyItem(p.start, p.schema, p.table.schema)
	if len(want) != len(p.start) || p.table.checkKey(p.start) != nil || p.schema.checkKey(p.start) != nil {
		return refuse("The provided starting key is invalid")
	}
	for _, c := range p.keys {
		if !c.holds(p.start) {
			return refuse("The provided starting key does not match the range key predicate")
		}
	}
	if p.index == nil && p.atEnd(p.start) { // entries of an index can share their sort key
		return refuse("The provided starting key does not match the range key predicate")
	}
	return nil
}

// backward says whether the search goes from the last item to the first.
func (p *plan) backward() bool { return p.ScanIndexForward != nil && !*p.ScanIndexForward }

// atEnd says whether an item stands on the end of the range that the condition of the sort key includes: nothing can follow.
func (p *plan) atEnd(it item) bool {
	if len(p.keys) < 2 {
		return false
	}
	c := p.keys[1]
	end := c.args[len(c.args)-1].value
	switch {
	case p.backward() && c.op == "BETWEEN":
		end = c.args[1].value
	case c.op == "BETWEEN", c.op == "<=" && !p.backward(), c.op == ">=" && p.backward():
	default:
		return false
	}
	return it[p.schema.sort.name].equal(end)
}

func (s *Server) query(body []byte) (any, error) {
	var q search
	if err := decode(body, &q); err != nil {
		return nil, err
	}
	if q.KeyConditionExpression == nil || q.Segment != nil || q.TotalSegments != nil {
		return nil, refuse("A query has a KeyConditionExpression and no segments")
	}
	p, err := s.checkSearch(q)
	if err != nil {
		return nil, err
	}
	if name := p.filter.mentions(p.schema.has); name != "" {
		return nil, refuse("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", name)
	}
	t := s.seen(p.table, p.consistent)
	hash := p.keys[0].args[1].value
	list := t.sorted[hash.text]
	if p.index != nil {
		list = t.entries(p.index, hash)
	}
	return s.walk(p, list)
}

func (s *Server) scan(body []byte) (any, error) {
	var q search
	if err := decode(body, &q); err != nil {
		return nil, err
	}
	if q.KeyConditionExpression != nil || q.ScanIndexForward != nil || q.Segment != nil || q.TotalSegments != nil || q.IndexName != nil {
		return nil, apiError{code: "SerializationException", message: "the model cannot read the request: it scans tables, in one segment"}
	}
	p, err := s.checkSearch(q)
	if err != nil {
		return nil, err
	}
	t := s.seen(p.table, p.consistent)
	var list []item
	for _, it := range t.rows {
		list = append(list, it)
	}
	slices.SortFunc(list, p.order)
	return s.walk(p, list)
}

// order is the order of a search: a scan goes by the hash key first.
func (p *plan) order(a, b item) int {
	if p.keys == nil {
		h := p.schema.hash.name
		if c := strings.Compare(a[h].text, b[h].text); c != 0 {
			return c
		}
	}
	if c := p.schema.compare(a, b); c != 0 {
		return c
	}
	return strings.Compare(string(p.table.keyOf(a)), string(p.table.keyOf(b)))
}

// walk goes through the items in their order until a limit is reached, and answers a page.
func (s *Server) walk(p *plan, list []item) (any, error) {
	direction := 1
	if p.backward() {
		direction = -1
		list = slices.Clone(list)
		slices.Reverse(list)
	}
	items, scanned, size := []item{}, 0, 0
	var last item
	for _, it := range list {
		if p.start != nil && direction*p.order(it, p.start) <= 0 || slices.ContainsFunc(p.keys, func(c *node) bool { return !c.holds(it) }) {
			continue
		}
		scanned++
		size += it.bytes()
		if p.filter.met(it) {
			items = append(items, project(it, p.projection))
		}
		if p.Limit != nil && scanned == *p.Limit || size > maxPage {
			if p.index != nil || !p.atEnd(it) {
				last = keyItem(it, p.schema, p.table.schema)
			}
			break
		}
	}
	cost := spent{table: p.table.name, main: units(size, 4<<10)}
	if !p.consistent {
		cost.main /= 2
	}
	s.usage.ReadUnits += cost.main
	if p.index != nil {
		cost.indexes = map[string]float64{p.index.name: cost.main}
		cost.main = 0
	}
	answer := map[string]any{"Count": len(items), "ScannedCount": scanned}
	if p.Select != "COUNT" {
		answer["Items"] = items
	}
	if last != nil {
		answer["LastEvaluatedKey"] = last
	}
	return answer, cost.into(answer, p.ReturnConsumedCapacity)
}

// mentions gives a name that begins a path of the expression and is one of those asked for; "" when there is none.
func (n *node) mentions(one func(string) bool) string {
	if n == nil {
		return ""
	}
	if n.op == "path" && one(n.path[0].name) {
		return n.path[0].name
	}
	for _, a := range n.args {
		if name := a.mentions(one); name != "" {
			return name
		}
	}
	return ""
}
