package asl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
)

// ErrNoObject is what Objects gives for an object that does not exist.
var ErrNoObject = errors.New("no such object")

// Objects is a store of objects, as S3 is one. Implementations are safe for concurrent use.
type Objects interface {
	// Read gives an object's content; ErrNoObject in the chain when there is none.
	Read(ctx context.Context, bucket, key string) ([]byte, error)
	// List gives the objects whose key begins with prefix, in the order of their keys.
	List(ctx context.Context, bucket, prefix string) ([]Object, error)
	// Write creates or replaces an object.
	Write(ctx context.Context, bucket, key string, content []byte) error
}

// Object is one entry of a listing.
type Object struct {
	Key          string
	Size         int64
	ETag         string
	LastModified time.Time
}

// ItemReader says where a Distributed Map finds its items (developer guide, "ItemReader").
type ItemReader struct {
	Resource   string    // ends in s3:getObject or s3:listObjectsV2
	Parameters *Template // Parameters or Arguments: Bucket, Key, Prefix

	InputType         string // CSV, JSON, JSONL, MANIFEST; empty for a listing
	CSVHeaderLocation string // FIRST_ROW or GIVEN
	CSVHeaders        []string
	CSVDelimiter      string // COMMA, PIPE, SEMICOLON, SPACE, TAB; empty: COMMA
	ItemsPointer      string // JSON pointer to the array inside a JSON file
	Transformation    string // LOAD_AND_FLATTEN: each listed object is read as InputType says
	MaxItems          *Amount
}

// ItemBatcher says how many items one execution of a Distributed Map gets.
type ItemBatcher struct {
	BatchInput            *Template
	MaxItemsPerBatch      *Amount
	MaxInputBytesPerBatch *Amount
}

// readFailed is the error of a reader.
func readFailed(format string, args ...any) *Error {
	return &Error{Name: ErrorItemReader, Cause: fmt.Sprintf(format, args...)}
}

// readItems reads the items of a Map Run.
func (v *visit) readItems(ctx context.Context, r *ItemReader, effective any) ([]any, error) {
	most, err := v.amount(r.MaxItems, effective, bounds{})
	switch {
	case err != nil:
		return nil, err
	case most < 0:
		return nil, readFailed("field MaxItems must be positive")
	case v.run.in.Objects == nil:
		return nil, readFailed("there is no store of objects to read items from")
	}
	place := map[string]any{}
	if r.Parameters != nil {
		value, err := v.eval(r.Parameters, effective)
		if err != nil {
			return nil, err
		}
		place, _ = value.(map[string]any)
	}
	items, err := r.read(ctx, v.run.in.Objects, place)
	if err != nil {
		return nil, err
	}
	if most > 0 && float64(len(items)) > most {
		items = items[:int(most)]
	}
	return items, nil
}

func (r *ItemReader) read(ctx context.Context, objects Objects, place map[string]any) ([]any, error) {
	bucket, _ := place["Bucket"].(string)
	key, _ := place["Key"].(string)
	prefix, _ := place["Prefix"].(string)
	if strings.HasSuffix(r.Resource, ":listObjectsV2") {
		return r.list(ctx, objects, bucket, prefix)
	}
	content, err := objects.Read(ctx, bucket, key)
	switch {
	case errors.Is(err, ErrNoObject):
		return nil, readFailed("The specified key does not exist. Bucket: %s, Key: %s", bucket, key)
	case err != nil:
		return nil, readFailed("%s", err)
	}
	if r.InputType == "MANIFEST" {
		return r.manifest(ctx, objects, bucket, content)
	}
	return r.parse(content)
}

// list gives the objects of a bucket as items, or what is in them.
func (r *ItemReader) list(ctx context.Context, objects Objects, bucket, prefix string) ([]any, error) {
	found, err := objects.List(ctx, bucket, prefix)
	if err != nil {
		return nil, readFailed("%s", err)
	}
	var out []any
	for _, o := range found {
		if r.Transformation == "LOAD_AND_FLATTEN" {
			content, err := objects.Read(ctx, bucket, o.Key)
			if err != nil {
				return nil, readFailed("%s", err)
			}
			items, err := r.parse(content)
			if err != nil {
				return nil, err
			}
			out = append(out, items...)
			continue
		}
		out = append(out, map[string]any{
			"Etag": o.ETag, "Key": o.Key, "LastModified": float64(o.LastModified.Unix()), "Size": float64(o.Size), "StorageClass": "STANDARD",
		})
	}
	return out, nil
}

// manifest reads the files that an S3 inventory's manifest names, or the list of an Athena manifest.
func (r *ItemReader) manifest(ctx context.Context, objects Objects, bucket string, content []byte) ([]any, error) {
	var m struct {
		FileSchema string `json:"fileSchema"`
		Files      []struct {
			Key string `json:"key"`
		} `json:"files"`
	}
	if err := json.Unmarshal(content, &m); err != nil {
		return nil, readFailed("The manifest cannot be read: %s", err)
	}
	csv := &ItemReader{InputType: "CSV", CSVHeaderLocation: "GIVEN", CSVHeaders: strings.Split(strings.ReplaceAll(m.FileSchema, " ", ""), ",")}
	var out []any
	for _, f := range m.Files {
		content, err := objects.Read(ctx, bucket, f.Key)
		if err != nil {
			return nil, readFailed("%s", err)
		}
		items, err := csv.parse(content)
		if err != nil {
			return nil, err
		}
		out = append(out, items...)
	}
	return out, nil
}

// parse turns the content of a file into items.
func (r *ItemReader) parse(content []byte) ([]any, error) {
	switch r.InputType {
	case "CSV":
		return r.parseCSV(content)
	case "JSONL":
		return parseLines(content)
	case "JSON", "":
		return r.parseJSON(content)
	}
	return nil, readFailed("The input type %s is not supported", r.InputType)
}

func (r *ItemReader) parseJSON(content []byte) ([]any, error) {
	value, err := jsonata.Decode(content)
	if err != nil {
		return nil, readFailed("The file is not valid JSON: %s", err)
	}
	for _, name := range strings.Split(r.ItemsPointer, "/")[min(1, len(r.ItemsPointer)):] {
		m, ok := value.(map[string]any)
		if name == "" && !ok {
			continue
		}
		if value, ok = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(name)]; !ok {
			return nil, readFailed("The ItemsPointer %s selects nothing", r.ItemsPointer)
		}
	}
	items, ok := value.([]any)
	if !ok {
		return nil, readFailed("Attempting to map over non-iterable node.")
	}
	return items, nil
}

func parseLines(content []byte) ([]any, error) {
	var out []any
	for line := range bytes.Lines(content) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		value, err := jsonata.Decode(line)
		if err != nil {
			return nil, readFailed("A line of the file is not valid JSON: %s", err)
		}
		out = append(out, value)
	}
	return out, nil
}

var delimiters = map[string]byte{"": ',', "COMMA": ',', "PIPE": '|', "SEMICOLON": ';', "SPACE": ' ', "TAB": '\t'}

// parseCSV makes an object of each row, all values texts. A row that is too short is filled with empty texts, one that is too long
// is cut.
func (r *ItemReader) parseCSV(content []byte) ([]any, error) {
	rows := csvRows(string(content), delimiters[r.CSVDelimiter])
	headers := r.CSVHeaders
	if r.CSVHeaderLocation != "GIVEN" {
		if len(rows) == 0 {
			return nil, nil
		}
		headers, rows = rows[0], rows[1:]
	}
	out := make([]any, len(rows))
	for i, row := range rows {
		item := make(map[string]any, len(headers))
		for j, h := range headers {
			item[h] = ""
			if j < len(row) {
				item[h] = row[j]
			}
		}
		out[i] = item
	}
	return out, nil
}

// csvRows reads rows as the service does: quotes keep delimiters and line breaks, a backslash escapes itself, a quote and the
// delimiter and is dropped before all else. Empty lines are no rows.
func csvRows(text string, delimiter byte) [][]string {
	var rows [][]string
	var row []string
	var cell []byte
	quoted, any := false, false
	end := func() {
		if any || len(row) > 0 || len(cell) > 0 {
			rows = append(rows, append(row, string(cell)))
		}
		row, cell, any = nil, nil, false
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\':
			if i+1 < len(text) && slices.Contains([]byte{'\\', '"', delimiter}, text[i+1]) {
				i++
				cell = append(cell, text[i])
			}
		case c == '"' && quoted && i+1 < len(text) && text[i+1] == '"':
			i++
			cell = append(cell, '"')
		case c == '"':
			quoted, any = !quoted, true
		case quoted:
			cell = append(cell, c)
		case c == delimiter:
			row, cell, any = append(row, string(cell)), nil, true
		case c == '\n':
			end()
		case c == '\r' && i+1 < len(text) && text[i+1] == '\n':
		default:
			cell = append(cell, c)
		}
	}
	end()
	return rows
}
