package infra

// Rule is an EventBridge rule that calls a function.
type Rule struct {
	Name     string
	Summary  string
	Function string
	// Of a rule by pattern: the end of executions of the state machine. Of a rule by time: empty.
	Statuses []string
	Minutes  int // of a rule by time: from one call to the next
}

// The event by which Step Functions tells of an execution.
const (
	ExecutionSource = "aws.states"
	ExecutionDetail = "Step Functions Execution Status Change"
)

// Rules lists the rules.
func Rules() []Rule {
	return []Rule{
		{Name: "ended", Summary: "an execution of sync has ended", Function: "close", Statuses: []string{"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}},
		{Name: "sweep", Summary: "runs whose end nobody told of, and runs that were not started", Function: "sweep", Minutes: 5},
	}
}

// Delivery bounds how long an event is tried to be delivered, and how often a function that is called by events is tried.
type Delivery struct {
	MaxAgeS  int
	Attempts int // beside the first
}

// The deliveries: of rules and schedules to a function, and of Lambda's own queue to the function's code.
var (
	ToFunction = Delivery{MaxAgeS: 24 * 3600, Attempts: 185}
	ToCode     = Delivery{MaxAgeS: 6 * 3600, Attempts: 2}
)

// MaxSchedules is how many schedules one stack holds: CloudFormation takes 500 resources in one. More go to nested stacks.
const MaxSchedules = 400

// ScheduledTime stands in a schedule's input for the time at which the schedule was due, RFC 3339 in UTC; EventBridge Scheduler replaces it.
const ScheduledTime = "<aws.scheduler.scheduled-time>"

// Trigger is how a run that a schedule has started calls its trigger.
const Trigger = "schedule"
