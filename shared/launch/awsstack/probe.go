package awsstack

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// The quotas below which an account is tight: a job with 40 partitions at once needs as many functions, and AWS keeps 100 for all that is not
// reserved.
const (
	tightConcurrency = 140
	newConcurrency   = 10 // what a new account may get
)

// Probe implements launch.Installation.
func (s *Stack) Probe(ctx context.Context) []store.Finding {
	out := []store.Finding{
		s.probeConcurrency(ctx), s.probeMachine(ctx), s.probeFunctions(ctx), s.probeBucket(ctx), s.probeBundle(ctx),
		try("state", "table "+s.about.Table+" can be read and written", s.state.Ping(ctx)),
	}
	return out
}

// try is the finding for a call that only has to work.
func try(name, text string, err error) store.Finding {
	return store.Finding{Name: name, Text: text, Err: err}
}

func (s *Stack) probeConcurrency(ctx context.Context) store.Finding {
	const name = "concurrency"
	out, err := s.lambda.GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
	if err != nil {
		return unknown(name, failed("read the account's quotas", err), "grant lambda:GetAccountSettings to see it")
	}
	if out.AccountLimit == nil {
		return store.Finding{Name: name, Text: "the account's quota of functions at once is not known", Warn: true}
	}
	limit, free := out.AccountLimit.ConcurrentExecutions, aws.ToInt32(out.AccountLimit.UnreservedConcurrentExecutions)
	f := store.Finding{Name: name, Text: fmt.Sprintf("%d functions may run at once in the account, %d of them are not reserved", limit, free)}
	switch {
	case free <= newConcurrency:
		f.Err = fault.New(fault.QuotaExceeded, "%s: one job with its default of 8 partitions at once takes nearly all of it", f.Text).WithHint(
			"ask for a higher quota L-B99A9384 (Lambda, concurrent executions), or set concurrency: 1 in the jobs")
	case free < tightConcurrency:
		f.Warn, f.Hint = true, "several jobs with many partitions at once are throttled: ask for a higher quota L-B99A9384 (Lambda, concurrent executions)"
	}
	return f
}

// unknown is the finding for what may not be looked at.
func unknown(name string, err error, hint string) store.Finding {
	return store.Finding{Name: name, Text: err.Error(), Hint: hint, Warn: true}
}

func (s *Stack) probeMachine(ctx context.Context) store.Finding {
	const name = "machine"
	out, err := s.sfn.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: &s.about.Machine})
	if err != nil {
		return store.Finding{Name: name, Err: failed("look at the state machine", err)}
	}
	f := store.Finding{Name: name, Text: fmt.Sprintf("%s is %s", aws.ToString(out.Name), out.Status)}
	if strings.Contains(aws.ToString(out.Definition), "${") {
		f.Err = fault.New(fault.ConfigInvalid, "the definition of %s has holes that were not filled", aws.ToString(out.Name)).WithHint("deploy the stack again")
	}
	if _, err := s.machine.Describe(ctx, s.machine.ID("lockstep-doctor-asks-for-nothing")); err != nil && !fault.Has(err, fault.NotFound) {
		f.Err = err
	}
	return f
}

// probeFunctions looks whether each function of an installation is there, with the variables that it reads.
func (s *Stack) probeFunctions(ctx context.Context) store.Finding {
	const name = "functions"
	prefix := strings.TrimSuffix(s.about.Function, "start")
	var wrong []string
	for _, f := range infra.Functions() {
		out, err := s.lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(prefix + f.Name)})
		if err != nil {
			return store.Finding{Name: name, Err: failed("look at function "+prefix+f.Name, err)}
		}
		for _, variable := range f.Env() {
			if out.Environment == nil || out.Environment.Variables[variable] == "" {
				wrong = append(wrong, f.Name+" lacks "+variable)
			}
		}
	}
	if len(wrong) > 0 {
		return store.Finding{Name: name, Err: fault.New(fault.ConfigInvalid, "%s", strings.Join(wrong, ", ")).WithHint("deploy the stack again")}
	}
	return store.Finding{Name: name, Text: fmt.Sprintf("all %d are there, with their variables", len(infra.Functions()))}
}

// probeBucket makes an object, reads it, and takes it away.
func (s *Stack) probeBucket(ctx context.Context) store.Finding {
	const name, key = "bucket", "doctor/ping"
	if err := s.blobs.Delete(ctx, key); err != nil {
		return store.Finding{Name: name, Err: err}
	}
	made, err := s.blobs.Create(ctx, key, []byte("ping"))
	if err != nil {
		return store.Finding{Name: name, Err: err}
	}
	again, err := s.blobs.Create(ctx, key, []byte("pong"))
	if err != nil {
		return store.Finding{Name: name, Err: err}
	}
	if made && again {
		return store.Finding{Name: name, Err: fault.New(fault.ConfigInvalid, "bucket %s replaces objects although If-None-Match forbids it", s.about.Bucket).WithHint(
			"use Amazon S3, or what keeps conditional writes")}
	}
	return try(name, "bucket "+s.about.Bucket+" can be read and written, and keeps conditions", s.blobs.Delete(ctx, key))
}

func (s *Stack) probeBundle(ctx context.Context) store.Finding {
	b, err := s.Bundle(ctx)
	if err != nil {
		return store.Finding{Name: "jobs", Err: err}
	}
	return store.Finding{Name: "jobs", Text: fmt.Sprintf("%d are deployed, in %s", len(b.Jobs), b.Key)}
}
