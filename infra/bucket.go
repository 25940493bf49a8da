package infra

// Bucket is an S3 bucket. Public access is always blocked, and only TLS is answered.
type Bucket struct {
	BucketKeys      bool // KMS is asked once for many objects
	Versioned       bool
	AbortUploadDays int // parts of uploads that nobody ended
	Expiry          []Expiry
}

// Expiry deletes objects of a prefix some days after they were written.
type Expiry struct {
	Prefix string
	Days   int
	Reason string
}

// VersionDays is how long versions of functions are kept at least: an execution can be redriven for 14 days, and then runs the code that it began with.
const VersionDays = 15

// DataBucket is the bucket for batches, the objects of runs, and bundles. Bundles never expire: a run names the one that it began with.
func DataBucket() Bucket {
	return Bucket{
		BucketKeys:      true,
		AbortUploadDays: 1,
		Expiry: []Expiry{
			{"batches/", 30, "a batch is needed until its seq is committed; a run can be redriven for 14 days"},
			{"runs/", 180, "as long as the run's row"},
		},
	}
}

// Queue is an SQS queue that keeps what could not be done, for a person to look at.
type Queue struct {
	Name        string
	Summary     string
	RetainDays  int
	VisibilityS int
	HandsTo     string // the queue that gets a message which was taken Takes times and not deleted; empty: none
	Takes       int
}

// Queues lists the queues, each behind the one that it hands to.
func Queues() []Queue {
	return []Queue{
		{Name: string(OnFailures), Summary: "events that a function failed on, after its retries", RetainDays: 14, VisibilityS: 60},
		{Name: string(OnUndone), Summary: "events of rules and schedules that reached no function", RetainDays: 14, VisibilityS: 60, HandsTo: string(OnFailures), Takes: 5},
	}
}

// Retention of logs, in days.
const (
	FunctionLogDays = 30
	MachineLogDays  = 90
)
