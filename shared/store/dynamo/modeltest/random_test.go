package modeltest_test

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// generator draws calls. Most are valid; the rest break a rule that both sides know.
type generator struct {
	*rapid.T
	values doc // of the call that is drawn
	count  int
}

func (g *generator) pick(label string, from ...string) string {
	return rapid.SampledFrom(from).Draw(g.T, label)
}

func (g *generator) chance(oneIn int) bool { return rapid.IntRange(1, oneIn).Draw(g.T, "chance") == 1 }

// number draws a number in one of its written forms.
func (g *generator) number() string {
	return g.pick("number", "0", "1", "2", "-1", "3.50", "1e2", "0.1", "-0.05", "12345678901234567890", "99999999999999999999999999999999999999", "1E-20", "1E100")
}

// value draws a value; depth bounds how deep it goes.
func (g *generator) value(depth int) doc {
	switch k := rapid.IntRange(0, 13).Draw(g.T, "kind"); {
	case k < 4:
		return num(g.number())
	case k < 7:
		return str(g.pick("text", "", "a", "ab", "b", "é", "abc"))
	case k == 7:
		return boolean(g.chance(2))
	case k == 8:
		return doc{"NULL": true}
	case k == 9:
		return set([][]string{{"a"}, {"b", "a"}, {"a", "b", "c"}}[rapid.IntRange(0, 2).Draw(g.T, "set")]...)
	case k == 10:
		return doc{"NS": [][]string{{"1"}, {"2", "1.0"}}[rapid.IntRange(0, 1).Draw(g.T, "set")]}
	case k == 11 && depth > 0:
		out := list()
		for range rapid.IntRange(0, 3).Draw(g.T, "length") {
			out["L"] = append(out["L"].([]any), g.value(depth-1))
		}
		return out
	case k == 12 && depth > 0:
		m := doc{}
		for range rapid.IntRange(0, 2).Draw(g.T, "size") {
			m[g.pick("name", "a", "b", "c")] = g.value(depth - 1)
		}
		return attrs(m)
	}
	return doc{"B": g.pick("bytes", "", "AQ==", "AQI=")}
}

// fitting draws a value of the kind that updates expect under the name, mostly.
func (g *generator) fitting(name string) doc {
	if g.chance(5) {
		return g.value(2)
	}
	switch name {
	case "l":
		return list(num(g.number()), attrs(doc{"a": g.value(0)}), g.value(0))
	case "m":
		return attrs(doc{"a": num(g.number()), "b": attrs(doc{"c": str("q")})})
	case "s":
		return set("a", "b", "c")
	case "n":
		return num(g.number())
	}
	return g.value(1)
}

// as gives a value the name of a placeholder.
func (g *generator) as(v doc) string {
	g.count++
	name := fmt.Sprint(":v", g.count)
	g.values[name] = v
	return name
}

func (g *generator) attribute() string { return g.pick("attribute", "n", "s", "l", "m", "o", "p") }

func (g *generator) path() string {
	a := g.attribute()
	switch rapid.IntRange(0, 5).Draw(g.T, "path") {
	case 0:
		return "m." + g.pick("inner", "a", "b", "c")
	case 1:
		return fmt.Sprintf("l[%d]", rapid.IntRange(0, 3).Draw(g.T, "index"))
	case 2:
		return g.pick("deep", "m.b.c", "m.b.d", "l[1].a", "o.a", "p[0]", "m.b[0]")
	}
	return a
}

func (g *generator) operand() string {
	switch rapid.IntRange(0, 5).Draw(g.T, "operand") {
	case 0:
		return g.as(g.value(1))
	case 1:
		return "size(" + g.path() + ")"
	}
	return g.path()
}

// condition draws a condition; depth bounds its size.
func (g *generator) condition(depth int) string {
	if depth > 0 && g.chance(2) {
		switch rapid.IntRange(0, 3).Draw(g.T, "joined") {
		case 0:
			return g.condition(depth-1) + " AND " + g.condition(depth-1)
		case 1:
			return g.condition(depth-1) + " OR " + g.condition(depth-1)
		case 2:
			return "NOT " + g.condition(depth-1)
		}
		return "(" + g.condition(depth-1) + ")"
	}
	switch rapid.IntRange(0, 9).Draw(g.T, "condition") {
	case 0:
		return "attribute_exists(" + g.path() + ")"
	case 1:
		return "attribute_not_exists(" + g.path() + ")"
	case 2:
		return "begins_with(" + g.path() + ", " + g.as(str(g.pick("prefix", "", "a", "b"))) + ")"
	case 3:
		return "contains(" + g.path() + ", " + g.as(g.value(0)) + ")"
	case 4:
		return "attribute_type(" + g.path() + ", " + g.as(str(g.pick("type", "S", "N", "L", "M", "SS", "BOOL", "NULL", "B", "NS", "X"))) + ")"
	case 5:
		return g.operand() + " BETWEEN " + g.as(g.value(0)) + " AND " + g.as(g.value(0))
	case 6:
		return g.operand() + " IN (" + g.as(g.value(1)) + ", " + g.as(g.value(0)) + ")"
	}
	return g.operand() + " " + g.pick("comparator", "=", "<>", "<", "<=", ">", ">=") + " " + g.operand()
}

// term draws a value of SET.
func (g *generator) term(depth int) string {
	switch rapid.IntRange(0, 5).Draw(g.T, "term") {
	case 0:
		return g.path()
	case 1:
		if depth > 0 {
			return "if_not_exists(" + g.path() + ", " + g.term(depth-1) + ")"
		}
	case 2:
		if depth > 0 {
			return "list_append(" + g.pick("list", "l", "l", g.term(depth-1)) + ", " + g.as(list(num(g.number()))) + ")"
		}
	case 3:
		return g.as(num(g.number()))
	}
	return g.as(g.value(2))
}

// likely draws an update that most items take.
func (g *generator) likely() string {
	switch rapid.IntRange(0, 5).Draw(g.T, "likely") {
	case 0:
		return "SET o = " + g.as(g.value(2)) + " REMOVE " + g.pick("gone", "p", "n", "l[0]", "s")
	case 1:
		return "SET n = if_not_exists(p, " + g.as(num(g.number())) + ") " + g.pick("sign", "+", "-") + " " + g.as(num(g.number()))
	case 2:
		return "SET l = list_append(if_not_exists(l, " + g.as(list()) + "), " + g.as(list(g.value(1))) + ")"
	case 3:
		return "ADD n " + g.as(num(g.number())) + " SET m = " + g.as(g.fitting("m"))
	case 4:
		return "ADD s " + g.as(set("b", "z")) + " SET g = " + g.as(str(g.pick("g", "x", "y"))) + " REMOVE h"
	}
	return "DELETE s " + g.as(set("a", "z")) + " SET p = " + g.as(g.value(1))
}

// update draws an update expression.
func (g *generator) update() string {
	if !g.chance(3) {
		return g.likely()
	}
	var out []string
	for _, clause := range []string{"SET", "REMOVE", "ADD", "DELETE"} {
		if clause != "SET" && !g.chance(5) {
			continue
		}
		var acts []string
		for range rapid.IntRange(1, 2).Draw(g.T, "acts") {
			switch clause {
			case "SET":
				right := g.term(1)
				if g.chance(3) {
					right = g.pick("number", "n", "m.a", g.as(num(g.number()))) + g.pick("sign", " + ", " - ") + g.term(0)
				}
				acts = append(acts, g.path()+" = "+right)
			case "REMOVE":
				acts = append(acts, g.path())
			case "ADD":
				at, v := g.adding()
				acts = append(acts, at+" "+g.as(v))
			case "DELETE":
				at := "s"
				if g.chance(3) {
					at = g.path()
				}
				acts = append(acts, at+" "+g.as(g.pickValue(set("a"), set("a", "b", "c"), set("b", "z"))))
			}
		}
		out = append(out, clause+" "+strings.Join(acts, ", "))
	}
	return strings.Join(out, " ")
}

// adding draws what ADD says.
func (g *generator) adding() (string, doc) {
	switch rapid.IntRange(0, 3).Draw(g.T, "add") {
	case 0:
		return "s", set("b", "z")
	case 1:
		return "n", num(g.number())
	case 2:
		return "m.a", num(g.number())
	}
	return g.path(), g.value(0)
}

func (g *generator) pickValue(v ...doc) doc { return rapid.SampledFrom(v).Draw(g.T, "value") }

// key draws a key of few, so that calls meet.
func (g *generator) key() doc {
	if g.chance(60) {
		return doc{"pk": g.pickValue(num(1), str(""), boolean(true), set("a")), "sk": str("1")}
	}
	return doc{"pk": str(g.pick("pk", "a", "b")), "sk": str(g.pick("sk", "1", "2", "3"))}
}

// item draws an item; its place in the index is its own, so that the order of equal entries does not matter.
func (g *generator) item() doc {
	out := g.key()
	for range rapid.IntRange(0, 4).Draw(g.T, "attributes") {
		name := g.attribute()
		out[name] = g.fitting(name)
	}
	if g.chance(2) {
		out["g"] = str(g.pick("g", "x", "y"))
		g.count++
		out["h"] = num(float64(g.count) + float64(rapid.IntRange(0, 1000).Draw(g.T, "h"))/1000)
	}
	return out
}

// finish puts the names and values into a call, and now and then one too many.
func (g *generator) finish(call doc) doc {
	if g.chance(40) {
		g.as(num(1))
	}
	if len(g.values) > 0 {
		call["ExpressionAttributeValues"] = g.values
	}
	g.values = doc{}
	return call
}

// write draws what a write on one item says, without its table.
func (g *generator) write(kind string) doc {
	g.values = doc{}
	call := doc{"TableName": tableName}
	switch kind {
	case "Put":
		call["Item"] = g.item()
	case "Update":
		call["Key"] = g.key()
		call["UpdateExpression"] = g.update()
	default:
		call["Key"] = g.key()
	}
	if kind == "ConditionCheck" || g.chance(2) {
		call["ConditionExpression"] = g.condition(2)
	}
	if g.chance(2) {
		call["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
	}
	return g.finish(call)
}

// operation is one call.
type operation struct {
	op   string
	body doc
}

// draw draws a call.
func (g *generator) draw() operation {
	switch k := rapid.IntRange(0, 19).Draw(g.T, "operation"); {
	case k < 4:
		return g.single("Put", "", "NONE", "ALL_OLD", "", "NONE", "ALL_OLD", "ALL_NEW")
	case k < 10:
		return g.single("Update", "NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW")
	case k < 12:
		return g.single("Delete", "", "ALL_OLD")
	case k == 12:
		return operation{"GetItem", g.projected(doc{"TableName": tableName, "Key": g.key(), "ConsistentRead": g.chance(2), "ReturnConsumedCapacity": "TOTAL"})}
	case k < 16:
		return operation{"TransactWriteItems", g.transaction()}
	case k == 16:
		return operation{"TransactGetItems", doc{"TransactItems": []doc{{"Get": doc{"TableName": tableName, "Key": g.key()}}, {"Get": doc{"TableName": tableName, "Key": g.key()}}}}}
	case k == 17:
		return operation{"BatchGetItem", doc{"RequestItems": doc{tableName: g.projected(doc{"Keys": []doc{g.key(), g.key()}})}}}
	}
	return operation{"Query", g.query()}
}

func (g *generator) single(kind string, returns ...string) operation {
	call := g.write(kind)
	if r := g.pick("returns", returns...); r != "" {
		call["ReturnValues"] = r
	}
	call["ReturnConsumedCapacity"] = "INDEXES"
	return operation{kind + "Item", call}
}

func (g *generator) projected(call doc) doc {
	if g.chance(2) {
		call["ProjectionExpression"] = g.path() + ", " + g.path()
	}
	return call
}

func (g *generator) transaction() doc {
	var items []doc
	for range rapid.IntRange(1, 3).Draw(g.T, "items") {
		kind := g.pick("kind", "Put", "Update", "Update", "Delete", "ConditionCheck")
		items = append(items, doc{kind: g.write(kind)})
	}
	call := doc{"TransactItems": items}
	if g.chance(2) {
		call["ClientRequestToken"] = g.pick("token", "t1", "t2", "t3")
	}
	return call
}

func (g *generator) query() doc {
	g.values = doc{}
	call := doc{"TableName": tableName, "ScanIndexForward": g.chance(2), "ReturnConsumedCapacity": "INDEXES"}
	condition, sort := "pk = "+g.as(str(g.pick("pk", "a", "b"))), "sk"
	bound := func() string { return g.as(str(g.pick("bound", "0", "1", "2", "25", "3"))) }
	if g.chance(3) {
		call["IndexName"] = g.pick("index", "by_g", "by_g", "keys_g", "none")
		g.values = doc{}
		condition = "g = " + g.as(str(g.pick("g", "x", "y")))
		if call["IndexName"] == "by_g" {
			sort, bound = "h", func() string { return g.as(num(g.number())) }
		}
	} else {
		call["ConsistentRead"] = g.chance(2)
	}
	switch rapid.IntRange(0, 5).Draw(g.T, "sort") {
	case 0:
		condition += " AND " + sort + " " + g.pick("comparator", "=", "<", "<=", ">", ">=", "<>") + " " + bound()
	case 1:
		condition = "(" + sort + " BETWEEN " + bound() + " AND " + bound() + ") AND " + condition
	case 2:
		condition += " AND begins_with(" + sort + ", " + bound() + ")"
	}
	call["KeyConditionExpression"] = condition
	if g.chance(3) {
		call["FilterExpression"] = g.condition(1)
	}
	if g.chance(3) {
		call["Limit"] = rapid.IntRange(0, 3).Draw(g.T, "limit")
	}
	if sort == "sk" && call["IndexName"] == nil && g.chance(4) {
		call["ExclusiveStartKey"] = g.key()
	}
	return g.finish(g.projected(call))
}
