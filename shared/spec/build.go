package spec

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// builder makes the model from a raw document. It goes on after a problem, so that every problem is found; what could not be read
// is then zero, and checks across fields pass over it.
type builder struct {
	kit
	form     setting.Field
	raw      map[string]any // references of the document's own keys replaced
	job      job.Job
	spots    targets
	problems fault.Problems
	warnings fault.Problems
}

// targets are the paths at which parts of the model are written.
type targets struct {
	streams      []string          // as Source.Streams
	destinations map[string]string // by name
}

// as gives v when it is a T, else the zero value.
func as[T any](v any) T {
	t, _ := v.(T)
	return t
}

func (b *builder) add(path, code, hint, format string, args ...any) {
	b.problems = append(b.problems, fault.Problem{Path: path, Code: code, Message: fmt.Sprintf(format, args...), Hint: hint})
}

func (b *builder) warn(path, code, hint, format string, args ...any) {
	b.warnings = append(b.warnings, fault.Problem{Path: path, Code: code, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// build checks the document against its declaration and makes the job.
func (b *builder) build() {
	checked, problems := setting.Check(b.form, "", b.raw)
	b.problems = append(b.problems, problems...)
	m := as[map[string]any](checked)
	b.types(b.form, "", m)
	b.job = job.Job{
		Version: job.Version, ID: as[string](m["id"]), UseCase: as[string](m["use_case"]), Description: as[string](m["description"]),
		Tags: texts(m["tags"]), Enabled: as[bool](m["enabled"]), Concurrency: int(as[int64](m["concurrency"])), MaxTries: int(as[int64](m["max_tries"])),
		MaxInstances: instances(m["max_instances"]), Schedule: b.schedule(m[keySchedule]),
		OnFailure: b.onFailure(m["on_failure"]), Batch: b.batch(as[map[string]any](m["batch"])), Parameters: as[map[string]any](m["parameters"]),
	}
	b.spots.destinations = map[string]string{}
	b.source(as[map[string]any](m[keySource]))
	b.job.Transforms = b.transforms("transforms", m["transforms"], b.raw["transforms"])
	b.job.Rules = b.rules(m["rules"], b.raw["rules"])
	b.destinations(m)
	b.names()
	b.checkSource()
	b.checkComponents()
	b.checkDestinations()
	b.order()
	b.checkInstances()
}

// names refuses ids that cannot be told apart in the store.
func (b *builder) names() {
	for _, key := range []struct{ path, value string }{{"id", b.job.ID}, {"use_case", b.job.UseCase}} {
		if strings.Contains(key.value, "____") {
			b.add(key.path, "reserved_name", "use fewer underscores", "%q holds ____, which parts use case and id in the store", key.value)
		}
	}
}

// types checks the column types that stand anywhere in the value; package setting does not know them.
func (b *builder) types(f setting.Field, path string, v any) {
	setting.Walk(f, path, v, func(f setting.Field, path string, v any) {
		if s, ok := v.(string); ok && f.Kind == setting.String && f.Syntax == setting.Type && !setting.IsReference(s) {
			if _, err := record.ParseType(s); err != nil {
				b.add(path, "bad_type", fault.Hint(err), "%q is not a column type", s)
			}
		}
	})
}

func (b *builder) onFailure(v any) job.OnFailure {
	field := onFailureField().Forms[1]
	action, short := v.(string)
	if short {
		v = nil
	}
	filled, _ := setting.Check(field, "", v)
	m := as[map[string]any](filled)
	if !short {
		action = as[string](m["action"])
	}
	window, _ := setting.Check(field.Fields[3], "", m["window"])
	w := as[map[string]any](window)
	out := job.OnFailure{Action: job.Action(action), MaxRetries: int(as[int64](m["max_retries"])), Mask: list(m["mask"]), Window: job.Window{Size: int(as[int64](w["size"]))}}
	out.Window.Threshold = out.Window.Size / 10
	if threshold, ok := w["threshold"].(int64); ok {
		out.Window.Threshold = int(threshold)
		if size := int64(out.Window.Size); size > 0 && threshold > size && size <= maxWindow && threshold <= maxWindow {
			b.add("on_failure.window.threshold", "out_of_range", "a threshold that large never stops a run; size: 0 says so", "%d failures cannot be among %d records", threshold, size)
		}
	}
	delay, err := time.ParseDuration(as[string](m["delay"]))
	if err == nil && (delay < 0 || delay > time.Hour) {
		b.add("on_failure.delay", "out_of_range", "", "%v is out of range: 0s to 1h", m["delay"])
	}
	out.DelayMS = delay.Milliseconds()
	return out
}

func (b *builder) batch(m map[string]any) job.Batch {
	out := job.Batch{Records: int(as[int64](m["records"]))}
	switch v := m["bytes"].(type) {
	case int64:
		out.Bytes = v
	case string:
		n, err := setting.ParseBytes(v)
		if err == nil && (n < 1 || n > maxBatchBytes) {
			b.add("batch.bytes", "out_of_range", "", "%s is out of range: 1 byte to 1GiB", v)
		}
		out.Bytes = n
	}
	return out
}

func (b *builder) source(m map[string]any) {
	raw := as[map[string]any](b.raw[keySource])
	s := &b.job.Source
	s.Connector = as[string](m["connector"])
	s.Config = b.config(s.Connector, "source.config", m["config"])
	s.Transforms = b.transforms("source.transforms", m["transforms"], raw["transforms"])
	s.Defaults = stream(as[map[string]any](m["defaults"]), job.Stream{})
	for i, v := range as[[]any](m[keyStreams]) {
		fields := as[map[string]any](v)
		if name, bare := v.(string); bare {
			fields = map[string]any{"name": name}
		}
		s.Streams = append(s.Streams, stream(fields, s.Defaults))
		b.spots.streams = append(b.spots.streams, setting.Index("source.streams", i))
	}
}

// stream reads the settings of a stream; those that are not written come from the defaults.
func stream(m map[string]any, defaults job.Stream) job.Stream {
	s := job.Stream{Name: as[string](m["name"]), Key: list(m["key"]), Mode: job.Mode(as[string](m["mode"])), Cursor: as[string](m["cursor"]),
		Filter: as[string](m["filter"]), Target: as[string](m["target"])}
	if s.Key == nil {
		s.Key = defaults.Key
	}
	if s.Cursor == "" && s.Mode != job.Full {
		s.Cursor = defaults.Cursor
	}
	if s.Mode == "" && defaults.Mode != job.Full {
		s.Mode = defaults.Mode
	}
	switch {
	case s.Mode != "":
	case s.Cursor != "" && (m["cursor"] != nil || defaults.Mode != job.Full):
		s.Mode = job.Incremental
	default:
		s.Mode = job.Full
	}
	for name, text := range texts(m["columns"]) {
		if t, err := record.ParseType(text); err == nil {
			if s.Columns == nil {
				s.Columns = map[string]record.Type{}
			}
			s.Columns[name] = t
		}
	}
	return s
}

// config checks a connector's settings. The connector itself says what the declarations cannot.
func (b *builder) config(name, path string, v any) setting.Values {
	spec, known := b.Connectors[name]
	if !known {
		return setting.Of(v)
	}
	checked, problems := setting.Check(spec.Body, path, v)
	b.types(spec.Body, path, checked)
	b.plainSecrets(spec.Body, path, checked)
	values := setting.Of(checked)
	if len(problems) == 0 && spec.Check != nil {
		problems = below(path, spec.Check(values))
	}
	b.problems = append(b.problems, problems...)
	return values
}

// below puts a path in front of those of the problems.
func below(path string, problems fault.Problems) fault.Problems {
	out := slices.Clone(problems)
	for i := range out {
		switch p := out[i].Path; {
		case p == "":
			out[i].Path = path
		case strings.HasPrefix(p, "["):
			out[i].Path = path + p
		default:
			out[i].Path = path + "." + p
		}
	}
	return out
}

// plainSecrets refuses secrets that are written into the document: the job is stored with each run.
func (b *builder) plainSecrets(f setting.Field, path string, v any) {
	setting.Walk(f, path, v, func(f setting.Field, path string, v any) {
		if s, ok := v.(string); ok && f.Secret && s != "" && !setting.IsReference(s) {
			b.add(path, "plain_secret", "write secret://name or ${NAME}", "a secret must not stand in the file")
		}
	})
}

// destinations reads the list, or the single destination that stands for one.
func (b *builder) destinations(m map[string]any) {
	_, single := b.raw[keyDestination]
	if _, several := b.raw[keyDestinations]; single && several {
		b.add(keyDestination, "conflict", "put it into the list", "destination and destinations cannot both be there")
	} else if !single && !several {
		b.add("", "missing", "destinations: [{connector: …, config: {…}}]", "destinations is missing")
	}
	raw, items := as[[]any](b.raw[keyDestinations]), as[[]any](m[keyDestinations])
	named := map[string]bool{}
	for _, v := range items {
		named[as[string](as[map[string]any](v)["name"])] = true
	}
	if single {
		b.destination(keyDestination, m[keyDestination], b.raw[keyDestination], named)
	}
	for i, v := range items {
		b.destination(setting.Index(keyDestinations, i), v, raw[i], named)
	}
}

// destination reads one; a name is made for it when it has none, other than those in named.
func (b *builder) destination(path string, checked, raw any, named map[string]bool) {
	m, ok := checked.(map[string]any)
	if !ok {
		return
	}
	d := job.Destination{Name: as[string](m["name"]), Connector: as[string](m["connector"]), Drift: job.Drift(as[string](m["drift"]))}
	if _, twice := b.spots.destinations[d.Name]; twice && d.Name != "" {
		b.add(setting.Join(path, "name"), "duplicate", "names are unique in a job", "there is a destination %q already", d.Name)
	}
	for n := 1; d.Name == ""; n++ {
		name := d.Connector
		if n > 1 {
			name = fmt.Sprintf("%s-%d", d.Connector, n)
		}
		if _, taken := b.spots.destinations[name]; !taken && !named[name] {
			d.Name = name
		}
		if d.Connector == "" {
			break
		}
	}
	b.spots.destinations[d.Name] = path
	d.Config = b.config(d.Connector, setting.Join(path, "config"), m["config"])
	for column, drift := range texts(m["columns"]) {
		if d.Columns == nil {
			d.Columns = map[string]job.Drift{}
		}
		d.Columns[column] = job.Drift(drift)
	}
	d.Transforms = b.transforms(setting.Join(path, "transforms"), m["transforms"], as[map[string]any](raw)["transforms"])
	d.Write = b.write(m["write"], d.Connector)
	b.job.Destinations = append(b.job.Destinations, d)
}

func (b *builder) write(v any, name string) job.Write {
	m := as[map[string]any](v)
	mode, short := v.(string)
	if !short {
		mode = as[string](m["mode"])
	}
	w := job.Write{Mode: job.WriteMode(mode), Key: list(m["key"]), DeleteMissing: as[bool](m["delete_missing"]), Backup: as[bool](m["backup"])}
	if w.Mode == "" {
		w.Mode = job.Append
		if b.keyed(w) && slices.Contains(b.Connectors[name].Modes, job.Upsert) {
			w.Mode = job.Upsert
		}
	}
	return w
}

// keyed says whether every stream has a key to upsert by.
func (b *builder) keyed(w job.Write) bool {
	if len(w.Key) > 0 {
		return true
	}
	for _, s := range b.job.Source.Streams {
		if len(s.Key) == 0 {
			return false
		}
	}
	return len(b.job.Source.Streams) > 0 || len(b.job.Source.Defaults.Key) > 0
}

// order puts the destinations in the order in which they are written: those that keep receipts first, by name.
func (b *builder) order() {
	receipts := func(d job.Destination) bool {
		spec := b.Connectors[d.Connector]
		return spec.Guarantee != nil && len(b.problems) == 0 && spec.Guarantee(d.Config, d.Write).Receipts
	}
	ds := b.job.Destinations
	sort.SliceStable(ds, func(i, j int) bool {
		if a, c := receipts(ds[i]), receipts(ds[j]); a != c {
			return a
		}
		return ds[i].Name < ds[j].Name
	})
}

// instances gives how many runs may be under way at once; 0 stands for one.
func instances(v any) int {
	if n := as[int64](v); n > 1 {
		return int(n)
	}
	return 0
}

// checkInstances refuses several runs at once where a destination cannot tell their writes apart: only a receipt names the fence of each
// partition.
func (b *builder) checkInstances() {
	if b.job.MaxInstances < 2 || len(b.problems) > 0 {
		return
	}
	for _, d := range b.job.Destinations {
		if spec := b.Connectors[d.Connector]; spec.Guarantee == nil || !spec.Guarantee(d.Config, d.Write).Receipts {
			b.add("max_instances", "unsafe_instances", "leave max_instances out, or write to a destination that keeps receipts", "destination %s keeps no receipts: runs beside each other could disturb each other there", d.Name)
			return
		}
	}
}

// list gives the texts of a list, or the one text that stands for a list of one.
func list(v any) []string {
	if s, ok := v.(string); ok {
		return []string{s}
	}
	var out []string
	for _, e := range as[[]any](v) {
		out = append(out, as[string](e))
	}
	return out
}

// texts gives a map's texts; nil when it is empty or none.
func texts(v any) map[string]string {
	var out map[string]string
	for name, e := range as[map[string]any](v) {
		if out == nil {
			out = map[string]string{}
		}
		out[name] = as[string](e)
	}
	return out
}
