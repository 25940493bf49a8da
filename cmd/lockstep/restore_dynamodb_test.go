//go:build dynamodb

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/shared/store/dynamo"
	"github.com/lockstep-data/lockstep/shared/store/dynamo/dynamotest"
)

// TestCommand_AfterRestore puts the older content of a table back behind a run, as a restore to a point in time does: the job is shut, doctor
// mends it, and the next run goes on behind what the destination has.
func TestCommand_AfterRestore(t *testing.T) {
	dynamotest.Endpoint(t)
	for name, value := range map[string]string{"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"} {
		t.Setenv(name, value)
	}
	url := fmt.Sprintf("dynamodb://lockstep-restore-%d", os.Getpid())
	m := machine{t, url, filepath.Join(t.TempDir(), "here")}
	write := func(name, text string) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(m.dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(m.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rows := func(n int) { write("data/log.csv", "id,x\n"+strings.Repeat("1,a\n", n)) }
	if err := os.Mkdir(m.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	m.lockstep(0, "init", m.dir)
	write("jobs/sample.yaml", `id: sample
source: {connector: file, config: {path: data/log.csv}, streams: [{name: log, mode: incremental, columns: {id: int}}]}
destinations: [{connector: sqlite, config: {path: out.db}, write: append}]
batch: {records: 10}
`)
	client, table, err := dynamo.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	m.lockstep(0, "doctor", "--create")
	defer func() {
		if err := dynamo.Drop(t.Context(), client, table); err != nil {
			t.Error(err)
		}
	}()
	read := func(want float64) {
		t.Helper()
		if r := m.lockstep(0, "run", "sample"); r["read"] != want || r["loaded"] != want {
			t.Fatalf("got %v, want %v read and loaded", r, want)
		}
	}
	rows(25)
	read(25)
	older := dynamotest.Content(t, client, table)
	rows(50)
	read(25)
	dynamotest.PutBack(t, client, table, older)
	rows(57)
	if r := m.lockstep(1, "run", "sample"); r["code"] != "StateBehind" {
		t.Fatalf("with the older content: %v", r)
	}
	m.lockstep(4, "run", "sample") // it stays shut
	m.lockstep(0, "doctor", "--after-restore", "--yes")
	read(7)
	if r := m.lockstep(0, "run", "sample"); r["read"] != 0.0 {
		t.Fatalf("one more run: %v", r)
	}
}
