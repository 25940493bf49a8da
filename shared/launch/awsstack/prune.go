package awsstack

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/launch"
)

// latest is the name of the version that is no version.
const latest = "$LATEST"

// lambdaTime is how Lambda writes a time.
const lambdaTime = "2006-01-02T15:04:05.000-0700"

// Prune implements launch.Installation. A version is in use when the state machine's definition, or that of an execution under way, names it, or
// when it is a function's newest. Functions are found by the name of start: all of an installation begin alike.
func (s *Stack) Prune(ctx context.Context, older time.Duration, dry bool) ([]launch.Version, error) {
	used, err := s.definitions(ctx)
	if err != nil {
		return nil, err
	}
	prefix := strings.TrimSuffix(s.about.Function, "start")
	var out []launch.Version
	for _, f := range infra.Functions() {
		versions, err := s.versions(ctx, prefix+f.Name)
		if err != nil {
			return out, err
		}
		for _, v := range versions {
			if s.now().Sub(v.Modified) < older || slices.ContainsFunc(used, func(text string) bool { return names(text, v) }) {
				continue
			}
			if !dry {
				_, err := s.lambda.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &v.Function, Qualifier: &v.Version})
				var gone *lambdatypes.ResourceNotFoundException
				if err != nil && !errors.As(err, &gone) {
					return out, failed("delete version "+v.Version+" of function "+v.Function, err)
				}
			}
			out = append(out, v)
		}
	}
	return out, nil
}

// names says whether a definition names the version.
func names(definition string, v launch.Version) bool {
	arn := ":function:" + v.Function + ":" + v.Version
	for rest := definition; ; {
		i := strings.Index(rest, arn)
		if i < 0 {
			return false
		}
		rest = rest[i+len(arn):]
		if rest == "" || rest[0] < '0' || rest[0] > '9' { // not the beginning of a longer number
			return true
		}
	}
}

// definitions gives the definition of the machine, and those with which executions under way began.
func (s *Stack) definitions(ctx context.Context) ([]string, error) {
	now, err := s.sfn.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: &s.about.Machine})
	if err != nil {
		return nil, failed("read the definition of the state machine", err)
	}
	out := []string{aws.ToString(now.Definition)}
	pages := sfn.NewListExecutionsPaginator(s.sfn, &sfn.ListExecutionsInput{StateMachineArn: &s.about.Machine, StatusFilter: sfntypes.ExecutionStatusRunning})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failed("list executions", err)
		}
		for _, e := range page.Executions {
			d, err := s.sfn.DescribeStateMachineForExecution(ctx, &sfn.DescribeStateMachineForExecutionInput{ExecutionArn: e.ExecutionArn})
			if err != nil {
				return nil, failed("read the definition of an execution", err)
			}
			if text := aws.ToString(d.Definition); !slices.Contains(out, text) {
				out = append(out, text)
			}
		}
	}
	return out, nil
}

// versions lists the versions of a function but its newest; none for one that is not there.
func (s *Stack) versions(ctx context.Context, name string) ([]launch.Version, error) {
	var out []launch.Version
	pages := lambda.NewListVersionsByFunctionPaginator(s.lambda, &lambda.ListVersionsByFunctionInput{FunctionName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		var gone *lambdatypes.ResourceNotFoundException
		if errors.As(err, &gone) {
			return nil, nil
		}
		if err != nil {
			return nil, failed("list the versions of function "+name, err)
		}
		for _, v := range page.Versions {
			at, err := time.Parse(lambdaTime, aws.ToString(v.LastModified))
			if err != nil || aws.ToString(v.Version) == latest {
				continue // one whose age is not known is kept
			}
			out = append(out, launch.Version{Function: name, Version: aws.ToString(v.Version), Modified: at, Bytes: v.CodeSize})
		}
	}
	slices.SortFunc(out, func(a, b launch.Version) int { return a.Modified.Compare(b.Modified) })
	if len(out) > 0 {
		out = out[:len(out)-1]
	}
	return out, nil
}
