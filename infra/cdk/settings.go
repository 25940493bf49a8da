package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/fault"
)

// Settings are what an installation is made with. They come from the CDK's context.
type Settings struct {
	infra.Installation
	Config              string // folder of the project whose jobs are deployed
	Functions           string // folder with <name>/bootstrap for each function
	Architecture        string // arm64 or amd64
	Region              string // empty: that of the CDK command's environment
	Account             string // empty: that of the CDK command's environment
	Tags                map[string]string
	Qualifier           string // of the bootstrap stack; empty: the CDK's own
	PermissionsBoundary string // ARN of a policy; empty: none
	RolePath            string // as in /teams/data/; empty: /
	KMSKey              string // ARN; empty: keys that AWS manages
	Bucket, Table       string // names of existing ones, used as they are; empty: made
	Partition           string // aws, aws-us-gov, aws-cn; empty: that of the Region
	VPC                 string // id; empty: no function is in a VPC
	Subnets             []string
	SecurityGroups      []string
	AlarmTopic          string // ARN of an SNS topic that alarms tell; empty: they tell nobody
	DeleteData          bool   // table and bucket go with the stack

	now time.Time // of the synthesis: EventBridge refuses to begin or end a schedule in the past
}

// keys are the names of the context, each with what its text must look like.
var keys = map[string]*regexp.Regexp{
	"config":               regexp.MustCompile(`.`),
	"functions":            regexp.MustCompile(`.`),
	"stage":                regexp.MustCompile(`^[a-z][a-z0-9-]{0,15}$`),
	"prefix":               regexp.MustCompile(`^[a-z][a-z0-9-]{0,15}$`),
	"architecture":         regexp.MustCompile(`^(arm64|amd64)$`),
	"region":               regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`),
	"account":              regexp.MustCompile(`^\d{12}$`),
	"tags":                 regexp.MustCompile(`^[^=,]+=[^=,]*(,[^=,]+=[^=,]*)*$`),
	"qualifier":            regexp.MustCompile(`^[a-z0-9]{1,10}$`),
	"permissions-boundary": regexp.MustCompile(`^arn:[a-z-]+:iam::(\d{12}|aws):policy/.+$`),
	"role-path":            regexp.MustCompile(`^/(.+/)?$`),
	"kms-key":              regexp.MustCompile(`^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/.+$`),
	"bucket":               regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`),
	"table":                regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`),
	"partition":            regexp.MustCompile(`^aws(-us-gov|-cn)?$`),
	"vpc":                  regexp.MustCompile(`^vpc-[0-9a-f]+$`),
	"subnets":              regexp.MustCompile(`^subnet-[0-9a-f]+(,subnet-[0-9a-f]+)*$`),
	"security-groups":      regexp.MustCompile(`^sg-[0-9a-f]+(,sg-[0-9a-f]+)*$`),
	"alarm-topic":          regexp.MustCompile(`^arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:.+$`),
	"data":                 regexp.MustCompile(`^(keep|delete)$`),
}

// readSettings reads the context by its names. The error names every value that is wrong.
func readSettings(lookup func(*string) any, now time.Time) (Settings, error) {
	values := map[string]string{}
	var problems fault.Problems
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		v := lookup(&key)
		text, ok := v.(string)
		if v == nil || ok && text == "" {
			continue
		}
		if !ok || !keys[key].MatchString(text) {
			problems = append(problems, fault.Problem{Path: key, Code: "bad_context", Message: fmt.Sprintf("%v does not look like a %s", v, key), Hint: "see docs/deploy.md"})
			continue
		}
		values[key] = text
	}
	s := Settings{
		Installation: infra.Installation{Prefix: or(values["prefix"], infra.DefaultPrefix), Stage: or(values["stage"], infra.DefaultStage)},
		Config:       values["config"], Architecture: or(values["architecture"], "arm64"), Region: values["region"], Account: values["account"],
		Tags: pairs(values["tags"]), Qualifier: values["qualifier"], PermissionsBoundary: values["permissions-boundary"], RolePath: values["role-path"],
		KMSKey: values["kms-key"], Bucket: values["bucket"], Table: values["table"], Partition: values["partition"],
		VPC: values["vpc"], Subnets: parts(values["subnets"]), SecurityGroups: parts(values["security-groups"]),
		AlarmTopic: values["alarm-topic"], DeleteData: values["data"] == "delete", now: now,
	}
	s.Functions = or(values["functions"], "../../build/functions/"+s.Architecture)
	if s.Config == "" {
		problems = append(problems, fault.Problem{Path: "config", Code: "missing", Message: "there is no folder with jobs", Hint: "cdk deploy -c config=<folder>; make deploy CONFIG=<folder>"})
	}
	if s.VPC != "" && (len(s.Subnets) == 0 || len(s.SecurityGroups) == 0) || s.VPC == "" && len(s.Subnets)+len(s.SecurityGroups) > 0 {
		problems = append(problems, fault.Problem{Path: "vpc", Code: "missing", Message: "vpc, subnets and security-groups go together", Hint: "give all three, or none"})
	}
	return s, problems.Err()
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func parts(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

func pairs(text string) map[string]string {
	out := map[string]string{}
	for _, p := range parts(text) {
		k, v, _ := strings.Cut(p, "=")
		out[k] = v
	}
	return out
}
