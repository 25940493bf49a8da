package runner

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/lockstep-data/lockstep/shared/asl"
	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/step"
)

// The bounds of a stored history.
const (
	maxHistory = 1 << 20 // bytes, compressed, of the events from the beginning on
	maxTail    = 200     // events before the end that are kept when those in the middle are not
)

// historyPrefix is where the histories of a run lie, one for each of its redrives.
func historyPrefix(job, run string) string { return step.RunPrefix(job, run) + "history/" }

// history collects what the state machine did, in the shape of GetExecutionHistory: NDJSON, one event a line, compressed with gzip.
// A run that is too long keeps its beginning and its end. It is safe for concurrent use.
type history struct {
	redact func(string) string // takes the values of secrets out; nil: nothing

	mu    sync.Mutex
	buf   bytes.Buffer
	zip   *gzip.Writer
	tail  []asl.Event // behind what was written, the last maxTail
	left  int         // events between that are not kept
	first error
}

func newHistory(redact func(string) string) *history {
	h := &history{redact: redact}
	h.zip, h.first = gzip.NewWriterLevel(&h.buf, gzip.BestSpeed)
	return h
}

func (h *history) event(e asl.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.buf.Len() < maxHistory && len(h.tail) == 0 {
		h.write(e)
		return
	}
	h.tail = append(h.tail, e)
	if len(h.tail) > maxTail {
		h.tail = slices.Delete(h.tail, 0, 1)
		h.left++
	}
}

func (h *history) write(e asl.Event) {
	line, err := json.Marshal(e)
	if h.redact != nil { // Invariant 11: no secret in a history, not even in the cause of an error
		line = []byte(h.redact(string(line)))
	}
	if err == nil && h.first == nil {
		_, err = h.zip.Write(append(line, '\n'))
	}
	if h.first == nil {
		h.first = err
	}
}

// close gives the compressed history.
func (h *history) close() ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.left > 0 {
		h.write(asl.Event{Type: "HistoryCut", Length: h.left})
	}
	for _, e := range h.tail {
		h.write(e)
	}
	if err := h.zip.Close(); h.first == nil {
		h.first = err
	}
	return h.buf.Bytes(), h.first
}

// watch gives an observer that keeps the history and tells whoever else looks.
func (r *Runner) watch(h *history) func(asl.Event) {
	return func(e asl.Event) {
		h.event(e)
		if r.Observer != nil {
			r.Observer(e)
		}
	}
}

// keepHistory stores the history beside the run's other objects, which also end with it. The run does not fail with it.
func (r *Runner) keepHistory(ctx context.Context, n next, h *history) {
	data, err := h.close()
	if err == nil {
		_, err = r.Env.Blobs.Create(ctx, fmt.Sprintf("%s%04d.ndjson.gz", historyPrefix(n.job, n.run), n.redrive), data)
	}
	if err != nil {
		r.Env.Log.WarnContext(ctx, "history not stored", "run_id", n.run, "err", err)
	}
}

// History reads the stored histories of a run, those of its redrives one after the other. A run whose process died keeps none of that
// redrive; an event of the type HistoryCut stands for events in the middle, as many as its Length, that were not kept.
func History(ctx context.Context, blobs blob.Bucket, job, run string) ([]asl.Event, error) {
	keys, err := blob.Keys(ctx, blobs, historyPrefix(job, run))
	if err != nil {
		return nil, err
	}
	var out []asl.Event
	for _, key := range keys {
		if !strings.HasSuffix(key, ".ndjson.gz") {
			continue
		}
		data, err := blobs.Read(ctx, key)
		if err != nil {
			return nil, err
		}
		if out, err = appendHistory(out, data); err != nil {
			return nil, fmt.Errorf("read history %s: %w", key, err)
		}
	}
	return out, nil
}

func appendHistory(out []asl.Event, data []byte) ([]asl.Event, error) {
	zip, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	for lines := json.NewDecoder(zip); ; {
		var e asl.Event
		switch err := lines.Decode(&e); {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, fmt.Errorf("decode event %d: %w", len(out)+1, err)
		}
		out = append(out, e)
	}
}
