package launch

import (
	"context"
	"time"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/bundle"
	"github.com/lockstep-data/lockstep/shared/store"
)

// Place says which installation is meant. Empty fields are AWS's own settings (AWS_REGION, AWS_PROFILE, AWS_ENDPOINT_URL …).
type Place struct {
	Stack    string // of CloudFormation
	Region   string
	Endpoint string // URL of all services
	Profile  string
}

// Installation is a deployed stack, as the command works with it. Safe for concurrent use. Errors carry codes of package fault.
type Installation interface {
	// About names the parts of the installation.
	About() About
	// State is where the state is; it belongs to the installation.
	State() store.Store
	// Blobs is where batches are; it belongs to the installation.
	Blobs() blob.Bucket
	// Machine is the state machine sync.
	Machine() Machine
	// Start asks the function start for a run.
	Start(ctx context.Context, r Request) (Answer, error)
	// Bundle reads the jobs that are deployed now. NotFound when none are.
	Bundle(ctx context.Context) (*bundle.Bundle, error)
	// Apply stores a bundle and makes it the current one. Runs under way keep theirs.
	Apply(ctx context.Context, data []byte) (key string, err error)
	// Probe looks at quotas, permissions and endpoints, and answers one finding for each.
	Probe(ctx context.Context) []store.Finding
	// Prune deletes the versions of functions that are older and that nothing uses; dry only lists them.
	Prune(ctx context.Context, older time.Duration, dry bool) ([]Version, error)
	// Close frees what it holds; closing twice is no error.
	Close() error
}

// About names the parts of an installation.
type About struct {
	Stack     string `json:"stack"`
	Region    string `json:"region"`
	Table     string `json:"table"`
	Bucket    string `json:"bucket"`
	Parameter string `json:"parameter"` // of SSM, holds the place of the current bundle
	Machine   string `json:"machine"`   // ARN
	Function  string `json:"function"`  // start
}

// Version is a version of a function.
type Version struct {
	Function string    `json:"function"`
	Version  string    `json:"version"`
	Modified time.Time `json:"modified"`
	Bytes    int64     `json:"bytes"`
}
