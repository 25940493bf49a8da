package infra

// The variables of a function's environment. A stack sets them, package functions/internal/edge reads them. Beside them Lambda sets its own
// (AWS_REGION, the role's credentials, AWS_LAMBDA_FUNCTION_MEMORY_SIZE …), and AWS_ENDPOINT_URL leads all clients to another place.
const (
	EnvTable   = "LOCKSTEP_TABLE"   // name of the state table
	EnvBucket  = "LOCKSTEP_BUCKET"  // name of the bucket with batches, the objects of runs, and bundles/<sha256>.json
	EnvBundle  = "LOCKSTEP_BUNDLE"  // name of the SSM parameter whose value is the s3://bucket/key of the current bundle of jobs
	EnvMachine = "LOCKSTEP_MACHINE" // ARN of the state machine sync; only where Function.Machine says so
	EnvStage   = "LOCKSTEP_STAGE"   // of the installation, as in dev
	EnvPrefix  = "LOCKSTEP_PREFIX"  // of the names of the installation, as in lockstep
	// EnvFunction says which function a process is, where the handler of the Lambda function does not.
	EnvFunction = "LOCKSTEP_FUNCTION"
)

// MetricNamespace is where CloudWatch keeps the metrics that functions write into their logs, by job, step and status.
const MetricNamespace = "Lockstep"
