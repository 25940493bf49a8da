package dynamo

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/store"
)

// Short words for conditions, so that they read as in docs/protocol.md. The builder gives every name an alias: many are reserved words.

func name(n string) expression.NameBuilder { return expression.Name(n) }

func value(v any) expression.ValueBuilder {
	switch v := v.(type) {
	case time.Time:
		return expression.Value(millis(v))
	case store.Status:
		return expression.Value(string(v))
	case store.RunStatus:
		return expression.Value(string(v))
	}
	return expression.Value(v)
}

// is gives name = v.
func is(n string, v any) expression.ConditionBuilder { return name(n).Equal(value(v)) }

// isNot gives name <> v.
func isNot(n string, v any) expression.ConditionBuilder { return name(n).NotEqual(value(v)) }

// below gives name < v, atMost name <= v; a missing attribute is neither.
func below(n string, v any) expression.ConditionBuilder  { return name(n).LessThan(value(v)) }
func atMost(n string, v any) expression.ConditionBuilder { return name(n).LessThanEqual(value(v)) }

// above gives name > v, atLeast name >= v.
func above(n string, v any) expression.ConditionBuilder { return name(n).GreaterThan(value(v)) }
func atLeast(n string, v any) expression.ConditionBuilder {
	return name(n).GreaterThanEqual(value(v))
}

// lacks gives attribute_not_exists(name).
func lacks(n string) expression.ConditionBuilder { return name(n).AttributeNotExists() }

// absent holds where there is no item, present where there is one.
func absent() expression.ConditionBuilder  { return lacks(infra.PartitionKey) }
func present() expression.ConditionBuilder { return name(infra.PartitionKey).AttributeExists() }

// every gives the conditions joined by AND, some by OR.
func every(c ...expression.ConditionBuilder) expression.ConditionBuilder {
	out := c[0]
	for _, more := range c[1:] {
		out = out.And(more)
	}
	return out
}

func some(c ...expression.ConditionBuilder) expression.ConditionBuilder {
	out := c[0]
	for _, more := range c[1:] {
		out = out.Or(more)
	}
	return out
}

// oneOf gives name IN (…).
func oneOf[T any](n string, values ...T) expression.ConditionBuilder {
	rest := make([]expression.OperandBuilder, 0, len(values))
	for _, v := range values[1:] {
		rest = append(rest, value(v))
	}
	return name(n).In(value(values[0]), rest...)
}

// set begins an update, more goes on with it: name, value, name, value …
func set(pairs ...any) expression.UpdateBuilder { return more(expression.UpdateBuilder{}, pairs...) }

func more(u expression.UpdateBuilder, pairs ...any) expression.UpdateBuilder {
	for i := 0; i+1 < len(pairs); i += 2 {
		u = u.Set(name(pairs[i].(string)), value(pairs[i+1]))
	}
	return u
}

// grow adds ADD name n.
func grow(u expression.UpdateBuilder, n string, by int64) expression.UpdateBuilder {
	return u.Add(name(n), value(by))
}

// drop adds REMOVE name.
func drop(u expression.UpdateBuilder, names ...string) expression.UpdateBuilder {
	for _, n := range names {
		u = u.Remove(name(n))
	}
	return u
}

// keyIs gives the key condition of one partition, and of a part of its sort keys.
func keyIs(pk string) expression.KeyConditionBuilder {
	return expression.Key(infra.PartitionKey).Equal(expression.Value(pk))
}

func keyBegins(pk, prefix string) expression.KeyConditionBuilder {
	return keyIs(pk).And(expression.Key(infra.SortKey).BeginsWith(prefix))
}

func keyBetween(pk, from, to string) expression.KeyConditionBuilder {
	return keyIs(pk).And(expression.Key(infra.SortKey).Between(expression.Value(from), expression.Value(to)))
}
