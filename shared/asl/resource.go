package asl

import (
	"fmt"
	"slices"
	"strings"
)

// Pattern is how a service integration is waited for (developer guide, "Service integration patterns").
type Pattern string

// The patterns of integrations.
const (
	RequestResponse  Pattern = ""
	Sync             Pattern = "sync"
	Sync2            Pattern = "sync:2"
	WaitForTaskToken Pattern = "waitForTaskToken"
)

// The kinds of resources.
const (
	KindFunction    = "function"    // a Lambda function by its ARN
	KindActivity    = "activity"    // an activity by its ARN
	KindIntegration = "integration" // arn:aws:states:::service:action
	KindSDK         = "aws-sdk"     // arn:aws:states:::aws-sdk:service:action
	KindOther       = ""            // anything else, a ${hole} for example
)

// Resource is the Resource of a Task, taken apart.
type Resource struct {
	Text    string
	Kind    string
	Service string // as in sqs, dynamodb
	Action  string // as in sendMessage
	Pattern Pattern
}

// ParseResource takes a Resource apart. A text that is no ARN that Step Functions knows gives KindOther.
func ParseResource(text string) Resource {
	r := Resource{Text: text}
	rest, ok := strings.CutPrefix(text, "arn:aws:states:::")
	parts := strings.Split(text, ":")
	switch {
	case ok:
		r.Kind = KindIntegration
		if sdk, isSDK := strings.CutPrefix(rest, "aws-sdk:"); isSDK {
			r.Kind, rest = KindSDK, sdk
		}
		r.Service, r.Action, _ = strings.Cut(rest, ":")
		action, pattern, _ := strings.Cut(r.Action, ".")
		r.Action, r.Pattern = action, Pattern(pattern)
	case len(parts) >= 7 && parts[2] == "lambda" && parts[5] == "function":
		r.Kind, r.Service = KindFunction, "lambda"
	case len(parts) >= 7 && parts[2] == "states" && parts[5] == "activity":
		r.Kind, r.Service = KindActivity, "states"
	}
	return r
}

// integration is what an optimised integration takes.
type integration struct {
	patterns []Pattern
	required []string
	lists    []string // fields of objects whose values are lists of texts
}

var (
	answers  = []Pattern{RequestResponse}
	jobs     = []Pattern{RequestResponse, Sync}
	tokens   = []Pattern{RequestResponse, WaitForTaskToken}
	anything = []Pattern{RequestResponse, Sync, WaitForTaskToken}
)

// integrations are the optimised ones by service and action (developer guide, "Integrating services").
var integrations = map[string]map[string]integration{
	"apigateway": {"invoke": {patterns: tokens, required: []string{"ApiEndpoint", "Method"}, lists: []string{"Headers", "QueryParameters"}}},
	"athena": {
		"startQueryExecution": {patterns: jobs}, "stopQueryExecution": {patterns: answers},
		"getQueryExecution": {patterns: answers}, "getQueryResults": {patterns: answers},
	},
	"batch":     {"submitJob": {patterns: jobs}},
	"bedrock":   {"invokeModel": {patterns: answers}, "createModelCustomizationJob": {patterns: jobs}},
	"codebuild": {"startBuild": {patterns: jobs}, "stopBuild": {patterns: answers}, "batchDeleteBuilds": {patterns: answers}, "batchGetReports": {patterns: answers}},
	"databrew":  {"startJobRun": {patterns: jobs}},
	"dynamodb": {
		"getItem": {patterns: answers}, "putItem": {patterns: answers},
		"updateItem": {patterns: answers}, "deleteItem": {patterns: answers},
	},
	"ecs": {"runTask": {patterns: anything}},
	"eks": {
		"call": {patterns: answers}, "runJob": {patterns: jobs}, "createCluster": {patterns: jobs}, "deleteCluster": {patterns: jobs},
		"createNodegroup": {patterns: jobs}, "deleteNodegroup": {patterns: jobs}, "createFargateProfile": {patterns: jobs}, "deleteFargateProfile": {patterns: jobs},
	},
	"elasticmapreduce": {
		"createCluster": {patterns: jobs}, "terminateCluster": {patterns: jobs}, "addStep": {patterns: jobs}, "cancelStep": {patterns: answers},
		"setClusterTerminationProtection": {patterns: answers}, "modifyInstanceFleetByName": {patterns: answers}, "modifyInstanceGroupByName": {patterns: answers},
	},
	"emr-containers": {
		"createVirtualCluster": {patterns: answers}, "deleteVirtualCluster": {patterns: jobs}, "startJobRun": {patterns: jobs},
	},
	"emr-serverless": {
		"createApplication": {patterns: jobs}, "startApplication": {patterns: jobs}, "stopApplication": {patterns: jobs},
		"deleteApplication": {patterns: jobs}, "startJobRun": {patterns: jobs}, "cancelJobRun": {patterns: jobs},
	},
	"events":       {"putEvents": {patterns: tokens}},
	"glue":         {"startJobRun": {patterns: jobs}},
	"http":         {"invoke": {patterns: answers, required: []string{"ApiEndpoint", "Method"}}},
	"lambda":       {"invoke": {patterns: tokens, required: []string{"FunctionName"}}},
	"mediaconvert": {"createJob": {patterns: jobs}},
	"sagemaker": {
		"createTrainingJob": {patterns: jobs}, "createTransformJob": {patterns: jobs}, "createHyperParameterTuningJob": {patterns: jobs},
		"createProcessingJob": {patterns: jobs}, "createLabelingJob": {patterns: jobs}, "createEndpoint": {patterns: answers},
		"createEndpointConfig": {patterns: answers}, "createModel": {patterns: answers}, "updateEndpoint": {patterns: answers},
	},
	"sns": {"publish": {patterns: tokens}},
	"sqs": {"sendMessage": {patterns: tokens}},
	"states": {
		"startExecution": {patterns: []Pattern{RequestResponse, Sync, Sync2, WaitForTaskToken}, required: []string{"StateMachineArn"}},
	},
}

// Problem says why Step Functions would refuse the resource, empty when it takes it. A ${hole} and a text of KindOther that is not
// an ARN are taken: who deploys puts the ARN in.
func (r Resource) Problem() string {
	switch r.Kind {
	case KindFunction, KindActivity:
		return ""
	case KindSDK:
		if r.Service == "" || r.Action == "" || !slices.Contains(tokens, r.Pattern) {
			return "an aws-sdk resource is arn:aws:states:::aws-sdk:service:action, with .waitForTaskToken at most"
		}
		return ""
	case KindOther:
		if strings.HasPrefix(r.Text, "arn:") && !strings.Contains(r.Text, "${") {
			return "no such resource can be called"
		}
		return ""
	}
	actions, ok := integrations[r.Service]
	if !ok {
		return fmt.Sprintf("Step Functions has no integration of the service %q", r.Service)
	}
	i, ok := actions[r.Action]
	switch {
	case !ok:
		return fmt.Sprintf("the integration of %s has no action %q", r.Service, r.Action)
	case !slices.Contains(i.patterns, r.Pattern):
		return fmt.Sprintf("%s:%s cannot be waited for with %q", r.Service, r.Action, string(r.Pattern))
	}
	return ""
}

// check gives what is wrong with the arguments of an optimised integration, in the service's words.
func (r Resource) check(arguments any) []string {
	i := integrations[r.Service][r.Action]
	m, ok := arguments.(map[string]any)
	if r.Kind != KindIntegration || !ok {
		return nil
	}
	var wrong []string
	for _, name := range i.required {
		if _, ok := m[name]; !ok {
			wrong = append(wrong, fmt.Sprintf("The field '%s' is required but was missing", name))
		}
	}
	for _, name := range i.lists {
		fields, ok := m[name].(map[string]any)
		if m[name] != nil && !ok || !lists(fields) {
			wrong = append(wrong, fmt.Sprintf("The value of the field '%s' has an invalid format", name))
		}
	}
	return wrong
}

func lists(m map[string]any) bool {
	for _, v := range m {
		if _, ok := v.([]any); !ok {
			return false
		}
	}
	return true
}

// isChild says whether the resource starts an execution of another machine.
func (r Resource) isChild() bool {
	return r.Kind == KindIntegration && r.Service == "states" && r.Action == "startExecution"
}

// events gives the names under which the events of the resource go.
func (r Resource) events() taskEvents {
	switch r.Kind {
	case KindIntegration, KindSDK:
		kind := strings.TrimPrefix(r.Text, "arn:aws:states:::")
		i := strings.LastIndexByte(kind, ':')
		if r.Pattern == Sync2 { // its action holds a colon itself
			i = strings.LastIndexByte(kind[:i], ':')
		}
		return taskEvents{prefix: "Task", resource: kind[i+1:], resourceType: kind[:max(i, 0)]}
	case KindActivity:
		return taskEvents{prefix: "Activity", resource: r.Text}
	}
	return taskEvents{prefix: "LambdaFunction", resource: r.Text}
}
