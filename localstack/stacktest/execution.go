//go:build localstack

package stacktest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/lockstep-data/lockstep/infra"
)

// pollEvery is how often LocalStack is asked: each question takes time from what it is asked about.
const pollEvery = 300 * time.Millisecond

// Start starts an execution of sync. The input is written as JSON.
func (s *Stack) Start(ctx context.Context, name string, input any) (arn string, err error) {
	body, err := json.Marshal(input)
	if err != nil {
		return "", err
	}
	out, err := s.SFN.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: aws.String(s.Outputs[infra.OutputMachine]), Name: &name, Input: aws.String(string(body))})
	if err != nil {
		return "", err
	}
	return *out.ExecutionArn, nil
}

// Wait waits for the end of an execution.
func (s *Stack) Wait(ctx context.Context, arn string) (*sfn.DescribeExecutionOutput, error) {
	var last *sfn.DescribeExecutionOutput
	err := Poll(ctx, pollEvery, func() (bool, error) {
		var err error
		last, err = s.SFN.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
		return err == nil && last.Status != types.ExecutionStatusRunning, err
	})
	if err != nil {
		return last, fmt.Errorf("wait for %s: %w", arn, err)
	}
	return last, nil
}

// History reads all events of an execution.
func (s *Stack) History(ctx context.Context, arn string) ([]types.HistoryEvent, error) {
	var out []types.HistoryEvent
	pages := sfn.NewGetExecutionHistoryPaginator(s.SFN, &sfn.GetExecutionHistoryInput{ExecutionArn: &arn, MaxResults: 1000})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, page.Events...)
	}
	return out, nil
}

// States gives the names of the states that were entered, in order.
func States(events []types.HistoryEvent) []string {
	var out []string
	for _, e := range events {
		if d := e.StateEnteredEventDetails; d != nil {
			out = append(out, *d.Name)
		}
	}
	return out
}

// Failures gives the errors of tasks, each as Error: Cause.
func Failures(events []types.HistoryEvent) []string {
	var out []string
	add := func(code, cause *string) { out = append(out, aws.ToString(code)+": "+aws.ToString(cause)) }
	for _, e := range events {
		switch {
		case e.LambdaFunctionFailedEventDetails != nil:
			add(e.LambdaFunctionFailedEventDetails.Error, e.LambdaFunctionFailedEventDetails.Cause)
		case e.LambdaFunctionTimedOutEventDetails != nil:
			add(e.LambdaFunctionTimedOutEventDetails.Error, e.LambdaFunctionTimedOutEventDetails.Cause)
		case e.TaskFailedEventDetails != nil:
			add(e.TaskFailedEventDetails.Error, e.TaskFailedEventDetails.Cause)
		case e.ExecutionFailedEventDetails != nil:
			add(e.ExecutionFailedEventDetails.Error, e.ExecutionFailedEventDetails.Cause)
		}
	}
	return out
}

// Invoke calls a function with a payload that is JSON already, and reads its answer. An error of the function is an error that names it.
func (s *Stack) Invoke(ctx context.Context, function, payload string, answer any) error {
	name := s.Name(function)
	out, err := s.Lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, Payload: []byte(payload)})
	if err != nil {
		return err
	}
	if out.FunctionError != nil {
		return fmt.Errorf("%s: %s: %s", name, *out.FunctionError, strings.TrimSpace(string(out.Payload)))
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(out.Payload, answer); err != nil {
		return fmt.Errorf("the answer of %s is %s: %w", name, out.Payload, err)
	}
	return nil
}

// Bootstraps lists the processes that run a function here.
func (s *Stack) Bootstraps(function string) ([]int, error) {
	return Processes("AWS_LAMBDA_FUNCTION_NAME="+s.Name(function), infra.EnvTable+"="+s.Outputs[infra.OutputTable])
}
