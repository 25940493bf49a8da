package command

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/store"
)

// failuresFlags are those of failures list.
type failuresFlags struct {
	run, stream, phase, code, since string
	limit                           int
	count                           bool
}

func (a *app) failuresCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "failures",
		Short: "Look into the failure ledger",
		Long: `A record that cannot be moved is kept in the failure ledger with its reason and a snapshot, so that the others go on.
list shows the failures, show tells all about one.`,
		Example: `  lockstep failures list runways
  lockstep failures show 3f9a1c07`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return a.help(cmd)
		},
	}
	c.AddCommand(a.failuresListCommand(), a.failuresShowCommand())
	return c
}

func (a *app) failuresListCommand() *cobra.Command {
	var f failuresFlags
	c := &cobra.Command{
		Use:   "list [JOB]",
		Short: "List records that could not be moved",
		Long: `List shows the records that could not be moved: when, in which stream and phase, why, and the record's key.
With --count it shows how many there are of each kind.`,
		Example: `  lockstep failures list runways
  lockstep failures list runways --run 20261122T194348Z-1a2b3c4d --phase validate
  lockstep failures list --since 24h --count`,
		Args:              between(0, 1),
		ValidArgsFunction: a.completeJobs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.failures(cmd.Context(), slices.Concat(args, []string{""})[0], f)
		},
	}
	fs := c.Flags()
	fs.StringVar(&f.run, "run", "", "only of this run")
	fs.StringVar(&f.stream, "stream", "", "only of this stream")
	fs.StringVar(&f.phase, "phase", "", "only of this phase: extract, transform, validate, load")
	fs.StringVar(&f.code, "code", "", "only with this code")
	fs.StringVar(&f.since, "since", "", "not older than this: 90m, 24h, 7d, or a time")
	fs.IntVar(&f.limit, "limit", 100, "at most so many, 1 to 1000")
	fs.BoolVar(&f.count, "count", false, "count them by stream, phase, code and rule")
	return c
}

// failureRow is a failure as lists show it.
type failureRow struct {
	ID        string          `json:"id"`
	Short     string          `json:"short"` // the first 8 digits of the id's hash; show knows it too
	Job       string          `json:"job"`
	Run       string          `json:"run"`
	Time      time.Time       `json:"time"`
	Stream    string          `json:"stream"`
	Partition string          `json:"partition"`
	Seq       int64           `json:"seq"`
	Index     int             `json:"index"`
	Key       string          `json:"key"`
	Phase     string          `json:"phase"`
	Code      string          `json:"code"`
	Rule      string          `json:"rule"`
	Message   string          `json:"message"`
	Tries     int             `json:"tries"`
	Status    string          `json:"status"`
	Snapshot  json.RawMessage `json:"snapshot,omitempty"`
	Raw       string          `json:"raw,omitempty"`
	Batch     string          `json:"batch,omitempty"` // object with the whole record, when the snapshot is not whole
	Whole     json.RawMessage `json:"whole,omitempty"`

	hidden bool // the whole record may not be shown
}

func newFailureRow(f store.Failure) failureRow {
	return failureRow{
		ID: f.ID, Short: shortID(f.ID), Job: f.Job, Run: f.Run, Time: f.CreatedAt, Stream: f.Stream, Partition: f.Partition, Seq: f.Seq, Index: f.Index,
		Key: f.Key, Phase: f.Phase, Code: f.Code, Rule: f.Rule, Message: f.Message, Tries: f.Tries, Status: f.Status, Snapshot: f.Snapshot, Raw: f.Raw, Batch: f.Batch,
	}
}

// shortID names a failure in few letters.
func shortID(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:4])
}

func (a *app) failures(ctx context.Context, arg string, f failuresFlags) error {
	if err := checkLimit(f.limit); err != nil {
		return err
	}
	if !slices.Contains([]string{"", "extract", "transform", "validate", "load"}, f.phase) {
		return wrong("phases: extract, transform, validate, load", "there is no phase %q", f.phase)
	}
	q := store.FailureQuery{Run: f.run, Stream: f.stream, Phase: f.phase, Code: f.code, Limit: f.limit}
	var err error
	if q.Since, err = a.since(f.since); err != nil {
		return err
	}
	key, st, err := a.optionalState(ctx, arg)
	if err != nil {
		return err
	}
	q.Job = key
	if st == nil {
		st = &state{}
	} else {
		defer st.Close()
	}
	if f.count {
		return a.countFailures(ctx, st, q)
	}
	rows, more := []failureRow{}, ""
	if st.Store != nil {
		var list []store.Failure
		if list, more, err = st.Failures(ctx, q); err != nil {
			return unreachable(err)
		}
		for _, one := range list {
			rows = append(rows, newFailureRow(one))
		}
	}
	a.writeFailures(rows, more != "")
	return nil
}

func (a *app) writeFailures(rows []failureRow, more bool) {
	if a.flags.json {
		a.json(rows)
		return
	}
	if len(rows) == 0 {
		a.printf("no failures\n")
		return
	}
	t := table{head: []string{"ID", "TIME", "STREAM", "PHASE", "CODE", "RULE", "KEY", "MESSAGE"}}
	narrow := a.width() > 0 && a.width() < 100
	if narrow {
		t.head, t.least = []string{"ID", "TIME", "STREAM", "PHASE", "CODE", "RULE", "MESSAGE"}, 10
	}
	for _, r := range rows {
		if narrow { // the key is in show
			t.add(r.Short, r.Time.UTC().Format("01-02 15:04"), r.Stream, r.Phase, r.Code, r.Rule, printable(r.Message))
			continue
		}
		t.add(r.Short, r.Time.UTC().Format("01-02 15:04:05"), r.Stream, r.Phase, r.Code, r.Rule, shorten(printable(r.Key), 24), printable(r.Message))
	}
	t.write(a.o.Out, a.p, a.width())
	last := "lockstep failures show ID tells all about one"
	if more {
		last += "; there are more: --limit, --count"
	}
	a.printf("%s\n", a.p.dim(last))
}

// failureCount is how many failures are of a kind.
type failureCount struct {
	Job    string `json:"job"`
	Stream string `json:"stream"`
	Phase  string `json:"phase"`
	Code   string `json:"code"`
	Rule   string `json:"rule"`
	Count  int64  `json:"count"`
}

func (a *app) countFailures(ctx context.Context, st *state, q store.FailureQuery) error {
	counts := map[failureCount]int64{}
	if st.Store != nil {
		err := eachFailure(ctx, st, q, func(f store.Failure) bool {
			counts[failureCount{Job: f.Job, Stream: f.Stream, Phase: f.Phase, Code: f.Code, Rule: f.Rule}]++
			return true
		})
		if err != nil {
			return err
		}
	}
	rows := []failureCount{}
	var total int64
	for k, n := range counts {
		k.Count = n
		total += n
		rows = append(rows, k)
	}
	slices.SortFunc(rows, func(x, y failureCount) int {
		return cmp.Or(cmp.Compare(y.Count, x.Count), cmp.Compare(x.Job, y.Job), cmp.Compare(x.Stream, y.Stream), cmp.Compare(x.Phase, y.Phase),
			cmp.Compare(x.Code, y.Code), cmp.Compare(x.Rule, y.Rule))
	})
	if a.flags.json {
		a.json(rows)
		return nil
	}
	if total == 0 {
		a.printf("no failures\n")
		return nil
	}
	t := table{head: []string{"COUNT", "JOB", "STREAM", "PHASE", "CODE", "RULE"}, right: []int{0}}
	for _, r := range rows {
		t.add(count(r.Count), r.Job, r.Stream, r.Phase, r.Code, r.Rule)
	}
	t.write(a.o.Out, a.p, a.width())
	a.printf("%s\n", plural(total, "failure"))
	return nil
}

// eachFailure calls do for every failure until it answers false.
func eachFailure(ctx context.Context, st *state, q store.FailureQuery, do func(store.Failure) bool) error {
	q.Limit = 1000
	for {
		list, more, err := st.Failures(ctx, q)
		if err != nil {
			return unreachable(err)
		}
		for _, f := range list {
			if !do(f) {
				return nil
			}
		}
		if q.Token = more; more == "" {
			return nil
		}
	}
}

func (a *app) failuresShowCommand() *cobra.Command {
	var whole bool
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Tell all about one failure",
		Long: `Show prints why a record failed and the record as it was before the failing step. A snapshot is kept up to 4,096 bytes;
with --whole the record is read from the batch that holds it. Masked columns stay masked.`,
		Example: `  lockstep failures show 3f9a1c07
  lockstep failures show 3f9a1c07 --whole`,
		Args: between(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.failuresShow(cmd.Context(), args[0], whole) },
	}
	c.Flags().BoolVar(&whole, "whole", false, "read the whole record from its batch")
	return c
}

func (a *app) failuresShow(ctx context.Context, id string, whole bool) error {
	s := a.site(a.projectDir())
	st, err := a.viewState(ctx, s)
	if err != nil {
		return err
	}
	if st == nil {
		return wrong("", "there is no failure %q: nothing ran yet", id)
	}
	defer st.Close()
	f, err := findFailure(ctx, st, id)
	if err != nil {
		return err
	}
	row := newFailureRow(f)
	if f.Phase == "extract" && f.Batch != "" && len(f.Snapshot) == 0 {
		mask, err := maskOf(ctx, st, f)
		if err != nil {
			return err
		}
		row.hidden = len(mask) > 0 // what could not be read has no columns to mask
	}
	if whole && !row.hidden {
		if row.Whole, err = a.wholeRecord(ctx, st, s, f); err != nil {
			return err
		}
	}
	if a.flags.json {
		a.json(row)
		return nil
	}
	a.writeFailure(row, whole)
	return nil
}

// findFailure looks for an id, or for the short form of one.
func findFailure(ctx context.Context, st *state, id string) (store.Failure, error) {
	var hits []store.Failure
	err := eachFailure(ctx, st, store.FailureQuery{}, func(f store.Failure) bool {
		if f.ID == id {
			hits = []store.Failure{f}
			return false
		}
		if shortID(f.ID) == id {
			hits = append(hits, f)
		}
		return true
	})
	switch {
	case err != nil:
		return store.Failure{}, err
	case len(hits) == 0:
		return store.Failure{}, wrong("lockstep failures list shows the ids", "there is no failure %q", id)
	case len(hits) > 1:
		return store.Failure{}, wrong("use one of the full ids: "+hits[0].ID+", "+hits[1].ID, "%d failures are called %q", len(hits), id)
	}
	return hits[0], nil
}

// wholeRecord is the record as it was extracted, from the batch that holds it, with the job's masked columns hidden.
func (a *app) wholeRecord(ctx context.Context, st *state, s site, f store.Failure) (json.RawMessage, error) {
	if f.Batch == "" {
		return f.Snapshot, nil // it is whole
	}
	blobs, err := a.openBlobs(ctx, s.blobs)
	if err != nil {
		return nil, err
	}
	defer blobs.Close()
	data, err := blobs.Read(ctx, f.Batch)
	if err != nil {
		return nil, err
	}
	b, err := record.Unmarshal(data)
	if err != nil {
		return nil, fmt.Errorf("object %s: %w", f.Batch, err)
	}
	mask, err := maskOf(ctx, st, f)
	if err != nil {
		return nil, err
	}
	if row := b.RowOf(f.Index); row >= 0 {
		return masked(b.JSON(row), mask)
	}
	for _, reject := range b.Rejects {
		if reject.Index == f.Index && len(reject.Snapshot) > 0 {
			return masked(reject.Snapshot, mask)
		}
		if reject.Index == f.Index && len(mask) == 0 {
			return json.Marshal(reject.Raw)
		}
	}
	return nil, fault.New(fault.NotFound, "object %s has no record %d that may be shown", f.Batch, f.Index)
}

// maskOf gives the columns that the job masked when the failure's run began.
func maskOf(ctx context.Context, st *state, f store.Failure) ([]string, error) {
	r, err := st.Run(ctx, f.Job, f.Run)
	if err != nil {
		return nil, unreachable(err)
	}
	var j struct {
		OnFailure job.OnFailure `json:"on_failure"`
	}
	if err := json.Unmarshal(r.Snapshot, &j); err != nil {
		return nil, fault.New(fault.DataInvalid, "the job of run %s cannot be read: %w", r.ID, err)
	}
	return j.OnFailure.Mask, nil
}

// masked replaces the values of columns with ***; the order of the fields stays.
func masked(object json.RawMessage, mask []string) (json.RawMessage, error) {
	if len(mask) == 0 {
		return object, nil
	}
	dec := json.NewDecoder(bytes.NewReader(object))
	if _, err := dec.Token(); err != nil {
		return nil, fmt.Errorf("read the record: %w", err)
	}
	out := []byte{'{'}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("read the record: %w", err)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, fmt.Errorf("read the record: %w", err)
		}
		if slices.Contains(mask, fmt.Sprint(name)) {
			value = json.RawMessage(`"***"`)
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(record.AppendQuoted(out, fmt.Sprint(name)), ':'), value...)
	}
	return append(out, '}'), nil
}

func (a *app) writeFailure(r failureRow, whole bool) {
	row := func(name, format string, args ...any) {
		if text := fmt.Sprintf(format, args...); text != "" {
			a.printf("  %-10s %s\n", name, printable(text))
		}
	}
	a.printf("%s\n", a.p.bold(r.ID))
	row("job", "%s, stream %s, partition %s", r.Job, r.Stream, r.Partition)
	row("run", "%s", r.Run)
	row("time", "%s", stamp(r.Time))
	row("key", "%s", r.Key)
	row("phase", "%s", r.Phase)
	row("rule", "%s", r.Rule)
	row("code", "%s", r.Code)
	row("message", "%s", r.Message)
	row("tries", "%d", r.Tries)
	row("status", "%s", r.Status)
	row("place", "record %d of batch %d", r.Index+1, r.Seq)
	if r.Batch != "" && !r.hidden {
		row("whole", "in %s", r.Batch)
	}
	switch {
	case whole && len(r.Whole) > 0:
		a.printf("\n%s\n", pretty(r.Whole))
		return
	case len(r.Snapshot) > 0:
		a.printf("\n%s\n", pretty(r.Snapshot))
	case r.Raw != "":
		a.printf("\n%s\n", printable(r.Raw))
	}
	switch {
	case r.hidden:
		a.printf("%s\n", a.p.dim("not shown: the job masks columns"))
	case r.Batch != "":
		a.printf("%s\n", a.p.dim("cut; the whole record: lockstep failures show "+r.Short+" --whole"))
	}
}
