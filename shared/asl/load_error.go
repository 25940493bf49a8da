package asl

import (
	"slices"
	"strings"
)

// reserved are the error names that the language knows; others must not begin with "States.".
var reserved = []string{
	ErrorAll, ErrorTaskFailed, ErrorTimeout, ErrorHeartbeat, ErrorPermissions, ErrorNoChoice, ErrorQuery, ErrorRuntime, ErrorDataLimit,
	ErrorItemReader, ErrorResultWriter, ErrorTolerance, ErrorIntrinsic, ErrorParameterPath, ErrorResultPath, ErrorBranchFailed,
}

func (l *loader) retriers(n *node) []Retrier {
	if n == nil {
		return nil
	}
	items := l.array(n)
	out := make([]Retrier, 0, len(items))
	for i, item := range items {
		f := l.fields(item, "a retrier", "ErrorEquals", "IntervalSeconds", "BackoffRate", "MaxDelaySeconds", "MaxAttempts", "JitterStrategy", "Comment")
		if f == nil {
			continue
		}
		r := Retrier{ErrorEquals: l.errorEquals(item.path, f["ErrorEquals"], i == len(items)-1)}
		r.IntervalSeconds = l.number(f["IntervalSeconds"], limits{otherwise: 1, low: 1, high: 99999999, whole: true})
		r.BackoffRate = l.number(f["BackoffRate"], limits{otherwise: 2, low: 1, high: 1e9})
		r.MaxDelaySeconds = l.number(f["MaxDelaySeconds"], limits{low: 1, high: 31622400, whole: true})
		r.MaxAttempts = int(l.number(f["MaxAttempts"], limits{otherwise: 3, high: 99999999, whole: true}))
		if n := f["MaxDelaySeconds"]; n != nil && r.MaxDelaySeconds <= r.IntervalSeconds {
			l.add(n.path, "wrong_value", "MaxDelaySeconds must be greater than IntervalSeconds")
		}
		if n := f["JitterStrategy"]; n != nil {
			s := l.text(n)
			r.FullJitter = s == "FULL"
			if s != "FULL" && s != "NONE" {
				l.add(n.path, "wrong_value", "JitterStrategy is FULL or NONE")
			}
		}
		out = append(out, r)
	}
	return out
}

func (l *loader) catchers(n *node) []Catcher {
	if n == nil {
		return nil
	}
	items := l.array(n)
	out := make([]Catcher, 0, len(items))
	for i, item := range items {
		own, other := "Output", "ResultPath"
		if l.language == JSONPath {
			own, other = other, own
		}
		l.foreign = []string{other}
		f := l.fields(item, "a catcher", "ErrorEquals", "Next", own, "Assign", "Comment")
		if f == nil {
			continue
		}
		out = append(out, Catcher{
			ErrorEquals: l.errorEquals(item.path, f["ErrorEquals"], i == len(items)-1),
			Next:        l.required(f, item.path, "Next"),
			Output:      l.optional(f, "Output"),
			ResultPath:  l.referencePath(f, "ResultPath"),
			Assign:      l.assign(f["Assign"]),
		})
	}
	return out
}

func (l *loader) array(n *node) []*node {
	items, ok := n.value.([]*node)
	if !ok {
		l.add(n.path, "wrong_type", "%s must be an array, not %s", lastName(n.path), n.kind())
	}
	return items
}

// errorEquals reads a list of error names. States.ALL stands alone and in the last retrier or catcher.
func (l *loader) errorEquals(path string, n *node, last bool) []string {
	var out []string
	for _, item := range l.elements(path, "ErrorEquals", n) {
		name := l.text(item)
		if strings.HasPrefix(name, "States.") && !slices.Contains(reserved, name) {
			l.add(item.path, "wrong_value", "the language has no error %s", name)
		}
		out = append(out, name)
	}
	if slices.Contains(out, ErrorAll) {
		switch {
		case len(out) > 1:
			l.add(n.path, "wrong_value", "States.ALL must stand alone")
		case !last:
			l.add(n.path, "wrong_value", "States.ALL must stand in the last element")
		}
	}
	return out
}

// limits is what a number of a retrier may be.
type limits struct {
	otherwise, low, high float64
	whole                bool
}

func (l *loader) number(n *node, lim limits) float64 {
	if n == nil {
		return lim.otherwise
	}
	v, ok := literalNumber(n)
	if !ok || v < lim.low || v > lim.high || lim.whole && v != float64(int64(v)) {
		l.add(n.path, "wrong_value", "%s must be a number from %v to %v", lastName(n.path), lim.low, lim.high)
		return lim.otherwise
	}
	return v
}
