package infra

// Defaults of an installation.
const (
	DefaultPrefix = "lockstep"
	DefaultStage  = "dev"
)

// Installation is one deployment: its names begin with prefix and stage, so that several live in one account.
type Installation struct{ Prefix, Stage string }

// Stack is the name of the CloudFormation stack, by which the command finds the installation.
func (i Installation) Stack() string { return i.Prefix + "-" + i.Stage }

// Name is the name of a function, the state machine, a queue or a role.
func (i Installation) Name(part string) string { return i.Stack() + "-" + part }

// Parameter is the name of the SSM parameter that holds the place of the current bundle.
func (i Installation) Parameter() string { return "/" + i.Prefix + "/" + i.Stage + "/bundle" }

// Machine is the part of the name of the state machine that moves a job.
const Machine = "sync"

// The outputs of the stack.
const (
	OutputTable     = "StateTable"      // name
	OutputBucket    = "Bucket"          // name
	OutputBundle    = "BundleParameter" // name of the SSM parameter
	OutputMachine   = "SyncMachine"     // ARN
	OutputStart     = "StartFunction"   // name
	OutputEndpoints = "VpcEndpoints"    // services that must be reached from the VPC, with commas; only where there is one
)

// Endpoint is a service of AWS that a function in a VPC calls; without a way to the internet the VPC needs an endpoint for it.
type Endpoint struct {
	Service string // com.amazonaws.<region>.<service>
	Gateway bool   // costs nothing
	Reason  string
}

// Endpoints lists what the functions in a VPC call, beside the sources and destinations themselves.
func Endpoints() []Endpoint {
	return []Endpoint{
		{"dynamodb", true, "the state"},
		{"s3", true, "batches and bundles"},
		{"secretsmanager", false, "secrets of connectors"},
		{"ssm", false, "secrets that are parameters"},
		{"sts", false, "roles of other accounts"},
		{"kms", false, "only with a key of your own"},
	}
}
