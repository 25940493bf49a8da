package file_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/connector/file"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

// hooked is a bucket whose calls a test can watch and change.
type hooked struct {
	blob.Bucket
	put    func(key string, put func() (string, error)) (string, error)
	remove func(key string)
}

func (h *hooked) Put(ctx context.Context, key string, data []byte, etag string) (string, error) {
	put := func() (string, error) { return h.Bucket.Put(ctx, key, data, etag) }
	if h.put == nil {
		return put()
	}
	return h.put(key, put)
}

func (h *hooked) Delete(ctx context.Context, key string) error {
	if h.remove != nil {
		h.remove(key)
	}
	return h.Bucket.Delete(ctx, key)
}

// hook gives openers whose scheme hook: opens the bucket.
func hook(h *hooked) blob.Openers {
	return blob.Openers{"hook": func(context.Context, *url.URL) (blob.Bucket, error) { return h, nil }}
}

// inBucket opens the destination hook://b/out/ in NDJSON.
func inBucket(t testing.TB, h *hooked) connector.Destination {
	return openDestinationAt(t, hook(h), t.TempDir(), map[string]any{"path": "hook://b/out/", "format": "ndjson"})
}

// rows reads the parts that the manifest names, in its order, and wants each to be there.
func rows(t *testing.T, b blob.Bucket) []string {
	t.Helper()
	data, err := b.Read(t.Context(), "out/manifest.json")
	must(t, err)
	var m struct{ Files []struct{ Name string } }
	must(t, json.Unmarshal(data, &m))
	var out []string
	for _, f := range m.Files {
		text, err := b.Read(t.Context(), "out/"+f.Name)
		must(t, err)
		out = append(out, strings.Fields(string(text))...)
	}
	return out
}

func wantRows(t *testing.T, b blob.Bucket, values ...int) {
	t.Helper()
	var want []string
	for _, v := range values {
		want = append(want, fmt.Sprintf(`{"a":%d,"b":"%d"}`, v, v))
	}
	if got := rows(t, b); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// parts lists the objects that are no manifest.
func parts(t *testing.T, b blob.Bucket) []string {
	t.Helper()
	keys, err := blob.Keys(t.Context(), b, "")
	must(t, err)
	return slices.DeleteFunc(keys, func(k string) bool { return path.Base(k) == "manifest.json" })
}

// TestShelf_Faster saves the manifest between another writer's reading and saving.
func TestShelf_Faster(t *testing.T) {
	h := &hooked{Bucket: blob.OpenMemory()}
	slow, fast := newPen(t, inBucket(t, h), job.Append), newPen(t, inBucket(t, h), job.Append)
	must(t, slow.prepare())
	n, asked := 0, 0
	h.put = func(_ string, put func() (string, error)) (string, error) {
		if n++; n == 1 {
			must(t, fast.load("q", 2))
		}
		return put()
	}
	r := slow.request("p", 1)
	r.Confirm = func([]record.Refusal) error { asked++; return nil }
	if _, err := slow.d.Load(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if n != 3 || asked != 1 {
		t.Errorf("the manifest was put %d times, the caller asked %d times; want 3 and 1", n, asked)
	}
	wantRows(t, h.Bucket, 1, 2)
}

// TestShelf_Superseded: who lost the race to a higher fence writes nothing more.
func TestShelf_Superseded(t *testing.T) {
	h := &hooked{Bucket: blob.OpenMemory()}
	old, later := newPen(t, inBucket(t, h), job.Append), newPen(t, inBucket(t, h), job.Append)
	must(t, old.prepare())
	later.claim = connector.Claim{Fence: 2, Owner: "later"}
	raced := false
	h.put = func(_ string, put func() (string, error)) (string, error) {
		if !raced {
			raced = true
			must(t, later.load("p", 2))
		}
		return put()
	}
	wantFault(t, old.load("p", 1), fault.Superseded, "claimed with fence 2")
	wantRows(t, h.Bucket, 2)
}

// TestShelf_Crash ends a load before its manifest was saved, and behind, when only the answer was lost.
func TestShelf_Crash(t *testing.T) {
	for name, saved := range map[string]bool{"before": false, "behind": true} {
		t.Run(name, func(t *testing.T) {
			h := &hooked{Bucket: blob.OpenMemory()}
			p := newPen(t, inBucket(t, h), job.Append)
			must(t, p.prepare(), p.load("p", 1))
			h.put = func(_ string, put func() (string, error)) (string, error) {
				if saved {
					_, err := put()
					must(t, err)
				}
				return "", fault.New(fault.Transient, "the answer is lost")
			}
			wantFault(t, p.load("p", 2), fault.Transient, "lost")
			h.put = nil
			p.d = inBucket(t, h)
			got, err := p.d.Load(t.Context(), p.request("p", 2))
			if err != nil || got.Existing != saved || got.Inserted != 1 {
				t.Errorf("got %+v, %v", got, err)
			}
			wantRows(t, h.Bucket, 1, 2)
			if all := parts(t, h.Bucket); len(all) != 2 {
				t.Errorf("there are %q", all)
			}
		})
	}
}

// TestShelf_OtherText: a batch that is written in another way after a crash is not taken for the part that the crash left.
func TestShelf_OtherText(t *testing.T) {
	h := &hooked{Bucket: blob.OpenMemory()}
	p := newPen(t, inBucket(t, h), job.Append)
	must(t, p.prepare())
	h.put = func(string, func() (string, error)) (string, error) { return "", fault.New(fault.Transient, "lost") }
	wantFault(t, p.load("p", 1), fault.Transient, "lost")
	h.put = nil
	must(t, p.load("p", 2))
	wantRows(t, h.Bucket, 2)
}

// TestShelf_Parallel lets destinations as of two processes, each with two partitions, append at once.
func TestShelf_Parallel(t *testing.T) {
	h := &hooked{Bucket: blob.OpenMemory()}
	must(t, newPen(t, inBucket(t, h), job.Append).prepare())
	var wg sync.WaitGroup
	for process := range 2 {
		d := inBucket(t, h)
		for n := range 2 {
			wg.Go(func() {
				p := newPen(t, d, job.Append)
				for i := range 10 {
					if err := p.load(fmt.Sprint("p", process, n), process*100+n*10+i); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	got := rows(t, h.Bucket)
	slices.Sort(got)
	if len(got) != 40 || len(slices.Compact(got)) != 40 {
		t.Errorf("%d rows", len(got))
	}
}

// TestShelf_Leftovers: the next run removes what a run that died staged, and the run before; nothing else.
func TestShelf_Leftovers(t *testing.T) {
	h := &hooked{Bucket: blob.OpenMemory()}
	run := func(name string, fence int64, backup bool) *pen {
		p := newPen(t, inBucket(t, h), job.Replace)
		p.target.Run, p.claim, p.target.Write.Backup = name, connector.Claim{Fence: fence, Owner: name, Base: name}, backup
		return p
	}
	dead := run("dead", 1, false)
	must(t, dead.prepare(), dead.load("p", 1), dead.load("q", 2))
	_, err := h.Create(t.Context(), "out/partners.txt", nil)
	must(t, err)
	next := run("next", 2, false)
	must(t, next.prepare())
	if got := parts(t, h.Bucket); !slices.Equal(got, []string{"out/partners.txt"}) {
		t.Errorf("left: %q", got)
	}
	wantFault(t, dead.load("p", 3), fault.Superseded, "next has prepared")
	must(t, next.load("p", 4), next.commit())
	wantRows(t, h.Bucket, 4)
	last := run("last", 3, true)
	must(t, last.prepare(), last.load("p", 5))
	wantRows(t, h.Bucket, 4)
	must(t, last.commit())
	wantRows(t, h.Bucket, 5)
	if got := parts(t, h.Bucket); len(got) != 3 { // the backup, the part, the other file
		t.Errorf("left: %q", got)
	}
	after := run("after", 4, false)
	must(t, after.prepare(), after.load("p", 6), after.commit())
	wantRows(t, h.Bucket, 6)
	if got := parts(t, h.Bucket); len(got) != 2 {
		t.Errorf("left: %q", got)
	}
}

// TestShelf_SlowPrepare: a run that is overtaken while it removes leftovers touches nothing of the later run.
func TestShelf_SlowPrepare(t *testing.T) {
	h := &hooked{Bucket: blob.OpenMemory()}
	run := func(name string, fence int64) *pen {
		p := newPen(t, inBucket(t, h), job.Replace)
		p.target.Run, p.claim = name, connector.Claim{Fence: fence, Owner: name, Base: name}
		return p
	}
	dead, slow, later := run("dead", 1), run("slow", 2), run("later", 3)
	must(t, dead.prepare(), dead.load("p", 1), dead.load("q", 1))
	overtaken := false
	h.put = func(_ string, put func() (string, error)) (string, error) {
		etag, err := put()
		if !overtaken { // behind the claim of the slow run, before it removes anything
			overtaken = true
			must(t, later.prepare(), later.load("p", 7), later.load("q", 8), later.commit())
		}
		return etag, err
	}
	removed := 0
	h.remove = func(string) { removed++ }
	must(t, slow.prepare())
	if removed < 2 {
		t.Errorf("%d were removed", removed)
	}
	wantRows(t, h.Bucket, 7, 8)
	wantFault(t, slow.load("p", 9), fault.Superseded, "claimed with fence 3")
}

func TestShelf_Refused(t *testing.T) {
	openers := blob.Local()
	spec := file.Spec(openers)
	for p, want := range map[string]string{
		"mem://b/x.ndjson":          "single file in a bucket",
		"mem://b/{stream}.ndjson":   "single file in a bucket",
		"mem://b/":                  "names no file in the bucket",
		"mem:///x/":                 "names no bucket",
		"mem://b/../x/":             "has a part ..",
		"mem://b/x/../../{stream}/": "has a part ..",
		"gs://b/x/":                 "not a place for objects",
		"file://x/y/":               "names no folder of this machine",
	} {
		v := values(t, map[string]any{"path": p, "format": "ndjson"})
		_, err := spec.Destination(t.Context(), connector.Config{Values: v, Dir: t.TempDir()})
		wantFault(t, err, fault.ConfigInvalid, want)
		if problems := append(spec.Check(v), spec.CheckWrite(v, job.Write{Mode: job.Append})...); len(problems) != 1 {
			t.Errorf("%s: check finds %v", p, problems)
		}
	}
	for p, code := range map[string]string{"mem://b/x/{stream}/": "", "out/": "", "out.ndjson": "", "file:///x.ndjson": "", "${PLACE}/x": "", "mem://b/x.csv": "unsupported"} {
		codes := ""
		for _, problem := range spec.CheckWrite(values(t, map[string]any{"path": p}), job.Write{}) {
			codes += problem.Code
		}
		if codes != code {
			t.Errorf("%s: got %q, want %q", p, codes, code)
		}
	}
}

func TestSource_BucketRefused(t *testing.T) {
	for p, want := range map[string]string{
		"mem://b/../x.csv":      "has a part ..",
		"mem://b/a/../../*.csv": "has a part ..",
		"mem://b":               "names no file",
		"gs://b/x.csv":          "not a place for objects",
		"mem://b/x/":            "is a folder",
		"mem://b/nothing-*.csv": "there is no file mem://b/nothing-*.csv",
	} {
		s, err := file.Spec(blob.Local()).Source(t.Context(), connector.Config{Values: values(t, map[string]any{"path": p, "format": "csv"}), Dir: t.TempDir()})
		if err == nil {
			_, err = s.Plan(t.Context(), connector.PlanRequest{Stream: job.Stream{Name: "x", Mode: job.Full}})
		}
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: got %v, want …%s…", p, err, want)
		}
	}
}

// TestShelf_Ping leaves nothing, and says when the bucket cannot be written.
func TestShelf_Ping(t *testing.T) {
	h := &hooked{Bucket: blob.OpenMemory()}
	must(t, inBucket(t, h).Ping(t.Context()), openDestinationAt(t, hook(h), t.TempDir(), map[string]any{"path": "hook://b/a-{stream}/", "format": "csv"}).Ping(t.Context()))
	if got := parts(t, h.Bucket); len(got) > 0 {
		t.Errorf("left: %q", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantFault(t, inBucket(t, h).Ping(ctx), fault.Aborted, "")
}
