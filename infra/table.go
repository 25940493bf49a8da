package infra

// Table is a DynamoDB table. All key attributes are strings.
type Table struct {
	Name               string // by default; an installation may give its own
	PartitionKey       string
	SortKey            string
	Indexes            []Index
	TTL                string // attribute with the second (Unix, UTC) after which an item may be deleted
	OnDemand           bool   // billed by request, without a capacity that somebody must plan
	PointInTime        bool   // continuous backups of the last 35 days
	DeletionProtection bool
	Encryption         Encryption
	SingleRegion       bool // no replicas: conditions hold within one Region only
}

// Index is a global secondary index. It keeps the keys only: readers fetch the items themselves, consistently.
type Index struct {
	Name         string
	PartitionKey string
	SortKey      string
}

// Encryption says whose key encrypts a table at rest.
type Encryption string

// The keys that a table can be encrypted with.
const (
	AWSOwned   Encryption = "aws_owned"   // DynamoDB's own; costs nothing
	AWSManaged Encryption = "aws_managed" // the account's alias/aws/dynamodb, with a log of its use
)

// The attributes of the state table that are keys, here and in its indexes, and its time to live.
const (
	PartitionKey = "pk"
	SortKey      = "sk"
	StatusKey    = "g1pk" // <kind>#<status>#<shard>
	StatusSort   = "g1sk" // <time>#<key>
	JobKey       = "g2pk" // RUN#<job>
	JobSort      = "g2sk" // <time>#<run>
	TimeToLive   = "ttl"
)

// The indexes of the state table.
const (
	ByStatus = "by_status" // locks and runs by their status, oldest first, spread over shards so that no partition is written by all
	ByJob    = "by_job"    // the runs of a job by time
)

// StateTable is the table of locks, checkpoints, runs, step executions, log events and failures.
func StateTable() Table {
	return Table{
		Name:         "lockstep-state",
		PartitionKey: PartitionKey,
		SortKey:      SortKey,
		Indexes: []Index{
			{Name: ByStatus, PartitionKey: StatusKey, SortKey: StatusSort},
			{Name: ByJob, PartitionKey: JobKey, SortKey: JobSort},
		},
		TTL:                TimeToLive,
		OnDemand:           true,
		PointInTime:        true,
		DeletionProtection: true,
		Encryption:         AWSManaged,
		SingleRegion:       true,
	}
}
