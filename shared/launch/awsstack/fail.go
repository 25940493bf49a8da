package awsstack

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// failed gives an error of a client a code. nil stays nil.
func failed(action string, err error) error {
	if err == nil {
		return nil
	}
	var api smithy.APIError
	var network net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return fault.New(fault.Aborted, "%s: the call was given up", action)
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout():
		return fault.New(fault.Timeout, "%s: no answer within the time allowed", action).WithHint("check the network and the endpoint")
	case errors.As(err, &api):
		code, hint := ofAPI(api)
		var response *awshttp.ResponseError
		if code == fault.Internal && errors.As(err, &response) && response.HTTPStatusCode() >= http.StatusInternalServerError {
			code, hint = fault.Transient, "nothing is lost; try again"
		}
		e := fault.New(code, "%s: %s: %s", action, api.ErrorCode(), api.ErrorMessage())
		e.Err, e.Hint = err, hint
		return e
	case strings.Contains(err.Error(), "get credentials") || strings.Contains(err.Error(), "static credentials are empty"):
		return fault.New(fault.AuthDenied, "%s: there are no AWS credentials", action).WithHint("set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner // those around it repeat what the message says already
	}
	return fault.New(fault.Transient, "%s: %s", action, err).WithHint("check the network and the endpoint")
}

// ofAPI gives the code of an answer; the services that are called here agree on most names.
func ofAPI(api smithy.APIError) (fault.Code, string) {
	name := api.ErrorCode()
	switch {
	case strings.Contains(name, "Throttl") || strings.Contains(name, "TooManyRequests") || strings.Contains(name, "LimitExceeded") || strings.Contains(name, "TooManyUpdates"):
		return fault.RateLimited, "nothing is lost; try again"
	case strings.Contains(name, "Expired"):
		return fault.AuthDenied, "the credentials have expired: log in again"
	case strings.Contains(name, "AccessDenied") || strings.Contains(name, "UnrecognizedClient") || strings.Contains(name, "InvalidClientToken") ||
		strings.Contains(name, "Signature") || strings.Contains(name, "NotAuthorized") || strings.Contains(name, "AuthFailure"):
		return fault.AuthDenied, "lockstep doctor --aws lists the permissions that lack"
	case strings.Contains(name, "NotFound"):
		return fault.NotFound, "deploy the stack again"
	case strings.Contains(name, "Validation") || strings.Contains(name, "Invalid"):
		return fault.ConfigInvalid, ""
	case api.ErrorFault() == smithy.FaultServer:
		return fault.Transient, "nothing is lost; try again"
	}
	return fault.Internal, ""
}
