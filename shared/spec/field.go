package spec

import (
	"maps"
	"slices"

	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// Bounds that a job file may write.
const (
	maxBatchRecords = 100_000
	maxBatchBytes   = 1 << 30
	maxConcurrency  = 40
	maxTries        = 100
	maxInstances    = 40 // as many as the store has locks for
	maxRetries      = 10
	maxWindow       = 4000
)

// Words of a job file that the code reads again after the check.
const (
	keyInclude      = "include"
	keyDestination  = "destination"
	keyDestinations = "destinations"
	keySource       = "source"
	keyStreams      = "streams"
	keySeverity     = "severity"
	keyLabel        = "label"

	componentObject = "component" // the declaration's name, never written
)

// kit is Components with the declaration of the document that they make possible.
type kit Components

// form declares the whole job document. Parser, JSON schema and reference pages come from it.
func (k kit) form() setting.Field {
	destination := k.destination()
	single := destination
	single.Name, single.Doc = keyDestination, "One destination; short for a list of one."
	return setting.Field{Kind: setting.Object, Doc: "A job: one source, some streams, transforms, rules, one or more destinations.", Fields: []setting.Field{
		{Name: "id", Kind: setting.String, Syntax: setting.Name, Required: true, Doc: "Names the job; unique in the project, and never changed.", Example: "runways"},
		{Name: "description", Kind: setting.String, Doc: "What the job is for."},
		{Name: "use_case", Kind: setting.String, Syntax: setting.Name, Doc: "Sets apart jobs of one id: the job's name in the store is use_case____id."},
		{Name: "tags", Kind: setting.Map, Item: &setting.Field{Kind: setting.String}, Doc: "Free labels.", Example: map[string]any{"team": "data"}},
		{Name: "enabled", Kind: setting.Bool, Default: true, Doc: "false: the job is not found when it is to be run."},
		{Name: keyInclude, Kind: setting.List, Item: &setting.Field{Kind: setting.String, Syntax: setting.Path}, Example: []any{"shared/defaults.yaml"},
			Doc: "Files whose top-level keys count where this file does not write them; relative to this file, inside the project. " +
				"Of batch, on_failure, parameters and tags the keys are joined; every other key is taken whole. Later files stand above earlier ones."},
		scheduleField(),
		k.source(),
		{Name: "transforms", Kind: setting.List, Item: k.component("transform", k.Transforms, transformExtras()), Doc: "What is done to each record, in this order."},
		{Name: "rules", Kind: setting.List, Item: k.component("rule", k.Rules, ruleExtras()), Doc: "What must hold for each record after the transforms."},
		{Name: keyDestinations, Kind: setting.List, Min: setting.Bound(1), Item: &destination, Doc: "Where the records go. A record is loaded when every destination took it."},
		single,
		onFailureField(),
		{Name: "batch", Kind: setting.Object, Doc: "Bounds of a batch. Left out: at most 50,000 records and 16 MiB.", Fields: []setting.Field{
			{Name: "records", Kind: setting.Int, Unit: "records", Min: setting.Bound(1), Max: setting.Bound(maxBatchRecords), Doc: "At most so many records in a batch. Left out: 50,000."},
			{Name: "bytes", Kind: setting.Choice, Doc: "About so many bytes in a batch, at most 1 GiB. Left out: 16 MiB.", Example: "16MiB", Forms: []setting.Field{
				{Kind: setting.String, Syntax: setting.Bytes},
				{Kind: setting.Int, Unit: "bytes", Min: setting.Bound(1), Max: setting.Bound(maxBatchBytes)},
			}},
		}},
		{Name: "concurrency", Kind: setting.Int, Unit: "partitions", Default: int64(8), Min: setting.Bound(1), Max: setting.Bound(maxConcurrency), Doc: "How many partitions are moved at once."},
		{Name: "max_tries", Kind: setting.Int, Unit: "tries", Default: int64(3), Min: setting.Bound(1), Max: setting.Bound(maxTries),
			Doc: "So many runs without progress make the job ignored until it is reset."},
		{Name: "max_instances", Kind: setting.Int, Unit: "runs", Default: int64(1), Min: setting.Bound(1), Max: setting.Bound(maxInstances),
			Doc: "How many runs of the job may be under way at once, however they were started. Each stream is moved by one of them. Above 1 every destination must keep receipts."},
		{Name: "parameters", Kind: setting.Map, Item: &setting.Field{Kind: setting.Any}, Doc: "Values that are stored with each run."},
	}}
}

func (k kit) source() setting.Field {
	return setting.Field{Name: keySource, Kind: setting.Object, Required: true, Doc: "Where the records come from.", Fields: []setting.Field{
		k.connector("Reads the records; one of the connectors."),
		{Name: "config", Kind: setting.Any, Doc: "The connector's settings: see its page."},
		{Name: keyStreams, Kind: setting.List, Doc: "What is read. Left out: every stream that the connector finds.", Item: &setting.Field{Kind: setting.Choice, Forms: []setting.Field{
			{Kind: setting.String, Doc: "The stream's name; everything else by default."}, streamField()}}},
		{Name: "defaults", Kind: setting.Object, Doc: "For streams that do not say otherwise, and those that the connector finds.", Fields: streamDefaults()},
		{Name: "transforms", Kind: setting.List, Item: k.component("transform", k.Transforms, transformExtras()), Doc: "Done before the job's transforms."},
	}}
}

func (k kit) connector(doc string) setting.Field {
	return setting.Field{Name: "connector", Kind: setting.String, Required: true, Options: k.Connectors.Names(), Doc: doc}
}

func columns(name, doc string) setting.Field {
	column := setting.Field{Kind: setting.String, Syntax: setting.Column}
	return setting.Field{Name: name, Kind: setting.Choice, Doc: doc, Forms: []setting.Field{column, {Kind: setting.List, Item: &column, Min: setting.Bound(1)}}}
}

func streamDefaults() []setting.Field {
	return []setting.Field{
		columns("key", "Column, or columns, that identify a record."),
		{Name: "mode", Kind: setting.String, Options: []string{string(job.Full), string(job.Incremental)},
			Doc: "full: every run reads everything (a source that did not change is not read). incremental: a run reads what is behind the last one. Left out: incremental with a cursor, else full."},
		{Name: "cursor", Kind: setting.String, Syntax: setting.Column, Doc: "Column that grows; by it an incremental run finds what is new."},
	}
}

func streamField() setting.Field {
	fields := []setting.Field{{Name: "name", Kind: setting.String, Required: true, Doc: "Name of the stream at the source: a table, a file set."}}
	fields = append(fields, streamDefaults()...)
	return setting.Field{Kind: setting.Object, Fields: append(fields,
		setting.Field{Name: "filter", Kind: setting.String, Syntax: setting.Expression, Doc: "Expression over the columns; what it refuses is not read at all."},
		setting.Field{Name: "columns", Kind: setting.Map, Item: &setting.Field{Kind: setting.String, Syntax: setting.Type},
			Doc: "Types of columns by name; those of the others are found. Types: int, float, decimal(p,s), bool, string, bytes, date, time, timestamp, timestamptz, uuid, json."},
		setting.Field{Name: "target", Kind: setting.String, Doc: "Name of the table or file at the destination. Left out: the stream's name."},
	)}
}

func (k kit) destination() setting.Field {
	modes := []string{string(job.Append), string(job.Upsert), string(job.Replace), string(job.TruncateInsert)}
	drifts := []string{string(job.Halt), string(job.Evolve), string(job.DeadLetter), string(job.Ignore)}
	return setting.Field{Kind: setting.Object, Fields: []setting.Field{
		{Name: "name", Kind: setting.String, Syntax: setting.Name, Doc: "Names the destination in messages. Left out: the connector's name, with -2, -3 … when it is there twice."},
		k.connector("Writes the records; one of the connectors."),
		{Name: "config", Kind: setting.Any, Doc: "The connector's settings: see its page."},
		{Name: "write", Kind: setting.Choice, Doc: "How records get into the target; a mode alone, or a map. Left out: upsert when every stream has a key and the connector can, else append.",
			Forms: []setting.Field{
				{Name: "mode", Kind: setting.String, Options: modes},
				{Kind: setting.Object, Fields: []setting.Field{
					{Name: "mode", Kind: setting.String, Options: modes,
						Doc: "append: add. upsert: insert or update by key. replace: write a new target and swap it in at the end of the run. truncate_insert: empty the target, then add."},
					columns("key", "Columns of the key at the target. Left out: the stream's key."),
					{Name: "delete_missing", Kind: setting.Bool, Default: false, Doc: "Delete from the target what the source no longer gives; with upsert and mode full. A record that is filtered out now is deleted too, one that fails now keeps its old row."},
					{Name: "backup", Kind: setting.Bool, Default: false, Doc: "Keep the old target until the next run; with replace and truncate_insert."},
				}}}},
		{Name: "drift", Kind: setting.String, Options: drifts, Default: string(job.Halt),
			Doc: "When the schema changed: halt stops, evolve adds columns and widens types, dead_letter makes records that do not fit failures, ignore leaves out columns that the target does not have."},
		{Name: "columns", Kind: setting.Map, Item: &setting.Field{Name: "drift", Kind: setting.String, Options: drifts}, Doc: "Drift policy of single columns."},
		{Name: "transforms", Kind: setting.List, Item: k.component("transform", k.Transforms, transformExtras()), Doc: "Done before this destination is written, after the job's transforms and rules."},
	}}
}

func onFailureField() setting.Field {
	actions := []string{string(job.Skip), string(job.Retry), string(job.Stop)}
	return setting.Field{Name: "on_failure", Kind: setting.Choice, Doc: "What happens to a record that fails; an action alone, or a map.", Forms: []setting.Field{
		{Name: "action", Kind: setting.String, Options: actions},
		{Kind: setting.Object, Fields: []setting.Field{
			{Name: "action", Kind: setting.String, Options: actions, Default: string(job.Skip),
				Doc: "skip: into the failure ledger, go on. retry: try again, then into the ledger. abort: stop the run at this batch; what is checkpointed stays."},
			{Name: "max_retries", Kind: setting.Int, Unit: "retries", Default: int64(3), Min: setting.Bound(0), Max: setting.Bound(maxRetries), Doc: "Retries of a record, with action retry."},
			{Name: "delay", Kind: setting.String, Syntax: setting.Duration, Default: "200ms", Doc: "Wait before the first retry, at most 1h; it doubles, with jitter."},
			{Name: "window", Kind: setting.Object, Doc: "Stops a run that fails too much: failures among a partition's last records.", Fields: []setting.Field{
				{Name: "size", Kind: setting.Int, Unit: "records", Default: int64(1000), Min: setting.Bound(0), Max: setting.Bound(maxWindow), Doc: "How many records the window looks back. 0: never stop."},
				{Name: "threshold", Kind: setting.Int, Unit: "failures", Min: setting.Bound(0), Max: setting.Bound(maxWindow),
					Doc: "Failures tolerated among them; 0 stops at the first. Left out: a tenth of size."},
			}},
			{Name: "mask", Kind: setting.List, Item: &setting.Field{Kind: setting.String, Syntax: setting.Column}, Doc: "Columns whose values are *** in the failure ledger."},
		}}}}
}

// transformExtras are what a transform may have beside its own settings.
func transformExtras() []setting.Field {
	return []setting.Field{{Name: keyStreams, Kind: setting.List, Min: setting.Bound(1), Item: &setting.Field{Kind: setting.String}, Doc: "Only for these streams. Left out: for all."}}
}

// ruleExtras are what a rule may have beside its own settings.
func ruleExtras() []setting.Field {
	severities := []string{string(job.Reject), string(job.Warn), string(job.Abort)}
	return append(transformExtras(),
		setting.Field{Name: keySeverity, Kind: setting.String, Options: severities,
			Doc: "reject: the record fails. warn: it goes on and is counted. abort: the run stops at this batch. Left out: reject."},
		setting.Field{Name: keyLabel, Kind: setting.String, Doc: "Shown with failures. Left out: the rule's name."})
}

// component declares an element of a list of transforms or rules: a bare name, or a map with one name and its settings, the extras
// beside it or, where the settings are a map of fixed names, among them.
func (k kit) component(noun string, specs map[string]setting.Spec, extras []setting.Field) *setting.Field {
	names := slices.Sorted(maps.Keys(specs))
	body := setting.Field{Name: componentObject, Kind: setting.Object}
	for _, name := range names {
		f := widened(specs[name].Body, extras)
		f.Name, f.Required = name, false
		if f.Doc == "" {
			f.Doc = specs[name].Summary
		}
		body.Fields = append(body.Fields, f)
	}
	body.Fields = append(body.Fields, extras...)
	return &setting.Field{Name: noun, Kind: setting.Choice, Forms: []setting.Field{{Name: noun, Kind: setting.String, Options: names}, body}}
}

// widened adds to a body's object form the extras that it does not declare itself.
func widened(body setting.Field, extras []setting.Field) setting.Field {
	switch body.Kind {
	case setting.Object:
		body.Fields = slices.Clone(body.Fields)
		for _, e := range extras {
			if !slices.ContainsFunc(body.Fields, func(f setting.Field) bool { return f.Name == e.Name }) {
				body.Fields = append(body.Fields, e)
			}
		}
	case setting.Choice:
		body.Forms = slices.Clone(body.Forms)
		for i := range body.Forms {
			body.Forms[i] = widened(body.Forms[i], extras)
		}
	}
	return body
}
