package modeltest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/lockstep-data/lockstep/shared/store/dynamo/modeltest"
)

func credentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "model", SecretAccessKey: "model"}, nil
}

// client gives the real client over a model.
func client(m *modeltest.Server) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", HTTPClient: m.Client(), RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(credentials),
	})
}

func put(sk, n string) *dynamodb.PutItemInput {
	return &dynamodb.PutItemInput{TableName: aws.String(tableName), Item: map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: "a"}, "sk": &types.AttributeValueMemberS{Value: sk}, "n": &types.AttributeValueMemberN{Value: n},
		"g": &types.AttributeValueMemberS{Value: "x"}, "h": &types.AttributeValueMemberN{Value: n},
	}}
}

// clock is a clock that a test moves.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func TestServer_Client(t *testing.T) {
	m := modeltest.New(modeltest.Options{})
	createState(t, m)
	c := client(m)
	in := put("1", "1")
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	out, err := c.PutItem(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if got := *out.ConsumedCapacity.CapacityUnits; got != 3 {
		t.Errorf("a put with two index entries consumed %v units, want 3", got)
	}
	in = put("1", "2")
	in.ConditionExpression = aws.String("attribute_not_exists(pk)")
	in.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	_, err = c.PutItem(t.Context(), in)
	var refusal *types.ConditionalCheckFailedException
	if !errors.As(err, &refusal) {
		t.Fatalf("got %v, want ConditionalCheckFailedException", err)
	}
	if n, ok := refusal.Item["n"].(*types.AttributeValueMemberN); !ok || n.Value != "1" {
		t.Errorf("the refusal carries %v, want the item as it is", refusal.Item)
	}
	if got := m.Usage().WriteUnits; got != 4 {
		t.Errorf("usage is %v write units, want 4: the refused put counts", got)
	}
}

// transaction puts two items, the second under a condition.
func transaction(token string, condition *string) *dynamodb.TransactWriteItemsInput {
	one, two := put("1", "1"), put("2", "2")
	return &dynamodb.TransactWriteItemsInput{ClientRequestToken: &token, TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: one.TableName, Item: one.Item}},
		{Put: &types.Put{TableName: two.TableName, Item: two.Item, ConditionExpression: condition,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld}},
	}}
}

func TestServer_Transaction(t *testing.T) {
	at := &clock{}
	m := modeltest.New(modeltest.Options{Now: at.Now})
	createState(t, m)
	c := client(m)
	absent := aws.String("attribute_not_exists(pk)")
	if _, err := c.TransactWriteItems(t.Context(), transaction("token", absent)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.TransactWriteItems(t.Context(), transaction("token", absent)); err != nil {
		t.Errorf("sent again with its token: %v, want success without another effect", err)
	}
	var mismatch *types.IdempotentParameterMismatchException
	if _, err := c.TransactWriteItems(t.Context(), transaction("token", nil)); !errors.As(err, &mismatch) {
		t.Errorf("another request with the token: %v, want IdempotentParameterMismatchException", err)
	}
	at.now = at.now.Add(11 * time.Minute)
	_, err := c.TransactWriteItems(t.Context(), transaction("token", absent))
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		t.Fatalf("the token is forgotten: %v, want TransactionCanceledException", err)
	}
	if r := cancelled.CancellationReasons; len(r) != 2 || *r[0].Code != "None" || *r[1].Code != "ConditionalCheckFailed" || r[1].Item["sk"] == nil {
		t.Errorf("reasons %+v, want None, then ConditionalCheckFailed with the item", r)
	}
}

// TestServer_Lag reads an index that has not seen the last write, and sees it when it asks consistently.
func TestServer_Lag(t *testing.T) {
	lag := 1
	m := modeltest.New(modeltest.Options{Lag: func() int { return lag }})
	createState(t, m)
	c := client(m)
	for _, sk := range []string{"1", "2"} {
		if _, err := c.PutItem(t.Context(), put(sk, sk)); err != nil {
			t.Fatal(err)
		}
	}
	index := func() int32 {
		out, err := c.Query(t.Context(), &dynamodb.QueryInput{TableName: aws.String(tableName), IndexName: aws.String("by_g"),
			KeyConditionExpression:    aws.String("g = :g"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":g": &types.AttributeValueMemberS{Value: "x"}}})
		if err != nil {
			t.Fatal(err)
		}
		return out.Count
	}
	if got := index(); got != 1 {
		t.Errorf("the index that lags by a write has %d entries, want 1", got)
	}
	lag = 0
	if got := index(); got != 2 {
		t.Errorf("the index that has caught up has %d entries, want 2", got)
	}
	lag = 64
	for consistent, want := range map[bool]int{false: 0, true: 5} {
		out, err := c.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(tableName), ConsistentRead: &consistent,
			Key: map[string]types.AttributeValue{"pk": put("1", "1").Item["pk"], "sk": put("1", "1").Item["sk"]}})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Item) != want {
			t.Errorf("read with consistent=%v: %v, want %d attributes", consistent, out.Item, want)
		}
	}
}

// TestServer_Page reads items of 300 KB: a page ends behind 1 MB.
func TestServer_Page(t *testing.T) {
	m := modeltest.New(modeltest.Options{})
	createState(t, m)
	big := make([]byte, 300_000)
	for i := range big {
		big[i] = 'x'
	}
	for i := range 7 {
		must(t, m, "PutItem", doc{"TableName": tableName, "Item": doc{"pk": str("a"), "sk": str(string(rune('0' + i))), "s": str(string(big))}})
	}
	q := doc{"TableName": tableName, "KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": doc{":p": str("a")}}
	first := must(t, m, "Query", q)
	if first["Count"] != 4. || canonical(t, first["LastEvaluatedKey"]) != canonical(t, keyed("3")) {
		t.Fatalf("the first page has %v items and ends at %v", first["Count"], first["LastEvaluatedKey"])
	}
	q["ExclusiveStartKey"] = first["LastEvaluatedKey"]
	if second := must(t, m, "Query", q); second["Count"] != 3. || second["LastEvaluatedKey"] != nil {
		t.Errorf("the second page has %v items and ends at %v", second["Count"], second["LastEvaluatedKey"])
	}
	_, code := ask(t, m, "PutItem", doc{"TableName": tableName, "Item": doc{"pk": str("a"), "sk": str("1"), "z": str(string(big) + string(big[:409600-300_000-7]))}})
	if code != "" {
		t.Errorf("an item of 400 KB: %s", code)
	}
	_, code = ask(t, m, "PutItem", doc{"TableName": tableName, "Item": doc{"pk": str("a"), "sk": str("1"), "z": str(string(big) + string(big[:409600-300_000-7]) + "y")}})
	if code != invalid {
		t.Errorf("an item of more than 400 KB: %q, want %s", code, invalid)
	}
}

// TestServer_Unknown refuses what the model does not know instead of passing over it.
func TestServer_Unknown(t *testing.T) {
	m := modeltest.New(modeltest.Options{})
	createState(t, m)
	if _, code := ask(t, m, "GetItem", doc{"TableName": tableName, "Key": keyed("1"), "AttributesToGet": []string{"n"}}); code != "SerializationException" {
		t.Errorf("a legacy parameter: %q, want SerializationException", code)
	}
	if _, code := ask(t, m, "ExecuteStatement", doc{"Statement": "SELECT"}); code != "UnknownOperationException" {
		t.Errorf("an unknown operation: %q, want UnknownOperationException", code)
	}
}

// TestServer_Reserved names attributes like reserved words.
func TestServer_Reserved(t *testing.T) { reserved(t, modeltest.New(modeltest.Options{})) }

func reserved(t *testing.T, c caller) {
	t.Helper()
	createState(t, c)
	for _, word := range modeltest.ReservedWords() {
		if word == "SIZE" {
			continue // reserved says the documentation; DynamoDB Local takes it
		}
		if _, code := ask(t, c, "GetItem", doc{"TableName": tableName, "Key": keyed("1"), "ProjectionExpression": word}); code != invalid {
			t.Errorf("%s as a name: %q, want %s", word, code, invalid)
		}
	}
	for _, word := range []string{"term", "epoch", "holder", "fence", "seq", "tries"} {
		must(t, c, "GetItem", doc{"TableName": tableName, "Key": keyed("1"), "ProjectionExpression": word})
	}
}

func BenchmarkServer_Update(b *testing.B) {
	m := modeltest.New(modeltest.Options{})
	createState(b, m)
	c := client(m)
	for b.Loop() {
		_, err := c.UpdateItem(b.Context(), &dynamodb.UpdateItemInput{
			TableName: aws.String(tableName), Key: map[string]types.AttributeValue{"pk": put("1", "1").Item["pk"], "sk": put("1", "1").Item["sk"]},
			UpdateExpression: aws.String("SET #s = :s ADD n :one"), ConditionExpression: aws.String("attribute_not_exists(pk) OR n >= :one"),
			ExpressionAttributeNames:  map[string]string{"#s": "status"},
			ExpressionAttributeValues: map[string]types.AttributeValue{":s": &types.AttributeValueMemberS{Value: "x"}, ":one": &types.AttributeValueMemberN{Value: "1"}},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
