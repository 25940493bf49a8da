package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/statemachine"
)

// TestTemplate holds the whole template of an installation by default, and what of it LocalStack does not look at.
func TestTemplate(t *testing.T) {
	x := synth(t, nil)
	t.Run("golden", func(t *testing.T) {
		data, err := os.ReadFile(filepath.Join(x.dir, "lockstep-dev.template.json"))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := json.Indent(&out, data, "", " "); err != nil {
			t.Fatal(err)
		}
		golden(t, "template.golden.json", out.Bytes())
	})
	t.Run("cdk-nag", func(t *testing.T) { testNag(t, x) })
	t.Run("no custom resources", func(t *testing.T) {
		for id, r := range x.Resources {
			if strings.HasPrefix(r.Type, "Custom::") || r.Type == "AWS::CloudFormation::CustomResource" {
				t.Errorf("%s is a %s", id, r.Type)
			}
		}
	})
	t.Run("roles", func(t *testing.T) { testRoles(t, x) })
	t.Run("data", func(t *testing.T) { testData(t, x) })
	t.Run("functions", func(t *testing.T) { testFunctions(t, x) })
	t.Run("machine", func(t *testing.T) { testMachine(t, x) })
	t.Run("rules", func(t *testing.T) { testRules(t, x) })
	t.Run("alarms", func(t *testing.T) { testAlarms(t, x) })
	t.Run("outputs", func(t *testing.T) {
		want := []string{infra.OutputBucket, infra.OutputBundle, infra.OutputStart, infra.OutputTable, infra.OutputMachine}
		slices.Sort(want)
		if got := sortedKeys(x.Outputs); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// maxSuppressions is how many resources may go against a rule of cdk-nag.
const maxSuppressions = 12

func testNag(t *testing.T, x template) {
	file, err := os.Open(filepath.Join(x.dir, "AwsSolutions-lockstep-dev-NagReport.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil || len(rows) < 40 {
		t.Fatalf("the report has %d rows, %v", len(rows), err)
	}
	for _, r := range rows[1:] {
		if r[2] != "Compliant" && r[2] != "Suppressed" && r[2] != "N/A" {
			t.Errorf("%s: %s %s", r[2], r[0], r[1])
		}
	}
	var lines []string
	for _, id := range sortedKeys(x.Resources) {
		nag, _ := x.Resources[id].Metadata["cdk_nag"].(map[string]any)
		rules, _ := nag["rules_to_suppress"].([]any)
		for _, rule := range rules {
			r := rule.(map[string]any)
			if r["id"] == "AwsSolutions-IAM5" && r["applies_to"] == nil || fmt.Sprint(r["reason"]) == "" {
				t.Errorf("%s: %v says not what it applies to, or why", id, r["id"])
			}
			line, _ := json.MarshalIndent(map[string]any{"resource": id, "rule": r}, "", " ")
			lines = append(lines, string(line))
		}
	}
	if len(lines) > maxSuppressions {
		t.Errorf("%d suppressions, at most %d", len(lines), maxSuppressions)
	}
	golden(t, "suppressions.golden.json", []byte(strings.Join(lines, "\n")+"\n"))
}

// base gives the ARNs of the parts of an installation as they stand in the template, found by the resources' types.
func base(t *testing.T, x template, function string) map[string][]string {
	here := "<AWS::Region>:<AWS::AccountId>:"
	arn := func(kind, prefix string) []string { return []string{"<" + x.one(t, kind, prefix) + ".Arn>"} }
	out := map[string][]string{
		"*": {"*"}, "table": arn("AWS::DynamoDB::Table", ""), "bucket": arn("AWS::S3::Bucket", ""), "key": nil,
		"assets":    {"arn:<AWS::Partition>:s3:::cdk-hnb659fds-assets-<AWS::AccountId>-<AWS::Region>"},
		"parameter": {"arn:<AWS::Partition>:ssm:" + here + "parameter/lockstep/dev/bundle"},
		"machine":   {"arn:<AWS::Partition>:states:" + here + "stateMachine:lockstep-dev-sync"}, "executions": {"arn:<AWS::Partition>:states:" + here + "execution:lockstep-dev-sync:*"},
		"start":    {"arn:<AWS::Partition>:lambda:" + here + "function:lockstep-dev-start"},
		"failures": arn("AWS::SQS::Queue", "Queuefailures"), "undelivered": arn("AWS::SQS::Queue", "Queueundelivered"),
		"managed-rule": {"arn:<AWS::Partition>:events:" + here + "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"},
	}
	if function != "" {
		out["logs"] = arn("AWS::Logs::LogGroup", "Log"+function)
	}
	for _, f := range infra.Functions() {
		if f.Hole != "" {
			out["functions"] = append(out["functions"], "arn:<AWS::Partition>:lambda:"+here+"function:lockstep-dev-"+f.Name+":*")
		}
	}
	return out
}

// spelled gives grants as lines of actions and resources.
func spelled(grants []infra.Grant, bases map[string][]string) []string {
	var out []string
	for _, g := range grants {
		var arns []string
		for _, r := range g.Resources {
			part, inside, nested := strings.Cut(string(r), "/")
			for _, arn := range bases[part] {
				if nested {
					arn += "/" + inside
				}
				arns = append(arns, arn)
			}
		}
		if len(arns) > 0 {
			out = append(out, fmt.Sprint(g.Actions, arns))
		}
	}
	slices.Sort(out)
	return out
}

// granted gives the statements of a role in the same form.
func granted(t *testing.T, x template, id string) []string {
	t.Helper()
	r := x.Resources[id]
	if policies := list(r.at("Policies")); len(policies) != 1 || r.at("ManagedPolicyArns") != nil {
		t.Errorf("%s has %d policies, and managed ones: %v", id, len(policies), r.at("ManagedPolicyArns"))
	}
	var out []string
	for _, s := range list(r.at("Policies", 0, "PolicyDocument", "Statement")) {
		m := s.(map[string]any)
		if m["Effect"] != "Allow" || len(m) != 3 {
			t.Errorf("%s: %v", id, m)
		}
		out = append(out, fmt.Sprint(flatList(m["Action"]), flatList(m["Resource"])))
	}
	slices.Sort(out)
	return out
}

// testRoles holds that each role may do what infra grants, what the job needs, and nothing else.
func testRoles(t *testing.T, x template) {
	if extra := append(x.of("AWS::IAM::Policy"), x.of("AWS::IAM::ManagedPolicy")...); len(extra) > 0 {
		t.Errorf("policies beside the roles: %v", extra)
	}
	source := []infra.Grant{{Actions: []string{"s3:GetObject"}, Resources: []infra.Resource{"incoming/day/*"}}, {Actions: []string{"s3:ListBucket"}, Resources: []infra.Resource{"incoming"}}}
	destination := []infra.Grant{{Actions: []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}, Resources: []infra.Resource{"lake/runways/*"}},
		{Actions: []string{"s3:ListBucket"}, Resources: []infra.Resource{"lake"}}}
	access := map[string][]infra.Grant{"plan": slices.Concat(source, destination), "extract": source, "load": destination, "finish": destination}
	roles := 2
	check := func(role, service string, want []string) {
		id := x.one(t, "AWS::IAM::Role", "Role"+role)
		if got := granted(t, x, id); !slices.Equal(got, want) {
			t.Errorf("%s may do\n %s\nwant\n %s", role, strings.Join(got, "\n "), strings.Join(want, "\n "))
		}
		if got := x.Resources[id].at("AssumeRolePolicyDocument", "Statement", 0, "Principal", "Service"); got != service {
			t.Errorf("%s is taken by %v", role, got)
		}
	}
	for _, f := range infra.Functions() {
		bases := base(t, x, f.Name)
		bases["incoming"], bases["lake"] = []string{"arn:<AWS::Partition>:s3:::incoming"}, []string{"arn:<AWS::Partition>:s3:::lake"}
		check(f.Name, "lambda.amazonaws.com", spelled(append(f.Grants(), access[f.Name]...), bases))
		roles++
	}
	check("sync", "states.amazonaws.com", spelled(infra.MachineGrants(), base(t, x, "")))
	check("schedule", "scheduler.amazonaws.com", spelled(infra.ScheduleGrants(), base(t, x, "")))
	if got := len(x.of("AWS::IAM::Role")); got != roles {
		t.Errorf("%d roles, want %d", got, roles)
	}
}

func testData(t *testing.T, x template) {
	table := x.Resources[x.one(t, "AWS::DynamoDB::Table", "")]
	bucket := x.Resources[x.one(t, "AWS::S3::Bucket", "")]
	for _, r := range []resource{table, bucket} {
		if r.DeletionPolicy != "Retain" || r.UpdateReplacePolicy != "Retain" {
			t.Errorf("%s goes with the stack: %s, %s", r.Type, r.DeletionPolicy, r.UpdateReplacePolicy)
		}
	}
	for name, ok := range map[string]bool{
		"encrypted by a managed key": table.at("SSESpecification", "SSEEnabled") == true,
		"on demand":                  table.at("BillingMode") == "PAY_PER_REQUEST",
		"backed up":                  table.at("PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled") == true,
		"protected":                  table.at("DeletionProtectionEnabled") == true,
		"expires":                    table.at("TimeToLiveSpecification", "AttributeName") == infra.TimeToLive && table.at("TimeToLiveSpecification", "Enabled") == true,
		"indexed by keys alone":      table.at("GlobalSecondaryIndexes", 1, "Projection", "ProjectionType") == "KEYS_ONLY",
	} {
		if !ok {
			t.Errorf("the table is not %s: %v", name, table.Properties)
		}
	}
	rule := bucket.at("BucketEncryption", "ServerSideEncryptionConfiguration", 0).(map[string]any)
	if rule["BucketKeyEnabled"] != true || rule["ServerSideEncryptionByDefault"].(map[string]any)["SSEAlgorithm"] != "aws:kms" {
		t.Errorf("encryption: %v", rule)
	}
	for _, what := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
		if bucket.at("PublicAccessBlockConfiguration", what) != true {
			t.Errorf("public access: no %s", what)
		}
	}
	rules := fmt.Sprint(bucket.at("LifecycleConfiguration", "Rules"))
	for _, e := range infra.DataBucket().Expiry {
		if want := fmt.Sprintf("ExpirationInDays:%d Id:%s Prefix:%s Status:Enabled", e.Days, e.Prefix, e.Prefix); !strings.Contains(rules, want) {
			t.Errorf("life cycle %s: no %s", rules, want)
		}
	}
	for _, policy := range append(x.of("AWS::S3::BucketPolicy"), x.of("AWS::SQS::QueuePolicy")...) {
		if s := fmt.Sprint(x.Resources[policy].at("PolicyDocument", "Statement", 0)); !strings.Contains(s, "Effect:Deny") || !strings.Contains(s, "aws:SecureTransport:false") {
			t.Errorf("%s answers without TLS: %s", policy, s)
		}
	}
	for _, q := range infra.Queues() {
		r := x.Resources[x.one(t, "AWS::SQS::Queue", "Queue"+q.Name)]
		if r.at("SqsManagedSseEnabled") != true || r.at("MessageRetentionPeriod") != float64(q.RetainDays*86400) {
			t.Errorf("queue %s: %v", q.Name, r.Properties)
		}
	}
	parameter := x.Resources[x.one(t, "AWS::SSM::Parameter", "")]
	if v := flat(parameter.at("Value")); !strings.HasPrefix(v, "s3://cdk-") || !strings.HasSuffix(v, ".json") || parameter.at("Name") != "/lockstep/dev/bundle" {
		t.Errorf("the parameter %v is %s", parameter.at("Name"), v)
	}
}

func testFunctions(t *testing.T, x template) {
	for _, f := range infra.Functions() {
		r := x.Resources[x.one(t, "AWS::Lambda::Function", "Function"+f.Name)]
		if r.at("TracingConfig", "Mode") != "Active" || r.at("Runtime") != "provided.al2023" || r.at("Timeout") != float64(f.TimeoutS) || r.at("MemorySize") != float64(f.MemoryMB) ||
			r.at("Architectures", 0) != "arm64" || r.at("Handler") != f.Name {
			t.Errorf("%s: %v", f.Name, r.Properties)
		}
		env, _ := r.at("Environment", "Variables").(map[string]any)
		want := f.Env()
		slices.Sort(want)
		if got := sortedKeys(env); !slices.Equal(got, want) {
			t.Errorf("%s gets %v, want %v", f.Name, got, want)
		}
		logs := x.Resources[x.one(t, "AWS::Logs::LogGroup", "Log"+f.Name)]
		if logs.at("LogGroupName") != "/aws/lambda/lockstep-dev-"+f.Name || logs.at("RetentionInDays") != float64(infra.FunctionLogDays) {
			t.Errorf("log of %s: %v", f.Name, logs.Properties)
		}
		invoke := slices.DeleteFunc(x.of("AWS::Lambda::EventInvokeConfig"), func(id string) bool { return id != "Invoke"+f.Name })
		if len(invoke) == 1 != f.Asynchronous {
			t.Errorf("%s is called by events: %t, and has %d destinations of failures", f.Name, f.Asynchronous, len(invoke))
		}
		for _, id := range invoke {
			if to := flat(x.Resources[id].at("DestinationConfig", "OnFailure", "Destination")); to != base(t, x, "")["failures"][0] {
				t.Errorf("%s: what fails goes to %s", f.Name, to)
			}
		}
	}
	for _, id := range x.of("AWS::Lambda::Version") {
		if r := x.Resources[id]; r.DeletionPolicy != "Retain" || r.UpdateReplacePolicy != "Retain" {
			t.Errorf("%s is not kept for the runs that began with it", id)
		}
	}
}

func testMachine(t *testing.T, x template) {
	r := x.Resources[x.one(t, "AWS::StepFunctions::StateMachine", "")]
	if r.at("TracingConfiguration", "Enabled") != true || r.at("StateMachineType") != "STANDARD" || r.at("StateMachineName") != "lockstep-dev-sync" {
		t.Errorf("%v, %v, %v", r.at("TracingConfiguration"), r.at("StateMachineType"), r.at("StateMachineName"))
	}
	logging := r.at("LoggingConfiguration").(map[string]any)
	if logging["Level"] != "ALL" || logging["IncludeExecutionData"] != false {
		t.Errorf("logging: %v", logging)
	}
	if got := flat(r.at("LoggingConfiguration", "Destinations", 0, "CloudWatchLogsLogGroup", "LogGroupArn")); got != "<"+x.one(t, "AWS::Logs::LogGroup", "Logsync")+".Arn>" {
		t.Errorf("logs to %s", got)
	}
	holes, _ := r.at("DefinitionSubstitutions").(map[string]any)
	values := map[string]string{}
	for name, v := range holes {
		values[name] = flat(v)
	}
	for _, f := range infra.Functions() {
		if id := strings.Trim(values[f.Hole], "<>"); f.Hole != "" && x.Resources[id].Type != "AWS::Lambda::Version" {
			t.Errorf("%s is filled with %s, which is no version of a function", f.Hole, id)
		}
	}
	var got, want any
	filled := r.at("DefinitionString").(string)
	for name, v := range values {
		filled = strings.ReplaceAll(filled, "${"+name+"}", v)
	}
	source, err := statemachine.Sync(values)
	if err != nil {
		t.Fatal(err)
	}
	source = bytes.ReplaceAll(source, []byte("arn:aws:states"), []byte("arn:<AWS::Partition>:states"))
	if err := json.Unmarshal([]byte(filled), &got); err != nil || strings.Contains(filled, "${") {
		t.Fatalf("%v, or a hole is left", err)
	}
	if err := json.Unmarshal(source, &want); err != nil {
		t.Fatal(err)
	}
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("the definition is not sync's:\n%s\nwant\n%s", g, w)
	}
}

func testRules(t *testing.T, x template) {
	ended := x.Resources[x.one(t, "AWS::Events::Rule", "Ruleended")]
	pattern, _ := json.Marshal(ended.at("EventPattern"))
	for _, want := range []string{`"aws.states"`, `"Step Functions Execution Status Change"`, `"FAILED"`, `"TIMED_OUT"`, `"ABORTED"`, `"SUCCEEDED"`, `:stateMachine:lockstep-dev-sync`} {
		if !strings.Contains(string(pattern), want) {
			t.Errorf("pattern %s has no %s", pattern, want)
		}
	}
	if got := x.Resources[x.one(t, "AWS::Events::Rule", "Rulesweep")].at("ScheduleExpression"); got != "rate(5 minutes)" {
		t.Errorf("the sweeper is called at %v", got)
	}
	for _, rule := range infra.Rules() {
		id := x.one(t, "AWS::Events::Rule", "Rule"+rule.Name)
		r := x.Resources[id]
		if got := flat(r.at("Targets", 0, "DeadLetterConfig", "Arn")); got != base(t, x, "")["undelivered"][0] {
			t.Errorf("%s: what is not delivered goes to %s", rule.Name, got)
		}
		function := "<" + x.one(t, "AWS::Lambda::Function", "Function"+rule.Function) + ".Arn>"
		if got := flat(r.at("Targets", 0, "Arn")); got != function {
			t.Errorf("%s calls %s", rule.Name, got)
		}
		permission := x.Resources[x.one(t, "AWS::Lambda::Permission", "Function"+rule.Function)]
		if permission.at("Principal") != "events.amazonaws.com" || flat(permission.at("SourceArn")) != "<"+id+".Arn>" || flat(permission.at("FunctionName")) != function {
			t.Errorf("%s may not call its function, or others may: %v", rule.Name, permission.Properties)
		}
	}
}

func testAlarms(t *testing.T, x template) {
	for _, a := range infra.Alarms() {
		var r *resource
		for _, id := range x.of("AWS::CloudWatch::Alarm") {
			if one := x.Resources[id]; one.at("AlarmName") == "lockstep-dev-"+a.Name {
				r = &one
			}
		}
		if r == nil {
			t.Errorf("no alarm %s", a.Name)
			continue
		}
		if got := len(list(r.at("Metrics"))); got != len(a.Metrics)+1 || r.at("Threshold") != a.Threshold {
			t.Errorf("%s: %d metrics, threshold %v", a.Name, got, r.at("Threshold"))
		}
		missing := "notBreaching"
		if a.Below {
			missing = "breaching"
		}
		if r.at("TreatMissingData") != missing {
			t.Errorf("%s takes no data for %v", a.Name, r.at("TreatMissingData"))
		}
		for n, m := range a.Metrics {
			stat := r.at("Metrics", n, "MetricStat")
			if s, _ := json.Marshal(stat); !strings.Contains(string(s), `"MetricName":"`+m.Name+`"`) || !strings.Contains(string(s), `"Name":"`+string(m.Of)+`"`) {
				t.Errorf("%s: %s", a.Name, s)
			}
		}
	}
	var body struct{ Widgets []map[string]any }
	if err := json.Unmarshal([]byte(flat(x.Resources[x.one(t, "AWS::CloudWatch::Dashboard", "")].at("DashboardBody"))), &body); err != nil || len(body.Widgets) != len(infra.Alarms())+1 {
		t.Errorf("the dashboard has %d graphs, %v", len(body.Widgets), err)
	}
}
