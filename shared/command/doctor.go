package command

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/store"
	"github.com/lockstep-data/lockstep/shared/store/process"
)

func (a *app) doctorCommand() *cobra.Command {
	var create, restored, yes bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Check that this place can keep what Lockstep promises",
		Long: `Doctor checks what Lockstep builds on: the state file, its version and its log, locks on files, the clock, the place of batches,
free space, the project's files and its destinations. Each line is ok, warn or fail; the exit code is 3 when one fails.

With --store dynamodb://TABLE it tries the table out: writes whose conditions conflict, a transaction that must fail, one token twice; and it
reads its settings. What it writes it takes away again. --create makes a table that is not there yet.

With --after-restore it mends jobs whose state is older than their destinations, as after a copy of the state was put back (StateBehind): checkpoints go
forward to what the destinations' receipts say, and all numbers above those that were given since the copy. No job may run then.`,
		Example: `  lockstep doctor
  lockstep doctor --after-restore
  lockstep doctor --store dynamodb://lockstep-state?region=eu-central-1 --create`,
		Args: between(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if restored {
				return a.afterRestore(cmd.Context(), yes)
			}
			return a.doctor(cmd.Context(), create)
		},
	}
	c.Flags().BoolVar(&create, "create", false, "make the state table when it is missing")
	c.Flags().BoolVar(&restored, "after-restore", false, "the state is an older copy that was put back: go forward to where the destinations are")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

// The answers of a probe.
const (
	probeOK   = "ok"
	probeWarn = "warn"
	probeFail = "fail"
)

// probe is one line of the doctor.
type probe struct {
	Name   string `json:"name"`
	Answer string `json:"answer"`
	Text   string `json:"text"`
	Hint   string `json:"hint,omitempty"`
}

// minFree is how much room on the disk is enough.
const minFree = 1 << 30

// maxAhead is how far behind what is stored the clock may be before it matters.
const maxAhead = 2 * time.Second

func (a *app) doctor(ctx context.Context, create bool) error {
	dir := a.projectDir()
	s := a.site(dir)
	var probes []probe
	if a.flags.aws.on {
		if create {
			return wrong("leave it out: the deployment makes the table", "--create cannot be there with --aws")
		}
		return a.writeProbes(a.probeAWS(ctx))
	}
	switch {
	case s.shared():
		probes = a.probeStore(ctx, s, create)
	case create:
		return wrong("leave it out: a state file is made when it is needed", "--create makes the table of a --store dynamodb://TABLE")
	default:
		probes = a.probeState(ctx, s)
	}
	probes = append(probes, a.probeLocks(ctx, s), a.probeBlobs(ctx, s), a.probeSpace(s))
	return a.writeProbes(append(probes, a.probeProject(ctx)...))
}

// probeAWS looks at an installation: its quotas, permissions and endpoints.
func (a *app) probeAWS(ctx context.Context) []probe {
	i, err := a.installation(ctx)
	if err != nil {
		return []probe{bad("stack", err)}
	}
	about := i.About()
	out := []probe{good("stack", "%s in %s", about.Stack, about.Region)}
	more, _ := findings(i.Probe(ctx))
	return append(out, more...)
}

// writeProbes prints the answers; one that failed gives the exit code.
func (a *app) writeProbes(probes []probe) error {
	exit := ExitOK
	for _, p := range probes {
		if p.Answer == probeFail {
			exit = ExitUnreachable
		}
	}
	if a.flags.json {
		a.json(probes)
		return end(exit)
	}
	for _, p := range probes {
		a.printf("%s  %-12s %s\n", a.p.status(fmt.Sprintf("%-4s", p.Answer)), p.Name, p.Text)
		if p.Hint != "" {
			a.printf("      %-12s %s\n", "", a.p.dim(p.Hint))
		}
	}
	return end(exit)
}

func good(name, format string, args ...any) probe {
	return probe{Name: name, Answer: probeOK, Text: fmt.Sprintf(format, args...)}
}

func bad(name string, err error) probe {
	e := explain(err)
	return probe{Name: name, Answer: probeFail, Text: e.Message, Hint: e.Hint}
}

// probeState looks at the state file: that it opens, takes writes, has a log, and is not from the future.
func (a *app) probeState(ctx context.Context, s site) []probe {
	made := !exists(s.state)
	st, err := a.openState(ctx, s)
	if err != nil {
		return []probe{bad("state", err)}
	}
	defer st.Close()
	if err := st.Ping(ctx); err != nil {
		return []probe{bad("state", err)}
	}
	text := s.state + " can be read and written"
	if made {
		text += "; it was made just now"
	}
	return append([]probe{good("state", "%s", text)}, probeFormat(ctx, s.state), a.probeClock(ctx, st))
}

// probeFormat reads the file's version and journal.
func probeFormat(ctx context.Context, path string) probe {
	const name = "format"
	abs, err := filepath.Abs(path)
	if err != nil {
		return bad(name, err)
	}
	slashed := filepath.ToSlash(abs)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: slashed}).EscapedPath()+"?_pragma=query_only(1)&_pragma=busy_timeout(5000)")
	if err != nil {
		return bad(name, err)
	}
	defer db.Close()
	var version int
	var journal string
	if err := db.QueryRowContext(ctx, "SELECT user_version, journal_mode FROM pragma_user_version, pragma_journal_mode").Scan(&version, &journal); err != nil {
		return bad(name, err)
	}
	if journal != "wal" {
		return probe{Name: name, Answer: probeWarn, Text: fmt.Sprintf("version %d, but the journal is %s and not a write-ahead log", version, journal),
			Hint: "put the state on a local file system"}
	}
	return good(name, "version %d, with a write-ahead log", version)
}

// probeClock compares the clock with the newest time in the state.
func (a *app) probeClock(ctx context.Context, st *state) probe {
	const name = "clock"
	var newest time.Time
	note := func(t time.Time) {
		if t.After(newest) {
			newest = t
		}
	}
	for token := ""; ; {
		locks, more, err := st.Locks(ctx, store.LockQuery{Limit: 1000, Token: token})
		if err != nil {
			return bad(name, err)
		}
		for _, l := range locks {
			note(l.UpdatedAt)
		}
		if token = more; token == "" {
			break
		}
	}
	runs, _, err := st.Runs(ctx, store.RunQuery{Limit: 1})
	if err != nil {
		return bad(name, err)
	}
	for _, r := range runs {
		note(r.CreatedAt)
		note(r.EndedAt)
	}
	now := a.o.Now()
	if newest.Sub(now) <= maxAhead {
		return good(name, "%s, behind nothing in the state", stamp(now))
	}
	return probe{
		Name: name, Answer: probeFail,
		Text: fmt.Sprintf("it is %s, but the state was written at %s: the clock was set back", stamp(now), stamp(newest)),
		Hint: fmt.Sprintf("set the clock right; until then leases and waiting times are longer by %s. No data is at risk: times never decide who may write",
			span(newest.Sub(now))),
	}
}

// probeLocks makes a holder and looks at it through a second handle.
func (a *app) probeLocks(ctx context.Context, s site) probe {
	const name = "locks"
	dir := s.holders()
	h, err := hold(s)
	if err != nil {
		return bad(name, err)
	}
	lock := store.Lock{Holder: h.ID()}
	prover := process.Prover{Dir: dir, Shared: s.shared()}
	held, err := prover.Life(ctx, lock)
	if cerr := h.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return bad(name, err)
	}
	freed, err := prover.Life(ctx, lock)
	switch {
	case err != nil:
		return bad(name, err)
	case held != store.Alive || freed != store.Dead:
		return probe{Name: name, Answer: probeFail, Text: "files in " + dir + " cannot be locked: two runs of one job would not see each other",
			Hint: "put the state on a local file system"}
	}
	return good(name, "a second handle sees a lock, and sees it go")
}

// probeBlobs makes an object, tries to make it again, and deletes it.
func (a *app) probeBlobs(ctx context.Context, s site) probe {
	const name = "batches"
	b, err := a.openBlobs(ctx, s.blobs)
	if err != nil {
		return bad(name, err)
	}
	defer b.Close()
	key := "doctor/" + token()
	first, err := b.Create(ctx, key, []byte("1"))
	if err != nil {
		return bad(name, err)
	}
	second, err := b.Create(ctx, key, []byte("2"))
	data, rerr := b.Read(ctx, key)
	derr := b.Delete(ctx, key)
	for _, e := range []error{err, rerr, derr} {
		if e != nil {
			return bad(name, e)
		}
	}
	if !first || second || string(data) != "1" {
		return probe{Name: name, Answer: probeFail, Text: s.blobs + " lets an object be made twice: a batch could be cut in two ways",
			Hint: "choose another place with --blobs"}
	}
	removeEmpty(s.blobs, "doctor")
	return good(name, "%s can be written, and an object is made once", s.blobs)
}

// removeEmpty takes the probe's folder away where objects are files; one that is not empty stays.
func removeEmpty(place, folder string) {
	_ = os.Remove(filepath.Join(strings.TrimPrefix(place, "file://"), folder))
}

func (a *app) probeSpace(s site) probe {
	const name = "space"
	dir := s.holders()
	for !exists(dir) && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
	}
	free, known := freeSpace(dir)
	switch {
	case !known:
		return probe{Name: name, Answer: probeWarn, Text: "free space is not known here"}
	case free < minFree:
		return probe{Name: name, Answer: probeWarn, Text: size(free) + " free", Hint: "batches, state and destinations need room"}
	}
	return good(name, "%s free", size(free))
}

// probeProject reads the job files and looks at the folders that they write to.
func (a *app) probeProject(ctx context.Context) []probe {
	const name = "project"
	p, s, err := a.project(ctx, true)
	if err != nil {
		return []probe{bad(name, err)}
	}
	if n := len(p.Problems); n > 0 {
		return []probe{{Name: name, Answer: probeFail, Text: plural(int64(n), "problem") + " in job files", Hint: "lockstep check lists them"}}
	}
	out := []probe{good(name, "%s in %s", plural(int64(len(p.Documents)), "job"), s.dir)}
	for _, d := range p.Documents {
		f := found{doc: d, site: s, resolver: a.resolver(s.dir)}
		_, resolved, err := newJobs(f).Job(ctx, d.Job.Key())
		if err != nil {
			continue // disabled, or the check says it
		}
		for _, dest := range resolved.Destinations {
			if one, ok := probeDestination(resolved, dest, s.dir); ok {
				out = append(out, one)
			}
		}
	}
	return out
}

// probeDestination looks at the folder of a destination that writes to a path.
func probeDestination(j job.Job, d job.Destination, dir string) (probe, bool) {
	config, _ := d.Config.Raw().(map[string]any)
	path, _ := config["path"].(string)
	if path == "" || strings.Contains(path, "://") {
		return probe{}, false
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	folder := filepath.Dir(path)
	name := j.ID
	for !exists(folder) && folder != filepath.Dir(folder) {
		folder = filepath.Dir(folder)
	}
	if err := writable(folder); err != nil {
		return probe{Name: name, Answer: probeFail, Text: fmt.Sprintf("destination %s: %s cannot be written: %v", d.Name, folder, err), Hint: "check its permissions"}, true
	}
	return good(name, "destination %s: %s can be written", d.Name, folder), true
}

// writable makes a file in a folder and takes it away.
func writable(folder string) error {
	f, err := os.CreateTemp(folder, ".lockstep-doctor-*")
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Remove(f.Name())
}
