package corpus

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/lockstep-data/lockstep/shared/asl"
)

// Script answers the calls of tasks. Safe for concurrent use.
type Script struct {
	mu       sync.Mutex
	answers  map[string][]Answer
	problems []string
}

// NewScript makes a script out of answers by state.
func NewScript(answers map[string][]Answer) *Script {
	s := &Script{answers: make(map[string][]Answer, len(answers))}
	for state, a := range answers {
		s.answers[state] = slices.Clone(a)
	}
	return s
}

// Task answers a call: the first unused answer of its state whose match fits the arguments.
func (s *Script) Task(ctx context.Context, arguments json.RawMessage) (json.RawMessage, error) {
	c := asl.CallOf(ctx)
	a, ok := s.take(c.State, arguments)
	if !ok {
		problem := fmt.Sprintf("the script has no answer for a call of %s with %s", c.State, arguments)
		s.mu.Lock()
		s.problems = append(s.problems, problem)
		s.mu.Unlock()
		return nil, &asl.Error{Name: "Script.NoAnswer", Cause: problem}
	}
	if a.Submitted != nil {
		c.Submitted(a.Submitted)
	}
	switch {
	case a.Never:
		c.Wait(ctx, nil)
		return nil, ctx.Err()
	case a.Error != nil:
		return nil, &asl.Error{Name: deref(a.Error.ErrorType), Cause: deref(a.Error.ErrorMessage)}
	}
	return a.Output, nil
}

// Token gives the task token that the next answer of a state waits for: recordings write tokens as <task_token:1>, in the arguments
// of the call as in what came of it. Empty when the answer takes any.
func (s *Script) Token(state string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.answers[state]) == 0 {
		return ""
	}
	return tokenMark.FindString(string(s.answers[state][0].Match))
}

var tokenMark = regexp.MustCompile(`<task_token:\d+>`)

func (s *Script) take(state string, arguments json.RawMessage) (Answer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, a := range s.answers[state] {
		if len(a.Match) == 0 || Matches(a.Match, arguments) {
			s.answers[state] = slices.Delete(slices.Clone(s.answers[state]), i, i+1)
			return a, true
		}
	}
	return Answer{}, false
}

// Problems gives the calls that the script did not know and the answers that nobody asked for.
func (s *Script) Problems() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Clone(s.problems)
	for state, left := range s.answers {
		if len(left) > 0 {
			out = append(out, fmt.Sprintf("%d answers of %s were not asked for", len(left), state))
		}
	}
	sort.Strings(out)
	return out
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Memory is a store of objects by bucket/key. Safe for concurrent use.
type Memory struct {
	mu      sync.Mutex
	objects map[string]string
}

var _ asl.Objects = (*Memory)(nil)

// NewMemory makes a store that begins with these objects.
func NewMemory(objects map[string]string) *Memory {
	m := &Memory{objects: make(map[string]string, len(objects))}
	for k, v := range objects {
		m.objects[k] = v
	}
	return m
}

// Read gives an object's content.
func (m *Memory) Read(_ context.Context, bucket, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.objects[bucket+"/"+key]
	if !ok {
		return nil, fmt.Errorf("read %s/%s: %w", bucket, key, asl.ErrNoObject)
	}
	return []byte(v), nil
}

// List gives the objects whose key begins with prefix.
func (m *Memory) List(_ context.Context, bucket, prefix string) ([]asl.Object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []asl.Object
	for name, v := range m.objects {
		if key, ok := strings.CutPrefix(name, bucket+"/"); ok && strings.HasPrefix(key, prefix) {
			out = append(out, asl.Object{Key: key, Size: int64(len(v)), ETag: `"` + key + `"`, LastModified: time.Unix(0, 0)})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Key < out[j].Key })
	return out, nil
}

// Write creates or replaces an object.
func (m *Memory) Write(_ context.Context, bucket, key string, content []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.objects[bucket+"/"+key] = string(content)
	return nil
}
