package file

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/connector/file/internal/input"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// memorySource gives a source over a bucket in memory that holds the files.
func memorySource(t *testing.T, path string, files map[string]string) *Source {
	t.Helper()
	b := blob.OpenMemory()
	for name, text := range files {
		if _, err := b.Create(t.Context(), name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	v, problems := setting.Check(Spec(nil).Body, "config", map[string]any{"path": path})
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	c, err := decode(setting.Of(v))
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSource(c, input.FromBucket(b, "mem://"), path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestSource_Bucket(t *testing.T) {
	s := memorySource(t, "in/{stream}.ndjson", map[string]string{"in/a.ndjson": "{\"n\":1}\n", "in/b.ndjson": "{\"n\":2}\n", "in/c.csv": "x\n"})
	streams, err := s.Streams(t.Context())
	if err != nil || len(streams) != 2 || streams[1].Name != "b" {
		t.Fatalf("streams %v, %v", streams, err)
	}
	stream := job.Stream{Name: "b", Mode: job.Full}
	plan, err := s.Plan(t.Context(), connector.PlanRequest{Stream: stream})
	if err != nil || len(plan.Partitions) != 1 {
		t.Fatalf("plan %+v, %v", plan, err)
	}
	r, err := s.Open(t.Context(), connector.OpenRequest{Stream: stream, Schema: plan.Schema, Partition: plan.Partitions[0], Records: 10})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	b, err := r.Next(t.Context())
	if err != nil || !b.Last || b.Len() != 1 || string(b.JSON(0)) != `{"n":2}` {
		t.Errorf("batch %+v, %v", b, err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := s.files(t.Context(), "z"); err == nil || !strings.Contains(err.Error(), "in/z.ndjson") {
		t.Errorf("got %v", err)
	}
}

// TestSource_ScanParts finds types in the beginning and in the end of a file.
func TestSource_ScanParts(t *testing.T) {
	text := "a,b\n1,x\n2.5,y\n" + "3,2026-01-01\n"
	s := memorySource(t, "a.csv", map[string]string{"a.csv": text})
	files, err := s.files(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		p    pass
		want string
	}{
		"all":       {pass{}, "float string"},
		"beginning": {pass{only: 1}, "int string"},
		"end":       {pass{from: int64(strings.Index(text, "3,"))}, "int date"},
	} {
		out, err := s.scan(t.Context(), files[0], c.p)
		if err != nil {
			t.Fatal(err)
		}
		both := scanned{names: []string{"b"}, guesses: out.guesses[1:]}.with(out)
		if got := out.guesses[0].Type().String() + " " + both.guesses[0].Type().String(); got != c.want || len(both.names) != 2 {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}
