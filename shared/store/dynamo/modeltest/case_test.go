package modeltest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/shared/store/dynamo/modeltest"
)

// caller is what answers operations: the model, or DynamoDB Local.
type caller interface {
	Call(target string, body []byte) (int, []byte)
}

// doc is a JSON object.
type doc = map[string]any

func str(s string) doc    { return doc{"S": s} }
func num(n any) doc       { return doc{"N": fmt.Sprint(n)} }
func set(m ...string) doc { return doc{"SS": m} }
func list(v ...any) doc   { return doc{"L": append([]any{}, v...)} }
func attrs(m doc) doc     { return doc{"M": m} }
func boolean(b bool) doc  { return doc{"BOOL": b} }
func keyed(sk string) doc { return doc{"pk": str("a"), "sk": str(sk)} }
func merged(all ...doc) doc {
	out := doc{}
	for _, d := range all {
		for k, v := range d {
			out[k] = v
		}
	}
	return out
}

// ask sends an operation; code is "" when it succeeded, else the error's.
func ask(t testing.TB, c caller, op string, body doc) (answer doc, code string) {
	t.Helper()
	in, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	_, out := c.Call("DynamoDB_20120810."+op, in)
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatalf("%s answers %q: %v", op, out, err)
	}
	if s, ok := answer["__type"].(string); ok {
		_, code, _ = strings.Cut(s, "#")
	}
	return answer, code
}

func must(t testing.TB, c caller, op string, body doc) doc {
	t.Helper()
	answer, code := ask(t, c, op, body)
	if code != "" {
		t.Fatalf("%s %v: %v", op, body, answer)
	}
	return answer
}

const tableName = "state"

// createState makes anew a table with a string hash and sort key and two indexes.
func createState(t testing.TB, c caller) {
	t.Helper()
	key := func(hash, sort string) []doc {
		return []doc{{"AttributeName": hash, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}}
	}
	attr := func(name, kind string) doc { return doc{"AttributeName": name, "AttributeType": kind} }
	if _, code := ask(t, c, "DeleteTable", doc{"TableName": tableName}); code != "" && code != "ResourceNotFoundException" {
		t.Fatalf("delete the table: %s", code)
	}
	must(t, c, "CreateTable", doc{
		"TableName": tableName, "BillingMode": "PAY_PER_REQUEST", "KeySchema": key("pk", "sk"),
		"AttributeDefinitions": []doc{attr("pk", "S"), attr("sk", "S"), attr("g", "S"), attr("h", "N")},
		"GlobalSecondaryIndexes": []doc{
			{"IndexName": "by_g", "KeySchema": key("g", "h"), "Projection": doc{"ProjectionType": "ALL"}},
			{"IndexName": "keys_g", "KeySchema": key("g", "sk"), "Projection": doc{"ProjectionType": "KEYS_ONLY"}},
		},
	})
}

// sample is the item that the cases look at.
func sample() doc {
	return merged(keyed("b"), doc{
		"n": num(1), "s": str("x"), "l": list(num(1), str("z")), "m": attrs(doc{"a": num(1), "b": attrs(doc{"c": str("q")})}),
		"ss": set("a", "b", "c"), "e": str(""), "ns": doc{"NS": []string{"3", "1.0"}}, "bo": boolean(false), "bi": doc{"B": "AQI="}, "nu": doc{"NULL": true},
	})
}

// The outcomes of a condition.
const (
	holds   = ""
	refused = "ConditionalCheckFailedException"
	invalid = "ValidationException"
)

// conditionCases say what becomes of a condition on the sample.
var conditionCases = []struct {
	condition string
	values    doc
	names     any
	want      string
}{
	{"zz <> :v", doc{":v": num(1)}, nil, holds},
	{"zz = :v", doc{":v": num(1)}, nil, refused},
	{"zz <> yy", nil, nil, holds},
	{"NOT zz < :v", doc{":v": num(1)}, nil, holds},
	{"size(zz) <> :v", doc{":v": num(1)}, nil, holds},
	{"size(n) < :v", doc{":v": num(1)}, nil, refused},
	{"size(s) = :v", doc{":v": num(1)}, nil, holds},
	{"size(m) = :v", doc{":v": num(2)}, nil, holds},
	{"size(l) = :v", doc{":v": num(2)}, nil, holds},
	{"size(ss) = :v", doc{":v": num(3)}, nil, holds},
	{"size(bi) = :v", doc{":v": num(2)}, nil, holds},
	{"size(bo) = :v", doc{":v": num(2)}, nil, refused},
	{"size(:v) = :w", doc{":v": str("a"), ":w": num(1)}, nil, holds},
	{"size(s) > size(e)", nil, nil, holds},
	{"n = n", nil, nil, invalid},
	{"n = s", nil, nil, refused},
	{"s < n", nil, nil, refused},
	{"n BETWEEN :a AND :b", doc{":a": num(0), ":b": num("1.000")}, nil, holds},
	{"n BETWEEN :a AND :b", doc{":a": num(2), ":b": num(1)}, nil, invalid},
	{"n BETWEEN :a AND :b", doc{":a": num(0), ":b": str("z")}, nil, invalid},
	{"n BETWEEN :a AND :b", doc{":a": str("a"), ":b": str("z")}, nil, refused},
	{":a BETWEEN n AND :b", doc{":a": num(1), ":b": num(3)}, nil, holds},
	{"n IN (:a, :b)", doc{":a": str("x"), ":b": num(1)}, nil, holds},
	{"n IN (n)", nil, nil, invalid},
	{"n IN ()", nil, nil, invalid},
	{"NOT zz IN (:a)", doc{":a": num(1)}, nil, holds},
	{"contains(s, :v)", doc{":v": str("x")}, nil, holds},
	{"contains(s, :v)", doc{":v": num(1)}, nil, refused},
	{"contains(l, :v)", doc{":v": num(1)}, nil, holds},
	{"contains(ss, :v)", doc{":v": str("a")}, nil, holds},
	{"contains(m, :v)", doc{":v": str("a")}, nil, refused},
	{"contains(s, s)", nil, nil, invalid},
	{"contains(:v, s)", doc{":v": str("wxyz")}, nil, holds},
	{"contains(ns, :v)", doc{":v": num("1.00")}, nil, holds},
	{"begins_with(s, :v)", doc{":v": num(1)}, nil, invalid},
	{"begins_with(n, :v)", doc{":v": str("1")}, nil, refused},
	{"begins_with(bi, :v)", doc{":v": doc{"B": "AQ=="}}, nil, holds},
	{"attribute_type(s, :v)", doc{":v": str("S")}, nil, holds},
	{"attribute_type(s, :v)", doc{":v": str("X")}, nil, invalid},
	{"attribute_type(s, :v)", doc{":v": num(1)}, nil, invalid},
	{"attribute_type(s, e)", nil, nil, invalid},
	{"attribute_exists(:v)", doc{":v": num(1)}, nil, invalid},
	{"attribute_exists(m.b.c)", nil, nil, holds},
	{"attribute_exists(l[1])", nil, nil, holds},
	{"attribute_exists(l[2])", nil, nil, refused},
	{"attribute_not_exists(s.x)", nil, nil, holds},
	{"(n = :v)", doc{":v": num(1)}, nil, holds},
	{"((n = :v))", doc{":v": num(1)}, nil, invalid},
	{"(n) = (:v)", doc{":v": num(1)}, nil, holds},
	{"n < :v", doc{":v": boolean(true)}, nil, invalid},
	{"n < :v", doc{":v": set("a")}, nil, invalid},
	{"ss = :v", doc{":v": set("b", "a", "c")}, nil, holds},
	{"m = :v", doc{":v": attrs(doc{"b": attrs(doc{"c": str("q")}), "a": num("1.0")})}, nil, holds},
	{"l = :v", doc{":v": list(num(1), str("z"))}, nil, holds},
	{"status = :v", doc{":v": num(1)}, nil, invalid},
	{"#s = :v", doc{":v": str("x")}, doc{"#s": "s", "#t": "t"}, invalid},
	{"#s = :v", doc{":v": str("x")}, doc{"#s": "s"}, holds},
	{"#s.#t = :v", doc{":v": num(1)}, doc{"#s": "m", "#t": "a"}, holds},
	{"#s = :v", doc{":v": num(1)}, doc{"#s": "m.a"}, refused},
	{"n = :v", doc{":v": num(1), ":w": num(1)}, nil, invalid},
	{"n = :v", nil, nil, invalid},
	{"n = :v", doc{}, nil, invalid},
	{"n = :v", doc{"v": num(1)}, nil, invalid},
	{"n = :v", doc{":v": doc{}}, nil, invalid},
	{"n = :v", doc{":v": doc{"S": "a", "N": "1"}}, nil, invalid},
	{"n = :v", doc{":v": doc{"SS": []string{}}}, nil, invalid},
	{"n = :v", doc{":v": set("a", "a")}, nil, invalid},
	{"n = :v", doc{":v": doc{"NULL": false}}, nil, invalid},
	{"n = :v", doc{":v": num("1x")}, nil, invalid},
	{"", nil, nil, invalid},
	{"n = :v OR", doc{":v": num(1)}, nil, invalid},
	{"n = :v OR zz = :v AND zz = :v", doc{":v": num(1)}, nil, holds},
	{"NOT NOT n = :v", doc{":v": num(1)}, nil, holds},
	{"not n = :v and n <> :v", doc{":v": num(1)}, nil, refused},
	{"foo(n)", nil, nil, invalid},
	{"SIZE(s) = :v", doc{":v": num(1)}, nil, invalid},
	{"n == :v", doc{":v": num(1)}, nil, invalid},
	{"size(s)", nil, nil, invalid},
	{"n", nil, nil, invalid},
	{":v = :w", doc{":v": num(1), ":w": num(1)}, nil, holds},
	{"_a = :v", doc{":v": num(1)}, nil, invalid},
	{"n=:v and(n=:v)", doc{":v": num(1)}, nil, holds},
}

// updateCases say what becomes of attributes of the sample; a want of nil is an invalid update.
var updateCases = []struct {
	update string
	values doc
	want   doc // UPDATED_NEW
}{
	{"SET n = zz", nil, nil},
	{"SET n = if_not_exists(zz, :v)", doc{":v": num(3)}, doc{"n": num(3)}},
	{"SET n = if_not_exists(n, :v) + :v", doc{":v": num(3)}, doc{"n": num(4)}},
	{"SET n = if_not_exists(zz, if_not_exists(yy, :v))", doc{":v": num(3)}, doc{"n": num(3)}},
	{"SET n = n + :v + :v", doc{":v": num(3)}, nil},
	{"SET n = (n) + :v", doc{":v": num(3)}, doc{"n": num(4)}},
	{"SET n = n - :v", doc{":v": num("0.1")}, doc{"n": num("0.9")}},
	{"SET n = s + :v", doc{":v": num(3)}, nil},
	{"SET n = n + :v", doc{":v": str("a")}, nil},
	{"SET m.a = :v", doc{":v": num(3)}, doc{"m": attrs(doc{"a": num(3), "b": attrs(doc{"c": str("q")})})}},
	{"SET m.x.y = :v", doc{":v": num(3)}, nil},
	{"SET zz.a = :v", doc{":v": num(3)}, nil},
	{"SET l[1] = :v", doc{":v": num(3)}, doc{"l": list(num(1), num(3))}},
	{"SET l[9] = :v", doc{":v": num(3)}, doc{}},
	{"SET n[0] = :v", doc{":v": num(3)}, nil},
	{"SET l = list_append(l, :v)", doc{":v": list(num(3))}, doc{"l": list(num(1), str("z"), num(3))}},
	{"SET l = list_append(n, :v)", doc{":v": list(num(3))}, nil},
	{"SET l = list_append(l, :v)", doc{":v": num(3)}, nil},
	{"SET l = list_append(if_not_exists(zz, :v), :v)", doc{":v": list(num(3))}, doc{"l": list(num(3), num(3))}},
	{"SET n = :v, s = n", doc{":v": num(5)}, doc{"n": num(5), "s": num(1)}},
	{"SET l[0] = l[1], l[1] = l[0]", nil, doc{"l": list(str("z"), num(1))}},
	{"REMOVE zz", nil, doc{}},
	{"REMOVE n", nil, doc{}},
	{"REMOVE l[0], l[1]", nil, doc{}},
	{"REMOVE m.b.c, l[0]", nil, doc{"l": list(str("z"))}},
	{"REMOVE l[7]", nil, doc{}},
	{"REMOVE zz.a", nil, nil},
	{"REMOVE n, n", nil, nil},
	{"REMOVE m, m.a", nil, nil},
	{"SET m.a = :v, m[0] = :v", doc{":v": num(1)}, nil},
	{"SET n=:v SET s=:v", doc{":v": num(1)}, nil},
	{"SET pk = :v", doc{":v": str("q")}, nil},
	{"REMOVE sk", nil, nil},
	{"ADD n :v", doc{":v": num(2)}, doc{"n": num(3)}},
	{"ADD zz :v", doc{":v": num(2)}, doc{"zz": num(2)}},
	{"ADD s :v", doc{":v": num(2)}, nil},
	{"ADD ss :v", doc{":v": set("z", "a")}, doc{"ss": set("a", "b", "c", "z")}},
	{"ADD ss :v", doc{":v": doc{"NS": []string{"1"}}}, nil},
	{"ADD n :v", doc{":v": str("a")}, nil},
	{"ADD m.q :v", doc{":v": num(2)}, doc{"m": attrs(doc{"a": num(1), "q": num(2), "b": attrs(doc{"c": str("q")})})}},
	{"ADD n s", nil, nil},
	{"DELETE ss :v", doc{":v": set("z", "a")}, doc{"ss": set("b", "c")}},
	{"DELETE ss :v", doc{":v": set("a", "b", "c")}, doc{}},
	{"DELETE zz :v", doc{":v": set("a")}, doc{}},
	{"DELETE n :v", doc{":v": set("a")}, nil},
	{"DELETE ss :v", doc{":v": str("a")}, nil},
	{"set n = :v remove s", doc{":v": num(5)}, doc{"n": num(5)}},
	{"SET n = size(s)", nil, nil},
	{"SET g = :v", doc{":v": num(1)}, nil},
	{"SET g = :v", doc{":v": str("")}, nil},
	{"REMOVE l[0] SET l[5] = :v", doc{":v": num(5)}, doc{"l": list(str("z"), num(5))}},
	{"SET n = n + :v", doc{":v": num("1E125")}, nil},
	{"SET n = n + :v", doc{":v": num("1E37")}, doc{"n": num("10000000000000000000000000000000000001")}},
}

func conditions(t *testing.T, c caller) {
	for _, k := range conditionCases {
		t.Run(k.condition, func(t *testing.T) {
			body := doc{"TableName": tableName, "Key": keyed("b"), "ConditionExpression": k.condition}
			if k.values != nil {
				body["ExpressionAttributeValues"] = k.values
			}
			if k.names != nil {
				body["ExpressionAttributeNames"] = k.names
			}
			if answer, code := ask(t, c, "UpdateItem", body); code != k.want {
				t.Errorf("%s %v: code %q, want %q: %v", k.condition, k.values, code, k.want, answer)
			}
		})
	}
}

func updates(t *testing.T, c caller) {
	for _, k := range updateCases {
		t.Run(k.update, func(t *testing.T) {
			must(t, c, "PutItem", doc{"TableName": tableName, "Item": sample()})
			body := doc{"TableName": tableName, "Key": keyed("b"), "UpdateExpression": k.update, "ReturnValues": "UPDATED_NEW"}
			if k.values != nil {
				body["ExpressionAttributeValues"] = k.values
			}
			answer, code := ask(t, c, "UpdateItem", body)
			if (code == invalid) != (k.want == nil) || code != "" && code != invalid {
				t.Fatalf("code %q: %v", code, answer)
			}
			got := answer["Attributes"]
			if got == nil {
				got = doc{}
			}
			if k.want != nil && canonical(t, got) != canonical(t, k.want) {
				t.Errorf("got %s, want %s", canonical(t, got), canonical(t, k.want))
			}
		})
	}
}

// canonical gives the one text of a JSON value: objects by name.
func canonical(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// cases runs the tables of cases over whoever answers.
func cases(t *testing.T, c caller) {
	createState(t, c)
	must(t, c, "PutItem", doc{"TableName": tableName, "Item": sample()})
	t.Run("Conditions", func(t *testing.T) { conditions(t, c) })
	t.Run("Updates", func(t *testing.T) { updates(t, c) })
}

func TestServer_Cases(t *testing.T) { cases(t, modeltest.New(modeltest.Options{})) }
