package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/job"
)

// scheduleJob gives a job file with a schedule.
func scheduleJob(id, schedule string) string {
	return fmt.Sprintf("id: %s\nschedule: %s\nsource: {connector: file, config: {path: \"s3://incoming/x.csv\"}}\n"+
		"destination: {connector: file, config: {path: \"s3://lake/%s/\", format: ndjson}}\n", id, schedule, id)
}

func TestSchedules(t *testing.T) {
	x := synth(t, map[string]string{
		"a.yaml": scheduleJob("both-days", `{cron: "30 6 1 * MON", time_zone: Europe/Berlin, flexible_window: 15m}`),
		"b.yaml": scheduleJob("rate", `{interval: 90m, start: 2027-06-01, end: 2027-07-01}`),
		"c.yaml": scheduleJob("minute", `{interval: 1m, start: 2020-01-01}`),
		"d.yaml": scheduleJob("over", `{cron: 0 6 * * *, end: 2026-12-31}`),
		"e.yaml": scheduleJob("off", `{cron: 0 6 * * *, enabled: false}`),
		"f.yaml": scheduleJob("byhand", "manual"),
		"g.yaml": "enabled: false\n" + scheduleJob("disabled", "0 6 * * *"),
	})
	type want struct{ expression, zone, state, start, end string }
	wants := map[string]want{
		"both-days-days":     {"cron(30 6 1 * ? *)", "Europe/Berlin", "ENABLED", "", ""},
		"both-days-weekdays": {"cron(30 6 ? * MON *)", "Europe/Berlin", "ENABLED", "", ""},
		"rate":               {"rate(90 minutes)", "UTC", "ENABLED", "2027-06-01T00:00:00Z", "2027-07-01T00:00:00Z"},
		"minute":             {"rate(1 minute)", "UTC", "ENABLED", "", ""},
		"over":               {"cron(0 6 * * ? *)", "UTC", "DISABLED", "", ""},
		"off":                {"cron(0 6 * * ? *)", "UTC", "DISABLED", "", ""},
	}
	bases := base(t, x, "")
	for _, id := range x.of("AWS::Scheduler::Schedule") {
		r := x.Resources[id]
		name := r.at("Name").(string)
		w, ok := wants[name]
		delete(wants, name)
		or := func(v any) string { s, _ := v.(string); return s }
		got := want{or(r.at("ScheduleExpression")), or(r.at("ScheduleExpressionTimezone")), or(r.at("State")), or(r.at("StartDate")), or(r.at("EndDate"))}
		if !ok || got != w {
			t.Errorf("%s: got %+v, want %+v", name, got, w)
		}
		flexible := strings.HasPrefix(name, "both-days")
		if (r.at("FlexibleTimeWindow", "Mode") == "FLEXIBLE") != flexible || flexible && r.at("FlexibleTimeWindow", "MaximumWindowInMinutes") != 15.0 {
			t.Errorf("%s: window %v", name, r.at("FlexibleTimeWindow"))
		}
		if got := flat(r.at("Target", "Arn")); got != "<"+x.one(t, "AWS::Lambda::Function", "Functionstart")+".Arn>" {
			t.Errorf("%s calls %s", name, got)
		}
		if got := flat(r.at("Target", "RoleArn")); got != "<"+x.one(t, "AWS::IAM::Role", "Roleschedule")+".Arn>" {
			t.Errorf("%s takes the role %s", name, got)
		}
		if got := flat(r.at("Target", "DeadLetterConfig", "Arn")); got != bases["undelivered"][0] {
			t.Errorf("%s: what is not delivered goes to %s", name, got)
		}
		if r.at("Target", "RetryPolicy", "MaximumEventAgeInSeconds") != 86400.0 {
			t.Errorf("%s: retries %v", name, r.at("Target", "RetryPolicy"))
		}
		testInput(t, name, r.at("Target", "Input").(string))
	}
	if len(wants) > 0 {
		t.Errorf("no schedule for %v", sortedKeys(wants))
	}
}

// testInput renders a schedule's input as EventBridge Scheduler does, and reads it as start does.
func testInput(t *testing.T, name, input string) {
	t.Helper()
	rendered := strings.ReplaceAll(input, "<aws.scheduler.scheduled-time>", "2027-01-01T05:30:00Z")
	var got struct{ Job, Trigger, Scheduled string }
	if err := json.Unmarshal([]byte(rendered), &got); err != nil {
		t.Fatalf("%s: %v", rendered, err)
	}
	at, err := time.Parse(time.RFC3339, got.Scheduled)
	if err != nil || got.Trigger != "schedule" || !strings.HasPrefix(name, got.Job) {
		t.Errorf("%s: %+v, %v", name, got, err)
	}
	if run := at.UTC().Format(job.RunTime); run != "20270101T053000Z" {
		t.Errorf("the run would be called %s", run)
	}
}

// TestSchedules_Nested holds that no stack has more resources than CloudFormation takes.
func TestSchedules_Nested(t *testing.T) {
	const jobs = 420
	files := map[string]string{}
	for n := range jobs {
		files[fmt.Sprintf("j%03d.yaml", n)] = scheduleJob(fmt.Sprintf("job-%03d", n), "0 6 * * *")
	}
	x := synth(t, files)
	nested, _ := filepath.Glob(filepath.Join(x.dir, "*.nested.template.json"))
	if len(nested) != 2 || len(x.of("AWS::CloudFormation::Stack")) != 2 {
		t.Fatalf("nested stacks: %v", nested)
	}
	count := 0
	for _, file := range nested {
		schedules := read(t, file).of("AWS::Scheduler::Schedule")
		if len(schedules) > infra.MaxSchedules {
			t.Errorf("%s holds %d schedules", file, len(schedules))
		}
		count += len(schedules)
	}
	if count != jobs || len(x.of("AWS::Scheduler::Schedule")) != 0 || len(x.Resources) > 500 {
		t.Errorf("%d schedules in nested stacks, %d resources in the stack", count, len(x.Resources))
	}
}

func TestTimerName(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-zA-Z_.-]{1,64}$`) // what EventBridge Scheduler takes
	long := strings.Repeat("a", 64) + "____" + strings.Repeat("b", 64)
	seen := map[string]bool{}
	for _, key := range []string{"a", "nightly____a.b-c", long, long[:len(long)-1] + "c"} {
		for _, kind := range []string{"", "-days", "-weekdays"} {
			name := timerName(key, kind)
			if !form.MatchString(name) || seen[name] {
				t.Errorf("%s %s: %q is no name, or there twice", key, kind, name)
			}
			seen[name] = true
		}
	}
	if _, err := timers([]job.Job{scheduled30("a-days", "0 6 * * *"), scheduled30("a", "0 6 1 * 1")}); err == nil {
		t.Error("two jobs have one schedule, and nobody says so")
	}
}

func scheduled30(id, cron string) job.Job {
	return job.Job{ID: id, Enabled: true, Schedule: &job.Schedule{Cron: cron, TimeZone: "UTC", Enabled: true}}
}

func TestSettings_Wrong(t *testing.T) {
	cases := map[string][]string{
		"bad stage":          {"stage", "Prod", "stage"},
		"no role path":       {"role-path", "teams", "role-path"},
		"no boundary":        {"permissions-boundary", "arn:aws:iam::1:role/x", "permissions-boundary"},
		"tags without value": {"tags", "team", "tags"},
		"subnets alone":      {"subnets", "subnet-0a", "vpc, subnets and security-groups"},
		"vpc alone":          {"vpc", "vpc-0a", "vpc, subnets and security-groups"},
		"bad architecture":   {"architecture", "x86", "architecture"},
		"no folder":          {"config", "", "there is no folder with jobs"},
	}
	for name, c := range cases {
		if _, err := settings(t, nil, c[0], c[1]); err == nil || !strings.Contains(err.Error(), c[2]) {
			t.Errorf("%s: got %v, want %q", name, err, c[2])
		}
	}
}

func TestContent_Wrong(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.yaml"), strings.Replace(plainJob, "30 6 1 * MON", "30 25 1 * MON", 1))
	_, err := readContent(t.Context(), dir)
	if err == nil || !strings.Contains(err.Error(), "a.yaml:2:") || !strings.Contains(err.Error(), "the hour 25 is out of range") {
		t.Errorf("got %v", err)
	}
	write(t, filepath.Join(dir, "a.yaml"), "id: a\nsource: {connector: file, config: {path: in.csv}}\ndestination: {connector: sqlite, config: {path: out.db}}\n")
	if _, err := readContent(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "a.yaml:2:") || !strings.Contains(err.Error(), "a.yaml:3:") {
		t.Errorf("a job of this machine is deployed: %v", err)
	}
	if _, err := readContent(t.Context(), t.TempDir()); err == nil {
		t.Error("a folder without jobs is deployed")
	}
}

// TestExistingAccount holds everything that an account may prescribe.
func TestExistingAccount(t *testing.T) {
	const boundary, key = "arn:aws-us-gov:iam::123456789012:policy/limits", "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
	x := synth(t, nil, "stage", "prod", "prefix", "acme", "account", "123456789012", "region", "us-gov-west-1", "partition", "aws-us-gov", "tags", "team=data,cost=0815",
		"qualifier", "acme1", "permissions-boundary", boundary, "role-path", "/teams/data/", "kms-key", key, "bucket", "acme-batches", "table", "acme-state",
		"vpc", "vpc-0a1b2c3d", "subnets", "subnet-0a1b2c3d,subnet-1a1b2c3d", "security-groups", "sg-0a1b2c3d", "architecture", "amd64", "alarm-topic", "arn:aws-us-gov:sns:us-gov-west-1:123456789012:ops")
	if got := len(x.of("AWS::S3::Bucket")) + len(x.of("AWS::DynamoDB::Table")); got != 0 {
		t.Errorf("%d buckets and tables are made beside the existing ones", got)
	}
	for _, id := range x.of("AWS::IAM::Role") {
		r := x.Resources[id]
		if r.at("PermissionsBoundary") != boundary || r.at("Path") != "/teams/data/" || !strings.Contains(fmt.Sprint(r.at("Tags")), "Key:team Value:data") {
			t.Errorf("%s: %v, %v, %v", id, r.at("PermissionsBoundary"), r.at("Path"), r.at("Tags"))
		}
	}
	for _, f := range infra.Functions() {
		r := x.Resources[x.one(t, "AWS::Lambda::Function", "Function"+f.Name)]
		inside := slices.Contains([]string{"plan", "extract", "load", "finish"}, f.Name)
		if got := fmt.Sprint(r.at("VpcConfig")); (r.at("VpcConfig") != nil) != inside || inside && got != "map[SecurityGroupIds:[sg-0a1b2c3d] SubnetIds:[subnet-0a1b2c3d subnet-1a1b2c3d]]" {
			t.Errorf("%s is in the VPC: %s, want %t", f.Name, got, inside)
		}
		network := strings.Contains(strings.Join(granted(t, x, x.one(t, "AWS::IAM::Role", "Role"+f.Name)), "\n"), "ec2:CreateNetworkInterface")
		if network != inside {
			t.Errorf("%s may make network interfaces: %t", f.Name, network)
		}
		if r.at("KmsKeyArn") != key || r.at("Architectures", 0) != "x86_64" || r.at("FunctionName") != "acme-prod-"+f.Name || r.at("Environment", "Variables", "LOCKSTEP_TABLE") != "acme-state" {
			t.Errorf("%s: %v", f.Name, r.Properties)
		}
		if !slices.Contains(granted(t, x, x.one(t, "AWS::IAM::Role", "Role"+f.Name)), fmt.Sprint([]string{"kms:Decrypt", "kms:GenerateDataKey"}, []string{key})) {
			t.Errorf("%s may not use the key", f.Name)
		}
	}
	for _, id := range sortedKeys(x.Resources) {
		if data, _ := json.Marshal(x.Resources[id].Properties); strings.Contains(string(data), `arn:aws:`) {
			t.Errorf("%s names an ARN of another partition: %s", id, data)
		} else if strings.Contains(string(data), "-assets-") && !strings.Contains(string(data), "cdk-acme1-assets-") {
			t.Errorf("%s names the bucket of another bootstrap stack", id)
		}
	}
	if _, ok := x.Outputs[infra.OutputEndpoints]; !ok {
		t.Error("the endpoints that the VPC needs are no output")
	}
	for _, id := range x.of("AWS::CloudWatch::Alarm") {
		if got := fmt.Sprint(x.Resources[id].at("AlarmActions")); got != "[arn:aws-us-gov:sns:us-gov-west-1:123456789012:ops]" {
			t.Errorf("%s tells %s", id, got)
		}
	}
}

func TestDeleteData(t *testing.T) {
	x := synth(t, nil, "data", "delete")
	for _, id := range append(x.of("AWS::S3::Bucket"), x.of("AWS::DynamoDB::Table")...) {
		if r := x.Resources[id]; r.DeletionPolicy != "Delete" || r.at("DeletionProtectionEnabled") == true {
			t.Errorf("%s stays: %s", id, r.DeletionPolicy)
		}
	}
}

// TestAccess holds what roles may do for the jobs' own places.
func TestAccess(t *testing.T) {
	x := synth(t, map[string]string{"a.yaml": `id: a
source: {connector: file, config: {path: "s3://in/data/*.csv?region=eu-central-1", format: csv}}
transforms:
  - hash: {columns: [email], salt: "secret://salt"}
  - hash: {columns: [phone], salt: "secret:///teams/pepper"}
destination: {connector: file, config: {path: "s3://out/a/", format: ndjson}}
`, "b.yaml": `id: b
source: {connector: file, config: {path: "s3://in/one.csv"}}
destination: {connector: file, config: {path: "s3://out/b/", format: ndjson}}
`})
	const s3, secret = "arn:<AWS::Partition>:s3:::", "arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:salt-??????"
	read := fmt.Sprint([]string{"s3:GetObject"}, []string{s3 + "in/data/*", s3 + "in/one.csv"})
	written := fmt.Sprint([]string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}, []string{s3 + "out/a/*", s3 + "out/b/*"})
	secrets := fmt.Sprint([]string{"secretsmanager:GetSecretValue"}, []string{secret})
	parameters := fmt.Sprint([]string{"ssm:GetParameter"}, []string{"arn:<AWS::Partition>:ssm:<AWS::Region>:<AWS::AccountId>:parameter/teams/pepper"})
	for _, f := range infra.Functions() {
		got := granted(t, x, x.one(t, "AWS::IAM::Role", "Role"+f.Name))
		for what, want := range map[string]bool{
			read:    f.Name == "plan" || f.Name == "extract",
			written: f.Name == "plan" || f.Name == "load" || f.Name == "finish",
			secrets: f.Hole != "", parameters: f.Hole != "",
		} {
			if slices.Contains(got, what) != want {
				t.Errorf("%s may %s: %t, want %t; it may\n%s", f.Name, what, !want, want, strings.Join(got, "\n"))
			}
		}
	}
	if _, err := accessOf([]job.Job{{ID: "x", Source: job.Source{Config: values(map[string]any{"path": "s3://${BUCKET}/x.csv"})}}}); err == nil {
		t.Error("a bucket that only the run knows is passed over")
	}
	a, err := accessOf([]job.Job{{ID: "x", Source: job.Source{Config: values(map[string]any{"role_arn": "arn:aws:iam::1:role/r", "more": []any{map[string]any{"password": "secret://db"}}})}}})
	if err != nil || !a.roles["arn:aws:iam::1:role/r"] || !a.secrets["db"] {
		t.Errorf("got %+v, %v", a, err)
	}
}

// TestSettings_Documented holds that the page on deploying names every key.
func TestSettings_Documented(t *testing.T) {
	page, err := os.ReadFile("../../docs/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	for key := range keys {
		if !strings.Contains(string(page), "`"+key+"`") {
			t.Errorf("docs/deploy.md has no %s", key)
		}
	}
}
