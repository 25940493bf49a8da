package transform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// Phase is the phase of the rejects that a chain makes.
const Phase = "transform"

// ChainConfig is what a chain is compiled with.
type ChainConfig struct {
	Path      string        // of the list of transforms, for problems
	Stream    string        // components for other streams are passed over; "": none are
	Schema    record.Schema // of the records that come in
	Key       []string      // columns that identify a record; may be empty
	Funcs     Funcs         // the user's functions, by name
	Dir       string        // the project's folder
	OnFailure job.OnFailure // retry applies to functions of the user; abort to every transform; Mask to messages
	// Sleep waits between tries, and answers ctx's error when that ends first. Nil waits by the real clock.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Chain is compiled transforms, one behind the other. It is immutable and safe for concurrent use. The zero value passes everything.
type Chain struct {
	in, out record.Schema
	key     []string
	abort   bool
	mask    []string
	links   []link
}

type link struct {
	name string
	Transform
}

// NewChain compiles components one behind the other, each against what the one before it makes. The error is fault.Problems: the
// settings of all components are checked, and columns and expressions up to the first component that does not compile.
func NewChain(reg Registry, components []job.Component, c ChainConfig) (*Chain, error) {
	chain := &Chain{in: c.Schema, out: c.Schema, key: c.Key, abort: c.OnFailure.Action == job.Stop, mask: c.OnFailure.Mask}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	var found fault.Problems
	for i, component := range components {
		if c.Stream != "" && !component.AppliesTo(c.Stream) {
			continue
		}
		path := setting.Join(setting.Index(c.Path, i), component.Name)
		spec, err := reg.Lookup(component.Name)
		if err != nil {
			found = append(found, fault.Problem{Path: path, Code: "unknown_transform", Message: fmt.Sprintf("there is no transform %q", component.Name), Hint: fault.Hint(err)})
			continue
		}
		values, bad := setting.Check(spec.Body, path, component.Config.Raw())
		found = append(found, bad...)
		if len(found) > 0 {
			continue
		}
		t, err := spec.New(Config{
			Values: setting.Of(values), Path: path, Schema: chain.out, Key: c.Key,
			Funcs: c.Funcs, Dir: c.Dir, OnFailure: c.OnFailure, Sleep: c.Sleep,
		})
		if err != nil {
			found = append(found, problemsOf(path, err)...)
			continue
		}
		chain.links = append(chain.links, link{component.Name, t})
		c.OnFailure.Mask = carryMask(c.OnFailure.Mask, component, chain.out, t.Schema())
		chain.out, chain.mask = t.Schema(), c.OnFailure.Mask
	}
	if err := found.Err(); err != nil {
		return nil, err
	}
	return chain, nil
}

func problemsOf(path string, err error) fault.Problems {
	var ps fault.Problems
	if errors.As(err, &ps) {
		return ps
	}
	return fault.Problems{{Path: path, Code: "invalid", Message: err.Error(), Hint: fault.Hint(err)}}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Schema is what comes out.
func (c *Chain) Schema() record.Schema { return c.out }

// Mask lists the columns whose values must not be shown: those of the configuration, and those that a transform made of them.
func (c *Chain) Mask() []string { return c.mask }

// carryMask adds the columns that a component newly makes when its settings mention a masked column. That is more than need be for some
// settings, and never less.
func carryMask(mask []string, component job.Component, in, out record.Schema) []string {
	if len(mask) == 0 {
		return mask
	}
	settings, err := json.Marshal(component.Config)
	mentions := err != nil // what cannot be read may mention anything
	for _, name := range mask {
		mentions = mentions || mentionsName(string(settings), name)
	}
	if !mentions && component.Name != "func" { // a Go function sees every column
		return mask
	}
	carried := slices.Clone(mask)
	overwritten, _ := component.Config.Raw().(map[string]any)
	for _, c := range out.Columns {
		_, there := in.Type(c.Name)
		_, set := overwritten[c.Name]
		if (!there || set && component.Name == "set") && !slices.Contains(carried, c.Name) {
			carried = append(carried, c.Name)
		}
	}
	return carried
}

// mentionsName says whether a name stands in a text by itself, not as a part of another name.
func mentionsName(text, name string) bool {
	part := func(i int) bool {
		return i >= 0 && i < len(text) && (text[i] == '_' || text[i] >= '0' && text[i] <= '9' || text[i]|0x20 >= 'a' && text[i]|0x20 <= 'z')
	}
	for from := 0; ; {
		i := strings.Index(text[from:], name)
		if i < 0 {
			return false
		}
		at := from + i
		if !part(at-1) && !part(at+len(name)) {
			return true
		}
		from = at + 1
	}
}

// Len counts the transforms.
func (c *Chain) Len() int { return len(c.links) }

// Apply runs the batch through the transforms. Records that a transform refuses become rejects of phase "transform" whose snapshot
// is the record before that transform, or, for a record that was split, the record before the split. With on_failure abort the
// first refused record ends it with DataInvalid. A transform that panics ends it with Internal.
func (c *Chain) Apply(ctx context.Context, b record.Batch) (record.Batch, error) {
	if len(c.links) == 0 {
		return b, nil
	}
	if b.Len() > 0 && !b.Schema.Equal(c.in) {
		return record.Batch{}, fault.New(fault.Internal, "the batch has other columns than the transforms were compiled for")
	}
	var splits splits
	for _, l := range c.links {
		if b.Len() == 0 {
			break
		}
		if err := ctx.Err(); err != nil {
			return record.Batch{}, err
		}
		res, err := l.run(ctx, b)
		if err != nil {
			return record.Batch{}, fmt.Errorf("transform %s: %w", l.name, err)
		}
		splits.note(b, res.Batch)
		if b, err = c.settle(l, b, res, splits); err != nil {
			return record.Batch{}, err
		}
	}
	if b.Len() == 0 {
		b = b.With(c.out, record.NewBuilder(c.out).Rows())
		b.Origin = nil
	}
	return b, nil
}

func (l link) run(ctx context.Context, b record.Batch) (res Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.New(fault.Internal, "panic: %v", p)
		}
	}()
	return l.Apply(ctx, b)
}

// settle takes the refused records out of what a transform made.
func (c *Chain) settle(l link, in record.Batch, res Result, s splits) (record.Batch, error) {
	out := res.Batch
	if len(res.Refused) == 0 {
		return out, nil
	}
	gone := make(map[int]bool, len(res.Refused))
	rejects := make([]record.Reject, 0, len(in.Rejects)+len(res.Refused))
	rejects = append(rejects, in.Rejects...)
	for _, r := range byRow(res.Refused) {
		origin := in.OriginOf(r.Row)
		if gone[origin] {
			continue
		}
		gone[origin] = true
		reject := s.reject(in, r, c.key)
		if reject.Rule == "" {
			reject.Rule = l.name
		}
		if c.abort {
			return record.Batch{}, fault.New(fault.DataInvalid, "transform %s: record %d of the batch: %s", reject.Rule, reject.Index+1, reject.Message).
				WithHint("on_failure.action is abort: correct the record or choose skip")
		}
		rejects = append(rejects, reject)
	}
	sortRejects(rejects)
	keep := make([]int32, 0, out.Len())
	for row := range out.Len() {
		if !gone[out.OriginOf(row)] {
			keep = append(keep, int32(row))
		}
	}
	out = out.Keep(keep)
	out.Rejects = rejects
	return out, nil
}
