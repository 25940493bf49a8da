package asl

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
)

// ResultWriter says where a Distributed Map writes its results (developer guide, "ResultWriter").
type ResultWriter struct {
	Resource       string    // ends in s3:putObject; empty: nothing is written, the results are only transformed
	Parameters     *Template // Parameters or Arguments: Bucket, Prefix
	Transformation string    // NONE, COMPACT or FLATTEN; empty: NONE
	OutputType     string    // JSON or JSONL; empty: JSON
}

// resultFile is one file that a manifest names.
type resultFile struct {
	Key  string
	Size int
}

// manifest is what a Map Run's manifest.json holds.
type manifest struct {
	DestinationBucket string
	MapRunArn         string
	ResultFiles       map[string][]resultFile
}

// writeResults writes what the executions gave, and a manifest, and gives the place of the manifest.
func (v *visit) writeResults(ctx context.Context, work mapRunWork, children []child) (any, error) {
	w := v.state.Iterate.ResultWriter
	if w.Resource == "" {
		return w.results(children, true), nil
	}
	if v.run.in.Objects == nil {
		return nil, &Error{Name: ErrorResultWriter, Cause: "there is no store of objects to write results to"}
	}
	place := map[string]any{}
	if w.Parameters != nil {
		value, err := v.eval(w.Parameters, work.effective)
		if err != nil {
			return nil, err
		}
		place, _ = value.(map[string]any)
	}
	bucket, _ := place["Bucket"].(string)
	prefix, _ := place["Prefix"].(string)
	sum := sha256.Sum256([]byte(work.id))
	folder := path.Join(prefix, hex.EncodeToString(sum[:16]))
	m := manifest{DestinationBucket: bucket, MapRunArn: work.id, ResultFiles: map[string][]resultFile{"FAILED": {}, "PENDING": {}, "SUCCEEDED": {}}}
	for _, kind := range []string{"FAILED", "PENDING", "SUCCEEDED"} {
		content, err := w.file(children, kind)
		if err != nil {
			return nil, err
		}
		if content == nil {
			continue
		}
		key := fmt.Sprintf("%s/%s_0.%s", folder, kind, w.extension())
		if err := v.run.in.Objects.Write(ctx, bucket, key, content); err != nil {
			return nil, &Error{Name: ErrorResultWriter, Cause: err.Error()}
		}
		m.ResultFiles[kind] = append(m.ResultFiles[kind], resultFile{key, len(content)})
	}
	content, err := json.Marshal(m)
	if err != nil {
		return nil, &Error{Name: ErrorResultWriter, Cause: err.Error()}
	}
	key := folder + "/manifest.json"
	if err := v.run.in.Objects.Write(ctx, bucket, key, content); err != nil {
		return nil, &Error{Name: ErrorResultWriter, Cause: err.Error()}
	}
	return map[string]any{"MapRunArn": work.id, "ResultWriterDetails": map[string]any{"Bucket": bucket, "Key": key}}, nil
}

func (w *ResultWriter) extension() string {
	if w.OutputType == "JSONL" {
		return "jsonl"
	}
	return "json"
}

// file gives the content of one kind of results, nil when there are none.
func (w *ResultWriter) file(children []child, kind string) ([]byte, error) {
	var of []child
	for _, c := range children {
		got := "SUCCEEDED"
		switch {
		case !c.ran:
			got = "PENDING"
		case c.err != nil:
			got = "FAILED"
		}
		if got == kind {
			of = append(of, c)
		}
	}
	if len(of) == 0 {
		return nil, nil
	}
	results := w.results(of, kind == "SUCCEEDED")
	if w.OutputType != "JSONL" {
		return jsonata.Encode(results)
	}
	var out []byte
	for _, r := range results {
		line, err := jsonata.Encode(r)
		if err != nil {
			return nil, err
		}
		out = append(append(out, line...), '\n')
	}
	return out, nil
}

// results transforms what the executions gave: their descriptions, their outputs, or the elements of those that are arrays.
func (w *ResultWriter) results(children []child, succeeded bool) []any {
	out := make([]any, 0, len(children))
	for _, c := range children {
		switch {
		case !succeeded || w.Transformation == "" && w.Resource != "" || w.Transformation == "NONE":
			out = append(out, c.describe())
		case c.err != nil:
		case w.Transformation == "FLATTEN":
			if items, ok := c.output.([]any); ok {
				out = append(out, items...)
				continue
			}
			out = append(out, c.output)
		default:
			out = append(out, c.output)
		}
	}
	return out
}

// describe is the description of an execution as DescribeExecution gives it.
func (c *child) describe() map[string]any {
	d := map[string]any{"Name": c.name, "Input": text(c.input), "Status": string(StatusSucceeded)}
	switch {
	case !c.ran:
		d["Status"] = "PENDING"
	case c.err != nil:
		d["Status"], d["Error"], d["Cause"] = string(StatusFailed), c.err.Name, c.err.Cause
	default:
		d["Output"] = text(c.output)
	}
	return d
}
