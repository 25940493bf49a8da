//go:build localstack

package stacktest_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/localstack/stacktest"
	"github.com/lockstep-data/lockstep/shared/asl"
	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/blob/s3"
	"github.com/lockstep-data/lockstep/shared/catalog"
	"github.com/lockstep-data/lockstep/shared/command"
	"github.com/lockstep-data/lockstep/shared/connector/file"
)

// TestAirports runs the example's job by a plain StartExecution, and holds what it wrote against the run of the same job in this process and against
// an independent reader.
func TestAirports(t *testing.T) {
	ctx := within(t)
	arn, err := stack.Start(ctx, "airports", map[string]any{"job": "runways"})
	if err != nil {
		t.Fatal(err)
	}
	end, err := stack.Wait(ctx, arn)
	if err != nil {
		t.Fatal(err)
	}
	events, err := stack.History(ctx, arn)
	if err != nil {
		t.Fatal(err)
	}
	if end.Status != "SUCCEEDED" {
		t.Fatalf("%s: %v", end.Status, stacktest.Failures(events))
	}
	states := embedded(t)
	if diff := cmp.Diff(states, stacktest.States(events)); diff != "" {
		t.Errorf("states of the interpreter (-) and of the deployed machine (+):\n%s", diff)
	}
	names, data := rows(t, "deployed/runways")
	wantNames, want := rows(t, "embedded/runways")
	if diff := cmp.Diff(wantNames, names); diff != "" {
		t.Errorf("objects of the embedded run (-) and of the deployed one (+):\n%s", diff)
	}
	if !bytes.Equal(data, want) {
		t.Errorf("%d bytes deployed, %d embedded, and they differ", len(data), len(want))
	}
	if diff := cmp.Diff(independent(t), identities(t, data)); diff != "" {
		t.Errorf("an independent reader (-) and what arrived (+):\n%s", diff)
	}
}

// embedded runs the same job in this process, and answers the states that the interpreter entered.
func embedded(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	if err := writeProject(dir, "embedded"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", stack.Account)
	history := filepath.Join(dir, "history.ndjson")
	var out, errs bytes.Buffer
	exit := command.Main(command.Options{
		Args: []string{"run", "runways", "--run", "airports", "--json", "--no-progress", "--history", history}, In: strings.NewReader(""), Out: &out, Err: &errs, Dir: dir,
		Env:     os.LookupEnv,
		Catalog: catalog.Builtin().WithConnector(file.Spec(blob.Local().With(s3.Scheme, s3.Opener()))),
	})
	if exit != 0 {
		t.Fatalf("exit code %d\n%s%s", exit, out.String(), errs.String())
	}
	f, err := os.Open(history)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var states []string
	for dec := json.NewDecoder(f); dec.More(); {
		var e asl.Event
		if err := dec.Decode(&e); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(string(e.Type), "StateEntered") {
			states = append(states, e.State)
		}
	}
	return states
}

// identity is what is compared of a runway: enough to see a row that is lost, doubled, or another one's.
type identity struct {
	ID, Airport, Surface, LowEnd string
	Length                       int
}

// independent reads the file with the standard library and does by hand what the job says.
func independent(t *testing.T) []identity {
	t.Helper()
	f, err := os.Open(example("data", day, runways))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	all, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, name := range all[0] {
		at[name] = i
	}
	var out []identity
	for _, r := range all[1:] {
		if r[at["closed"]] != "0" || r[at["airport_ident"]] == "" {
			continue
		}
		length, err := strconv.Atoi(r[at["length_ft"]])
		if err == nil && (length < 1 || length > 30000) {
			continue
		}
		out = append(out, identity{r[at["id"]], r[at["airport_ident"]], strings.ToUpper(strings.TrimSpace(r[at["surface"]])), r[at["le_ident"]], length})
	}
	return out
}

func identities(t *testing.T, data []byte) []identity {
	t.Helper()
	var out []identity
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		var r struct {
			ID      json.Number `json:"id"`
			Airport string      `json:"airport_ident"`
			Surface string      `json:"surface"`
			Low     string      `json:"low_end"`
			Length  int         `json:"length_ft"`
		}
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		out = append(out, identity{r.ID.String(), r.Airport, r.Surface, r.Low, r.Length})
	}
	return out
}
