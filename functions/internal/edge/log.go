package edge

import (
	"bytes"
	"context"
	"io"
	"log"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
)

// redactor takes the values of secrets out of texts, once it knows who does. Safe for concurrent use.
type redactor struct {
	by atomic.Pointer[func(string) string]
}

func (r *redactor) use(by func(string) string) { r.by.Store(&by) }

func (r *redactor) clean(text string) string {
	if by := r.by.Load(); by != nil {
		return (*by)(text)
	}
	return text
}

type invocationKey struct{}

// withInvocation makes the log lines below tell what the invocation is about.
func withInvocation(ctx context.Context, i *invocation) context.Context {
	return context.WithValue(ctx, invocationKey{}, i)
}

// newLogger writes lines of JSON: a time, a level, a message, attributes with the keys of CONTRIBUTING.md.
func newLogger(out io.Writer, clean func(string) string) *slog.Logger {
	replace := func(_ []string, a slog.Attr) slog.Attr {
		switch v := a.Value.Any().(type) {
		case string:
			a.Value = slog.StringValue(clean(v))
		case error:
			a.Value = slog.StringValue(clean(v.Error()))
		}
		return a
	}
	return slog.New(&handler{slog.NewJSONHandler(out, &slog.HandlerOptions{ReplaceAttr: replace})})
}

// lines writes whole lines only, also when several partitions log at once.
type lines struct {
	mu  sync.Mutex
	out io.Writer
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}

// handler adds what the invocation is about to each record, unless the record says it itself.
type handler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	i, ok := ctx.Value(invocationKey{}).(*invocation)
	if !ok {
		return h.Handler.Handle(ctx, r)
	}
	has := map[string]bool{}
	r.Attrs(func(a slog.Attr) bool {
		has[a.Key] = true
		return true
	})
	r = r.Clone()
	for _, a := range []struct{ key, value string }{
		{"run_id", i.Run}, {"job", i.Job}, {"step", i.Name}, {"stream", i.Stream}, {"partition", i.Part}, {"request_id", i.Request}, {"trace_id", i.Trace},
	} {
		if a.value != "" && !has[a.key] {
			r.AddAttrs(slog.String(a.key, a.value))
		}
	}
	if i.Seq > 0 && !has["seq"] {
		r.AddAttrs(slog.Int64("seq", i.Seq))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler { return &handler{h.Handler.WithGroup(name)} }

// keepQuiet leads what Lambda's library prints into the log. It prints each error that it sends, which end has logged already.
func keepQuiet(to *slog.Logger) {
	log.SetFlags(0)
	log.SetOutput(bridge{to})
}

type bridge struct{ to *slog.Logger }

// Write implements io.Writer.
func (b bridge) Write(p []byte) (int, error) {
	if text := string(bytes.TrimSpace(p)); !strings.HasPrefix(text, `{"errorMessage":`) {
		b.to.Warn("the runtime said something", "err", text)
	}
	return len(p), nil
}
