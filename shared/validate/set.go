package validate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// SetConfig is what a set of rules is compiled with.
type SetConfig struct {
	Path   string        // of the list of rules, for problems
	Stream string        // rules for other streams are passed over; "": none are
	Schema record.Schema // of the records
	Key    []string      // columns that identify a record; may be empty
	Mask   []string      // columns whose values must not be in reasons
	Dir    string        // the project's folder
}

// Set is the compiled rules of a stream. It is immutable and safe for concurrent use. The zero value lets everything pass.
type Set struct {
	schema record.Schema
	key    []string
	rules  []ruled
}

type ruled struct {
	label    string
	severity job.Severity
	Rule
}

// Warning counts what broke a rule of severity warn.
type Warning struct {
	Rule     string   `json:"rule"`    // the rule's label
	Records  int      `json:"records"` // originals that broke it and went on
	Reason   string   `json:"reason"`  // of the first
	Examples []string `json:"examples,omitempty"`
}

// maxExamples is how many keys a warning names.
const maxExamples = 3

// NewSet compiles rules. The error is fault.Problems with every problem of every rule.
func NewSet(reg Registry, rules []job.Rule, c SetConfig) (*Set, error) {
	s := &Set{schema: c.Schema, key: c.Key}
	var found fault.Problems
	for i, r := range rules {
		if c.Stream != "" && !r.AppliesTo(c.Stream) {
			continue
		}
		path := setting.Join(setting.Index(c.Path, i), r.Name)
		spec, err := reg.Lookup(r.Name)
		if err != nil {
			found = append(found, fault.Problem{Path: path, Code: "unknown_rule", Message: fmt.Sprintf("there is no rule %q", r.Name), Hint: fault.Hint(err)})
			continue
		}
		values, bad := setting.Check(spec.Body, path, r.Config.Raw())
		if len(bad) > 0 {
			found = append(found, bad...)
			continue
		}
		rule, err := spec.New(Config{Values: setting.Of(values), Path: path, Schema: c.Schema, Key: c.Key, Mask: c.Mask, Dir: c.Dir})
		if err != nil {
			found = append(found, problemsOf(path, err)...)
			continue
		}
		x := ruled{label: r.Label, severity: r.Severity, Rule: rule}
		if x.label == "" {
			x.label = r.Name
		}
		s.rules = append(s.rules, x)
	}
	if err := found.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

func problemsOf(path string, err error) fault.Problems {
	var ps fault.Problems
	if errors.As(err, &ps) {
		return ps
	}
	return fault.Problems{{Path: path, Code: "invalid", Message: err.Error(), Hint: fault.Hint(err)}}
}

// Len counts the rules.
func (s *Set) Len() int { return len(s.rules) }

// verdict is what the rules say of one row.
type verdict struct{ rules, reasons []string }

// Apply answers the batch without the records that break a rule of severity reject: those are its rejects of phase "validate", each
// with all rules that it breaks. Whole is the batch before its records were split, for the snapshots of those; nil when there is
// none. Warned counts the records that go on although they break a rule of severity warn; there is a Warning for each such rule.
// A record that breaks a rule of severity abort ends it with DataInvalid.
func (s *Set) Apply(ctx context.Context, b record.Batch, whole *record.Batch) (record.Batch, []Warning, error) {
	if len(s.rules) == 0 || b.Len() == 0 {
		return b, nil, nil
	}
	if !b.Schema.Equal(s.schema) {
		return record.Batch{}, nil, fault.New(fault.Internal, "the batch has other columns than the rules were compiled for")
	}
	bad := map[int]*verdict{}
	warned := make([][]Broken, len(s.rules))
	for i, r := range s.rules {
		if err := ctx.Err(); err != nil {
			return record.Batch{}, nil, err
		}
		broken, err := r.check(ctx, b)
		if err != nil {
			return record.Batch{}, nil, fmt.Errorf("rule %s: %w", r.label, err)
		}
		switch {
		case len(broken) == 0:
		case r.severity == job.Abort:
			return record.Batch{}, nil, s.aborted(r, b, broken[0])
		case r.severity == job.Warn:
			warned[i] = broken
		default:
			note(bad, r.label, broken)
		}
	}
	out := b.Refuse(Phase, refusals(bad), s.key, splitOnly(b, whole))
	warnings, n := s.warnings(b, out, warned)
	out.Warned += n
	return out, warnings, nil
}

func (r ruled) check(ctx context.Context, b record.Batch) (broken []Broken, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.New(fault.Internal, "panic: %v", p)
		}
	}()
	return r.Check(ctx, b)
}

func (s *Set) aborted(r ruled, b record.Batch, x Broken) error {
	return fault.New(fault.DataInvalid, "rule %s: record %s: %s", r.label, name(b, x.Row, s.key), x.Reason).
		WithHint("the rule's severity is abort: correct the record or choose reject")
}

// name shows which record a row is: its key, or its place in the batch.
func name(b record.Batch, row int, key []string) string {
	if k := b.Key(row, key); k != "" {
		return k
	}
	return fmt.Sprintf("%d of the batch", b.OriginOf(row)+1)
}

func note(bad map[int]*verdict, label string, broken []Broken) {
	for _, x := range broken {
		v := bad[x.Row]
		if v == nil {
			v = &verdict{}
			bad[x.Row] = v
		}
		if !slices.Contains(v.rules, label) {
			v.rules = append(v.rules, label)
		}
		v.reasons = append(v.reasons, x.Reason)
	}
}

func refusals(bad map[int]*verdict) []record.Refusal {
	out := make([]record.Refusal, 0, len(bad))
	for row, v := range bad {
		out = append(out, record.Refusal{
			Row: row, Code: string(fault.DataInvalid), Rule: strings.Join(v.rules, ","), Message: strings.Join(v.reasons, "; "), Tries: 1,
		})
	}
	slices.SortFunc(out, func(x, y record.Refusal) int { return x.Row - y.Row })
	return out
}

// splitOnly narrows whole to the originals that have several rows in b: only they are shown as they were before the split.
func splitOnly(b record.Batch, whole *record.Batch) *record.Batch {
	if whole == nil || !b.IsSplit() {
		return nil
	}
	var rows []int32
	for i := 1; i < len(b.Origin); i++ {
		if b.Origin[i] != b.Origin[i-1] {
			continue
		}
		if row := whole.RowOf(int(b.Origin[i])); row >= 0 && (len(rows) == 0 || rows[len(rows)-1] != int32(row)) {
			rows = append(rows, int32(row))
		}
	}
	narrowed := whole.Keep(rows)
	return &narrowed
}

// warnings describes what broke rules of severity warn, and counts the records that did.
func (s *Set) warnings(b, out record.Batch, warned [][]Broken) ([]Warning, int) {
	var all []Warning
	records := map[int]bool{}
	for i, broken := range warned {
		w := Warning{Rule: s.rules[i].label}
		last := -1
		for _, x := range broken {
			origin := b.OriginOf(x.Row)
			if origin == last || out.RowOf(origin) < 0 {
				continue
			}
			last = origin
			records[origin] = true
			if w.Records++; w.Records == 1 {
				w.Reason = x.Reason
			}
			if k := b.Key(x.Row, s.key); k != "" && len(w.Examples) < maxExamples {
				w.Examples = append(w.Examples, k)
			}
		}
		if w.Records > 0 {
			all = append(all, w)
		}
	}
	return all, len(records)
}
