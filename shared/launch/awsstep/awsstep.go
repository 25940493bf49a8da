// Package awsstep is a launch.Machine on AWS Step Functions. The functions and the command make it of a client and the machine's ARN.
package awsstep

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/launch"
)

// Machine is one state machine. Safe for concurrent use.
type Machine struct {
	client *sfn.Client
	arn    string
	prefix string // of its executions' ARNs
}

var _ launch.Machine = (*Machine)(nil)

// New makes a machine of its ARN; one of a version or an alias names the machine itself. It calls nobody. Errors: ConfigInvalid.
func New(client *sfn.Client, arn string) (*Machine, error) {
	parts := strings.Split(arn, ":")
	if len(parts) < 7 || parts[0] != "arn" || parts[2] != "states" || parts[5] != "stateMachine" {
		return nil, fault.New(fault.ConfigInvalid, "%q is no ARN of a state machine", arn).WithHint("deploy the stack again")
	}
	prefix := strings.Join(parts[:5], ":") + ":execution:" + parts[6] + ":"
	return &Machine{client, strings.Join(parts[:7], ":"), prefix}, nil
}

// Open is New for those who know Step Functions by launch.Machine only.
func Open(client *sfn.Client, arn string) (launch.Machine, error) {
	m, err := New(client, arn)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// ID implements launch.Machine.
func (m *Machine) ID(name string) string { return m.prefix + name }

// Start implements launch.Machine. A running execution of the name with the same input answers as one that was just started.
func (m *Machine) Start(ctx context.Context, name string, input json.RawMessage) (bool, error) {
	_, err := m.client.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &m.arn, Name: &name, Input: aws.String(string(input))})
	var exists *types.ExecutionAlreadyExists
	if errors.As(err, &exists) {
		return true, nil
	}
	return false, failed("start execution "+name, err)
}

// Describe implements launch.Machine.
func (m *Machine) Describe(ctx context.Context, id string) (launch.Execution, error) {
	out, err := m.client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &id})
	if err != nil {
		return launch.Execution{}, failed("look at execution "+id, err)
	}
	return launch.Execution{
		ID: id, Name: aws.ToString(out.Name), Status: string(out.Status), Redrives: int(aws.ToInt32(out.RedriveCount)),
		Input: json.RawMessage(aws.ToString(out.Input)), Error: aws.ToString(out.Error), Cause: aws.ToString(out.Cause),
	}, nil
}

// Stop implements launch.Machine.
func (m *Machine) Stop(ctx context.Context, id, code, cause string) error {
	_, err := m.client.StopExecution(ctx, &sfn.StopExecutionInput{ExecutionArn: &id, Error: &code, Cause: &cause})
	return failed("stop execution "+id, err)
}

// The advice that several errors share.
const (
	hintBusy        = "nothing is lost; try again"
	hintCredentials = "check AWS_PROFILE or the keys, and that they may use the state machine: StartExecution, DescribeExecution, StopExecution"
)

// meaning is what a code of Step Functions is to us.
type meaning struct {
	code fault.Code
	hint string
}

// byCode are the codes of Step Functions' answers.
var byCode = map[string]meaning{
	"ExecutionDoesNotExist":       {fault.NotFound, ""},
	"StateMachineDoesNotExist":    {fault.ConfigInvalid, "deploy the stack"},
	"StateMachineDeleting":        {fault.ConfigInvalid, "deploy the stack"},
	"InvalidArn":                  {fault.ConfigInvalid, "deploy the stack"},
	"InvalidName":                 {fault.ConfigInvalid, "choose another run id"},
	"InvalidExecutionInput":       {fault.ConfigInvalid, "make the run's parameters smaller: an input has at most 256 KiB"},
	"ExecutionLimitExceeded":      {fault.RateLimited, "too many executions run at once; " + hintBusy},
	"ThrottlingException":         {fault.RateLimited, hintBusy},
	"ServiceUnavailable":          {fault.Transient, hintBusy},
	"InternalFailure":             {fault.Transient, hintBusy},
	"InternalServerError":         {fault.Transient, hintBusy},
	"AccessDeniedException":       {fault.AuthDenied, hintCredentials},
	"UnrecognizedClientException": {fault.AuthDenied, hintCredentials},
	"InvalidSignatureException":   {fault.AuthDenied, hintCredentials},
	"ExpiredTokenException":       {fault.AuthDenied, "the credentials have expired: log in again"},
	"KmsAccessDeniedException":    {fault.AuthDenied, "grant the use of the state machine's KMS key"},
	"KmsThrottlingException":      {fault.RateLimited, hintBusy},
}

// status gives the HTTP status of an answer, 0 when there was none.
func status(err error) int {
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

// failed gives an error of the client a code. nil stays nil.
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
		return fault.New(fault.Timeout, "%s: no answer within the time allowed", action).WithHint("check the network; %s", hintBusy)
	case errors.As(err, &api):
		known, ok := byCode[api.ErrorCode()]
		switch {
		case ok:
		case api.ErrorFault() == smithy.FaultServer || status(err) >= http.StatusInternalServerError:
			known = meaning{fault.Transient, hintBusy}
		default:
			known.code = fault.Internal
		}
		e := fault.New(known.code, "%s: %s: %s", action, api.ErrorCode(), api.ErrorMessage())
		e.Err, e.Hint = err, known.hint
		return e
	}
	return fault.New(fault.Transient, "%s: %w", action, err).WithHint("check the network and AWS_ENDPOINT_URL; nothing is lost")
}
