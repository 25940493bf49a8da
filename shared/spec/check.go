package spec

import (
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// checkSource holds the streams against each other and against the connector.
func (b *builder) checkSource() {
	s := b.job.Source
	if spec, known := b.Connectors[s.Connector]; known && spec.Source == nil {
		b.add("source.connector", "no_source", b.able(func(c connector.Spec) bool { return c.Source != nil }), "the connector %s cannot be a source", s.Connector)
	}
	if s.Defaults.Cursor != "" && s.Defaults.Mode == job.Full {
		b.add("source.defaults.cursor", "conflict", "leave the cursor out, or write mode: incremental", "a cursor is of no use with mode full")
	}
	names, columns := map[string]string{}, map[string]string{}
	for i, stream := range s.Streams {
		at := b.spots.streams[i]
		if stream.Name == "" {
			continue
		}
		if first, twice := names[stream.Name]; twice {
			b.add(setting.Join(at, "name"), "duplicate", "names are unique in a job", "the stream %q is there twice, first at %s", stream.Name, first)
		} else if first, twice := columns[stream.TargetName()]; twice {
			b.add(setting.Join(at, "target"), "duplicate", "give one of them another target", "two streams are written to %q, the first at %s", stream.TargetName(), first)
		}
		names[stream.Name], columns[stream.TargetName()] = at, at
		if stream.Cursor != "" && stream.Mode == job.Full {
			b.add(setting.Join(at, "cursor"), "conflict", "leave the cursor out, or write mode: incremental", "a cursor is of no use with mode full")
		}
		seen := map[string]bool{}
		for _, k := range stream.Key {
			if seen[k] {
				b.add(setting.Join(at, "key"), "duplicate", "", "the column %q is in the key twice", k)
			}
			seen[k] = true
		}
	}
}

// able lists the connectors that can do something.
func (b *builder) able(can func(connector.Spec) bool) string {
	var names []string
	for _, n := range b.Connectors.Names() {
		if can(b.Connectors[n]) {
			names = append(names, n)
		}
	}
	return "connectors that can: " + strings.Join(names, ", ")
}

// checkComponents refuses streams that the job does not name. When it names none, they are found at run time only.
func (b *builder) checkComponents() {
	check := func(path string, cs []job.Component) {
		for i, c := range cs {
			b.checkStreams(setting.Index(path, i), c)
		}
	}
	check("source.transforms", b.job.Source.Transforms)
	check("transforms", b.job.Transforms)
	for i, r := range b.job.Rules {
		b.checkStreams(setting.Index("rules", i), r.Component)
	}
	for _, d := range b.job.Destinations {
		check(setting.Join(b.spots.destinations[d.Name], "transforms"), d.Transforms)
	}
}

func (b *builder) checkStreams(at string, c job.Component) {
	var known []string
	for _, s := range b.job.Source.Streams {
		known = append(known, s.Name)
	}
	if len(known) == 0 {
		return
	}
	for i, name := range c.Streams {
		if slices.Contains(known, name) {
			continue
		}
		hint := "streams of the job: " + strings.Join(known, ", ")
		if near := fault.Nearest(name, known); near != "" {
			hint = "did you mean " + near + "?"
		}
		b.add(setting.Index(setting.Join(at, keyStreams), i), "unknown_stream", hint, "the job has no stream %q", name)
	}
}

// checkDestinations holds each destination against its connector, the streams and the other destinations.
func (b *builder) checkDestinations() {
	for i, d := range b.job.Destinations {
		at := b.spots.destinations[d.Name]
		spec, known := b.Connectors[d.Connector]
		if !known {
			continue
		}
		if spec.Destination == nil {
			b.add(setting.Join(at, "connector"), "no_destination", b.able(func(c connector.Spec) bool { return c.Destination != nil }),
				"the connector %s cannot be a destination", d.Connector)
			continue
		}
		b.checkWrite(setting.Join(at, "write"), d, spec)
		if spec.CheckWrite != nil {
			b.problems = append(b.problems, below(setting.Join(at, "config"), spec.CheckWrite(d.Config, d.Write))...)
		}
		if b.readsItself(d) {
			b.add(at, "same_place", "write to another place, or give the streams another target", "the destination %s is what the source reads", d.Name)
		}
		for _, other := range b.job.Destinations[:i] {
			if other.Connector == d.Connector && reflect.DeepEqual(other.Config.Raw(), d.Config.Raw()) {
				b.add(at, "same_place", "leave one of them out", "the destinations %s and %s write to the same place", other.Name, d.Name)
			}
		}
	}
}

func (b *builder) checkWrite(at string, d job.Destination, spec connector.Spec) {
	w := d.Write
	modes := make([]string, len(spec.Modes))
	for i, m := range spec.Modes {
		modes[i] = string(m)
	}
	if !slices.Contains([]job.WriteMode{job.Append, job.Upsert, job.Replace, job.TruncateInsert}, w.Mode) {
		return // the declaration told so
	}
	if !slices.Contains(spec.Modes, w.Mode) {
		b.add(at, "unsupported", "modes of "+d.Connector+": "+strings.Join(modes, ", "), "%s cannot write with mode %s", d.Connector, w.Mode)
		return
	}
	b.checkOptions(at, w, spec)
	for i, s := range b.job.Source.Streams {
		stream := b.spots.streams[i]
		if w.Mode == job.Upsert && len(w.Key) == 0 && len(s.Key) == 0 && s.Name != "" {
			b.add(stream, "no_key", "write key: [column] here, or key beside the mode", "mode upsert of %s wants a key, and the stream %q has none", d.Name, s.Name)
		}
		if s.Mode == job.Incremental && (w.Mode == job.Replace || w.Mode == job.TruncateInsert) {
			b.add(at, "conflict", "use upsert or append, or read the stream with mode: full", "mode %s would lose what earlier runs of the incremental stream %q wrote", w.Mode, s.Name)
		}
		if s.Mode == job.Incremental && w.DeleteMissing {
			b.add(setting.Join(at, "delete_missing"), "conflict", "read the stream with mode: full", "delete_missing would delete everything that this run of the incremental stream %q does not read", s.Name)
		}
		if s.Mode == job.Full && w.Mode == job.Append {
			b.warn(at, "appends_again", "give the stream a key and use upsert, or read it incrementally",
				"each time the source of %q changes, all of its records are appended again", s.Name)
		}
	}
}

// checkOptions refuses options that do not go with the mode or the connector.
func (b *builder) checkOptions(at string, w job.Write, spec connector.Spec) {
	switch {
	case w.DeleteMissing && !spec.DeleteMissing:
		b.add(setting.Join(at, "delete_missing"), "unsupported", b.able(func(c connector.Spec) bool { return c.DeleteMissing }), "%s cannot delete what is missing", spec.Name)
	case w.DeleteMissing && w.Mode != job.Upsert:
		b.add(setting.Join(at, "delete_missing"), "conflict", "use mode: upsert", "delete_missing goes with mode upsert only, not with %s", w.Mode)
	}
	switch {
	case w.Backup && !spec.Backup:
		b.add(setting.Join(at, "backup"), "unsupported", b.able(func(c connector.Spec) bool { return c.Backup }), "%s cannot keep a backup", spec.Name)
	case w.Backup && w.Mode != job.Replace && w.Mode != job.TruncateInsert:
		b.add(setting.Join(at, "backup"), "conflict", "use it with replace or truncate_insert", "mode %s destroys nothing that a backup could keep", w.Mode)
	}
}

// readsItself says whether the destination is written to the place and name that the source reads. Places are compared as they
// are written, by every path or url of the settings.
func (b *builder) readsItself(d job.Destination) bool {
	if d.Connector != b.job.Source.Connector {
		return false
	}
	from, to := locations(b.job.Source.Config), locations(d.Config)
	if len(from) == 0 || !reflect.DeepEqual(from, to) {
		return false
	}
	for _, s := range b.job.Source.Streams {
		if s.TargetName() == s.Name {
			return true
		}
	}
	return len(b.job.Source.Streams) == 0
}

// locations gives the settings that say where data is.
func locations(v setting.Values) map[string]string {
	out := map[string]string{}
	for name, e := range as[map[string]any](v.Raw()) {
		if s, ok := e.(string); ok && (name == "path" || name == "url" || name == "dsn") {
			if name == "path" && !strings.Contains(s, "://") {
				s = path.Clean(s)
			}
			out[name] = s
		}
	}
	return out
}
