package runner

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store"
)

// logSink keeps a run's log events and stores them in groups, so that a log line costs no write of its own.
type logSink struct {
	env      *step.Env
	job, run string

	mu     sync.Mutex
	events []store.LogEvent
	n      int
	last   time.Time
}

// logGroup is how many events are stored at once, logDelay how old the oldest of them may be.
const (
	logGroup = 100
	logDelay = time.Second
)

func newLogSink(env *step.Env, job, run string) *logSink {
	return &logSink{env: env, job: job, run: run, last: env.Now()}
}

// logger answers a logger that also stores events of level Info and above.
func (l *logSink) logger(next *slog.Logger) *slog.Logger {
	return slog.New(&teeHandler{next: next.Handler(), sink: l})
}

func (l *logSink) add(ctx context.Context, e store.LogEvent) {
	l.mu.Lock()
	l.n++
	e.Job, e.Run = l.job, l.run
	e.ID = fmt.Sprintf("%013d-%s-%06d", e.Time.UnixMilli(), store.EncodeKey(l.env.Holder("")), l.n)
	l.events = append(l.events, e)
	due := len(l.events) >= logGroup || e.Time.Sub(l.last) >= logDelay
	l.mu.Unlock()
	if due {
		l.flush(ctx)
	}
}

// flush stores what was kept. Events that cannot be stored are lost: the run is worth more than its log.
func (l *logSink) flush(ctx context.Context) {
	l.mu.Lock()
	events := l.events
	l.events, l.last = nil, l.env.Now()
	l.mu.Unlock()
	if len(events) == 0 {
		return
	}
	if err := l.env.Protocol.Store.AddLogs(context.WithoutCancel(ctx), events); err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		if len(l.events) < 10*logGroup {
			l.events = append(events, l.events...)
		}
	}
}

// teeHandler hands records on, and the important ones to the sink too.
type teeHandler struct {
	next  slog.Handler
	sink  *logSink
	attrs []slog.Attr
}

// Enabled says whether either side wants the level.
func (h *teeHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo || h.next.Enabled(ctx, level)
}

// Handle hands the record on.
func (h *teeHandler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelInfo {
		h.sink.add(ctx, h.event(r))
	}
	if h.next.Enabled(ctx, r.Level) {
		return h.next.Handle(ctx, r)
	}
	return nil
}

func (h *teeHandler) event(r slog.Record) store.LogEvent {
	e := store.LogEvent{Time: r.Time, Level: strings.ToLower(r.Level.String()), Text: r.Message}
	attrs := map[string]any{}
	note := func(a slog.Attr) bool {
		switch a.Key {
		case "run_id":
		case "step":
			e.Step = a.Value.String()
		default:
			attrs[a.Key] = plain(a.Value)
		}
		return true
	}
	for _, a := range h.attrs {
		note(a)
	}
	r.Attrs(note)
	if data, err := json.Marshal(attrs); err == nil {
		e.Attrs = data
	}
	return e
}

// plain gives a value that JSON can show; an error is its text.
func plain(v slog.Value) any {
	if err, ok := v.Any().(error); ok {
		return err.Error()
	}
	return v.Resolve().Any()
}

// WithAttrs keeps attributes for both sides.
func (h *teeHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &teeHandler{next: h.next.WithAttrs(attrs), sink: h.sink, attrs: append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)}
}

// WithGroup is for the next handler only; stored attributes stay flat.
func (h *teeHandler) WithGroup(name string) slog.Handler {
	return &teeHandler{next: h.next.WithGroup(name), sink: h.sink, attrs: h.attrs}
}
