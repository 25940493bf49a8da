//go:build dynamodb

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/catalog/local"
	"github.com/lockstep-data/lockstep/shared/command"
	"github.com/lockstep-data/lockstep/shared/store"
	"github.com/lockstep-data/lockstep/shared/store/dynamo"
	"github.com/lockstep-data/lockstep/shared/store/dynamo/dynamotest"
)

func TestMain(m *testing.M) { os.Exit(dynamotest.Main(m)) }

// machine is a folder with the sample project, as on a machine of its own.
type machine struct {
	*testing.T
	url, dir string
}

// lockstep runs the command and gives what it prints as JSON.
func (m machine) lockstep(want int, args ...string) map[string]any {
	m.Helper()
	var out, errs bytes.Buffer
	exit := command.Main(command.Options{
		Catalog: local.Builtin(), Stores: []store.Kind{dynamo.Kind(infra.StateTable())}, Dir: m.dir, Out: &out, Err: &errs,
		Args: append(args, "--store", m.url, "--json"),
	})
	if exit != want {
		m.Fatalf("lockstep %v: exit %d, want %d\n%s%s", args, exit, want, out.String(), errs.String())
	}
	var v any
	if err := json.Unmarshal(out.Bytes(), &v); err != nil {
		m.Fatalf("lockstep %v: %v\n%s", args, err, out.String())
	}
	report, _ := v.(map[string]any)
	return report
}

func TestCommand_SharedTable(t *testing.T) {
	dynamotest.Endpoint(t)
	for name, value := range map[string]string{"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"} {
		t.Setenv(name, value)
	}
	url := fmt.Sprintf("dynamodb://lockstep-command-%d", os.Getpid())
	a, b := machine{t, url, filepath.Join(t.TempDir(), "here")}, machine{t, url, filepath.Join(t.TempDir(), "there")}
	for _, m := range []machine{a, b} {
		if err := os.Mkdir(m.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		m.lockstep(0, "init", m.dir)
	}
	a.lockstep(3, "run", "sample") // there is no such table yet
	a.lockstep(0, "doctor", "--create")

	first := a.lockstep(0, "run", "sample")
	if first["status"] != "partial" || first["loaded"] != 6.0 || first["billed"] == nil {
		t.Fatalf("the first machine's run: %v", first)
	}
	if again := a.lockstep(0, "run", "sample"); again["status"] != "succeeded" || again["read"] != 0.0 {
		t.Fatalf("the next run does not go on behind the checkpoint: %v", again)
	}
	if shown := b.lockstep(0, "runs", "show", first["run"].(string)); shown["loaded"] != 6.0 || shown["billed"] == nil {
		t.Fatalf("the second machine does not see the first one's run: %v", shown)
	}

	client, table, err := dynamo.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	s, err := dynamo.Open(t.Context(), dynamo.Options{Client: client, Table: table})
	if err != nil {
		t.Fatal(err)
	}
	p := store.Protocol{Store: s, Now: time.Now, NewRVN: func() string { return "rvn" }}
	taken, err := p.Take(t.Context(), store.TakeRequest{
		Job: "sample", Run: "elsewhere", Epoch: store.Epoch(0, 1, 0, 0), Holder: "local:another-machine:0", LeaseUntil: time.Now().Add(time.Hour),
	})
	if err != nil || taken.Outcome != store.OutcomeAcquired {
		t.Fatalf("take by another machine: %+v, %v", taken, err)
	}
	if held := b.lockstep(4, "run", "sample"); held["held_by"] != "elsewhere" {
		t.Errorf("a run beside one of another machine: %v", held)
	}
	if err := dynamo.Drop(t.Context(), client, table); err != nil {
		t.Error(err)
	}
}
