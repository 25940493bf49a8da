package asl

import (
	"errors"
	"math"
	"strconv"
)

// Amount is a number that a state gives as a literal, by a JSONata expression, or under JSONPath by a path (the fields whose name
// ends in Path). It is immutable.
type Amount struct {
	field    string    // the literal field, as in TimeoutSeconds
	template *Template // literal or expression
	path     *Path
}

// Constant gives the number when the definition says it.
func (a *Amount) Constant() (any, bool) {
	if a.template == nil {
		return nil, false
	}
	return a.template.Constant()
}

// bounds is what an amount may be.
type bounds struct {
	low, high float64
	fraction  bool // it may have one
}

// amount evaluates a number; nil gives 0.
func (v *visit) amount(a *Amount, root any, b bounds) (float64, error) {
	switch {
	case a == nil:
		return 0, nil
	case a.path != nil:
		return v.amountAt(a, root, b)
	}
	value, err := v.eval(a.template, root)
	if err != nil {
		return 0, err
	}
	if b.fraction {
		if failed := a.template.wantType(value, "number"); failed != nil {
			return 0, v.failed(failed)
		}
		return value.(float64), nil
	}
	n, failed := a.template.wholeNumber(value, b.low)
	if failed != nil {
		return 0, v.failed(failed)
	}
	return n, nil
}

// amountAt reads a number by path. A text that is one counts too, as the service has it.
func (v *visit) amountAt(a *Amount, root any, b bounds) (float64, error) {
	value, err := v.read(a.path, root)
	if err != nil {
		return 0, err
	}
	kind := "integer"
	if b.fraction {
		kind = "float"
	}
	n, err := number(value)
	if err != nil || !b.fraction && n != math.Trunc(n) {
		return 0, v.broken("The %s field refers to value \"%s\" which is not a valid %s: %s", a.path.field, text(value), kind, a.path.text)
	}
	return n, nil
}

var errNoNumber = errors.New("the value is no number")

// number reads a number or a text that holds one.
func number(v any) (float64, error) {
	switch v := v.(type) {
	case float64:
		return v, nil
	case int64:
		return float64(v), nil
	case string:
		n, err := strconv.ParseFloat(v, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return 0, errNoNumber
		}
		return n, nil
	}
	return 0, errNoNumber
}
