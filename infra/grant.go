package infra

import "slices"

// Grant lets one role do something. Actions are spelled out, never with a star.
type Grant struct {
	Actions   []string
	Resources []Resource
	Reason    string // why the role cannot do without
}

// Resource names what a grant is for: a part of the installation, and behind a slash what is inside it, as in bucket/batches/*. A stack knows the
// ARNs of the parts.
type Resource string

// The parts of an installation that grants are for.
const (
	OnTable      Resource = "table"        // the state table
	OnBucket     Resource = "bucket"       // the bucket with batches
	OnAssets     Resource = "assets"       // the bucket that the bundles of a deployment are uploaded to
	OnParameter  Resource = "parameter"    // the name of the current bundle
	OnMachine    Resource = "machine"      // sync
	OnExecutions Resource = "executions"   // of sync
	OnFunctions  Resource = "functions"    // every version of those that are states of sync
	OnStart      Resource = "start"        // the function start
	OnLogs       Resource = "logs"         // the function's own log group
	OnFailures   Resource = "failures"     // the queue of events that a function failed on
	OnUndone     Resource = "undelivered"  // the queue of events that reached no function
	OnManaged    Resource = "managed-rule" // the rule by which Step Functions hears of nested executions
	OnKey        Resource = "key"          // the installation's KMS key; the grant falls away where there is none
	OnAll        Resource = "*"            // only where the service takes nothing else: see Everywhere
)

// Everywhere lists the actions that the services take with Resource * only, each with what the service says about it.
func Everywhere() map[string]string {
	const trace, delivery, network = "X-Ray knows no resource of a trace", "log delivery has no resource of its own", "network interfaces do not exist before they are made"
	return map[string]string{
		"xray:PutTraceSegments": trace, "xray:PutTelemetryRecords": trace, "xray:GetSamplingRules": trace, "xray:GetSamplingTargets": trace,
		"logs:CreateLogDelivery": delivery, "logs:GetLogDelivery": delivery, "logs:UpdateLogDelivery": delivery, "logs:DeleteLogDelivery": delivery,
		"logs:ListLogDeliveries": delivery, "logs:PutResourcePolicy": delivery, "logs:DescribeResourcePolicies": delivery, "logs:DescribeLogGroups": delivery,
		"ec2:CreateNetworkInterface": network, "ec2:DescribeNetworkInterfaces": network, "ec2:DeleteNetworkInterface": network,
	}
}

func on(resources ...Resource) []Resource { return resources }

var (
	trace = Grant{[]string{"xray:PutTraceSegments", "xray:PutTelemetryRecords"}, on(OnAll), "a run's trace leads through the function"}
	log   = Grant{[]string{"logs:CreateLogStream", "logs:PutLogEvents"}, on(OnLogs), "its log, and the metrics that are in it"}
	state = Grant{[]string{"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Query"}, on(OnTable),
		"lock, checkpoints, the run and its events"}
	check   = Grant{[]string{"dynamodb:ConditionCheckItem"}, on(OnTable), "the lock of a slot is tested in the transaction of the first bind"}
	indexes = Grant{[]string{"dynamodb:Query"}, on(OnTable+"/index/"+ByStatus, OnTable+"/index/"+ByJob), "runs by job and by status"}
	present = Grant{[]string{"s3:ListBucket"}, on(OnBucket), "without it S3 answers 403, not 404, for an object that is not there"}
	bundle  = Grant{[]string{"s3:GetObject"}, on(OnBucket+"/bundles/*", OnAssets+"/*.json"), "the job as it was when the run began"}
	current = Grant{[]string{"ssm:GetParameter"}, on(OnParameter), "the bundle that a new run begins with"}
	objects = Grant{[]string{"s3:GetObject", "s3:PutObject"}, on(OnBucket+"/batches/*", OnBucket+"/runs/*"), "batches, and the objects of the run"}
	clean   = Grant{[]string{"s3:DeleteObject"}, on(OnBucket+"/batches/*", OnBucket+"/runs/*"), "batches behind their checkpoint"}
	begin   = Grant{[]string{"states:StartExecution"}, on(OnMachine), "a run is an execution"}
	look    = Grant{[]string{"states:DescribeExecution"}, on(OnExecutions), "only an execution that has ended is closed, or robbed of its lock"}
	failure = Grant{[]string{"sqs:SendMessage"}, on(OnFailures), "an event that it failed on for good is kept"}
	sealed  = Grant{[]string{"kms:Decrypt", "kms:GenerateDataKey"}, on(OnKey), "objects and items are encrypted by the installation's key"}
	network = Grant{[]string{"ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface"}, on(OnAll),
		"a function in a VPC has an interface there"}
)

// Grants lists what the function's role may do. Access to sources, destinations and secrets comes on top: a stack reads it off the jobs.
func (f Function) Grants() []Grant {
	own := map[string][]Grant{
		"start":     {indexes, current, bundle, present, begin, look},
		"acquire":   {indexes, current, bundle, present, look},
		"plan":      {check, bundle, present, objects, clean},
		"extract":   {bundle, present, objects},
		"transform": {bundle, present, objects},
		"validate":  {bundle, present, objects},
		"load":      {check, bundle, present, objects, clean},
		"finish":    {check, bundle, present, objects, clean},
		"close":     {indexes, bundle, present, look},
		"sweep":     {indexes, current, bundle, present, begin, look},
	}
	grants := slices.Concat([]Grant{log, trace, state}, own[f.Name], []Grant{sealed})
	if f.Asynchronous {
		grants = append(grants, failure)
	}
	return grants
}

// NetworkGrants lists what a role may do beside when its function is in a VPC.
func NetworkGrants() []Grant { return []Grant{network} }

// MachineGrants lists what the state machine's role may do.
func MachineGrants() []Grant {
	return []Grant{
		{[]string{"lambda:InvokeFunction"}, on(OnFunctions), "its states; any version, for a run ends on the code that it began with"},
		{[]string{"states:StartExecution"}, on(OnMachine), "a later leg is an execution of the same machine"},
		{[]string{"states:DescribeExecution", "states:StopExecution"}, on(OnExecutions), "it waits for its legs, and stops them when it is stopped"},
		{[]string{"events:PutTargets", "events:PutRule", "events:DescribeRule"}, on(OnManaged), "Step Functions hears of the end of a leg by a rule that it makes"},
		{[]string{"xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"}, on(OnAll), "a run is one trace"},
		{[]string{"logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery", "logs:ListLogDeliveries",
			"logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups"}, on(OnAll), "the history of each run is logged"},
	}
}

// ScheduleGrants lists what the role of the schedules may do.
func ScheduleGrants() []Grant {
	return []Grant{
		{[]string{"lambda:InvokeFunction"}, on(OnStart), "a schedule calls start"},
		{[]string{"sqs:SendMessage"}, on(OnUndone), "a call that could not be delivered is kept"},
	}
}
