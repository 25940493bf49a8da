package command

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lockstep-data/lockstep/shared/bundle"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/launch"
	"github.com/lockstep-data/lockstep/shared/store"
)

// defaultStack is the stack of an installation when nothing else is said.
const defaultStack = "lockstep-dev"

// stackVariable names the stack where no flag does.
const stackVariable = "LOCKSTEP_STACK"

// awsFlags lead to an installation on AWS.
type awsFlags struct {
	on    bool
	place launch.Place
}

// onAWS are the commands that know what --aws means.
var onAWS = []string{"apply", "check", "doctor", "failures", "logs", "pause", "prune", "reset", "resume", "run", "runs", "status", "stop", "sweep"}

// awsOnly are those of them that work on AWS alone, so that the flag goes without saying.
var awsOnly = []string{"apply", "prune"}

func (a *app) addAWSFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.BoolVar(&a.flags.aws.on, "aws", false, "work with an installation on AWS instead of this machine")
	f.StringVar(&a.flags.aws.place.Stack, "stack", "", "stack of the installation (also: "+stackVariable+"; default "+defaultStack+")")
	f.StringVar(&a.flags.aws.place.Region, "region", "", "Region of the installation (default: as the AWS CLI finds it)")
	f.StringVar(&a.flags.aws.place.Endpoint, "endpoint", "", "URL of AWS's services (default: as the AWS CLI finds it)")
	f.StringVar(&a.flags.aws.place.Profile, "profile", "", "profile of AWS's settings (default: as the AWS CLI finds it)")
}

// beginAWS settles which installation is meant, and refuses flags that contradict each other.
func (a *app) beginAWS(cmd *cobra.Command) error {
	f := &a.flags.aws
	name := strings.Fields(cmd.CommandPath() + " ")[min(1, strings.Count(cmd.CommandPath(), " "))]
	f.on = f.on || slices.Contains(awsOnly, name)
	if !f.on {
		if f.place != (launch.Place{}) {
			return wrong("add --aws", "--stack, --region, --endpoint and --profile are about an installation on AWS")
		}
		return nil
	}
	switch {
	case !slices.Contains(onAWS, name):
		return wrong("it is known to "+strings.Join(onAWS, ", "), "%s does not know --aws", cmd.CommandPath())
	case a.flags.store != "" || a.flags.blobs != "":
		return wrong("leave them out", "--store and --blobs cannot be there with --aws: the installation says where they are")
	case a.o.AWS == nil && name != "check":
		return wrong("make build builds one", "this build of lockstep works on one machine only and does not know AWS")
	}
	if f.place.Stack == "" {
		f.place.Stack, _ = a.o.Env(stackVariable)
	}
	if f.place.Stack == "" {
		f.place.Stack = defaultStack
	}
	return nil
}

// installation opens the installation, once in the life of the command.
func (a *app) installation(ctx context.Context) (launch.Installation, error) {
	if a.installed == nil {
		opened, err := a.o.AWS(ctx, a.flags.aws.place)
		if err != nil {
			return nil, unreachable(err)
		}
		a.installed = opened
	}
	return a.installed, nil
}

// awsState is the state of the installation. Closing it leaves the installation open for what comes after.
func (a *app) awsState(ctx context.Context) (*state, error) {
	i, err := a.installation(ctx)
	if err != nil {
		return nil, err
	}
	s := lent{i.State()}
	return &state{Store: s, protocol: store.Protocol{
		Store: s, Prover: launch.Prover{Machine: i.Machine()}, Now: a.o.Now, NewRVN: token, Jitter: jitter,
	}}, nil
}

// lent is a store that whoever lent it closes.
type lent struct{ store.Store }

// Close leaves it open.
func (lent) Close() error { return nil }

// deployed gives the jobs of an installation, read once. It implements launch.Jobs.
type deployed struct {
	i launch.Installation
	b *bundle.Bundle
}

func (d *deployed) bundle(ctx context.Context) (*bundle.Bundle, error) {
	if d.b == nil {
		b, err := d.i.Bundle(ctx)
		if err != nil {
			return nil, err
		}
		d.b = b
	}
	return d.b, nil
}

// Current implements launch.Jobs.
func (d *deployed) Current(ctx context.Context, name string) (job.Job, error) {
	b, err := d.bundle(ctx)
	if err != nil {
		return job.Job{}, err
	}
	return b.Find(name)
}

// deployed gives the jobs of the installation.
func (a *app) deployed(ctx context.Context) (*deployed, error) {
	i, err := a.installation(ctx)
	if err != nil {
		return nil, err
	}
	if a.jobs == nil {
		a.jobs = &deployed{i: i}
	}
	return a.jobs, nil
}

// deployedKey gives the store's name of a job on AWS: from the jobs that are deployed, else as it is written, for jobs that are gone.
func (a *app) deployedKey(ctx context.Context, arg string) (string, error) {
	if a.isFile(arg) {
		f, err := a.find(ctx, arg)
		if err != nil {
			return "", err
		}
		return f.doc.Job.Key(), nil
	}
	d, err := a.deployed(ctx)
	if err != nil {
		return "", err
	}
	b, err := d.bundle(ctx)
	if err != nil {
		return arg, nil //nolint:nilerr // what is in the state can be shown without the jobs
	}
	for _, j := range b.Jobs {
		if j.Key() == arg {
			return arg, nil
		}
	}
	for _, j := range b.Jobs { // those that are disabled too
		if j.ID == arg {
			return j.Key(), nil
		}
	}
	return arg, nil
}

// knownOnAWS says that a job is deployed. The error is NotFound with the nearest name.
func (a *app) knownOnAWS(ctx context.Context, key string) error {
	d, err := a.deployed(ctx)
	if err != nil {
		return err
	}
	b, err := d.bundle(ctx)
	if err != nil {
		return unreachable(err)
	}
	for _, j := range b.Jobs {
		if j.Key() == key {
			return nil
		}
	}
	_, err = b.Find(key)
	return wrongly(err)
}

// launcher starts and ends runs of the installation.
func (a *app) launcher(ctx context.Context) (*launch.Launcher, error) {
	st, err := a.awsState(ctx)
	if err != nil {
		return nil, err
	}
	d, err := a.deployed(ctx)
	if err != nil {
		return nil, err
	}
	return &launch.Launcher{
		Protocol: st.protocol, Jobs: d, Machine: d.i.Machine(), Log: a.log(), Version: versionText(), Random: func() string { return token()[:8] },
	}, nil
}

// closeAWS frees the installation.
func (a *app) closeAWS() {
	if a.installed != nil {
		_ = a.installed.Close() // everything was written before
	}
}

// statusOnAWS lists the jobs that are deployed, and those that have a lock only.
func (a *app) statusOnAWS(ctx context.Context) error {
	st, err := a.awsState(ctx)
	if err != nil {
		return err
	}
	d, err := a.deployed(ctx)
	if err != nil {
		return err
	}
	var keys []string
	b, err := d.bundle(ctx)
	switch {
	case err == nil:
		for _, j := range b.Jobs {
			keys = append(keys, j.Key())
		}
	case !fault.Has(err, fault.NotFound):
		return unreachable(err)
	}
	if keys, err = withLocks(ctx, st, keys); err != nil {
		return unreachable(err)
	}
	all := []jobStatus{}
	for _, key := range keys {
		one, err := a.jobStatus(ctx, st, key)
		if err != nil {
			return err
		}
		all = append(all, one)
	}
	switch {
	case a.flags.json:
		a.json(struct {
			Jobs         []jobStatus  `json:"jobs"`
			Installation launch.About `json:"installation"`
		}{all, d.i.About()})
	case len(all) == 0:
		a.printf("no jobs are deployed in %s yet; %s deploys those of the project\n", a.flags.aws.place.Stack, "lockstep apply")
	default:
		a.writeStatus(all)
	}
	return nil
}
