package file

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
)

// stateVersion is the version of a target's state.
const stateVersion = 1

// state is what a target knows about itself: <file>.lockstep.json, or manifest.json in a folder. It is replaced as a whole, by a
// rename under the target's lock, or in a bucket upon the version that was read; what it does not name does not count. Readers of a folder take Files, in order.
type state struct {
	Version int      `json:"version"`
	Job     string   `json:"job,omitempty"` // key; "" in states that knew only one job
	Stream  string   `json:"stream"`
	Columns []string `json:"columns,omitempty"` // of a CSV file
	Length  int64    `json:"length"`            // bytes of the file that count
	Guard   guard    `json:"guard"`
	// Committed is the run whose commit was the last.
	Committed string `json:"committed,omitempty"`
	// Swap is set before a file is put in its place and cleared behind it: the name of the staged file that becomes the target.
	Swap string `json:"swap,omitempty"`
	// Partitions are the last receipts, by partition.
	Partitions map[string]*slot `json:"partitions,omitempty"`
	// Files are the parts of a folder, Staged those of a run that is not committed, Backup those before the last commit.
	Files  []part `json:"files,omitempty"`
	Staged []part `json:"staged,omitempty"`
	Backup []part `json:"backup,omitempty"`
}

// guard is the claim of the once-per-run work.
type guard struct {
	Run   string `json:"run"`
	Fence int64  `json:"fence"`
	Owner string `json:"owner"`
}

// slot is a partition's receipt, and how much of its staged file counts.
type slot struct {
	Receipt connector.Receipt `json:"receipt"`
	Staged  int64             `json:"staged,omitempty"` // bytes
	Header  int64             `json:"header,omitempty"` // bytes of them that are the header
}

// part is a file of a folder.
type part struct {
	Name      string `json:"name"`
	Run       string `json:"run"`
	Partition string `json:"partition"`
	Seq       int64  `json:"seq"`
	Rows      int64  `json:"rows"`
	Bytes     int64  `json:"bytes"`
}

// claim takes the guard of the once-per-run work, or says who has it.
func (s *state) claim(run string, c connector.Claim) error {
	if c.Fence < s.Guard.Fence || c.Fence == s.Guard.Fence && c.Owner != s.Guard.Owner { // Invariant 4
		return superseded(s.Guard.Fence, c)
	}
	s.Guard = guard{run, c.Fence, c.Owner}
	return nil
}

func superseded(fence int64, c connector.Claim) error {
	return fault.New(fault.Superseded, "the target was claimed with fence %d, this writer has %d", fence, c.Fence)
}

// admit says whether a batch follows the partition's last one: a receipt that is there already, or nil to go on.
func (s *state) admit(r connector.LoadRequest) (*connector.Receipt, error) {
	last := connector.Receipt{}
	if p := s.Partitions[r.Partition]; p != nil {
		last = p.Receipt
	}
	if r.Claim.Fence < last.Fence || r.Claim.Fence == last.Fence && r.Claim.Owner != last.Owner { // Invariant 4
		return nil, superseded(last.Fence, r.Claim)
	}
	if last.Base != r.Claim.Base {
		last = connector.Receipt{}
	}
	switch {
	case r.Seq <= last.Seq:
		last.Existing = true
		return &last, nil
	case r.Seq > last.Seq+1: // Invariant 2
		return nil, fault.New(fault.DestinationBehind, "partition %s: the target has batch %d, the next one is %d", r.Partition, last.Seq, r.Seq).
			WithHint("was the target restored from a copy, or removed? lockstep reset starts over")
	case r.Start != last.End:
		return nil, fault.New(fault.Stale, "partition %s: batch %d starts at %q, the one before ended at %q", r.Partition, r.Seq, r.Start, last.End)
	}
	return nil, nil
}

// slotOf gives a partition's slot for a writer, empty when it is of another base.
func (s *state) slotOf(c connector.Claim, partition string) slot {
	p := s.Partitions[partition]
	if p == nil || p.Receipt.Base != c.Base {
		return slot{}
	}
	return *p
}

func (s *state) put(partition string, p slot) {
	if s.Partitions == nil {
		s.Partitions = map[string]*slot{}
	}
	s.Partitions[partition] = &p
}

// forget drops the receipts of other runs, whose late writers the guard refuses.
func (s *state) forget(but string) {
	for id, p := range s.Partitions {
		if p.Receipt.Run != but {
			delete(s.Partitions, id)
		}
	}
}

// read reads the target's state; one that was never written is empty.
func (t *target) read(ctx context.Context) (state, error) {
	if t.shelf != nil {
		return t.readShelf(ctx)
	}
	data, err := t.root.ReadFile(t.statePath)
	if errors.Is(err, fs.ErrNotExist) {
		return state{Version: stateVersion}, nil
	}
	if err != nil {
		return state{}, t.classify(err, "read", t.statePath)
	}
	return t.parse(data)
}

func (t *target) parse(data []byte) (state, error) {
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return state{}, fault.New(fault.DataInvalid, "the receipts in %s are damaged: %w", t.statePath, err).
			WithHint("remove the file and the target, and start over with lockstep reset")
	}
	for id, p := range s.Partitions {
		if p == nil {
			return state{}, fault.New(fault.DataInvalid, "the receipts in %s are damaged: partition %s has none", t.statePath, id).
				WithHint("remove the file and the target, and start over with lockstep reset")
		}
	}
	if s.Version > stateVersion { // Invariant 13
		return state{}, fault.New(fault.VersionTooNew, "%s has version %d, this version reads up to %d", t.statePath, s.Version, stateVersion)
	}
	return s, nil
}

// save replaces the target's state; when it answers nil, the state is durable. On a shelf it answers errFaster when the state is
// another one than was read.
func (t *target) save(ctx context.Context, s state) error {
	s.Version = stateVersion
	data, err := json.Marshal(s)
	if err != nil {
		return fault.New(fault.Internal, "encode receipts: %w", err)
	}
	data = append(data, '\n')
	if t.shelf != nil {
		return t.saveShelf(ctx, data)
	}
	return t.replace(t.statePath, data)
}

// byPlace orders partitions as the source has them: digits inside an id count as numbers, so that byte ranges come in order.
func byPlace(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		if isDigit(x[0]) && isDigit(y[0]) {
			nx, ny := digits(x), digits(y)
			lx, ly := trimZeros(x[:nx]), trimZeros(y[:ny])
			if c := cmp.Or(cmp.Compare(len(lx), len(ly)), cmp.Compare(lx, ly)); c != 0 {
				return c
			}
			x, y = x[nx:], y[ny:]
			continue
		}
		if x[0] != y[0] {
			return cmp.Compare(x[0], y[0])
		}
		x, y = x[1:], y[1:]
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(a, b))
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func digits(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

func trimZeros(s string) string {
	for len(s) > 1 && s[0] == '0' {
		s = s[1:]
	}
	return s
}

func sortParts(parts []part) {
	slices.SortFunc(parts, func(a, b part) int {
		return cmp.Or(byPlace(a.Partition, b.Partition), cmp.Compare(a.Seq, b.Seq))
	})
}
