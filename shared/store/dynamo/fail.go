package dynamo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// failed wraps an error with what was being done to which table, and gives what AWS says a code. nil stays nil.
func (s *Store) failed(action string, err error) error { return failed(s.table, action, err) }

func failed(table, action string, err error) error {
	if err == nil {
		return nil
	}
	var coded *fault.Error
	if errors.As(err, &coded) {
		return fmt.Errorf("%s table %s: %w", action, table, err)
	}
	code, text, hint := classify(err)
	e := fault.New(code, "%s table %s: %s", action, table, text)
	e.Err = err
	if hint != "" {
		return e.WithHint("%s", hint)
	}
	return e
}

// The advice that several errors share.
const (
	hintBusy        = "nothing is lost; try again"
	hintCredentials = "check AWS_PROFILE or the keys, and that they may use the table: GetItem, BatchGetItem, Query, PutItem, UpdateItem, DeleteItem, ConditionCheckItem"
	hintTable       = "check its name, the Region and the account; lockstep doctor --create makes the table"
	hintReach       = "check the network and AWS_ENDPOINT_URL; nothing is lost"
)

// byCode are the codes of AWS's answers.
var byCode = map[string]struct {
	code fault.Code
	hint string
}{
	"ResourceNotFoundException":                {fault.ConfigInvalid, hintTable},
	"ProvisionedThroughputExceededException":   {fault.RateLimited, hintBusy},
	"ThrottlingException":                      {fault.RateLimited, hintBusy},
	"ThrottlingError":                          {fault.RateLimited, hintBusy},
	"ProvisionedThroughputExceeded":            {fault.RateLimited, hintBusy},
	"RequestLimitExceeded":                     {fault.RateLimited, hintBusy},
	"TransactionConflictException":             {fault.Transient, hintBusy},
	"TransactionConflict":                      {fault.Transient, hintBusy},
	"TransactionInProgressException":           {fault.Transient, hintBusy},
	"ReplicatedWriteConflictException":         {fault.Transient, hintBusy},
	"InternalServerError":                      {fault.Transient, hintBusy},
	"ServiceUnavailable":                       {fault.Transient, hintBusy},
	"AccessDeniedException":                    {fault.AuthDenied, hintCredentials},
	"UnrecognizedClientException":              {fault.AuthDenied, hintCredentials},
	"InvalidSignatureException":                {fault.AuthDenied, hintCredentials},
	"IncompleteSignatureException":             {fault.AuthDenied, hintCredentials},
	"MissingAuthenticationTokenException":      {fault.AuthDenied, hintCredentials},
	"ExpiredTokenException":                    {fault.AuthDenied, "the credentials have expired: log in again"},
	"ExpiredToken":                             {fault.AuthDenied, "the credentials have expired: log in again"},
	"ItemCollectionSizeLimitExceededException": {fault.QuotaExceeded, ""},
	"ItemCollectionSizeLimitExceeded":          {fault.QuotaExceeded, ""},
}

// classify gives the code, the text and the advice for an error of the client.
func classify(err error) (fault.Code, string, string) {
	var canceled *types.TransactionCanceledException
	var api smithy.APIError
	var network net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return fault.Aborted, "the call was given up", ""
	case errors.Is(err, context.DeadlineExceeded):
		return fault.Timeout, "no answer within the time allowed", hintReach
	case errors.As(err, &canceled):
		return canceledBy(canceled)
	case errors.As(err, &api):
		return ofAPI(api)
	case errors.As(err, &network) && network.Timeout():
		return fault.Timeout, "no answer within the time allowed", hintReach
	case noCredentials(err):
		return fault.AuthDenied, "there are no AWS credentials", "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
	}
	return fault.Transient, last(err), hintReach
}

func ofAPI(api smithy.APIError) (fault.Code, string, string) {
	code, text := api.ErrorCode(), api.ErrorCode()+": "+api.ErrorMessage()
	if known, ok := byCode[code]; ok {
		return known.code, text, known.hint
	}
	switch {
	case code == "ValidationException" && tooLarge(api.ErrorMessage()):
		return fault.DataInvalid, text, "an item may have 400 KB, a transaction 4 MB"
	case code == "ValidationException" && strings.Contains(api.ErrorMessage(), "key"):
		return fault.ConfigInvalid, text, "the table's keys or indexes are others than infra says"
	case api.ErrorFault() == smithy.FaultServer:
		return fault.Transient, text, hintBusy
	}
	return fault.Internal, text, ""
}

func tooLarge(text string) bool {
	text = strings.ToLower(text)
	return strings.Contains(text, "size has exceeded") || strings.Contains(text, "exceeded the maximum allowed size") ||
		strings.Contains(text, "cannot exceed 4 mb") || strings.Contains(text, "collection size")
}

// canceledBy judges a transaction by its reasons: what stays so counts more than what passes.
func canceledBy(c *types.TransactionCanceledException) (fault.Code, string, string) {
	code, text, hint := fault.Internal, "the transaction was cancelled", ""
	for _, r := range c.CancellationReasons {
		name, said := deref(r.Code), deref(r.Message)
		known, ok := byCode[name]
		switch {
		case name == "" || name == "None" || name == conditionFailed:
		case name == "ValidationError" && tooLarge(said):
			return fault.DataInvalid, name + ": " + said, "an item may have 400 KB, a transaction 4 MB"
		case ok && known.code.Retryable():
			code, text, hint = known.code, name+": "+said, known.hint
		case ok:
			return known.code, name + ": " + said, known.hint
		default:
			return fault.Internal, name + ": " + said, ""
		}
	}
	return code, text, hint
}

// conditionFailed is the reason of a transaction that a condition stopped.
const conditionFailed = "ConditionalCheckFailed"

// noCredentials recognises that the client found nothing to sign with, which it says in words only.
func noCredentials(err error) bool {
	text := err.Error()
	return strings.Contains(text, "get identity: get credentials") || strings.Contains(text, "failed to refresh cached credentials") ||
		strings.Contains(text, "static credentials are empty")
}

// last gives the innermost text of a chain of errors.
func last(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
