package asl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// bucket is a store of objects in memory.
type bucket struct {
	mu      sync.Mutex
	objects map[string]string
}

func (b *bucket) Read(_ context.Context, name, key string) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	v, ok := b.objects[name+"/"+key]
	if !ok {
		return nil, fmt.Errorf("read: %w", ErrNoObject)
	}
	return []byte(v), nil
}

func (b *bucket) List(_ context.Context, name, prefix string) ([]Object, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []Object
	for k, v := range b.objects {
		if key, ok := strings.CutPrefix(k, name+"/"); ok && strings.HasPrefix(key, prefix) {
			out = append(out, Object{Key: key, Size: int64(len(v))})
		}
	}
	slices.SortFunc(out, func(a, b Object) int { return strings.Compare(a.Key, b.Key) })
	return out, nil
}

func (b *bucket) Write(_ context.Context, name, key string, content []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if name == "closed" {
		return errors.New("access denied")
	}
	b.objects[name+"/"+key] = string(content)
	return nil
}

const processor = `"ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "B", "States": {"B": {"Type": "Task", "Resource": "f", "End": true}}}`

func reader(config string) string {
	return `"A": {"Type": "Map", "End": true, "ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {` + config + `}, "Parameters": {"Bucket": "b", "Key.$": "$.key"}}, ` + processor + `}`
}

var distributedRuns = []struct{ name, states, input, want string }{
	{"items of the input", `"A": {"Type": "Map", "ItemsPath": "$.l", "End": true, ` + processor + `}`, `{"l": [1, 2]}`, `SUCCEEDED [1,2]`},
	{"JSON", reader(`"InputType": "JSON"`), `{"key": "l.json"}`, `SUCCEEDED [{"n":1},{"n":2},{"n":3}]`},
	{"JSON with a pointer", reader(`"InputType": "JSON", "ItemsPointer": "/a/b~1c"`), `{"key": "deep.json"}`, `SUCCEEDED [7]`},
	{"JSON that is no array", reader(`"InputType": "JSON"`), `{"key": "deep.json"}`, `FAILED States.ItemReaderFailed`},
	{"JSON that is none", reader(`"InputType": "JSON"`), `{"key": "t.csv"}`, `FAILED States.ItemReaderFailed`},
	{"JSON lines", reader(`"InputType": "JSONL"`), `{"key": "l.jsonl"}`, `SUCCEEDED [1,{"a":2}]`},
	{"CSV", reader(`"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"`), `{"key": "t.csv"}`, `SUCCEEDED [{"x":"1","y":"a,b"},{"x":"2","y":""},{"x":"3","y":"say \"hi\""}]`},
	{"CSV with headers given", reader(`"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["p", "q"], "CSVDelimiter": "PIPE"`), `{"key": "p.csv"}`, `SUCCEEDED [{"p":"1","q":"a|b"}]`},
	{"at most so many", reader(`"InputType": "JSON", "MaxItems": 2`), `{"key": "l.json"}`, `SUCCEEDED [{"n":1},{"n":2}]`},
	{"no such object", reader(`"InputType": "JSON"`), `{"key": "none"}`, `FAILED States.ItemReaderFailed`},
	{"a manifest", reader(`"InputType": "MANIFEST"`), `{"key": "manifest.json"}`, `SUCCEEDED [{"Bucket":"b","Key":"k1"},{"Bucket":"b","Key":"k2"}]`},
	{"a listing", `"A": {"Type": "Map", "End": true, "ItemReader": {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "b", "Prefix": "l."}}, "ItemSelector": {"k.$": "$$.Map.Item.Value.Key"}, ` + processor + `}`,
		`{}`, `SUCCEEDED [{"k":"l.json"},{"k":"l.jsonl"}]`},
	{"batches by number", `"A": {"Type": "Map", "End": true, "ItemBatcher": {"MaxItemsPerBatch": 2, "BatchInput": {"t.$": "$[0]"}}, ` + processor + `}`, `[1, 2, 3]`,
		`SUCCEEDED [{"BatchInput":{"t":1},"Items":[1,2]},{"BatchInput":{"t":1},"Items":[3]}]`},
	{"batches by size", `"A": {"Type": "Map", "End": true, "ItemBatcher": {"MaxInputBytesPerBatch": 30}, ` + processor + `}`, `["aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc"]`,
		`SUCCEEDED [{"Items":["aaaaaaaaaa"]},{"Items":["bbbbbbbbbb"]},{"Items":["cccccccccc"]}]`},
	{"a failure too many", `"A": {"Type": "Map", "End": true, ` + processor + `}`, `["bad", 1]`, `FAILED States.ExceedToleratedFailureThreshold`},
	{"failures tolerated by number", `"A": {"Type": "Map", "ToleratedFailureCount": 1, "End": true, ` + processor + `}`, `["bad", 1]`, `SUCCEEDED [1]`},
	{"failures tolerated by share", `"A": {"Type": "Map", "ToleratedFailurePercentage": 50, "End": true, ` + processor + `}`, `["bad", 1]`, `SUCCEEDED [1]`},
	{"the share is exceeded", `"A": {"Type": "Map", "ToleratedFailurePercentage": 49, "End": true, ` + processor + `}`, `["bad", 1]`, `FAILED States.ExceedToleratedFailureThreshold`},
	{"a failed run is caught", `"A": {"Type": "Map", "End": true, "Catch": [{"ErrorEquals": ["States.ExceedToleratedFailureThreshold"], "ResultPath": null, "Next": "Z"}], ` + processor + `}, "Z": {"Type": "Succeed"}`,
		`["bad"]`, `SUCCEEDED ["bad"]`},
	{"results that cannot be written", `"A": {"Type": "Map", "End": true, "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "closed"}}, ` + processor + `}`,
		`[1]`, `FAILED States.ResultWriterFailed`},
}

func newBucket() *bucket {
	return &bucket{objects: map[string]string{
		"b/l.json": `[{"n": 1}, {"n": 2}, {"n": 3}]`, "b/deep.json": `{"a": {"b/c": [7]}}`, "b/l.jsonl": "1\n\n{\"a\": 2}\n",
		"b/t.csv": "x,y\r\n1,\"a,b\"\n2\n3,\"say \"\"hi\"\"\",more\n", "b/p.csv": "1|a\\|b\n",
		"b/manifest.json": `{"fileSchema": "Bucket, Key", "files": [{"key": "inventory.csv"}]}`, "b/inventory.csv": "\"b\",\"k1\"\n\"b\",\"k2\"\n",
	}}
}

// echoButBad gives its arguments, but fails on "bad".
func echoButBad(_ context.Context, arguments json.RawMessage) (json.RawMessage, error) {
	if string(arguments) == `"bad"` {
		return nil, &Error{Name: "Bad", Cause: "because"}
	}
	return arguments, nil
}

func TestDistributed(t *testing.T) {
	for _, c := range distributedRuns {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, jsonPathStates(c.states))
			r.Objects, r.Tasks["f"] = newBucket(), echoButBad
			check(t, r.run(t, c.input), c.want)
		})
	}
}

func TestDistributed_ResultWriter(t *testing.T) {
	for _, c := range []struct{ config, succeeded string }{
		{`"Transformation": "COMPACT"`, `[[1],[2]]`}, {`"Transformation": "FLATTEN"`, `[1,2]`}, {`"Transformation": "COMPACT", "OutputType": "JSONL"`, "[1]\n[2]\n"},
	} {
		r := newRig(t, jsonPathStates(`"A": {"Type": "Map", "ToleratedFailureCount": 1, "End": true, "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject",
			"Parameters": {"Bucket": "out", "Prefix": "p"}, "WriterConfig": {`+c.config+`}}, `+processor+`}`))
		b := newBucket()
		r.Objects, r.Tasks["f"] = b, echoButBad
		got := r.run(t, `[[1], "bad", [2]]`)
		var out struct{ ResultWriterDetails struct{ Bucket, Key string } }
		if err := json.Unmarshal(got.Output, &out); err != nil || out.ResultWriterDetails.Bucket != "out" {
			t.Fatalf("%s %s: %v", got.Status, got.Output, err)
		}
		var m manifest
		if err := json.Unmarshal([]byte(b.objects["out/"+out.ResultWriterDetails.Key]), &m); err != nil {
			t.Fatal(err)
		}
		if len(m.ResultFiles["SUCCEEDED"]) != 1 || len(m.ResultFiles["FAILED"]) != 1 || len(m.ResultFiles["PENDING"]) != 0 {
			t.Fatalf("manifest is %+v", m)
		}
		if got := b.objects["out/"+m.ResultFiles["SUCCEEDED"][0].Key]; got != c.succeeded {
			t.Errorf("%s wrote %s, want %s", c.config, got, c.succeeded)
		}
		if failed := b.objects["out/"+m.ResultFiles["FAILED"][0].Key]; !strings.Contains(failed, `"Error":"Bad"`) {
			t.Errorf("failed ones are %s", failed)
		}
	}
}

func TestDistributed_History(t *testing.T) {
	r := newRig(t, jsonPathStates(`"A": {"Type": "Map", "End": true, `+processor+`}`))
	r.Tasks["f"] = echo
	check(t, r.run(t, `[1, 2]`), `SUCCEEDED [1,2]`)
	want := "ExecutionStarted MapStateEntered MapStateStarted MapRunStarted MapRunSucceeded MapStateSucceeded MapStateExited ExecutionSucceeded"
	if d := cmp.Diff(r.rec.types(), want); d != "" {
		t.Error(d)
	}
}
