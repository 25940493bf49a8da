package infra

// Alarm tells that a sum over a period has reached a threshold.
type Alarm struct {
	Name      string
	Summary   string // what it tells, and what to do
	Metrics   []Metric
	PeriodM   int // minutes
	Periods   int // so many in a row
	Threshold float64
	Below     bool // tells when the sum is under the threshold; no data counts as that
}

// Metric is a metric of CloudWatch that an alarm adds up.
type Metric struct {
	Namespace string
	Name      string
	Statistic string
	Of        Dimension
	Function  string // of Dimension Lambda
	Queue     string // of Dimension SQS
}

// Dimension says what a metric belongs to.
type Dimension string

// The dimensions of metrics.
const (
	OfMachine  Dimension = "StateMachineArn"
	OfFunction Dimension = "FunctionName"
	OfQueue    Dimension = "QueueName"
	OfGroup    Dimension = "ScheduleGroup"
)

// Alarms lists the alarms.
func Alarms() []Alarm {
	alarms := []Alarm{
		{Name: "failed-runs", Summary: "A run ended failed, timed out or aborted: lockstep runs --aws shows it.", PeriodM: 5, Periods: 1, Threshold: 1,
			Metrics: []Metric{machine("ExecutionsFailed"), machine("ExecutionsTimedOut"), machine("ExecutionsAborted")}},
		{Name: "throttles", Summary: "Lambda or Step Functions throttles: raise the quota that lockstep doctor --aws names.", PeriodM: 5, Periods: 3, Threshold: 10,
			Metrics: []Metric{machine("ExecutionThrottled")}},
		{Name: "missed-runs", Summary: "A schedule could not call start: see the queue undelivered.", PeriodM: 5, Periods: 1, Threshold: 1,
			Metrics: []Metric{{"AWS/Scheduler", "InvocationDroppedCount", "Sum", OfGroup, "", ""}, {"AWS/Scheduler", "InvocationsSentToDeadLetterCount", "Sum", OfGroup, "", ""},
				function("start", "Errors")}},
		{Name: "sweep-stopped", Summary: "The sweeper has not run for half an hour: runs whose end nobody tells of hold their jobs.", PeriodM: 30, Periods: 1, Threshold: 1, Below: true,
			Metrics: []Metric{function("sweep", "Invocations")}},
	}
	for _, f := range Functions() {
		if f.Hole != "" {
			alarms[1].Metrics = append(alarms[1].Metrics, function(f.Name, "Throttles"))
		}
	}
	for _, q := range Queues() {
		alarms = append(alarms, Alarm{Name: "queue-" + q.Name, Summary: "There are messages in the queue of " + q.Summary + ".", PeriodM: 5, Periods: 1, Threshold: 1,
			Metrics: []Metric{{"AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", OfQueue, "", q.Name}}})
	}
	return alarms
}

func machine(name string) Metric { return Metric{"AWS/States", name, "Sum", OfMachine, "", ""} }

func function(name, metric string) Metric {
	return Metric{"AWS/Lambda", metric, "Sum", OfFunction, name, ""}
}

// RunMetrics are the executions of sync by how they ended, for a graph.
func RunMetrics() []Metric {
	return []Metric{machine("ExecutionsStarted"), machine("ExecutionsSucceeded"), machine("ExecutionsFailed"), machine("ExecutionsTimedOut"), machine("ExecutionsAborted")}
}
