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
}

// Queues lists the queues.
func Queues() []Queue {
	return []Queue{
		{string(OnUndone), "events of rules and schedules that reached no function", 14, 60},
		{string(OnFailures), "events that a function failed on, after its retries", 14, 60},
	}
}

// Retention of logs, in days.
const (
	FunctionLogDays = 30
	MachineLogDays  = 90
)
