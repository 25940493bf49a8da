package store

import "slices"

// Applies says whether the change may be made on a run in this status.
func (c RunChange) Applies(status RunStatus) bool {
	if len(c.Only) > 0 {
		return slices.Contains(c.Only, status)
	}
	return !status.Ended()
}

// Apply makes the change on a run.
func (c RunChange) Apply(r *Run) {
	set(&r.Status, c.Status)
	set(&r.Holder, c.Holder)
	set(&r.Epoch, c.Epoch)
	set(&r.Percent, c.Percent)
	set(&r.ErrorCode, c.ErrorCode)
	set(&r.ErrorText, c.ErrorText)
	set(&r.StartedAt, c.StartedAt)
	set(&r.EndedAt, c.EndedAt)
	if r.Steps == nil && len(c.Steps) > 0 {
		r.Steps = map[string]string{}
	}
	for step, status := range c.Steps {
		r.Steps[step] = status
	}
	for _, n := range c.Notices {
		if !slices.Contains(r.Notices, n) {
			r.Notices = append(r.Notices, n)
		}
	}
	r.Counters.Add(c.Add)
	r.Units.Add(c.Units)
}

func set[T any](to *T, v *T) {
	if v != nil {
		*to = *v
	}
}
