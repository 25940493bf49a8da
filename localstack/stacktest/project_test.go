//go:build localstack

package stacktest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/localstack/stacktest"
)

// The tests of this package share one installation: deploying takes longer than any of them.
var stack *stacktest.Stack

// patience bounds one wait. LocalStack takes seconds for what takes AWS milliseconds, minutes on a machine with other work.
const patience = 10 * time.Minute

const (
	day        = "2026-07-23"
	frequent   = 40 // records a batch of the jobs that are disturbed: 249 countries are 7 batches
	countries  = "countries.csv"
	runways    = "runways.csv.gz"
	dataFolder = "lockstep-test-data"
)

// The jobs that are disturbed: each has a test of its own.
var disturbed = []string{"named", "held", "ruled", "killed", "stopped", "throttled", "timed"}

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	if stack, err = stacktest.New(stacktest.NewAccount()); err != nil {
		return 1, err
	}
	dir, err := os.MkdirTemp("", "lockstep-project-")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := writeProject(dir, "deployed"); err != nil {
		return 1, err
	}
	if err := putData(ctx); err != nil {
		return 1, err
	}
	if err := stack.Deploy(ctx, stacktest.Options{Config: dir}); err != nil {
		return 1, err
	}
	code = m.Run()
	end, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	return code, stack.Close(end)
}

func bucket() string { return dataFolder + "-" + stack.Account }

func example(parts ...string) string {
	root, err := stacktest.Root()
	if err != nil {
		panic(err)
	}
	return filepath.Join(append([]string{root, "examples", "airports"}, parts...)...)
}

func putData(ctx context.Context) error {
	if err := stack.MakeBucket(ctx, bucket()); err != nil {
		return err
	}
	for _, name := range []string{countries, runways} {
		if err := stack.PutFile(ctx, bucket(), "data/"+day+"/"+name, example("data", day, name)); err != nil {
			return err
		}
	}
	return nil
}

// writeProject writes the example's job runways, reading and writing S3, and a small job for each test that disturbs one.
func writeProject(dir, out string) error {
	if err := os.MkdirAll(filepath.Join(dir, "jobs"), 0o755); err != nil {
		return err
	}
	text, err := os.ReadFile(example("jobs", "runways.yaml"))
	if err != nil {
		return err
	}
	job := string(text)
	for from, to := range map[string]string{
		`"data/${DAY:-` + day + `}/` + runways + `"`: "s3://" + bucket() + "/data/" + day + "/" + runways,
		"connector: sqlite":                          "connector: file",
		"{path: out/airports.db}":                    `{path: "s3://` + bucket() + "/" + out + `/runways/", format: ndjson}`,
		"{mode: upsert, delete_missing: true}":       "{mode: append}",
	} {
		if !strings.Contains(job, from) {
			return fmt.Errorf("the example's job has no %s any more", from)
		}
		job = strings.ReplaceAll(job, from, to)
	}
	if err := os.WriteFile(filepath.Join(dir, "jobs", "runways.yaml"), []byte(job), 0o600); err != nil {
		return err
	}
	for _, id := range disturbed {
		job := fmt.Sprintf(`id: %s
source:
  connector: file
  config: {path: "s3://%s/data/%s/%s"}
  streams: [{name: countries, key: [id], mode: incremental}]
destination:
  connector: file
  config: {path: "s3://%s/%s/%s/", format: ndjson}
  write: {mode: append}
batch: {records: %d}
`, id, bucket(), day, countries, bucket(), out, id, frequent)
		if id == "timed" {
			job += "schedule: {cron: \"0 3 * * *\"}\n"
		}
		if err := os.WriteFile(filepath.Join(dir, "jobs", id+".yaml"), []byte(job), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// manifest is what a reader of a destination in a bucket goes by.
type manifest struct {
	Files []struct {
		Name  string `json:"name"`
		Rows  int    `json:"rows"`
		Bytes int    `json:"bytes"`
	} `json:"files"`
}

// rows reads what arrived in a folder of the bucket, as its manifest says: names of parts, and their content one behind the other.
func rows(t *testing.T, folder string) (names []string, data []byte) {
	t.Helper()
	text, err := stack.Object(t.Context(), bucket(), folder+"/manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	for _, f := range m.Files {
		part, err := stack.Object(t.Context(), bucket(), folder+"/"+f.Name)
		if err != nil {
			t.Fatal(err)
		}
		if len(part) != f.Bytes || bytes.Count(part, []byte("\n")) != f.Rows {
			t.Errorf("%s has %d bytes and %d rows, its manifest says %+v", f.Name, len(part), bytes.Count(part, []byte("\n")), f)
		}
		names, data = append(names, f.Name), append(data, part...)
	}
	return names, data
}

// within bounds a wait.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}
