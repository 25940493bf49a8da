package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
)

// addRules makes the rules, each of which may call its function and put what it cannot deliver into a queue.
func (i *installation) addRules() {
	queue := i.queues[string(infra.OnUndone)]
	events := awsiam.NewServicePrincipal(text("events.amazonaws.com"), nil)
	for _, r := range infra.Rules() {
		function := i.functions[r.Function]
		props := &awsevents.CfnRuleProps{Name: text(i.Name(r.Name)), Description: text("Lockstep: " + r.Summary), State: text("ENABLED"),
			Targets: []any{&awsevents.CfnRule_TargetProperty{Arn: function.FunctionArn(), Id: text(r.Function),
				DeadLetterConfig: &awsevents.CfnRule_DeadLetterConfigProperty{Arn: queue.QueueArn()},
				RetryPolicy: &awsevents.CfnRule_RetryPolicyProperty{MaximumEventAgeInSeconds: number(infra.ToFunction.MaxAgeS),
					MaximumRetryAttempts: number(infra.ToFunction.Attempts)}}}}
		if r.Minutes > 0 {
			props.ScheduleExpression = text(rate(r.Minutes))
		} else {
			props.EventPattern = &map[string]any{"source": []string{infra.ExecutionSource}, "detail-type": []string{infra.ExecutionDetail},
				"detail": map[string]any{"stateMachineArn": i.arns[infra.OnMachine], "status": r.Statuses}}
		}
		rule := awsevents.NewCfnRule(i.stack, text("Rule-"+r.Name), props)
		function.AddPermission(text("Rule-"+r.Name), &awslambda.Permission{Principal: events, SourceArn: rule.AttrArn()})
		queue.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions: texts([]string{"sqs:SendMessage"}), Resources: &[]*string{queue.QueueArn()}, Principals: &[]awsiam.IPrincipal{events},
			Conditions: &map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": rule.AttrArn()}}}))
	}
}

func rate(minutes int) string {
	if minutes == 1 {
		return "rate(1 minute)"
	}
	return fmt.Sprintf("rate(%d minutes)", minutes)
}

// timer is one schedule of EventBridge Scheduler. A job has two where its cron expression gives both kinds of days: EventBridge cannot say that
// in one, and the runs of both have the same names.
type timer struct {
	name, expression string
	job              job.Job
}

// timers lists the schedules of the jobs.
func timers(jobs []job.Job) ([]timer, error) {
	var out []timer
	for _, j := range jobs {
		switch s := j.Schedule; {
		case s == nil || !j.Enabled:
		case s.IntervalS > 0:
			out = append(out, timer{timerName(j.Key(), ""), rate(int(s.IntervalS / 60)), j})
		default:
			cron, err := job.ParseCron(s.Cron)
			if err != nil {
				return nil, fmt.Errorf("schedule of %s: %w", j.Key(), err)
			}
			expressions := cron.EventBridge()
			for n, e := range expressions {
				kind := ""
				if len(expressions) > 1 {
					kind = []string{"-days", "-weekdays"}[n]
				}
				out = append(out, timer{timerName(j.Key(), kind), e, j})
			}
		}
	}
	seen := map[string]string{}
	for _, t := range out {
		if other, twice := seen[t.name]; twice {
			return nil, fault.New(fault.ConfigInvalid, "the jobs %s and %s would have one schedule %s", other, t.job.Key(), t.name).WithHint("give one of them another id")
		}
		seen[t.name] = t.job.Key()
	}
	return out, nil
}

// maxTimerName is the length of a schedule's name; job keys can be longer.
const maxTimerName = 64

func timerName(key, kind string) string {
	if len(key)+len(kind) <= maxTimerName {
		return key + kind
	}
	sum := sha256.Sum256([]byte(key))
	tail := "-" + hex.EncodeToString(sum[:6]) + kind
	return key[:maxTimerName-len(tail)] + tail
}

// addSchedules makes the schedules of the jobs: in the stack itself, or in nested ones where it would become too large.
func (i *installation) addSchedules() error {
	all, err := timers(i.jobs)
	if err != nil {
		return err
	}
	role := i.newRole("Role-schedule", "scheduler.amazonaws.com", infra.ScheduleGrants(), nil)
	group := awsscheduler.NewCfnScheduleGroup(i.stack, text("Schedules"), &awsscheduler.CfnScheduleGroupProps{Name: text(i.Stack())})
	target := &awsscheduler.CfnSchedule_TargetProperty{
		Arn: i.functions["start"].FunctionArn(), RoleArn: role.RoleArn(),
		DeadLetterConfig: &awsscheduler.CfnSchedule_DeadLetterConfigProperty{Arn: i.queues[string(infra.OnUndone)].QueueArn()},
		RetryPolicy: &awsscheduler.CfnSchedule_RetryPolicyProperty{MaximumEventAgeInSeconds: number(infra.ToFunction.MaxAgeS),
			MaximumRetryAttempts: number(infra.ToFunction.Attempts)},
	}
	var scope constructs.Construct = i.stack
	for n, t := range all {
		if len(all) > inOneStack && n%infra.MaxSchedules == 0 {
			scope = awscdk.NewNestedStack(i.stack, text(fmt.Sprintf("Schedules-%d", n/infra.MaxSchedules+1)), nil)
		}
		if err := i.addSchedule(scope, t, group, *target); err != nil {
			return err
		}
	}
	return nil
}

// inOneStack is how many schedules stand beside everything else: CloudFormation takes 500 resources.
const inOneStack = infra.MaxSchedules - 100

func (i *installation) addSchedule(scope constructs.Construct, t timer, group awsscheduler.CfnScheduleGroup, target awsscheduler.CfnSchedule_TargetProperty) error {
	s := *t.job.Schedule
	input, err := json.Marshal(map[string]string{"job": t.job.Key(), "trigger": infra.Trigger, "scheduled": scheduled})
	if err != nil {
		return fmt.Errorf("write the input of %s: %w", t.name, err)
	}
	target.Input = text(strings.Replace(string(input), scheduled, infra.ScheduledTime, 1)) // < and > as they are
	state, window := "ENABLED", &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{Mode: text("OFF")}
	if s.FlexibleM > 0 {
		window = &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{Mode: text("FLEXIBLE"), MaximumWindowInMinutes: number(int(s.FlexibleM))}
	}
	props := &awsscheduler.CfnScheduleProps{Name: text(t.name), GroupName: group.Ref(), Description: text("Lockstep: runs the job " + t.job.Key()),
		ScheduleExpression: text(t.expression), ScheduleExpressionTimezone: text(s.TimeZone), FlexibleTimeWindow: window, Target: &target}
	if s.Start.After(i.now.Add(startMargin)) {
		props.StartDate = text(s.Start.Format(time.RFC3339))
	}
	switch {
	case s.End.IsZero():
	case s.End.After(i.now.Add(startMargin)):
		props.EndDate = text(s.End.Format(time.RFC3339))
	default:
		state = "DISABLED" // it is over; EventBridge refuses an end in the past
	}
	if !s.Enabled {
		state = "DISABLED"
	}
	props.State = text(state)
	if i.key != nil {
		props.KmsKeyArn = i.KMSKey
	}
	awsscheduler.NewCfnSchedule(scope, text("Schedule-"+t.name), props)
	return nil
}

const (
	scheduled   = "@scheduled"
	startMargin = time.Hour // a deployment takes its time
)
