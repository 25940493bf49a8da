package asl

import (
	"strings"
	"testing"
)

func TestParseResource(t *testing.T) {
	for _, c := range []struct {
		text                 string
		want                 Resource
		resource, service    string // of the events
		eventPrefix, problem string
	}{
		{"arn:aws:states:::sqs:sendMessage.waitForTaskToken", Resource{Kind: KindIntegration, Service: "sqs", Action: "sendMessage", Pattern: WaitForTaskToken},
			"sendMessage.waitForTaskToken", "sqs", "Task", ""},
		{"arn:aws:states:::states:startExecution.sync:2", Resource{Kind: KindIntegration, Service: "states", Action: "startExecution", Pattern: Sync2},
			"startExecution.sync:2", "states", "Task", ""},
		{"arn:aws:states:::aws-sdk:dynamodb:getItem", Resource{Kind: KindSDK, Service: "dynamodb", Action: "getItem"}, "getItem", "aws-sdk:dynamodb", "Task", ""},
		{"arn:aws:states:::aws-sdk:s3:getObject.sync", Resource{Kind: KindSDK, Service: "s3", Action: "getObject", Pattern: Sync},
			"getObject.sync", "aws-sdk:s3", "Task", "an aws-sdk resource"},
		{"arn:aws:lambda:eu-west-1:111111111111:function:f:3", Resource{Kind: KindFunction, Service: "lambda"}, "arn:aws:lambda:eu-west-1:111111111111:function:f:3", "", "LambdaFunction", ""},
		{"arn:aws:states:eu-west-1:111111111111:activity:a", Resource{Kind: KindActivity, Service: "states"}, "arn:aws:states:eu-west-1:111111111111:activity:a", "", "Activity", ""},
		{"${LoadFunctionArn}", Resource{}, "${LoadFunctionArn}", "", "LambdaFunction", ""},
		{"arn:aws:states:::sqs:receiveMessage", Resource{Kind: KindIntegration, Service: "sqs", Action: "receiveMessage"}, "receiveMessage", "sqs", "Task", "has no action"},
		{"arn:aws:states:::teapot:brew", Resource{Kind: KindIntegration, Service: "teapot", Action: "brew"}, "brew", "teapot", "Task", "no integration of the service"},
		{"arn:aws:states:::sqs:sendMessage.sync", Resource{Kind: KindIntegration, Service: "sqs", Action: "sendMessage", Pattern: Sync}, "sendMessage.sync", "sqs", "Task", "cannot be waited for"},
		{"arn:aws:ec2:eu-west-1:111111111111:instance/i", Resource{}, "arn:aws:ec2:eu-west-1:111111111111:instance/i", "", "LambdaFunction", "no such resource"},
		{"arn:aws:states:::", Resource{Kind: KindIntegration}, "", "", "Task", "no integration of the service"},
	} {
		r := ParseResource(c.text)
		c.want.Text = c.text
		if r != c.want {
			t.Errorf("%s is %+v", c.text, r)
		}
		if e := r.events(); e.resource != c.resource || e.resourceType != c.service || e.prefix != c.eventPrefix {
			t.Errorf("the events of %s are %+v", c.text, e)
		}
		if got := r.Problem(); (got == "") != (c.problem == "") || !strings.Contains(got, c.problem) {
			t.Errorf("the problem of %s is %q", c.text, got)
		}
	}
}
