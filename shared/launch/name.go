package launch

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/stage"
)

// maxRunID is how long a run's id may be: the names of later legs' executions add to it, and Step Functions takes 80 characters.
const maxRunID = 64

var runForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// runID gives the id of a run: the given one; for a scheduled run the job and the time, so that a schedule that fires twice is one run; for a
// request with a token one by that; else the time and a random part.
func (l *Launcher) runID(j job.Job, r Request, due time.Time) (string, error) {
	switch {
	case r.Run != "" && !runForm.MatchString(r.Run):
		return "", fault.New(fault.ConfigInvalid, "%q cannot be a run's id: letters, digits, '.', '_' and '-', at most %d", r.Run, maxRunID)
	case r.Run != "":
		return r.Run, nil
	case !due.IsZero():
		return ScheduledID(j.Key(), due), nil
	case r.Token != "":
		return "request-" + hash(j.Key() + "\x00" + r.Token)[:24], nil
	}
	return l.Protocol.Now().UTC().Format(job.RunTime) + "-" + l.Random(), nil
}

// ScheduledID names the run of a job for a time at which it was due: all jobs share one machine, so the job is in it. A key that does not fit
// is cut and ends in a part of its hash.
func ScheduledID(key string, due time.Time) string {
	tail := "-" + due.UTC().Format(job.RunTime)
	clean := strings.Map(func(r rune) rune {
		if r < 0x80 && runForm.MatchString(string(r)) {
			return r
		}
		return '_'
	}, key)
	if room := maxRunID - len(tail); clean != key || len(clean) > room {
		end := "-" + hash(key)[:8]
		clean = clean[:min(len(clean), room-len(end))] + end
	}
	return clean + tail
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// childName is the name of a later leg's execution.
var childName = regexp.MustCompile(`^(.+)-l\d+-r\d+-t\d+$`)

// inputOf reads what a top execution was started with. Its run is its own name where the input says none.
func inputOf(e Execution) (stage.Input, error) {
	var in stage.Input
	if err := json.Unmarshal(e.Input, &in); err != nil || in.Job == "" {
		return in, fault.New(fault.DataInvalid, "execution %s is no run: its input names no job", e.ID)
	}
	if in.Run == "" {
		in.Run = e.Name
	}
	return in, nil
}

// epochParts are the numbers of an epoch that executions are held against.
func epochParts(epoch string) (top, child int, err error) {
	var leg, retry int
	if _, err := fmt.Sscanf(epoch, "%04d#%04d#%04d#%04d", &top, &leg, &retry, &child); err != nil {
		return 0, 0, fault.New(fault.DataInvalid, "epoch %q has another form", epoch)
	}
	return top, child, nil
}
