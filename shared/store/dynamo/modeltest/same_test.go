//go:build dynamodb

package modeltest_test

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lockstep-data/lockstep/shared/store/dynamo/modeltest"
)

func TestLocal_Cases(t *testing.T) { cases(t, startLocal(t)) }

func TestLocal_Reserved(t *testing.T) { reserved(t, startLocal(t)) }

// TestLocal_Same runs random programs of calls over the model and over DynamoDB Local: equal answers, equal codes of errors. rapid prints
// the seed of a failure and the flag that replays it (-rapid.seed).
func TestLocal_Same(t *testing.T) {
	d := startLocal(t)
	createState(t, d)
	counts := map[string]int{}
	rapid.Check(t, func(r *rapid.T) {
		m := modeltest.New(modeltest.Options{})
		createState(t, m)
		clearLocal(t, d)
		program(r, t, m, d, counts)
	})
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%6d %s", counts[k], k)
	}
}

// clearLocal deletes what a program may have written.
func clearLocal(t *testing.T, d local) {
	t.Helper()
	var deletes []doc
	for _, pk := range []string{"a", "b"} {
		for _, sk := range []string{"1", "2", "3"} {
			deletes = append(deletes, doc{"DeleteRequest": doc{"Key": doc{"pk": str(pk), "sk": str(sk)}}})
		}
	}
	must(t, d, "BatchWriteItem", doc{"RequestItems": doc{tableName: deletes}})
}

// programs counts the programs from a number of this process on, so that none meets a token of another.
var programs = time.Now().UnixMilli() * 1000

// program draws calls and compares what both sides answer.
func program(r *rapid.T, t *testing.T, m *modeltest.Server, d local, counts map[string]int) {
	programs++
	g := &generator{T: r}
	var trace []string
	for range rapid.IntRange(1, 25).Draw(r, "calls") {
		o := g.draw()
		if token, ok := o.body["ClientRequestToken"]; ok {
			o.body["ClientRequestToken"] = fmt.Sprint(programs, "-", token)
		}
		trace = append(trace, o.op+" "+canonical(t, o.body))
		got, gotCode := ask(t, m, o.op, o.body)
		want, wantCode := ask(t, d, o.op, o.body)
		plain(want)
		counts[o.op+" "+gotCode]++
		if !same(t, o.op, answer{got, gotCode}, answer{want, wantCode}) {
			r.Fatalf("%s\nmodel %s\nlocal %s", strings.Join(trace, "\n"), canonical(t, got), canonical(t, want))
		}
	}
	for _, pk := range []string{"a", "b"} {
		q := doc{"TableName": tableName, "KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": doc{":p": str(pk)}}
		got, want := must(t, m, "Query", q), must(t, d, "Query", q)
		plain(want)
		if got, want := canonical(t, got), canonical(t, want); got != want {
			r.Fatalf("%s\nin the end\nmodel %s\nlocal %s", strings.Join(trace, "\n"), got, want)
		}
	}
}

// answer is one side's.
type answer struct {
	body doc
	code string
}

// same compares two answers, but for what DynamoDB Local is known to do otherwise than the service (README.md beside this file).
func same(t *testing.T, op string, model, local answer) bool {
	t.Helper()
	if strings.HasPrefix(op, "Transact") && model.code == "TransactionCanceledException" {
		reasons := model.body["CancellationReasons"].([]any)
		if slices.ContainsFunc(reasons, func(r any) bool { return r.(doc)["Code"] == "ValidationError" }) {
			return local.code == model.code || local.code == invalid
		}
		return local.code == model.code && reasonsText(t, model.body) == reasonsText(t, local.body)
	}
	if op == "TransactWriteItems" && model.code == invalid && strings.Contains(canonical(t, model.body), "multiple operations") {
		return local.code == model.code || local.code == "TransactionCanceledException" || local.code == "IdempotentParameterMismatchException"
	}
	if model.code != local.code {
		return false
	}
	if model.code != "" {
		return canonical(t, model.body["Item"]) == canonical(t, local.body["Item"])
	}
	if op == "BatchGetItem" {
		return sortedItems(t, model.body) == sortedItems(t, local.body)
	}
	if model.body["ScannedCount"] == 0. {
		delete(model.body, "ConsumedCapacity")
		delete(local.body, "ConsumedCapacity")
	}
	if model.body["Items"] == nil {
		delete(local.body, "Items")
	}
	return canonical(t, model.body) == canonical(t, local.body)
}

// reasonsText gives the codes and items of a cancelled transaction.
func reasonsText(t *testing.T, body doc) string {
	t.Helper()
	var out []string
	list, _ := body["CancellationReasons"].([]any)
	for _, r := range list {
		out = append(out, fmt.Sprint(r.(doc)["Code"])+" "+canonical(t, r.(doc)["Item"]))
	}
	return strings.Join(out, "\n")
}

func sortedItems(t *testing.T, body doc) string {
	t.Helper()
	var out []string
	for _, i := range body["Responses"].(doc)[tableName].([]any) {
		out = append(out, canonical(t, i))
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// plain brings the numbers of an answer into their one form, which DynamoDB Local forgets in transactions.
func plain(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			plain(e)
		}
	case doc:
		for name, e := range v {
			switch e := e.(type) {
			case string:
				if name == "N" {
					v[name] = plainNumber(e)
				}
			case []any:
				if name == "NS" {
					plainSet(e)
				} else {
					plain(e)
				}
			default:
				plain(e)
			}
		}
	}
}

func plainSet(members []any) {
	for i, m := range members {
		members[i] = plainNumber(m.(string))
	}
	slices.SortFunc(members, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
}

func plainNumber(text string) string {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return text
	}
	if r.IsInt() {
		return r.Num().String()
	}
	return strings.TrimRight(r.FloatString(140), "0")
}
