package file_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/connector/file"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

// wantFault checks the code and a part of the message.
func wantFault(t *testing.T, err error, code fault.Code, part string) {
	t.Helper()
	if !fault.Has(err, code) || !strings.Contains(fmt.Sprint(err), part) {
		t.Errorf("got %s: %v, want %s: …%s…", fault.CodeOf(err), err, code, part)
	}
}

// TestSource_Follow lets a file grow, and be changed, between runs.
func TestSource_Follow(t *testing.T) {
	for _, name := range []string{"log.csv", "log.csv.gz", "log.ndjson", "log.ndjson.zst"} {
		t.Run(name, func(t *testing.T) {
			head, line := "n,s\n", func(n int, s string) string { return fmt.Sprintf("%d,%s\n", n, s) }
			if strings.Contains(name, "ndjson") {
				head, line = "", func(n int, s string) string { return fmt.Sprintf("{\"n\":%d,\"s\":%q}\n", n, s) }
			}
			dir := t.TempDir()
			put := func(text string) { write(t, dir, name, []byte(text)) }
			sc := scenario{src: openSource(t, dir, map[string]any{"path": name}), stream: job.Stream{Mode: job.Incremental}, records: 2}
			begin := head + line(1, "one") + line(2, "two") + line(3, "three")
			put(begin + line(4, "incomplete")[:5])
			o := mustRun(t, sc)
			if o.read != 3 || len(o.rejects) > 0 {
				t.Fatalf("read %d, rejects %v; an incomplete line is for the next run", o.read, o.rejects)
			}
			sc.positions, sc.known = o.ends, o.plan.Fingerprint
			if o = mustRun(t, sc); !o.plan.Unchanged {
				t.Error("nothing changed")
			}
			sc.known = ""
			if o = mustRun(t, sc); o.read != 0 || !maps.Equal(o.ends, sc.positions) {
				t.Errorf("read %d behind the end, now at %v", o.read, o.ends)
			}
			put(begin + line(4, "four") + line(5, "five"))
			o = mustRun(t, sc)
			if diff := cmp.Diff([]string{`{"n":4,"s":"four"}`, `{"n":5,"s":"five"}`}, o.lines); diff != "" {
				t.Error(diff)
			}
			sc.positions = o.ends
			for what, text := range map[string]string{
				"it has":                  begin,
				"it begins differently":   strings.Replace(head+line(9, "one"), "n", "m", 1) + strings.Repeat(line(6, "six"), 10),
				"the text before byte":    begin + line(4, "four") + line(6, "five") + line(7, "seven"),
				"lockstep reset reads it": head + line(1, "one"),
			} {
				put(text)
				_, err := sc.run(t.Context())
				if strings.HasSuffix(name, "z") || strings.HasSuffix(name, "zst") {
					what = "" // sizes are known when the end is reached
				}
				wantFault(t, err, fault.Conflict, what)
			}
		})
	}
}

func TestSource_FollowChecks(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.json", []byte(`[{"a":1}]`))
	write(t, dir, "b.ndjson", []byte("{\"a\":1}\n"))
	follow := job.Stream{Mode: job.Incremental}
	_, err := scenario{src: openSource(t, dir, map[string]any{"path": "a.json"}), stream: follow}.run(t.Context())
	wantFault(t, err, fault.ConfigInvalid, "cannot be continued")
	sc := scenario{src: openSource(t, dir, map[string]any{"path": "b.ndjson"}), stream: follow, positions: map[string]string{"b.ndjson": "o12"}}
	_, err = sc.run(t.Context())
	wantFault(t, err, fault.Conflict, "does not belong to this stream")
}

// TestSource_FollowCompressed goes on in a file that was compressed meanwhile.
func TestSource_FollowCompressed(t *testing.T) {
	dir := t.TempDir()
	text := "{\"n\":1}\n{\"n\":2}\n"
	write(t, dir, "log.ndjson", []byte(text))
	sc := scenario{src: openSource(t, dir, map[string]any{"path": "log.ndjson*", "format": "ndjson"}), stream: job.Stream{Mode: job.Incremental}}
	o := mustRun(t, sc)
	sc.positions = o.ends
	if err := os.Remove(filepath.Join(dir, "log.ndjson")); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "log.ndjson.gz", []byte(text+"{\"n\":3}\n"))
	if o = mustRun(t, sc); len(o.lines) != 1 || o.lines[0] != `{"n":3}` {
		t.Errorf("got %v, want the third", o.lines)
	}
}

// TestSource_Cursor resumes behind every record, bad ones among them, and expects exactly the rest.
func TestSource_Cursor(t *testing.T) {
	for name, c := range map[string]struct{ file, text string }{
		"ints":  {"a.csv", "c,n\nx\n1,a\n1,b\n,none\n1,c\nx\"\n2,d\n2,e\n\"5\"x,f\n3,g\n3\n4,h\n"},
		"dates": {"a.ndjson", "{\"c\":\"2026-01-01\",\"n\":1}\n{\"c\":\"2026-01-01\",\"n\":2}\n{\"n\":3}\n{\n{\"c\":\"2026-01-03\",\"n\":4}\n{\"c\":null}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			stream := job.Stream{Mode: job.Incremental, Cursor: "c"}
			dir := t.TempDir()
			write(t, dir, c.file, []byte(c.text))
			sc := scenario{src: openSource(t, dir, map[string]any{"path": c.file}), stream: stream, records: 1}
			all := mustRun(t, sc)
			if all.read != len(all.lines)+len(all.rejects) || len(all.rejects) < 3 {
				t.Fatalf("read %d, rows %d, rejects %v", all.read, len(all.lines), all.rejects)
			}
			for i, b := range all.batches {
				if b.Read == 0 {
					continue
				}
				sc.positions = map[string]string{c.file: b.End}
				rest := mustRun(t, sc)
				if rest.read != all.read-i-1 {
					t.Errorf("behind %q: read %d, want %d", b.End, rest.read, all.read-i-1)
				}
				if diff := cmp.Diff(all.lines[len(all.lines)-len(rest.lines):], rest.lines, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("behind %q: %s", b.End, diff)
				}
			}
		})
	}
}

// TestSource_FollowEmptyAtPlan leaves what came to an empty log after the plan to the next run.
func TestSource_FollowEmptyAtPlan(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.ndjson", nil)
	src, stream := openSource(t, dir, map[string]any{"path": "a.ndjson"}), job.Stream{Mode: job.Incremental}
	plan, err := src.Plan(t.Context(), connector.PlanRequest{Stream: stream})
	must(t, err)
	write(t, dir, "a.ndjson", []byte("{\"c\":1}\n"))
	for _, p := range plan.Partitions {
		r, err := src.Open(t.Context(), connector.OpenRequest{Stream: stream, Schema: plan.Schema, Partition: p, Records: 10, Bytes: 1 << 20})
		must(t, err)
		b, err := r.Next(t.Context())
		must(t, err, r.Close())
		if b.Read != 0 || !b.Last || b.End != "" {
			t.Errorf("read %d, last %v, end %q", b.Read, b.Last, b.End)
		}
	}
	if again := mustRun(t, scenario{src: src, stream: stream, records: 10}); again.read != 1 || len(again.rejects) != 0 {
		t.Errorf("the next run reads %d, rejects %v", again.read, again.rejects)
	}
}

// TestSource_CursorHalfLine reads a log while its last line is being written. What was written of it is a record too, but another.
func TestSource_CursorHalfLine(t *testing.T) {
	for name, c := range map[string]struct{ begin, half, rest string }{
		"a.ndjson": {"{\"c\":1}\n{\"c\":2}\n", "{\"c\":", "31}\n"},
		"a.csv":    {"c,n\n1,10\n2,20\n", "3,3", "1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, name, []byte(c.begin+c.half))
			var log bytes.Buffer
			cc := config(t, dir, map[string]any{"path": name})
			cc.Log = slog.New(slog.NewTextHandler(&log, nil))
			src, err := file.Spec(blob.Local()).Source(t.Context(), cc)
			must(t, err)
			defer func() { _ = src.Close() }()
			sc := scenario{src: src, stream: job.Stream{Mode: job.Incremental, Cursor: "c"}, records: 10}
			first := mustRun(t, sc)
			if first.read != 2 || len(first.rejects) != 0 {
				t.Fatalf("read %d, rejects %v; the half line must wait", first.read, first.rejects)
			}
			if want := fmt.Sprintf("file=%s bytes=%d", name, len(c.half)); !strings.Contains(log.String(), want) {
				t.Errorf("log %q does not say %q", log.String(), want)
			}
			write(t, dir, name, []byte(c.begin+c.half+c.rest))
			sc.positions = map[string]string{name: first.batches[len(first.batches)-1].End}
			rest := mustRun(t, sc)
			if rest.read != 1 || len(rest.rejects) != 0 || !strings.Contains(rest.lines[0], "31") {
				t.Errorf("read %d, rows %v, rejects %v; want the line that is whole now", rest.read, rest.lines, rest.rejects)
			}
		})
	}
}

// TestSource_CursorReplaced gives a stream another file in the place of the one it read: what was read stays read, and every reject
// of the new file is seen, once, wherever a batch ends.
func TestSource_CursorReplaced(t *testing.T) {
	stream := job.Stream{Mode: job.Incremental, Cursor: "c"}
	for name, c := range map[string]struct {
		text          string
		rows, rejects int
	}{
		"only later records":        {"c,n\nx,1\n,2\n5,a\n6,b\ny,3\n", 2, 3},
		"no good record":            {"c,n\nx,1\n,2\n", 0, 2},
		"the last one read and new": {"c,n\nold,0\n2,b\nx,1\n3,c\n", 1, 1},
		"an earlier one and new":    {"c,n\n1,a\n3,c\n", 1, 0},
		"nothing":                   {"c,n\n", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "a.csv", []byte("c,n\nold,0\n1,a\n2,b\n"))
			sc := scenario{src: openSource(t, dir, map[string]any{"path": "a.csv"}), stream: stream, records: 1}
			sc.stream.Columns = map[string]record.Type{"c": {Kind: record.Int}, "n": {Kind: record.String}}
			sc.positions = mustRun(t, sc).ends
			write(t, dir, "a.csv", []byte(c.text))
			all := mustRun(t, sc)
			if len(all.lines) != c.rows || len(all.rejects) != c.rejects || all.read != c.rows+c.rejects {
				t.Fatalf("read %d, rows %v, rejects %v; want %d rows, %d rejects", all.read, all.lines, all.rejects, c.rows, c.rejects)
			}
			seen := 0
			for _, b := range all.batches {
				if seen += b.Read; b.Read == 0 {
					continue
				}
				sc.positions = map[string]string{"a.csv": b.End}
				if rest := mustRun(t, sc); rest.read != all.read-seen {
					t.Errorf("behind %q: read %d, want %d", b.End, rest.read, all.read-seen)
				}
			}
		})
	}
}

// TestSource_Undecodable rejects records whose bytes are not in the encoding that the user names.
func TestSource_Undecodable(t *testing.T) {
	for name, c := range map[string]struct{ encoding, text, raw string }{
		"windows-1253": {"windows-1253", "a,b\n1,x\n2,\xd2\n3,\xe1\n", "2,\ufffd"},
		"shift_jis":    {"shift_jis", "a,b\n1,x\n2,\x81\n3,y\n", ""},
		"utf-16":       {"utf-16le", utf16le("a,b\n1,x\n2,", false) + "\x00\xd8" + utf16le("\n3,y\n", false), "2,\ufffd"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "a.csv", []byte(c.text))
			o := mustRun(t, scenario{src: openSource(t, dir, map[string]any{"path": "a.csv", "encoding": c.encoding})})
			if o.read != len(o.lines)+len(o.rejects) || len(o.rejects) != 1 || !strings.Contains(o.rejects[0], "line 3: the record holds bytes that its encoding does not know") {
				t.Fatalf("rows %v, rejects %v", o.lines, o.rejects)
			}
			if raw := o.batches[0].Rejects[0].Raw; c.raw != "" && raw != c.raw {
				t.Errorf("raw %q, want %q", raw, c.raw)
			}
		})
	}
	dir := t.TempDir()
	write(t, dir, "a.csv", []byte("a,\xd2\n1,x\n"))
	_, err := scenario{src: openSource(t, dir, map[string]any{"path": "a.csv", "encoding": "windows-1253"})}.run(t.Context())
	wantFault(t, err, fault.DataInvalid, "the name of column 2 holds bytes that its encoding does not know (set another encoding)")
}

func TestSource_CursorChecks(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.csv", []byte("c,s,b\n1,x,true\n3,y,true\n2,z,false\n"))
	src := openSource(t, dir, map[string]any{"path": "a.csv"})
	for _, c := range []struct {
		cursor string
		code   fault.Code
		part   string
	}{
		{"c", fault.DataInvalid, "line 4: the cursor c goes back (sort the file by c, leave the cursor out"},
		{"cc", fault.ConfigInvalid, "did you mean c?"},
		{"b", fault.ConfigInvalid, "whose values do not grow"},
	} {
		_, err := scenario{src: src, stream: job.Stream{Mode: job.Incremental, Cursor: c.cursor}}.run(t.Context())
		wantFault(t, err, c.code, c.part)
	}
	if o := mustRun(t, scenario{src: src, stream: job.Stream{Mode: job.Incremental, Cursor: "s"}}); o.read != 3 {
		t.Errorf("read %d, want 3", o.read)
	}
}

// TestSource_Fingerprint holds what counts as a change.
func TestSource_Fingerprint(t *testing.T) {
	dir := t.TempDir()
	at := time.Unix(1_700_000_000, 0)
	text := []byte("a,b\n1,x\n2,y\n")
	put := func(name string, data []byte, shift time.Duration) {
		write(t, dir, name, data)
		if err := os.Chtimes(filepath.Join(dir, name), at, at.Add(shift)); err != nil {
			t.Fatal(err)
		}
	}
	plan := func(path, known string) connector.Plan {
		t.Helper()
		p, err := openSource(t, dir, map[string]any{"path": path}).Plan(t.Context(), connector.PlanRequest{Stream: job.Stream{Name: "in", Mode: job.Full}, Known: known})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	put("one/in.csv", text, 0)
	first := plan("one/in.csv", "")
	same := map[string]string{"one/in.csv": "touched", "two/in.csv": "moved", "three/in.csv.gz": "compressed", "four/in.csv.zst": "compressed otherwise"}
	for name, what := range same {
		put(name, text, time.Hour)
		again := plan(name, first.Fingerprint)
		if !again.Unchanged || again.Fingerprint == first.Fingerprint {
			t.Errorf("%s: unchanged %v, fingerprint %s; want unchanged with a new fingerprint", what, again.Unchanged, again.Fingerprint)
		}
		if !plan(name, again.Fingerprint).Unchanged {
			t.Errorf("%s: the new fingerprint does not stand for it", what)
		}
	}
	put("one/in.csv", append(text, "3,z\n"...), 0)
	if p := plan("one/in.csv", first.Fingerprint); p.Unchanged || p.Records != 3 {
		t.Errorf("one row more: unchanged %v, %d records", p.Unchanged, p.Records)
	}
	put("one/in.csv", []byte("a,b\n1,x\n2,z\n"), time.Second)
	if plan("one/in.csv", first.Fingerprint).Unchanged {
		t.Error("another letter, same size: unchanged")
	}
	put("one/other.csv", text, 0)
	if plan("one/*.csv", first.Fingerprint).Unchanged {
		t.Error("one file more: unchanged")
	}
	if plan("two/in.csv", "v9;something").Unchanged {
		t.Error("a fingerprint of a later version must equal nothing")
	}
}

// TestSource_ChangedDuringRun changes a file between plan and end.
func TestSource_ChangedDuringRun(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "in.csv", []byte("a\n1\n2\n3\n"))
	src := openSource(t, dir, map[string]any{"path": "in.csv"})
	stream := job.Stream{Name: "in", Mode: job.Full}
	plan, err := src.Plan(t.Context(), connector.PlanRequest{Stream: stream})
	if err != nil {
		t.Fatal(err)
	}
	req := connector.OpenRequest{Stream: stream, Schema: plan.Schema, Partition: plan.Partitions[0], Records: 2}
	r, err := src.Open(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if _, err := r.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "in.csv", []byte("a\n1\n2\n3\n4\n"))
	_, err = r.Next(t.Context())
	wantFault(t, err, fault.Conflict, "changed during the run")
	_, err = src.Open(t.Context(), req)
	wantFault(t, err, fault.Conflict, "changed during the run")
}
