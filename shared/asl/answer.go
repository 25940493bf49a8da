package asl

import (
	"fmt"
	"maps"
	"slices"
)

// shape is what a field of a service's answer may be, as far as a mock is checked.
type shape struct {
	Type     string            // string, number, boolean, array, object; empty: anything
	Fields   map[string]*shape // of an object
	Element  *shape            // of an array
	Required []string          // fields that must be there, unless only those present are checked
	Enum     []string
	Min, Max *float64 // of a number; of the length of a text
}

func record(fields map[string]*shape, required ...string) *shape {
	return &shape{Type: "object", Fields: fields, Required: required}
}

func list(of *shape) *shape { return &shape{Type: "array", Element: of} }

func between(low, high float64) *shape { return &shape{Type: "number", Min: &low, Max: &high} }

var (
	aText     = &shape{Type: "string"}
	aNumber   = &shape{Type: "number"}
	aBool     = &shape{Type: "boolean"}
	oneByte   = 1.0
	aBlob     = &shape{Type: "string", Min: &oneByte}
	capacity  = record(map[string]*shape{"TableName": aText, "CapacityUnits": aNumber, "ReadCapacityUnits": aNumber, "WriteCapacityUnits": aNumber})
	itemsRead = record(map[string]*shape{"ConsumedCapacity": capacity, "Item": {Type: "object"}, "Attributes": {Type: "object"}})
	storage   = &shape{Type: "string", Enum: []string{
		"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE", "OUTPOSTS", "GLACIER_IR", "SNOW",
		"EXPRESS_ONEZONE", "FSX_OPENZFS", "FSX_ONTAP",
	}}
)

// shapes are the answers that are known, by service and action. A field that a shape does not name is let through.
var shapes = map[string]*shape{
	"lambda:invoke": record(map[string]*shape{"StatusCode": aNumber, "FunctionError": aText, "LogResult": aText, "ExecutedVersion": aText}),
	"lambda:getFunction": record(map[string]*shape{"Configuration": record(map[string]*shape{
		"FunctionName": aText, "FunctionArn": aText, "Runtime": aText, "Role": aText, "Handler": aText, "Description": aText, "CodeSize": aNumber,
		"MemorySize": between(128, 10240), "Timeout": between(1, 900), "LastModified": aText, "Version": aText, "CodeSha256": aText,
	})}),
	"states:startExecution": record(map[string]*shape{"ExecutionArn": aText, "StartDate": aText}, "ExecutionArn", "StartDate"),
	"sfn:startExecution":    record(map[string]*shape{"ExecutionArn": aText, "StartDate": aText}, "ExecutionArn", "StartDate"),
	"events:putEvents": record(map[string]*shape{
		"FailedEntryCount": aNumber, "Entries": list(record(map[string]*shape{"EventId": aText, "ErrorCode": aText, "ErrorMessage": aText})),
	}),
	"sqs:sendMessage": record(map[string]*shape{
		"MessageId": aText, "MD5OfMessageBody": aText, "MD5OfMessageAttributes": aText, "MD5OfMessageSystemAttributes": aText, "SequenceNumber": aText,
	}),
	"sns:publish":         record(map[string]*shape{"MessageId": aText, "SequenceNumber": aText}),
	"dynamodb:getItem":    itemsRead,
	"dynamodb:putItem":    itemsRead,
	"dynamodb:updateItem": itemsRead,
	"dynamodb:deleteItem": itemsRead,
	"dynamodb:query":      record(map[string]*shape{"Count": aNumber, "ScannedCount": aNumber, "Items": list(&shape{Type: "object"}), "ConsumedCapacity": capacity}),
	"s3:getObject": record(map[string]*shape{
		"AcceptRanges": aText, "ContentLength": aNumber, "ContentType": aText, "ContentEncoding": aText, "ETag": aText, "DeleteMarker": aBool,
		"VersionId": aText, "StorageClass": storage, "MissingMeta": aNumber, "PartsCount": aNumber, "TagCount": aNumber, "Body": aText, "Metadata": {Type: "object"},
	}),
	"s3:putObject":   record(map[string]*shape{"ETag": aText, "Expiration": aText, "VersionId": aText, "Size": aNumber, "BucketKeyEnabled": aBool}),
	"s3:listBuckets": record(map[string]*shape{"Buckets": list(record(map[string]*shape{"Name": aText, "CreationDate": aText})), "Prefix": aText}),
	"kms:encrypt":    record(map[string]*shape{"CiphertextBlob": aBlob, "KeyId": aText, "EncryptionAlgorithm": aText}),
	"kms:decrypt":    record(map[string]*shape{"Plaintext": aBlob, "KeyId": aText, "EncryptionAlgorithm": aText}),
}

// checkAnswer says what is wrong with a mock of the service's answer, empty when nothing is. With present, fields may be missing.
func (r Resource) checkAnswer(value any, present bool) string {
	s := shapes[r.Service+":"+r.Action]
	if s == nil || r.Pattern != RequestResponse {
		return ""
	}
	return s.check("result", value, present)
}

func (s *shape) check(name string, value any, present bool) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return s.checkText(name, v)
	case float64, int64:
		return s.checkNumber(name, v)
	case bool:
		return s.typed(name, "boolean")
	case []any:
		if wrong := s.typed(name, "array"); wrong != "" || s.Element == nil {
			return wrong
		}
		for _, e := range v {
			if wrong := s.Element.check(name, e, present); wrong != "" {
				return wrong
			}
		}
	case map[string]any:
		return s.checkObject(name, v, present)
	}
	return ""
}

// typed says whether a field may be of a type.
func (s *shape) typed(name, got string) string {
	articles := map[string]string{"string": "a string", "number": "a number", "boolean": "a boolean", "array": "an array", "object": "an object"}
	if s.Type == "" || s.Type == got {
		return ""
	}
	return fmt.Sprintf("Field '%s' must be %s", name, articles[s.Type])
}

func (s *shape) checkText(name, v string) string {
	if wrong := s.typed(name, "string"); wrong != "" {
		return wrong
	}
	for _, e := range s.Enum {
		if e == v {
			return ""
		}
	}
	switch {
	case len(s.Enum) > 0:
		return fmt.Sprintf("Field '%s' is not an expected value", name)
	case s.Min != nil && float64(len(v)) < *s.Min:
		return fmt.Sprintf("Field '%s' is smaller than the minimum length", name)
	}
	return ""
}

func (s *shape) checkNumber(name string, v any) string {
	if wrong := s.typed(name, "number"); wrong != "" {
		return wrong
	}
	n, err := number(v)
	switch {
	case err != nil:
		return ""
	case s.Min != nil && n < *s.Min:
		return fmt.Sprintf("Field '%s' is less than the minimum value", name)
	case s.Max != nil && n > *s.Max:
		return fmt.Sprintf("Field '%s' exceeds the maximum value", name)
	}
	return ""
}

func (s *shape) checkObject(name string, v map[string]any, present bool) string {
	if wrong := s.typed(name, "object"); wrong != "" {
		return wrong
	}
	if !present {
		for _, r := range s.Required {
			if _, ok := v[r]; !ok {
				return fmt.Sprintf("Required field '%s' is missing", r)
			}
		}
	}
	for _, k := range slices.Sorted(maps.Keys(v)) {
		if f := s.Fields[k]; f != nil {
			if wrong := f.check(k, v[k], present); wrong != "" {
				return wrong
			}
		}
	}
	return ""
}
