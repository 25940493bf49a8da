package check

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/lockstep-data/lockstep/shared/asl/internal/intrinsic"
	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonpath"
)

// machineFields are the fields of a machine.
var machineFields = []string{"Comment", "QueryLanguage", "StartAt", "States", "TimeoutSeconds", "Version"}

// stateFields are the fields of a state beside Type, Comment and QueryLanguage, by its type.
var stateFields = map[string][]string{
	"Pass": {"InputPath", "OutputPath", "Result", "ResultPath", "Parameters", "Output", "Assign", "Next", "End"},
	"Task": {"InputPath", "OutputPath", "ResultPath", "Parameters", "Arguments", "Output", "Assign", "Resource", "Credentials", "ResultSelector", "Retry", "Catch",
		"TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath", "Next", "End"},
	"Wait":     {"InputPath", "OutputPath", "Output", "Assign", "Seconds", "Timestamp", "SecondsPath", "TimestampPath", "Next", "End"},
	"Parallel": {"InputPath", "OutputPath", "ResultPath", "Parameters", "Arguments", "Output", "Assign", "ResultSelector", "Retry", "Catch", "Branches", "Next", "End"},
	"Map": {"InputPath", "OutputPath", "ResultPath", "Parameters", "Output", "Assign", "ResultSelector", "Retry", "Catch", "ItemProcessor", "Iterator", "ItemsPath",
		"Items", "ItemSelector", "ItemReader", "ItemBatcher", "ResultWriter", "MaxConcurrency", "MaxConcurrencyPath", "ToleratedFailurePercentage",
		"ToleratedFailurePercentagePath", "ToleratedFailureCount", "ToleratedFailureCountPath", "Label", "Next", "End"},
	"Choice":  {"InputPath", "OutputPath", "Output", "Assign", "Choices", "Default"},
	"Succeed": {"InputPath", "OutputPath", "Output"},
	"Fail":    {"Error", "Cause", "ErrorPath", "CausePath"},
}

// onlyJSONPath and onlyJSONata are the fields that one query language has, in the order in which they are reported.
var (
	onlyJSONPath = []string{"InputPath", "OutputPath", "ResultPath", "Parameters", "ResultSelector", "Result", "ItemsPath", "TimeoutSecondsPath", "HeartbeatSecondsPath",
		"SecondsPath", "TimestampPath", "MaxConcurrencyPath", "ToleratedFailurePercentagePath", "ToleratedFailureCountPath", "ErrorPath", "CausePath",
		"MaxItemsPath", "MaxItemsPerBatchPath", "MaxInputBytesPerBatchPath"}
	onlyJSONata = []string{"Output", "Arguments", "Items"}
)

// exclusive are pairs of fields of which one may stand.
var exclusive = [][2]string{
	{"TimeoutSeconds", "TimeoutSecondsPath"}, {"HeartbeatSeconds", "HeartbeatSecondsPath"}, {"MaxConcurrency", "MaxConcurrencyPath"},
	{"ToleratedFailurePercentage", "ToleratedFailurePercentagePath"}, {"ToleratedFailureCount", "ToleratedFailureCountPath"}, {"Error", "ErrorPath"}, {"Cause", "CausePath"},
	{"MaxItems", "MaxItemsPath"}, {"MaxItemsPerBatch", "MaxItemsPerBatchPath"}, {"MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath"},
}

// rule says what a field may hold. Under JSONata a text {% … %} may stand in the place of a number or a time.
type rule struct {
	kind     kind
	min, max float64 // of numbers; max 0: none
	values   []string
	context  bool // a reference path may begin at the context object
}

type kind int

const (
	text kind = iota + 1
	boolean
	integer
	number
	path      // a path or null
	reference // a reference path
	call      // a path or an intrinsic function
	timestamp
)

// most is the most that the service takes as seconds.
const most = 99999999

// fieldRules are the rules of fields that are the same wherever they stand.
var fieldRules = map[string]rule{
	"Comment": {kind: text}, "StartAt": {kind: text}, "Next": {kind: text}, "Default": {kind: text}, "Label": {kind: text}, "End": {kind: boolean},
	"Version":   {kind: text, values: []string{"1.0"}},
	"InputPath": {kind: path}, "OutputPath": {kind: path}, "ResultPath": {kind: reference}, "ItemsPath": {kind: reference, context: true},
	"SecondsPath": {kind: reference, context: true}, "TimestampPath": {kind: reference, context: true},
	"TimeoutSecondsPath": {kind: reference, context: true}, "HeartbeatSecondsPath": {kind: reference, context: true},
	"MaxConcurrencyPath": {kind: reference}, "ToleratedFailurePercentagePath": {kind: reference}, "ToleratedFailureCountPath": {kind: reference},
	"MaxItemsPath": {kind: reference}, "MaxItemsPerBatchPath": {kind: reference}, "MaxInputBytesPerBatchPath": {kind: reference},
	"ErrorPath": {kind: call}, "CausePath": {kind: call}, "Timestamp": {kind: timestamp}, "Resource": {kind: text},
	"TimeoutSeconds": {kind: integer, min: 0, max: most}, "HeartbeatSeconds": {kind: integer, min: 1, max: most}, "Seconds": {kind: integer, min: 0, max: most},
	"MaxConcurrency": {kind: integer}, "ToleratedFailureCount": {kind: integer}, "ToleratedFailurePercentage": {kind: number, max: 100},
	"IntervalSeconds": {kind: integer, min: 0, max: most}, "MaxAttempts": {kind: integer, min: 0, max: most}, "MaxDelaySeconds": {kind: integer, min: 1, max: 31622400},
	"BackoffRate": {kind: number, min: 1}, "JitterStrategy": {kind: text, values: []string{"NONE", "FULL"}},
	"MaxItems": {kind: integer, max: 100000000}, "MaxItemsPerBatch": {kind: integer, min: 1}, "MaxInputBytesPerBatch": {kind: integer, min: 1, max: 256 << 10},
}

// values checks the fields of an object that have a rule.
func (c *checker) values(at string, o *object, rules map[string]rule) {
	for _, name := range o.names {
		r, ok := rules[name]
		if !ok {
			continue
		}
		c.value(at+"/"+name, name, o.fields[name], r)
	}
}

func (c *checker) value(at, name string, v any, r rule) {
	s, isText := v.(string)
	if strings.Contains(s, "${") || strings.HasPrefix(s, "{%") {
		return // filled by who deploys, or checked as an expression
	}
	switch r.kind {
	case text:
		if !isText {
			c.schema(at, "Expected value of type [STRING]")
		} else if len(r.values) > 0 && !slices.Contains(r.values, s) {
			c.schema(at, "Value should be one of the following: [%s]", strings.Join(r.values, ", "))
		}
	case boolean:
		if _, ok := v.(bool); !ok {
			c.schema(at, "Expected value of type [BOOLEAN]")
		}
	case integer, number:
		c.number(at, name, v, r)
	case timestamp:
		if _, err := time.Parse(time.RFC3339Nano, s); err != nil {
			c.schema(at, "String does not match RFC3339 timestamp")
		}
	case path, reference, call:
		c.path(at, v, r)
	}
}

func (c *checker) number(at, name string, v any, r rule) {
	n, ok := v.(json.Number)
	f, err := n.Float64()
	switch {
	case !ok || err != nil:
		c.schema(at, "Expected value of type %s", map[kind]string{integer: "Integer", number: "Number"}[r.kind])
	case r.kind == integer && f != math.Trunc(f):
		c.schema(at, "Expected value of type Integer")
	case f < r.min:
		c.schema(at, "Minimum value is %s", limit(r, r.min))
	case r.max > 0 && f > r.max:
		c.schema(at, "Maximum value is %s", limit(r, r.max))
	}
}

// limit writes a bound; that of a number that may have a fraction has one.
func limit(r rule, f float64) string {
	s := json.Number(jsonpath.Text(f)).String()
	if r.kind == number {
		s += ".0"
	}
	return s
}

// path checks a field that holds a path.
func (c *checker) path(at string, v any, r rule) {
	if v == nil && (r.kind == path || strings.HasSuffix(at, "/ResultPath")) {
		return
	}
	s, ok := v.(string)
	if !ok {
		c.schema(at, "Expected value of type [STRING]")
		return
	}
	if r.kind == call && strings.HasPrefix(s, "States.") {
		if _, err := intrinsic.Parse(s); err != nil {
			c.schema(at, "Value must be a valid JSONPath or a valid intrinsic function call: %s", err)
		}
		return
	}
	p, err := jsonpath.Parse(s)
	switch {
	case err != nil && r.kind == reference && !strings.HasPrefix(s, "$"):
		c.schema(at, "Value is not a Reference Path: Reference path didn't start with '$'")
	case err != nil && r.kind == reference:
		c.schema(at, "Value is not a Reference Path: %s", err)
	case err != nil:
		c.schema(at, "Value must be a valid JSONPath.")
	case r.kind == reference && (!p.IsReference() || p.Root() == "$" && !r.context):
		c.schema(at, "Value is not a Reference Path")
	}
}
