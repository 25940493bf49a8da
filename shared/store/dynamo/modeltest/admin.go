package modeltest

import (
	"maps"
	"slices"
	"strings"
)

// definition is what CreateTable says, as far as the model knows it.
type definition struct {
	TableName                 string
	AttributeDefinitions      []attribute
	KeySchema                 []keyElement
	GlobalSecondaryIndexes    []indexDefinition
	BillingMode               string
	DeletionProtectionEnabled *bool
	SSESpecification          map[string]any
	Tags                      []map[string]string
	TableClass                string
	OnDemandThroughput        map[string]any
	ProvisionedThroughput     map[string]any
	StreamSpecification       map[string]any
}

type attribute struct{ AttributeName, AttributeType string }

type keyElement struct{ AttributeName, KeyType string }

type indexDefinition struct {
	IndexName  string
	KeySchema  []keyElement
	Projection struct {
		ProjectionType   string
		NonKeyAttributes []string `json:",omitempty"`
	}
	OnDemandThroughput    map[string]any `json:",omitempty"`
	ProvisionedThroughput map[string]any `json:",omitempty"`
}

// readSchema checks a key schema.
func readSchema(elements []keyElement, attributes []attribute) (schema, error) {
	var s schema
	kinds := map[string]string{}
	for _, a := range attributes {
		kinds[a.AttributeName] = a.AttributeType
	}
	for i, e := range elements {
		p := keyPart{e.AttributeName, kinds[e.AttributeName]}
		switch {
		case !ordered(p.kind):
			return s, refuse("One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions: %s", p.name)
		case i == 0 && e.KeyType == "HASH":
			s.hash = p
		case i == 1 && e.KeyType == "RANGE" && p.name != s.hash.name:
			s.sort = p
		default:
			return s, refuse("Invalid KeySchema: one HASH, then at most one RANGE, of different attributes")
		}
	}
	if s.hash.name == "" {
		return s, refuse("No Hash Key specified in schema. All Dynamo DB tables must have exactly one hash key")
	}
	return s, nil
}

func (s *Server) createTable(body []byte) (any, error) {
	var d definition
	if err := decode(body, &d); err != nil {
		return nil, err
	}
	if err := checkName(d.TableName); err != nil {
		return nil, err
	}
	if _, ok := s.tables[d.TableName]; ok {
		return nil, apiError{code: "ResourceInUseException", message: "Cannot create preexisting table"}
	}
	if (d.BillingMode == "PAY_PER_REQUEST") == (d.ProvisionedThroughput != nil) {
		return nil, refuse("One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits belong to the BillingMode PROVISIONED")
	}
	t := &table{name: d.TableName, indexes: map[string]*index{}, rows: map[key]item{}, sorted: map[string][]item{},
		protected: d.DeletionProtectionEnabled != nil && *d.DeletionProtectionEnabled}
	var err error
	if t.schema, err = readSchema(d.KeySchema, d.AttributeDefinitions); err != nil {
		return nil, err
	}
	used := map[string]bool{}
	for _, p := range t.parts() {
		used[p.name] = true
	}
	for _, i := range d.GlobalSecondaryIndexes {
		x, err := readIndex(i, d.AttributeDefinitions)
		if err != nil {
			return nil, err
		}
		if t.indexes[x.name] != nil {
			return nil, refuse("One or more parameter values were invalid: Duplicate index name: %s", x.name)
		}
		t.indexes[x.name] = x
		for _, p := range x.parts() {
			used[p.name] = true
		}
	}
	if len(used) != len(d.AttributeDefinitions) {
		return nil, refuse("One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match AttributeDefinitions")
	}
	s.tables[t.name] = t
	t.describe(d)
	return map[string]any{"TableDescription": t.description}, nil
}

func readIndex(i indexDefinition, attributes []attribute) (*index, error) {
	if err := checkName(i.IndexName); err != nil {
		return nil, err
	}
	x := &index{name: i.IndexName, projection: i.Projection.ProjectionType, include: i.Projection.NonKeyAttributes}
	if err := oneOf("ProjectionType", x.projection, "ALL", "KEYS_ONLY", "INCLUDE"); err != nil {
		return nil, err
	}
	if (x.projection == "INCLUDE") != (len(x.include) > 0) {
		return nil, refuse("One or more parameter values were invalid: NonKeyAttributes belong to ProjectionType INCLUDE")
	}
	var err error
	x.schema, err = readSchema(i.KeySchema, attributes)
	return x, err
}

// describe keeps what DescribeTable answers.
func (t *table) describe(d definition) {
	t.description = map[string]any{
		"TableName": t.name, "TableStatus": "ACTIVE", "TableArn": "arn:aws:dynamodb:us-east-1:000000000000:table/" + t.name,
		"TableId": "00000000-0000-0000-0000-" + strings.Repeat("0", 12), "KeySchema": d.KeySchema, "AttributeDefinitions": d.AttributeDefinitions,
		"DeletionProtectionEnabled": t.protected, "BillingModeSummary": map[string]any{"BillingMode": d.BillingMode},
	}
	var indexes []map[string]any
	for _, i := range d.GlobalSecondaryIndexes {
		indexes = append(indexes, map[string]any{"IndexName": i.IndexName, "KeySchema": i.KeySchema, "Projection": i.Projection, "IndexStatus": "ACTIVE"})
	}
	if indexes != nil {
		t.description["GlobalSecondaryIndexes"] = indexes
	}
	if d.SSESpecification != nil {
		t.description["SSEDescription"] = map[string]any{"Status": "ENABLED", "SSEType": "KMS"}
	}
}

// named reads a request that names a table and nothing else.
func (s *Server) named(body []byte) (*table, error) {
	var r struct{ TableName string }
	if err := decode(body, &r); err != nil {
		return nil, err
	}
	return s.table(r.TableName)
}

func (s *Server) describeTable(body []byte) (any, error) {
	t, err := s.named(body)
	if err != nil {
		return nil, err
	}
	return map[string]any{"Table": t.description}, nil
}

func (s *Server) deleteTable(body []byte) (any, error) {
	t, err := s.named(body)
	if err != nil {
		return nil, err
	}
	if t.protected {
		return nil, refuse("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	}
	delete(s.tables, t.name)
	return map[string]any{"TableDescription": t.description}, nil
}

func (s *Server) updateTable(body []byte) (any, error) {
	var r struct {
		TableName                 string
		DeletionProtectionEnabled *bool
	}
	if err := decode(body, &r); err != nil {
		return nil, err
	}
	t, err := s.table(r.TableName)
	if err != nil {
		return nil, err
	}
	if r.DeletionProtectionEnabled != nil {
		t.protected = *r.DeletionProtectionEnabled
		t.description["DeletionProtectionEnabled"] = t.protected
	}
	return map[string]any{"TableDescription": t.description}, nil
}

func (s *Server) listTables(body []byte) (any, error) {
	if err := decode(body, &struct{}{}); err != nil {
		return nil, err
	}
	return map[string]any{"TableNames": slices.Sorted(maps.Keys(s.tables))}, nil
}

func (s *Server) updateTTL(body []byte) (any, error) {
	var r struct {
		TableName               string
		TimeToLiveSpecification struct {
			AttributeName string
			Enabled       bool
		}
	}
	if err := decode(body, &r); err != nil {
		return nil, err
	}
	t, err := s.table(r.TableName)
	if err != nil {
		return nil, err
	}
	spec := r.TimeToLiveSpecification
	switch {
	case spec.Enabled == (t.ttl != ""):
		return nil, refuse("TimeToLive is already %v", map[bool]string{true: "enabled", false: "disabled"}[spec.Enabled])
	case spec.AttributeName == "" || !spec.Enabled && spec.AttributeName != t.ttl:
		return nil, refuse("TimeToLive is active on a different AttributeName: current AttributeName is %s", t.ttl)
	}
	t.ttl = ""
	if spec.Enabled {
		t.ttl = spec.AttributeName
	}
	return map[string]any{"TimeToLiveSpecification": spec}, nil
}

func (s *Server) describeTTL(body []byte) (any, error) {
	t, err := s.named(body)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"TimeToLiveStatus": "DISABLED"}
	if t.ttl != "" {
		out = map[string]any{"TimeToLiveStatus": "ENABLED", "AttributeName": t.ttl}
	}
	return map[string]any{"TimeToLiveDescription": out}, nil
}
