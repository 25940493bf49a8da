package check

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode/utf8"
)

// iteration checks what only a Map has.
func (c *checker) iteration(s *state) {
	c.one(s.at, s.fields, "ItemProcessor", "Iterator")
	for _, name := range []string{"ItemProcessor", "Iterator"} {
		v, ok := s.fields.get(name)
		if !ok {
			continue
		}
		at := s.at + "/" + name
		o, isObject := v.(*object)
		if !isObject {
			c.schema(at, "Expected value of type [OBJECT]")
			continue
		}
		c.known(at, o, []string{"Comment", "ProcessorConfig", "StartAt", "States"})
		c.processor(at, o)
		s.inner = append(s.inner, c.flow(at, o))
	}
	c.label(s)
	c.reader(s)
	if v, ok := s.fields.get("ItemBatcher"); ok {
		c.batcher(s, v)
	}
}

// processor checks ProcessorConfig.
func (c *checker) processor(at string, o *object) {
	v, ok := o.get("ProcessorConfig")
	if !ok {
		return
	}
	at += "/ProcessorConfig"
	config, ok := v.(*object)
	if !ok {
		c.schema(at, "Expected value of type [OBJECT]")
		return
	}
	mode, _ := config.text("Mode")
	switch {
	case c.express && mode == "DISTRIBUTED":
		c.schema(at+"/Mode", "The field 'Mode' with value 'DISTRIBUTED' is not supported inside 'EXPRESS' state machines")
	case mode == "DISTRIBUTED":
		c.known(at, config, []string{"Mode", "ExecutionType"})
		c.required(at, config, "ExecutionType")
	default:
		c.known(at, config, []string{"Mode"})
	}
	c.values(at, config, map[string]rule{
		"Mode": {kind: text, values: []string{"INLINE", "DISTRIBUTED"}}, "ExecutionType": {kind: text, values: []string{"STANDARD", "EXPRESS"}},
	})
}

// badLabel finds what a label may not hold: white space, wildcards, brackets, quotes and control characters.
var badLabel = regexp.MustCompile("[\\s?*<>{}\\[\\]\"#%\\\\^|~`$&,;:/\\x00-\\x1f\\x7f-\\x9f]")

func (c *checker) label(s *state) {
	label, ok := s.fields.text("Label")
	if !ok {
		return
	}
	at := s.at + "/Label"
	switch {
	case utf8.RuneCountInString(label) > maxLabelLength:
		c.error(at, InvalidLabel, "The label name '%s' exceeds the %d-character limit allowed by the service", label, maxLabelLength)
	case label == "" || badLabel.MatchString(label):
		c.error(at, InvalidLabel, "Invalid label name: '%s'", label)
	case c.labels[label]:
		c.error(at, DuplicateLabel, "Duplicate Label name: %s", label)
	}
	c.labels[label] = true
}

// reader checks ItemReader and the resource of ResultWriter.
func (c *checker) reader(s *state) {
	if v, ok := s.fields.fields["ItemReader"].(*object); ok {
		at := s.at + "/ItemReader"
		c.required(at, v, "Resource")
		c.resource(at, v, "arn:aws:states:::s3:getObject", "arn:aws:states:::s3:listObjectsV2")
		if config, ok := v.fields["ReaderConfig"].(*object); ok {
			c.readerConfig(at+"/ReaderConfig", config)
		}
	} else if _, ok := s.fields.get("ItemReader"); ok {
		c.schema(s.at+"/ItemReader", "Expected value of type [OBJECT]")
	}
	if v, ok := s.fields.fields["ResultWriter"].(*object); ok {
		c.resource(s.at+"/ResultWriter", v, "arn:aws:states:::s3:putObject")
	}
}

func (c *checker) resource(at string, o *object, allowed ...string) {
	resource, ok := o.text("Resource")
	if !ok || strings.Contains(resource, "${") {
		return
	}
	for _, a := range allowed {
		if resource == a {
			return
		}
	}
	c.schema(at+"/Resource", "The field 'Resource' does not match any of the allowed values")
}

func (c *checker) readerConfig(at string, o *object) {
	c.pairs(at, o)
	c.values(at, o, fieldRules)
	kind, _ := o.text("InputType")
	where, given := o.text("CSVHeaderLocation")
	switch {
	case kind == "CSV" && !given:
		c.schema(at, "The field 'CSVHeaderLocation' is required")
	case kind != "" && kind != "CSV" && given:
		c.schema(at, "Field 'CSVHeaderLocation' is not supported")
	case where == "GIVEN":
		c.required(at, o, "CSVHeaders")
	}
	c.values(at, o, map[string]rule{
		"InputType":         {kind: text, values: []string{"CSV", "JSON", "JSONL", "PARQUET", "MANIFEST"}},
		"CSVHeaderLocation": {kind: text, values: []string{"FIRST_ROW", "GIVEN"}},
	})
}

func (c *checker) batcher(s *state, v any) {
	at := s.at + "/ItemBatcher"
	o, ok := v.(*object)
	if !ok {
		c.schema(at, "Expected value of type [OBJECT]")
		return
	}
	c.known(at, o, []string{"BatchInput", "MaxItemsPerBatch", "MaxItemsPerBatchPath", "MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath"})
	c.pairs(at, o)
	c.values(at, o, fieldRules)
}

// retriers checks Retry.
func (c *checker) retriers(s *state) {
	list := c.objects(s, "Retry")
	for i, o := range list {
		at := element(s.at+"/Retry", i)
		if o == nil {
			continue
		}
		c.known(at, o, []string{"Comment", "ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy"})
		c.required(at, o, "ErrorEquals")
		c.errorEquals(at, o, i == len(list)-1)
		c.values(at, o, fieldRules)
		interval, err1 := num(o, "IntervalSeconds")
		delay, err2 := num(o, "MaxDelaySeconds")
		if err1 && err2 && delay <= interval {
			c.schema(at, "The field 'MaxDelaySeconds' must be greater than 'IntervalSeconds'")
		}
	}
}

func num(o *object, name string) (float64, bool) {
	n, ok := o.fields[name].(json.Number)
	f, err := n.Float64()
	return f, ok && err == nil
}

// catchers checks Catch.
func (c *checker) catchers(s *state) {
	list := c.objects(s, "Catch")
	for i, o := range list {
		at := element(s.at+"/Catch", i)
		if o == nil {
			continue
		}
		c.known(at, o, []string{"Comment", "ErrorEquals", "Next", "ResultPath", "Output", "Assign"})
		c.required(at, o, "ErrorEquals", "Next")
		c.errorEquals(at, o, i == len(list)-1)
		c.part(s, at, o)
		c.values(at, o, fieldRules)
		if next, ok := o.text("Next"); ok {
			s.targets = append(s.targets, target{at + "/Next", next})
		}
	}
}

// part reports the fields of the other query language in a catcher or a rule.
func (c *checker) part(s *state, at string, o *object) {
	wrong, language, other := []string{"Output", "Condition"}, "JSONPath", "JSONata"
	if s.jsonata {
		wrong, language, other = []string{"ResultPath", "Variable"}, "JSONata", "JSONPath"
	}
	for _, name := range wrong {
		if _, ok := o.get(name); ok {
			c.schema(at, "The QueryLanguage is set to '%s', but field '%s' is only supported for the '%s' QueryLanguage", language, name, other)
		}
	}
}

// objects gives the elements of a field that is a list of objects, nil for those that are none.
func (c *checker) objects(s *state, name string) []*object {
	v, ok := s.fields.get(name)
	if !ok {
		return nil
	}
	at := s.at + "/" + name
	list, isList := v.([]any)
	if !isList {
		c.schema(at, "Expected value of type [ARRAY]")
		return nil
	}
	out := make([]*object, len(list))
	for i, e := range list {
		if out[i], ok = e.(*object); !ok {
			c.schema(element(at, i), "Expected value of type [OBJECT]")
		}
	}
	return out
}

// errorEquals checks the names of errors; States.ALL stands alone and last.
func (c *checker) errorEquals(at string, o *object, last bool) {
	v, ok := o.get("ErrorEquals")
	if !ok {
		return
	}
	at += "/ErrorEquals"
	names, isList := v.([]any)
	switch {
	case !isList:
		c.schema(at, "Expected value of type [ARRAY]")
	case len(names) == 0:
		c.schema(at, "Value cannot be empty")
	}
	for i, n := range names {
		name, ok := n.(string)
		switch {
		case !ok:
			c.schema(element(at, i), "Expected value of type [STRING]")
		case name == "States.ALL" && (len(names) > 1 || !last):
			c.schema(at, "States.ALL must appear alone and at end of list")
		}
	}
}
