package runner_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// tortured is one destination under torture.
type tortured struct {
	name   string
	yaml   string
	every  bool // of its crossings CI takes every one
	fresh  bool // there was no run before; else one moved other rows
	grows  bool // the second input is behind the first; else it replaces it
	output func(dir string) ([]string, error)
}

// tortureJob moves three files of four batches: records are split, some are filtered by it, some rejected.
func tortureJob(mode, destination string) string {
	return fmt.Sprintf(`
id: things
source:
  connector: file
  config: {path: in/*.csv}
  streams: [{name: things, key: [id], mode: %s, columns: {id: int, part: string, size: int, tags: json}}]
transforms:
  - split: {column: tags, into: tag, type: string, index: tag_no}
rules:
  - range: {column: size, min: 1}
destinations:
  - %s
on_failure: {window: {size: 10, threshold: 8}}
batch: {records: 3}
`, mode, destination)
}

var tortureCases = []tortured{
	{name: "sqlite-upsert", every: true, output: tableRows,
		yaml: tortureJob("full", `{connector: sqlite, config: {path: out.db}, write: {mode: upsert, delete_missing: true}}`)},
	{name: "sqlite-pieces", every: true, output: tableRows,
		yaml: tortureJob("full", `{connector: sqlite, config: {path: out.db}, write: {mode: upsert, key: [id, tag_no], delete_missing: true}}`)},
	{name: "sqlite-append", every: true, grows: true, output: tableRows,
		yaml: tortureJob("incremental", `{connector: sqlite, config: {path: out.db}, write: append}`)},
	{name: "sqlite-replace", output: tableRows,
		yaml: tortureJob("full", `{connector: sqlite, config: {path: out.db}, write: replace}`)},
	{name: "csv-replace", output: fileLines("out/things.csv"),
		yaml: tortureJob("full", `{connector: file, config: {path: out/things.csv}, write: replace}`)},
	{name: "ndjson-append", fresh: true, grows: true, output: fileLines("out/things.ndjson"),
		yaml: tortureJob("incremental", `{connector: file, config: {path: out/things.ndjson}, write: append}`)},
	{name: "folder-append", grows: true, output: folderFiles,
		yaml: tortureJob("incremental", `{connector: file, config: {path: out/things.ndjson/, format: ndjson}, write: append}`)},
}

// input writes the files of a version: 4 batches each, 1 before a file that grows.
func (c tortured) input(l *lab, version int) {
	l.Helper()
	for f, part := range []string{"a", "b", "c"} {
		lines := []string{"id,part,size,tags"}
		from, to := 0, 11
		switch {
		case c.grows && version == 1:
			to = 3
		case c.grows && !c.fresh:
			to = 14
		case version == 2:
			from, to = 2, 13
		}
		for i := from; i < to; i++ {
			tags := []string{}
			for tag := range (i + f) % 4 {
				tags = append(tags, fmt.Sprintf(`""%s%d""`, part, tag))
			}
			size := (i*7+f)%5 + 1
			if (i+2*f)%5 == 2 {
				size = 0
			}
			if version == 2 && i%3 == 0 && !c.grows {
				size += 10
			}
			lines = append(lines, fmt.Sprintf(`%d,%s,%d,"[%s]"`, f*100+i, part, size, strings.Join(tags, ",")))
		}
		l.write("in/"+part+".csv", lines...)
	}
}

// outcome is what stands after runs, but for names and times.
type outcome struct {
	Rows     []string // of the destination, in the order of each partition
	Files    []string // beside the state
	Counters store.Counters
	Failures []string
	Lock     string
	Open     []string // runs that have not ended well
	Never    int      // runs that died before they had the lock, and have not been swept
}

// outcome looks at a project. A run whose process died before it had the lock is pending until a run sweeps it, two minutes later.
// Of a run that another took over while it was frozen, what it did counts only when the other went on behind it.
func (r *rack) outcome(ctx context.Context, s *session, frozen string) (outcome, error) {
	var o outcome
	runs, _, err := s.store.Runs(ctx, store.RunQuery{Job: "things", Limit: 100})
	if err != nil {
		return o, err
	}
	for _, listed := range runs {
		if r.past[listed.ID] {
			continue
		}
		run, err := s.store.Run(ctx, "things", listed.ID)
		if err != nil {
			return o, err
		}
		if run.ID != frozen || r.grows {
			o.Counters.Add(run.Counters)
		}
		never := run.StartedAt.IsZero() && run.Counters == (store.Counters{})
		swept := run.Status == store.RunFailed && run.ErrorCode == string(fault.Zombie)
		switch {
		case never && run.Status == store.RunSkipped: // another run held the job
		case never && run.Status == store.RunPending:
			o.Never++
		case never && swept, run.ID == frozen && swept && run.Counters.Closed():
		case !run.Counters.Closed() || run.Status != store.RunSucceeded && run.Status != store.RunPartial:
			o.Open = append(o.Open, fmt.Sprintf("%s %s %+v", run.Status, run.ErrorCode, run.Counters))
		}
	}
	failures, _, err := s.store.Failures(ctx, store.FailureQuery{Job: "things", Limit: 1000})
	if err != nil {
		return o, err
	}
	for _, f := range failures {
		if !r.past[f.Run] && (f.Run != frozen || r.grows) {
			o.Failures = append(o.Failures, fmt.Sprintf("%s %d %d %s %s %s %s %s", f.Partition, f.Seq, f.Index, f.Key, f.Phase, f.Code, f.Rule, f.Snapshot))
		}
	}
	sorted(o.Failures)
	lock, err := s.store.Lock(ctx, "things")
	if err != nil {
		return o, err
	}
	o.Lock = fmt.Sprint(lock.Status, lock.ErrorCode, lock.Stop)
	if o.Rows, err = r.output(s.Env.Dir); err != nil {
		return o, err
	}
	o.Files, err = besideState(s.Env.Dir)
	return o, err
}

// besideState lists the files of a project that are not its state.
func besideState(dir string) ([]string, error) {
	var out []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == ".lockstep":
			return fs.SkipDir
		case strings.HasSuffix(path, "-wal"), strings.HasSuffix(path, "-shm"):
			return nil
		case !d.IsDir():
			out = append(out, path)
		}
		return nil
	})
	return out, err
}

// tableRows gives the table of a destination database, and the names of all its tables.
func tableRows(dir string) ([]string, error) {
	path := filepath.Join(dir, "out.db")
	rows, err := queryAll(path, "select part, id, tag_no, size, tag from things order by part, rowid")
	if err != nil {
		return nil, err
	}
	tables, err := queryAll(path, "select type, name from sqlite_master order by name")
	return append(rows, tables...), err
}

// fileLines gives a file's lines, in the order of each partition: partitions of a file that is appended to come as they come.
func fileLines(name string) func(string) ([]string, error) {
	return func(dir string) ([]string, error) {
		data, err := os.ReadFile(filepath.Join(dir, name))
		lines := strings.Split(string(data), "\n")
		if strings.HasSuffix(name, ".csv") {
			return lines, err
		}
		return byPart(lines), err
	}
}

// byPart orders lines by the partition of their record, and leaves the order of each partition.
func byPart(lines []string) []string {
	var out []string
	for _, part := range []string{"a", "b", "c"} {
		for _, l := range lines {
			if strings.Contains(l, fmt.Sprintf(`"part":%q`, part)) {
				out = append(out, l)
			}
		}
	}
	return append(out, fmt.Sprint(len(lines)))
}

// folderFiles gives the lines of the files that a manifest names.
func folderFiles(dir string) ([]string, error) {
	folder := filepath.Join(dir, "out", "things.ndjson")
	data, err := os.ReadFile(filepath.Join(folder, "manifest.json"))
	if err != nil {
		return nil, err
	}
	var lines []string
	for rest := string(data); ; {
		_, after, ok := strings.Cut(rest, `{"name":"`)
		if !ok {
			return byPart(lines), nil
		}
		name, next, _ := strings.Cut(after, `"`)
		part, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return nil, err
		}
		lines, rest = append(lines, strings.Split(strings.TrimSuffix(string(part), "\n"), "\n")...), next
	}
}
