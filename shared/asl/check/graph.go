package check

// graph checks how the states of a flow hang together, and of those inside it.
func (c *checker) graph(f *flow, top bool) {
	if f.start != "" && f.byName[f.start] == nil && len(f.states) > 0 {
		c.error(f.at+"/StartAt", MissingTarget, "Missing 'Next' target: %s", f.start)
	}
	ends, whole := false, f.start != ""
	for _, s := range f.states {
		ends = ends || s.end
		whole = whole && s.kind != ""
		for _, t := range s.targets {
			if f.byName[t.name] == nil {
				c.error(t.at, MissingTarget, "Missing 'Next' target: %s", t.name)
			}
		}
	}
	switch {
	case !whole || len(f.states) == 0: // what leads where is not known
	case !ends && top:
		c.error("", MissingEnd, "Workflow has no terminal state")
	default:
		c.unreached(f)
	}
	if !ends && !top && whole && len(f.states) > 0 {
		c.own(Error, f.at, MissingEnd, "no state ends this flow, so its execution never leaves it")
	}
	for _, s := range f.states {
		for _, inner := range s.inner {
			c.graph(inner, false)
		}
	}
}

// unreached reports the states that nothing leads to.
func (c *checker) unreached(f *flow) {
	reached := map[string]bool{}
	for work := []string{f.start}; len(work) > 0; {
		s := f.byName[work[len(work)-1]]
		work = work[:len(work)-1]
		if s == nil || reached[s.name] {
			continue
		}
		reached[s.name] = true
		for _, t := range s.targets {
			work = append(work, t.name)
		}
	}
	for _, s := range f.states {
		if !reached[s.name] {
			c.error(s.at, MissingTarget, "State \"%s\" is not reachable.", s.name)
		}
	}
}
