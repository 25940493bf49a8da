package modeltest

import "fmt"

// apiError is an answer of DynamoDB that is an error.
type apiError struct {
	code    string
	message string
	item    item     // of a refused condition whose old item was asked for; nil else
	reasons []reason // of a cancelled transaction, in the order of its items
}

// reason is why one item of a transaction let it be cancelled, or None.
type reason struct {
	Code    string
	Message string `json:",omitempty"`
	Item    item   `json:",omitempty"`
}

func (e apiError) Error() string { return e.code + ": " + e.message }

// refuse is the error of a request that breaks a rule.
func refuse(format string, args ...any) error {
	return apiError{code: "ValidationException", message: fmt.Sprintf(format, args...)}
}

// refused is the error of a condition that is false.
func refused(old item) error {
	return apiError{code: "ConditionalCheckFailedException", message: "The conditional request failed", item: old}
}

// noTable is the error for a table that does not exist.
func noTable() error {
	return apiError{code: "ResourceNotFoundException", message: "Cannot do operations on a non-existent table"}
}

// namespace is what stands before the code on the wire.
func (e apiError) namespace() string {
	switch e.code {
	case "ValidationException":
		return "com.amazon.coral.validate#"
	case "SerializationException", "UnknownOperationException":
		return "com.amazon.coral.service#"
	}
	return "com.amazonaws.dynamodb.v20120810#"
}

// body is the answer's JSON.
func (e apiError) body() map[string]any {
	out := map[string]any{"__type": e.namespace() + e.code, "message": e.message}
	if e.item != nil {
		out["Item"] = e.item
	}
	if e.reasons != nil {
		out["CancellationReasons"] = e.reasons
	}
	return out
}
