package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/cost"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/step/plan"
)

// costFlags are those of cost.
type costFlags struct {
	records, partitions int64
	prices              string
}

func (a *app) costCommand() *cobra.Command {
	var f costFlags
	c := &cobra.Command{
		Use:   "cost JOB|FILE",
		Short: "Forecast what a run costs on AWS",
		Long: `Cost forecasts a run that reads everything at the source: the transitions of the state machine, the functions' time, the units of the state table,
the requests to S3, and what they cost at list price. It asks the source for its partitions and reads at most 24 batches of each stream; the state machine's own
definition says how many states a batch takes. With --records the source is not asked.`,
		Example: `  lockstep cost runways
  lockstep cost runways --records 1000000 --partitions 8
  lockstep cost runways --prices eu-central-1.json --json`,
		Args:              between(1, 1),
		ValidArgsFunction: a.completeJobs,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.cost(cmd.Context(), args[0], f) },
	}
	c.Flags().Int64Var(&f.records, "records", 0, "how many records the run reads (default: what the source has)")
	c.Flags().Int64Var(&f.partitions, "partitions", 1, "among how many partitions they are; with --records")
	c.Flags().StringVar(&f.prices, "prices", "", "file with prices of another Region or date (default: list prices of us-east-1)")
	return c
}

// costReport is a forecast.
type costReport struct {
	Job        string      `json:"job"`
	Records    int64       `json:"records"`
	Partitions int64       `json:"partitions"`
	Counts     cost.Counts `json:"counts"`
	Pieces     cost.Pieces `json:"pieces"`
	Prices     cost.Prices `json:"prices"`
	Bill       cost.Bill   `json:"usd"`
	PerMillion float64     `json:"usd_per_million_records,omitempty"`
}

func (a *app) cost(ctx context.Context, arg string, f costFlags) error {
	if f.records < 0 || f.partitions < 1 || f.partitions > 1_000_000 {
		return wrong("as in --records 1000000 --partitions 8", "--records or --partitions is out of range")
	}
	prices := cost.ListPrices()
	if f.prices != "" {
		path := f.prices
		if !filepath.IsAbs(path) {
			path = filepath.Join(a.o.Dir, path)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return unreachable(fmt.Errorf("read the prices: %w", err))
		}
		if prices, err = cost.ReadPrices(data); err != nil {
			return err
		}
	}
	found, err := a.find(ctx, arg)
	if err != nil {
		return err
	}
	j := found.doc.Job
	out := costReport{Job: j.Key(), Prices: prices}
	var batches []int64
	if f.records > 0 {
		out.Records, batches = f.records, share(f, j.Batch)
	} else if batches, out.Records, err = a.measure(ctx, found); err != nil {
		return err
	}
	w := cost.Work{Transform: hasTransforms(j), Validate: len(j.Rules) > 0, Partitions: batches}
	if out.Counts, err = cost.Count(ctx, w); err != nil {
		return err
	}
	out.Partitions = int64(len(batches))
	out.Pieces = cost.PiecesOf(out.Counts, w, out.Records, objectsOf(j))
	out.Bill = cost.Price(out.Pieces, prices)
	if out.Records > 0 {
		out.PerMillion = out.Bill.Total / float64(out.Records) * 1e6
	}
	a.writeCost(out)
	return nil
}

// share gives each partition its part of the records, in batches.
func share(f costFlags, b job.Batch) []int64 {
	limit, _ := b.Limits()
	out := make([]int64, f.partitions)
	for i := range out {
		n := f.records / f.partitions
		if int64(i) < f.records%f.partitions {
			n++
		}
		out[i] = batchesOf(n, int64(limit))
	}
	return out
}

// batchesOf is how many batches n pieces take; a partition without any has an empty one.
func batchesOf(n, limit int64) int64 { return max((n+limit-1)/max(limit, 1), 1) }

// hasTransforms says whether batches go through the step transform: transforms of destinations run in load.
func hasTransforms(j job.Job) bool { return len(j.Source.Transforms)+len(j.Transforms) > 0 }

// objectsOf counts the places in S3.
func objectsOf(j job.Job) cost.Objects {
	in := func(v any) bool {
		m, _ := v.(map[string]any)
		path, _ := m["path"].(string)
		return strings.HasPrefix(path, "s3://")
	}
	o := cost.Objects{Source: in(j.Source.Config.Raw())}
	for _, d := range j.Destinations {
		if in(d.Config.Raw()) {
			o.Destinations++
		}
	}
	return o
}

// measure asks the source for its partitions, and reads the beginning of each stream to see how large batches are.
func (a *app) measure(ctx context.Context, f found) (batches []int64, records int64, err error) {
	env := a.env(f)
	defer func() { err = errors.Join(err, env.Close()) }()
	_, resolved, err := env.Jobs.Job(ctx, f.doc.Job.Key())
	if err != nil {
		return nil, 0, err
	}
	src, err := env.OpenSource(ctx, resolved)
	if err != nil {
		return nil, 0, unreachable(err)
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	streams, err := plan.Streams(ctx, src, resolved, nil)
	if err != nil {
		return nil, 0, unreachable(err)
	}
	for _, s := range streams {
		p, err := src.Plan(ctx, connector.PlanRequest{Stream: s, Batch: resolved.Batch, Positions: map[string]string{}})
		if err != nil {
			return nil, 0, unreachable(fmt.Errorf("stream %s: %w", s.Name, err))
		}
		more, n, err := sample(ctx, src, step.StreamPlan{Stream: s, Plan: p}, resolved.Batch)
		if err != nil {
			return nil, 0, unreachable(fmt.Errorf("stream %s: %w", s.Name, err))
		}
		batches, records = append(batches, more...), records+n
	}
	return batches, records, nil
}

// The most batches and records of a stream that are read to see how large batches are.
const (
	sampleBatches = 24
	sampleRecords = 1_000_000
)

// sampled is what was read of a partition.
type sampled struct {
	batches, records, bytes int64
	whole                   bool  // there is no more
	last, lastRecords       int64 // bytes and records of the later half's batches, on average: records often grow with their numbers
}

// look reads the beginning of a partition.
func look(ctx context.Context, src connector.Source, r connector.OpenRequest) (s sampled, err error) {
	reader, err := src.Open(ctx, r)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	var half sampled
	for !s.whole && s.batches < sampleBatches && s.records < sampleRecords {
		b, err := reader.Next(ctx)
		if err != nil && !errors.Is(err, io.EOF) {
			return s, err
		}
		s.batches, s.records, s.bytes, s.whole = s.batches+1, s.records+int64(b.Read), reader.InputBytes(), b.Last || err != nil
		if s.batches == sampleBatches/2 {
			half = s
		}
	}
	n := max(s.batches-half.batches, 1)
	s.last, s.lastRecords = (s.bytes-half.bytes)/n, (s.records-half.records)/n
	return s, nil
}

// sample looks at a stream's largest partition; the others are taken to be alike.
func sample(ctx context.Context, src connector.Source, s step.StreamPlan, b job.Batch) (batches []int64, records int64, err error) {
	parts := s.Plan.Partitions
	if len(parts) == 0 {
		return nil, 0, nil
	}
	largest := 0
	for i, p := range parts {
		if p.Bytes > parts[largest].Bytes {
			largest = i
		}
	}
	limit, bytes := b.Limits()
	seen, err := look(ctx, src, connector.OpenRequest{Stream: s.Stream, Schema: s.Plan.Schema, Partition: parts[largest], Records: limit, Bytes: bytes})
	if err != nil {
		return nil, 0, err
	}
	for i, p := range parts {
		switch {
		case i == largest && seen.whole:
			batches, records = append(batches, seen.batches), records+seen.records
		case p.Bytes > 0 && seen.last > 0:
			share := min(float64(p.Bytes)/float64(seen.bytes), 1) // of what was seen
			rest := float64(max(p.Bytes-seen.bytes, 0)) / float64(seen.last)
			batches = append(batches, max(int64(math.Ceil(share*float64(seen.batches)+rest)), 1))
			records += int64(share*float64(seen.records) + rest*float64(seen.lastRecords))
		case s.Plan.Records > 0:
			n := s.Plan.Records / int64(len(parts))
			batches, records = append(batches, batchesOf(n, max(seen.records/seen.batches, 1))), records+n
		default:
			return nil, 0, fault.New(fault.ConfigInvalid, "the source does not say how much it has").WithHint("write --records, and --partitions")
		}
	}
	return batches, records, nil
}

func (a *app) writeCost(out costReport) {
	if a.flags.json {
		a.json(out)
		return
	}
	p, b := out.Pieces, out.Bill
	a.printf("%s  %s in %s, %s in %s\n", a.p.bold(out.Job), plural(out.Records, "record"), plural(out.Counts.Turns, "batch"), plural(out.Partitions, "partition"), plural(out.Counts.Legs, "leg"))
	row := func(name string, usd float64, format string, args ...any) {
		a.printf("  %-15s $%.6f  %s\n", name, usd, fmt.Sprintf(format, args...))
	}
	row("Step Functions", b.StepFunctions, "%s transitions", count(p.Transitions))
	row("Lambda", b.Lambda, "%s calls, %.1f GB-seconds (assumed)", count(p.Requests), p.GBSeconds)
	row("DynamoDB", b.DynamoDB, "%s write and %s read units, at most", count(p.WriteUnits), count(p.ReadUnits))
	row("S3", b.S3, "%s writes and %s reads", count(p.S3Writes), count(p.S3Reads))
	total := fmt.Sprintf("list prices of %s, %s", out.Prices.Region, out.Prices.Date)
	if out.PerMillion > 0 {
		total = fmt.Sprintf("$%.4f per million records; ", out.PerMillion) + total
	}
	row("total", b.Total, "%s", total)
}
