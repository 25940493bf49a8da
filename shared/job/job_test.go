package job_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func sample() job.Job {
	return job.Job{
		Version: job.Version, ID: "a", Enabled: true,
		Source: job.Source{Connector: "file", Config: setting.Of(map[string]any{"path": "a.csv"}), Transforms: []job.Component{{Name: "first"}},
			Streams: []job.Stream{{Name: "x", Mode: job.Full, Columns: map[string]record.Type{"n": {Kind: record.Decimal, Precision: 9, Scale: 2}}}, {Name: "y", Mode: job.Full, Target: "z"}}},
		Transforms:   []job.Component{{Name: "all"}, {Name: "only y", Streams: []string{"y"}}},
		Rules:        []job.Rule{{Component: job.Component{Name: "r", Streams: []string{"x"}}, Severity: job.Warn}},
		Destinations: []job.Destination{{Name: "d", Connector: "sqlite", Write: job.Write{Mode: job.Append}, Drift: job.Halt}},
		Parameters:   job.Parameters{"big": int64(9007199254740993), "half": 0.5, "list": []any{int64(1), nil}},
	}
}

func TestJob_JSON(t *testing.T) {
	want := sample()
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got job.Job
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Parameters, got.Parameters); diff != "" {
		t.Error(diff)
	}
	again, _ := json.Marshal(got)
	if diff := cmp.Diff(string(data), string(again)); diff != "" {
		t.Error(diff)
	}
	if err := json.Unmarshal([]byte(`{"parameters": [1]}`), &got); err == nil {
		t.Error("a list was read as parameters")
	}
}

func TestJob_Key(t *testing.T) {
	j := sample()
	if j.Key() != "a" {
		t.Errorf("got %s", j.Key())
	}
	if j.UseCase = "night"; j.Key() != "night____a" {
		t.Errorf("got %s", j.Key())
	}
}

func TestJob_Stream(t *testing.T) {
	j := sample()
	if s, ok := j.Stream("y"); !ok || s.TargetName() != "z" {
		t.Errorf("got %+v, %v", s, ok)
	}
	if _, ok := j.Stream("unknown"); ok {
		t.Error("a stream that the job does not list was found")
	}
	j.Source.Streams, j.Source.Defaults = nil, job.Stream{Mode: job.Incremental, Cursor: "c"}
	if s, ok := j.Stream("found"); !ok || s.Name != "found" || s.Cursor != "c" || s.TargetName() != "found" {
		t.Errorf("got %+v, %v", s, ok)
	}
}

func TestJob_ChainAndRules(t *testing.T) {
	j := sample()
	names := func(stream string) (out []string) {
		for _, c := range j.Chain(stream) {
			out = append(out, c.Name)
		}
		for _, r := range j.RulesOf(stream) {
			out = append(out, r.Name)
		}
		return out
	}
	if diff := cmp.Diff([]string{"first", "all", "r"}, names("x")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"first", "all", "only y"}, names("y")); diff != "" {
		t.Error(diff)
	}
}

func TestJob_Digest(t *testing.T) {
	base := sample().Digest()
	same := map[string]func(*job.Job){
		"description": func(j *job.Job) { j.Description = "x" }, "tags": func(j *job.Job) { j.Tags = map[string]string{"a": "b"} },
		"parameters": func(j *job.Job) { j.Parameters = nil }, "enabled": func(j *job.Job) { j.Enabled = false },
		"max tries": func(j *job.Job) { j.MaxTries = 9 }, "concurrency": func(j *job.Job) { j.Concurrency = 9 },
		"max instances": func(j *job.Job) { j.MaxInstances = 9 },
	}
	for name, change := range same {
		j := sample()
		if change(&j); j.Digest() != base {
			t.Errorf("%s changes the digest", name)
		}
	}
	other := map[string]func(*job.Job){
		"config": func(j *job.Job) { j.Source.Config = setting.Of(nil) }, "key": func(j *job.Job) { j.Source.Streams[0].Key = []string{"id"} },
		"transforms": func(j *job.Job) { j.Transforms = nil }, "write": func(j *job.Job) { j.Destinations[0].Write.Mode = job.Replace },
		"batch": func(j *job.Job) { j.Batch.Records = 5 },
	}
	for name, change := range other {
		j := sample()
		if change(&j); j.Digest() == base {
			t.Errorf("%s does not change the digest", name)
		}
	}
}

func TestBatch_Limits(t *testing.T) {
	if r, b := (job.Batch{}).Limits(); r != job.AutoRecords || b != job.AutoBytes {
		t.Errorf("got %d, %d", r, b)
	}
	if r, b := (job.Batch{Records: 5, Bytes: 6}).Limits(); r != 5 || b != 6 {
		t.Errorf("got %d, %d", r, b)
	}
	if d := (job.OnFailure{DelayMS: 250}).Delay(); d != 250*time.Millisecond {
		t.Errorf("got %v", d)
	}
}
