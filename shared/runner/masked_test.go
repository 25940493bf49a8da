package runner_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/lockstep-data/lockstep/shared/runner"
	"github.com/lockstep-data/lockstep/shared/store"
)

// maskedJob reads a column whose values nobody may see, and fails by it.
const maskedJob = `
id: things
source:
  connector: file
  config: {path: in/things.csv}
  streams: [{name: things, key: [%s], mode: full%s}]
%s
destinations:
  - connector: sqlite
    config: {path: out.db}
    write: append
on_failure: {action: %s, mask: [pin]}
`

// maskedCase is a way to fail by the column pin.
type maskedCase struct {
	stream string // more settings of the stream
	steps  string // transforms or rules
	key    string // "": id
	ddl    string // of the target
	pin    string // "": the text
}

func maskedCases() map[string]maskedCase {
	const number = "8675309867530"
	return map[string]maskedCase{
		"a line that cannot be read":     {pin: `a"` + "s3cr3t-pin" + `",,,`},
		"transform cast":                 {steps: "transforms: [{cast: {pin: int}}]"},
		"transform set":                  {steps: "transforms: [{set: {n: int(pin)}}]"},
		"transform filter":               {steps: "transforms: [{filter: int(pin) > 1}]"},
		"transform split":                {steps: "transforms: [{cast: {pin: json}}, {split: {column: pin, into: one, type: string}}]"},
		"rule range":                     {stream: ", columns: {pin: int}", steps: "rules: [{range: {column: pin, max: 10}}]", pin: number},
		"rule pattern":                   {steps: "rules: [{pattern: {column: pin, match: '^x$'}}]"},
		"rule one_of":                    {steps: "rules: [{one_of: {column: pin, values: [a, b]}}]"},
		"rule length":                    {steps: "rules: [{length: {column: pin, max: 3}}]"},
		"rule unique":                    {steps: "rules: [{unique: [pin]}]"},
		"rule type":                      {steps: "rules: [{type: {pin: date}}]"},
		"rule expr":                      {steps: "rules: [{expr: \"length(pin) < 3\"}]"},
		"the destination's constraint":   {ddl: "create table things (id integer, pin text check (length(pin) < 3))"},
		"the destination's unique index": {ddl: "create table things (id integer, pin text unique)"},
		"the key, which a rule refuses":  {key: "pin", steps: "rules: [{length: {column: pin, max: 3}}]"},
	}
}

func TestRunner_MaskedColumnsAreSeenNowhere(t *testing.T) {
	t.Parallel()
	for name, c := range maskedCases() {
		for _, action := range []string{"skip", "abort"} {
			t.Run(name+", "+action, func(t *testing.T) {
				t.Parallel()
				pin := c.pin
				if pin == "" {
					pin = "s3cr3t-pin"
				}
				key := c.key
				if key == "" {
					key = "id"
				}
				l := newLab(t, fmt.Sprintf(maskedJob, key, c.stream, c.steps, action))
				l.write("in/things.csv", "id,pin", "1,"+pin, "2,"+pin)
				if c.ddl != "" {
					l.execute(c.ddl)
				}
				l.sees(nothingOf("s3cr3t", "86753098"))
			})
		}
	}
}

// execute runs a statement in the destination.
func (l *lab) execute(ddl string) {
	l.Helper()
	db, err := sql.Open("sqlite", filepath.Join(l.dir, "out.db"))
	l.ok(err)
	_, err = db.Exec(ddl)
	l.ok(err)
	l.ok(db.Close())
}

// nothingOf says which of the texts stands in data, if any.
func nothingOf(texts ...string) func(data []byte) string {
	return func(data []byte) string {
		for _, text := range texts {
			if i := bytes.Index(data, []byte(text)); i >= 0 {
				return fmt.Sprintf("%q", data[max(0, i-80):min(len(data), i+40)])
			}
		}
		return ""
	}
}

// sees runs the job, whose records must fail, and holds everything that is kept or logged against find; batches, which are data, are not
// looked at.
func (l *lab) sees(find func([]byte) string) {
	l.Helper()
	var log bytes.Buffer
	l.within(func(s *session) {
		s.Clock = quickClock{}
		s.Env.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		r := l.walk(s, runner.Request{})
		if r.Run.Status != store.RunPartial && r.Run.ErrorCode != "DataInvalid" {
			l.Errorf("run is %s %s: %s", r.Run.Status, r.Run.ErrorCode, r.Run.ErrorText)
		}
	})
	if got := find(log.Bytes()); got != "" {
		l.Errorf("the log says %s", got)
	}
	for _, path := range l.stateFiles() { // runs, partitions, step executions, failures and log events
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if got := find(data); got != "" {
			l.Errorf("%s says %s", filepath.Base(path), got)
		}
	}
}
