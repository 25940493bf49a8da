package s3

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// failed wraps an error with what was being done to which object, and gives what S3 says a code. nil stays nil.
func (b *Bucket) failed(action, key string, err error) error {
	if err == nil {
		return nil
	}
	place := b.shown(key)
	var coded *fault.Error
	if errors.As(err, &coded) {
		return fmt.Errorf("%s %s: %w", action, place, err)
	}
	code, text, hint := classify(err)
	if code == fault.NotFound {
		return fault.New(code, "there is no object %s", place)
	}
	e := fault.New(code, "%s %s: %s", action, place, text)
	e.Err = err
	if hint != "" {
		return e.WithHint("%s", hint)
	}
	return e
}

// The advice that several errors share.
const (
	hintBusy        = "nothing is lost; try again"
	hintReach       = "check the network and AWS_ENDPOINT_URL; nothing is lost"
	hintCredentials = "check AWS_PROFILE or the keys"
	hintRegion      = "set AWS_REGION, or ?region=… in the URL, to the Region of the bucket"
	hintGrants      = "grant s3:GetObject, s3:PutObject and s3:DeleteObject on the objects and s3:ListBucket on the bucket: without the last, S3 denies " +
		"what is not there"
)

// meaning is what a code of S3 is to us.
type meaning struct {
	code fault.Code
	hint string
}

// byCode are the codes of S3's answers.
var byCode = map[string]meaning{
	"NoSuchKey":                          {fault.NotFound, ""},
	"NotFound":                           {fault.NotFound, ""},
	noBucket:                             {fault.ConfigInvalid, "check the bucket's name, the Region and the account"},
	"InvalidBucketName":                  {fault.ConfigInvalid, "check the bucket's name"},
	"PermanentRedirect":                  {fault.ConfigInvalid, hintRegion},
	"AuthorizationHeaderMalformed":       {fault.ConfigInvalid, hintRegion},
	"IllegalLocationConstraintException": {fault.ConfigInvalid, hintRegion},
	"KeyTooLongError":                    {fault.ConfigInvalid, "a key has at most 1,024 bytes, its folder included"},
	"MethodNotAllowed":                   {fault.ConfigInvalid, ""},
	"KMS.DisabledException":              {fault.ConfigInvalid, "enable the KMS key of the bucket"},
	"InvalidObjectState":                 {fault.ConfigInvalid, "the object is archived: restore it first"},
	"SlowDown":                           {fault.RateLimited, hintBusy},
	"Throttling":                         {fault.RateLimited, hintBusy},
	"ThrottlingException":                {fault.RateLimited, hintBusy},
	"RequestLimitExceeded":               {fault.RateLimited, hintBusy},
	"TooManyRequests":                    {fault.RateLimited, hintBusy},
	"KMS.ThrottlingException":            {fault.RateLimited, hintBusy},
	"ConditionalRequestConflict":         {fault.Transient, hintBusy},
	"OperationAborted":                   {fault.Transient, hintBusy},
	"InternalError":                      {fault.Transient, hintBusy},
	"ServiceUnavailable":                 {fault.Transient, hintBusy},
	"RequestTimeout":                     {fault.Transient, hintBusy},
	"BadDigest":                          {fault.Transient, hintBusy},
	"EntityTooLarge":                     {fault.QuotaExceeded, "one request writes at most 5 GiB"},
	"InsufficientStorage":                {fault.QuotaExceeded, ""},
	"AccessDenied":                       {fault.AuthDenied, hintGrants},
	"Forbidden":                          {fault.AuthDenied, hintGrants},
	"AllAccessDisabled":                  {fault.AuthDenied, hintGrants},
	"AccountProblem":                     {fault.AuthDenied, ""},
	"InvalidAccessKeyId":                 {fault.AuthDenied, hintCredentials},
	"SignatureDoesNotMatch":              {fault.AuthDenied, hintCredentials},
	"InvalidToken":                       {fault.AuthDenied, hintCredentials},
	"ExpiredToken":                       {fault.AuthDenied, "the credentials have expired: log in again"},
	"ExpiredTokenException":              {fault.AuthDenied, "the credentials have expired: log in again"},
	"RequestTimeTooSkewed":               {fault.AuthDenied, "set the clock of this machine"},
	"IncompleteBody":                     {fault.Transient, hintBusy},
}

// classify gives the code, the text and the advice for an error of the client.
func classify(err error) (fault.Code, string, string) {
	var api smithy.APIError
	var network net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return fault.Aborted, "the call was given up", ""
	case errors.Is(err, context.DeadlineExceeded):
		return fault.Timeout, "no answer within the time allowed", hintReach
	case errors.As(err, &api):
		return ofAPI(api, status(err))
	case errors.As(err, &network) && network.Timeout():
		return fault.Timeout, "no answer within the time allowed", hintReach
	case strings.Contains(err.Error(), "get credentials") || strings.Contains(err.Error(), "get identity"):
		return fault.AuthDenied, "there are no AWS credentials", "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
	}
	return fault.Transient, last(err), hintReach
}

func ofAPI(api smithy.APIError, status int) (fault.Code, string, string) {
	text := api.ErrorCode()
	if said := api.ErrorMessage(); said != "" && said != text {
		text += ": " + said
	}
	if known, ok := byCode[api.ErrorCode()]; ok {
		return known.code, text, known.hint
	}
	switch { // HEAD has no body, and so no code
	case status == http.StatusNotFound:
		return fault.NotFound, text, ""
	case status == http.StatusForbidden || status == http.StatusUnauthorized:
		return fault.AuthDenied, text, hintGrants
	case status == http.StatusMovedPermanently || status == http.StatusTemporaryRedirect || status == http.StatusBadRequest && api.ErrorCode() == "BadRequest":
		return fault.ConfigInvalid, text, hintRegion
	case status == http.StatusTooManyRequests:
		return fault.RateLimited, text, hintBusy
	case status >= http.StatusInternalServerError:
		return fault.Transient, text, hintBusy
	}
	return fault.Internal, text, ""
}

// status gives the HTTP status of an answer, 0 when there was none.
func status(err error) int {
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

// last gives the innermost error's text: those around it repeat what the message says already.
func last(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
