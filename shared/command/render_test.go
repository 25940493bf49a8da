package command

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// rendered is what a write method prints on a terminal of 80 columns without colours, two minutes after began.
func rendered(write func(a *app)) string {
	var out bytes.Buffer
	a := newApp(Options{Out: &out, Now: func() time.Time { return began.Add(3 * time.Minute) }, Terminal: func(any) int { return 80 }})
	write(a)
	return out.String()
}

func TestRender(t *testing.T) {
	run := runRow{Run: "20261122T120000Z-1a2b3c4d", Job: "runways", Status: "partial", Trigger: "manual", Created: began, Started: &began,
		Seconds: 4.2, Read: 47000, Loaded: 46000, Inserted: 53, Updated: 68, Unchanged: 45879, Filtered: 997, Failed: 3, Batches: 3}
	failures := []failureRow{
		{ID: "r1#s#p#00000001#000003", Short: "3f9a1c07", Job: "runways", Run: "r1", Time: began, Stream: "runways", Partition: "p", Seq: 1, Index: 3,
			Key: "[4]", Phase: "validate", Code: "DataInvalid", Rule: "range", Message: "length_ft is 99000, at most 30000", Tries: 1, Status: "open",
			Snapshot: json.RawMessage(`{"id":4,"__truncated__":true}`), Batch: "runs/x/extract.arrow"},
	}
	for _, c := range []struct {
		name  string
		write func(a *app)
		want  string
	}{
		{"status", func(a *app) {
			a.writeStatus([]jobStatus{
				{Job: "countries", Next: "lockstep run countries"},
				{Job: "runways", Lock: "SUCCEEDED", Run: &run, Next: "lockstep failures list runways"},
				{Job: "slow", Lock: "IN_PROGRESS", Tries: 1, Run: &runRow{Status: "running", Created: began, Read: 7, Loaded: 7}},
			})
		}, `
JOB        LOCK         LAST RUN  WHEN         READ  LOADED  FAILED  TRIES
countries  never ran    -         -               -       -       -      0
  next: lockstep run countries
runways    SUCCEEDED    partial   3 min ago  47,000  46,000       3      0
  next: lockstep failures list runways
slow       IN_PROGRESS  running   3 min ago       7       7       0      1
`},
		{"status of a job", func(a *app) {
			lease := began.Add(time.Hour)
			a.writeDetail(jobStatus{Job: "runways", Lock: "IN_PROGRESS", Holder: "dead", HolderID: "local:host:1", LeaseUntil: &lease, Tries: 2, Run: &run,
				Next: "lockstep run runways goes on with it", Checkpoints: []checkpointStatus{
					{Stream: "runways", Partition: "a.csv", Seq: 12, Total: 46000, Fence: 3, UpdatedAt: began, Position: "o1048576"},
					{Stream: "runways", Partition: store.CommitPartition, Fence: 4, UpdatedAt: began, Position: "a fingerprint"},
				}})
		}, `
runways  IN_PROGRESS
  last run     20261122T120000Z-1a2b3c4d  partial, 3 min ago
  counts       47,000 read = 46,000 loaded + 997 filtered + 3 failed
  holder       dead (local:host:1)
  lease        until 2026-11-22 13:00:00Z
  tries        2
  next         lockstep run runways goes on with it

STREAM   PARTITION  SEQ   TOTAL  FENCE  MOVED      POSITION
runways  a.csv       12  46,000      3  3 min ago  o1048576
runways  (commit)     0       0      4  3 min ago
`},
		{"runs", func(a *app) { a.writeRuns([]runRow{run}, true) }, `
RUN                        JOB      STATUS   WHEN        TOOK    READ  LOADED  FAILED  ERROR
20261122T120000Z-1a2b3c4d  runways  partial  3 min ago  4.2 s  47,000  46,000       3
there are more: --limit
`},
		{"a run", func(a *app) {
			a.writeRun(runDetail{runRow: run, Version: "0.1.0", Input: json.RawMessage(`{"job":"runways"}`),
				Partitions: []partitionRow{{"runways", "a.csv", 3, store.Counters{Read: 47000, Loaded: 46000, Filtered: 997, Failed: 3}, "DataInvalid", "line 7"}},
				Executions: []executionRow{{Step: "load", Turns: 3, Failed: 1, Records: 47000, Seconds: 3.5, Code: "Transient"}}})
		}, `
runways  partial  run 20261122T120000Z-1a2b3c4d
  created    2026-11-22 12:00:00Z by manual, Lockstep 0.1.0
  took       4.2 s
  read       47,000 = 46,000 loaded + 997 filtered + 3 failed
  loaded     46,000 = 53 inserted + 68 updated + 45,879 unchanged
  besides    0 deleted, 0 warned, 3 batches
  input      {"job":"runways"}
  look       lockstep failures list runways --run 20261122T120000Z-1a2b3c4d

STREAM   PARTITION  SEQ    READ  LOADED  FILTERED  FAILED  ERROR
runways  a.csv        3  47,000  46,000       997       3  DataInvalid
  line 7

STEP  TURNS  FAILED  RECORDS   TIME  LAST ERROR
load      3       1   47,000  3.5 s  Transient
`},
		{"failures", func(a *app) { a.writeFailures(failures, false) }, `
ID        TIME         STREAM   PHASE     CODE         RULE   MESSAGE
3f9a1c07  11-22 12:00  runways  validate  DataInvalid  range  length_ft is 9900…
lockstep failures show ID tells all about one
`},
		{"a failure", func(a *app) { a.writeFailure(failures[0], false) }, `
r1#s#p#00000001#000003
  job        runways, stream runways, partition p
  run        r1
  time       2026-11-22 12:00:00Z
  key        [4]
  phase      validate
  rule       range
  code       DataInvalid
  message    length_ft is 99000, at most 30000
  tries      1
  status     open
  place      record 4 of batch 1
  whole      in runs/x/extract.arrow

{
  "id": 4,
  "__truncated__": true
}
cut; the whole record: lockstep failures show 3f9a1c07 --whole
`},
		{"a failure that may not be shown", func(a *app) {
			a.writeFailure(failureRow{ID: "x", Job: "j", Run: "r", Time: began, Stream: "s", Partition: "p", Phase: "extract", Code: "DataInvalid",
				Message: "m", Tries: 1, Status: "open", Batch: "b", hidden: true}, true)
		}, `
x
  job        j, stream s, partition p
  run        r
  time       2026-11-22 12:00:00Z
  phase      extract
  code       DataInvalid
  message    m
  tries      1
  status     open
  place      record 1 of batch 0
not shown: the job masks columns
`},
		{"check", func(a *app) {
			a.writeCheck(checkReport{
				Problems: fault.Problems{{File: "jobs/a.yaml", Line: 3, Column: 5, Path: "rules[0].rnge", Code: "unknown_rule", Message: `there is no rule "rnge"`, Hint: "did you mean range?"}},
				Warnings: fault.Problems{{File: "jobs/b.yaml", Line: 1, Column: 1, Path: "id", Code: "w", Message: "likely to surprise"}},
				Jobs: []jobCheck{
					{ID: "b", File: "jobs/b.yaml", Enabled: true, Asked: true, Source: "file",
						Streams:    []streamCheck{{Name: "s", Mode: "incremental", Key: []string{"id"}, Cursor: "at", Columns: []string{"id int", "at date"}, Loaded: []string{"id int"}}},
						Guarantees: []guaranteeCheck{{"db", "sqlite", "upsert", "exactly once", "the rows, the receipt of the batch and the writer's fence are one transaction"}}},
					{ID: "c", File: "jobs/c.yaml", Enabled: true, Asked: true, Source: "file", Error: &explained{"NotFound", "there is no file x.csv", "look in data"}},
				},
			})
		}, `
b  ok  jobs/b.yaml
  s ─► incremental, key id, cursor at, 2 columns, 1 loaded
  db (upsert): exactly once
    since the rows, the receipt of the batch and the writer's fence are one
    transaction
c  not reached  jobs/c.yaml
  file: there is no file x.csv [NotFound]
    look in data
warning: jobs/b.yaml:1:1: id: likely to surprise [w]
problem: jobs/a.yaml:3:5: rules[0].rnge: there is no rule "rnge" [unknown_rule]
    did you mean range?
1 problem
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(strings.TrimPrefix(c.want, "\n"), rendered(c.write)); diff != "" {
				t.Errorf("want -, got +\n%s", diff)
			}
		})
	}
}

func TestFailuresShow_WholeAndMasked(t *testing.T) {
	p := newProject(t)
	long := strings.Repeat("x", 5000)
	p.file(t, "data/orders.csv", "id,ordered_at,customer,amount,status,note\n1,2026-01-03,,19.90,secret,"+long+"\n2,2026-01-03,Ada,19.90,paid,\n")
	p.file(t, "jobs/sample.yaml", strings.Replace(p.read(t, "jobs/sample.yaml"), "on_failure: skip", "on_failure: {action: skip, mask: [status]}", 1))
	p.want(t, ExitOK, []string{"1 failed"}, "run", "sample")
	list := decode[[]failureRow](t, p.want(t, ExitOK, nil, "failures", "list", "--json"))
	if len(list) != 1 || list[0].Batch == "" {
		t.Fatalf("got %+v", list)
	}
	p.want(t, ExitOK, []string{`"__truncated__": true`, "--whole"}, "failures", "show", list[0].Short)
	c := p.want(t, ExitOK, []string{long, `"status": "***"`}, "failures", "show", list[0].Short, "--whole")
	if strings.Contains(c.out, "secret") {
		t.Error("the masked value is shown")
	}
	if err := os.RemoveAll(filepath.Join(p.dir, stateFolder, "blobs")); err != nil {
		t.Fatal(err)
	}
	p.want(t, ExitUnreachable, []string{"NotFound"}, "failures", "show", list[0].Short, "--whole")
}
