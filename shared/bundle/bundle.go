// Package bundle is a project's jobs as one file of JSON: checked, normalised, the same bytes for the same jobs. What runs on AWS reads its jobs from
// it; the deployment and `lockstep apply` write it. It holds references to variables and secrets as they are written, never values. Launch,
// the command, the functions and the deployment import it.
package bundle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/spec"
)

// Format is the version of the file. A reader refuses a later one.
const Format = 1

// The bounds of a bundle. A function reads all of it when it starts; a job is stored with each of its runs, in an item of at most 400 KB.
const (
	MaxBytes    = 16 << 20
	MaxJobBytes = 256 << 10
	MaxJobs     = 10_000
)

// folder is before the names of bundles in a bucket.
const folder = "bundles/"

// Bundle is the jobs of a project. It is immutable and safe for concurrent use.
type Bundle struct {
	Key  string    // of the object: bundles/<sha256 of the bytes>.json
	Jobs []job.Job // as written, by key, those that are disabled too
}

// file is the stored form; a job stands on a line of its own, so that two bundles can be compared.
type file struct {
	Format int               `json:"format"`
	Jobs   []json.RawMessage `json:"jobs"`
}

// Build gives the file of a project's jobs and its key. Errors: the project's problems, ConfigInvalid (there are no jobs), QuotaExceeded (a bound
// is passed).
func Build(p *spec.Project) ([]byte, string, error) {
	if err := p.Err(); err != nil {
		return nil, "", err
	}
	if len(p.Documents) == 0 {
		return nil, "", p.NoJobs()
	}
	jobs := make([]job.Job, len(p.Documents))
	for i, d := range p.Documents {
		jobs[i] = d.Job
	}
	data, err := encode(jobs)
	if err != nil {
		return nil, "", err
	}
	return data, Key(data), nil
}

func encode(jobs []job.Job) ([]byte, error) {
	if len(jobs) > MaxJobs {
		return nil, fault.New(fault.QuotaExceeded, "a bundle holds at most %d jobs, these are %d", MaxJobs, len(jobs)).WithHint("deploy a second stage for a part of them")
	}
	jobs = slices.Clone(jobs)
	slices.SortFunc(jobs, func(a, b job.Job) int { return strings.Compare(a.Key(), b.Key()) })
	var out bytes.Buffer
	fmt.Fprintf(&out, `{"format":%d,"jobs":[`, Format)
	for i, j := range jobs {
		line, err := json.Marshal(j)
		if err != nil {
			return nil, fmt.Errorf("encode job %s: %w", j.Key(), err)
		}
		if len(line) > MaxJobBytes {
			return nil, fault.New(fault.QuotaExceeded, "job %s takes %d bytes in a bundle, at most %d are allowed", j.Key(), len(line), MaxJobBytes).WithHint(
				"cut it into several jobs, or its long lists into files")
		}
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteByte('\n')
		out.Write(line)
	}
	out.WriteString("\n]}\n")
	if out.Len() > MaxBytes {
		return nil, fault.New(fault.QuotaExceeded, "the bundle takes %d bytes, at most %d are allowed", out.Len(), MaxBytes).WithHint("deploy a second stage for a part of the jobs")
	}
	return out.Bytes(), nil
}

// Key names the object of a bundle: by its content.
func Key(data []byte) string {
	sum := sha256.Sum256(data)
	return folder + hex.EncodeToString(sum[:]) + ".json"
}

// Read reads a bundle. Errors: VersionTooNew (a later Lockstep wrote it), DataInvalid (it is none), QuotaExceeded (it is too large).
func Read(data []byte) (*Bundle, error) {
	if len(data) > MaxBytes {
		return nil, fault.New(fault.QuotaExceeded, "the bundle takes %d bytes, at most %d are allowed", len(data), MaxBytes)
	}
	var head struct {
		Format *int `json:"format"`
	}
	if err := json.Unmarshal(data, &head); err != nil || head.Format == nil {
		return nil, invalid(err)
	}
	if *head.Format > Format {
		return nil, tooNew("is of format %d, this program reads up to %d", *head.Format, Format)
	}
	var f file
	if err := strictly(data, &f); err != nil {
		return nil, err
	}
	if f.Format < 1 || len(f.Jobs) > MaxJobs {
		return nil, invalid(nil)
	}
	b := &Bundle{Key: Key(data)}
	for _, raw := range f.Jobs {
		j, err := readJob(raw)
		if err != nil {
			return nil, err
		}
		if n := len(b.Jobs); n > 0 && b.Jobs[n-1].Key() >= j.Key() {
			return nil, invalid(fmt.Errorf("job %s is not in its order, or twice", j.Key()))
		}
		b.Jobs = append(b.Jobs, j)
	}
	return b, nil
}

func readJob(raw json.RawMessage) (job.Job, error) {
	var head struct {
		Version int    `json:"version"`
		ID      string `json:"id"`
	}
	if err := json.Unmarshal(raw, &head); err != nil || head.ID == "" {
		return job.Job{}, invalid(err)
	}
	if head.Version > job.Version {
		return job.Job{}, tooNew("holds job %s of version %d, this program reads up to %d", head.ID, head.Version, job.Version)
	}
	var j job.Job
	return j, strictly(raw, &j)
}

// strictly decodes; a field that is not known is of a later version, since dropping it could change what a job does.
func strictly(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil {
		if _, more := dec.Token(); !errors.Is(more, io.EOF) {
			return invalid(errors.New("something stands behind its end"))
		}
		return nil
	}
	if strings.Contains(err.Error(), "unknown field") {
		return tooNew("has a field that this program does not know: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	return invalid(err)
}

func tooNew(format string, args ...any) error {
	return fault.New(fault.VersionTooNew, "the bundle of jobs %s", fmt.Sprintf(format, args...)).WithHint("deploy the version of Lockstep that wrote it, or apply the jobs with this one")
}

func invalid(err error) error {
	e := fault.New(fault.DataInvalid, "this is no bundle of jobs").WithHint("lockstep apply writes one")
	if err != nil {
		e = fault.New(fault.DataInvalid, "this is no bundle of jobs: %w", err).WithHint("lockstep apply writes one")
	}
	return e
}

// Load reads the bundle of a key from its bucket. The keys that Store gives name the content; the CDK names its assets by a hash of its own, which
// says nothing about it. Errors: those of Read and of the bucket; DataInvalid when the content is not what the key says.
func Load(ctx context.Context, b blob.Bucket, key string) (*Bundle, error) {
	data, err := b.Read(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("read bundle %s: %w", key, err)
	}
	out, err := Read(data)
	if err != nil {
		return nil, fmt.Errorf("read bundle %s: %w", key, err)
	}
	if strings.HasPrefix(key, folder) && key != out.Key {
		return nil, fault.New(fault.DataInvalid, "bundle %s has another content than its name says", key).WithHint("apply the jobs again")
	}
	out.Key = key
	return out, nil
}

// Store puts a bundle into its bucket, where it may be already. Errors: those of the bucket.
func Store(ctx context.Context, b blob.Bucket, data []byte) (key string, err error) {
	key = Key(data)
	if _, err := b.Create(ctx, key, data); err != nil {
		return "", fmt.Errorf("store bundle %s: %w", key, err)
	}
	return key, nil
}

// Place is where a bundle lies, as the parameter of an installation says: s3://bucket/key.
func Place(bucket, key string) string { return "s3://" + bucket + "/" + key }

// SplitPlace takes a parameter's value apart. Errors: ConfigInvalid.
func SplitPlace(text string) (bucket, key string, err error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "s3" || u.Host == "" || len(u.Path) < 2 || u.RawQuery != "" || u.Fragment != "" {
		return "", "", fault.New(fault.ConfigInvalid, "the parameter of the bundle holds %q", text).WithHint("lockstep apply sets it: s3://bucket/bundles/….json")
	}
	return u.Host, u.Path[1:], nil
}

// Find gives a job, as written, by its key or, where only one has it, its id. Errors: NotFound (there is none, or it is disabled), ConfigInvalid
// (several use cases have the id).
func (b *Bundle) Find(name string) (job.Job, error) {
	var found []job.Job
	var known []string
	for _, j := range b.Jobs {
		if j.Key() == name {
			found = []job.Job{j}
			break
		}
		if j.ID == name {
			found = append(found, j)
		}
		if j.Enabled {
			known = append(known, j.Key())
		}
	}
	switch {
	case len(found) > 1:
		return job.Job{}, fault.New(fault.ConfigInvalid, "%d use cases have a job %q", len(found), name).WithHint("name it as %s", found[0].Key())
	case len(found) == 1 && found[0].Enabled:
		return found[0], nil
	case len(found) == 1:
		return job.Job{}, fault.New(fault.NotFound, "there is no job %q: it is disabled", name).WithHint("write enabled: true in its file and apply the jobs")
	}
	err := fault.New(fault.NotFound, "there is no job %q among those that are deployed", name)
	if near := fault.Nearest(name, known); near != "" {
		return job.Job{}, err.WithHint("did you mean %s?", near)
	}
	return job.Job{}, err.WithHint("lockstep apply deploys the jobs of a project")
}
