package validate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func jsonSchemaSpec() Spec {
	return Spec{
		Spec: setting.Spec{
			Name:    "json_schema",
			Summary: "A column, or the whole record, must fit a JSON schema.",
			Doc: "Draft 2020-12 unless $schema names an earlier one; formats such as date and uuid are checked. The schema stands in the job or in a file " +
				"of the project, and may refer to parts of itself only. As a whole, a record is an object of its columns: numbers, bools and JSON " +
				"columns are what they are, everything else is text, and a column that is null is left out, so that required finds it; nulls: keep " +
				"makes it null. With column a null passes: add the rule required to refuse it. A text of the job with ${NAME} in it stands for a " +
				"variable; $${ is the text ${.",
			Body: setting.Field{Kind: setting.Object, Fields: []setting.Field{
				{Name: keyColumn, Kind: setting.String, Syntax: setting.Column, Doc: "The column whose values must fit; the whole record when left out."},
				{Name: keySchema, Kind: setting.Map, Doc: "The schema.", Item: &setting.Field{Kind: setting.Any}},
				{Name: keyFile, Kind: setting.String, Syntax: setting.Path, Doc: "A JSON file with the schema, at most 1 MiB, relative to the project."},
				{Name: "nulls", Kind: setting.String, Doc: "What a null of a whole record is.", Options: []string{"leave_out", "keep"}, Default: "leave_out"},
			}},
			Example: "json_schema: {column: address, schema: {type: object, required: [city]}}",
			Since:   "0.1.0",
		},
		New: newJSONSchema,
	}
}

const (
	keySchema = "schema"
	keyFile   = "file"
)

// maxSchema is the largest file of a schema, in bytes.
const maxSchema = 1 << 20

// schemaURL names a schema within the library; nothing is read from there.
const schemaURL = "lockstep:///schema"

type jsonSchema struct {
	schema *jsonschema.Schema
	whole  bool    // the record is an object of its columns
	nulls  bool    // nulls of a whole record are in it
	fields columns // what is looked at
	masked bool    // the record has columns whose values must not be shown
}

func newJSONSchema(c Config) (Rule, error) {
	var p problems
	m := mapOf(c)
	r := &jsonSchema{whole: textOf(m, keyColumn) == "", nulls: m["nulls"] == "keep"}
	if r.whole {
		for _, name := range c.Schema.Names() {
			r.fields = append(r.fields, p.column(c, c.Path, name))
		}
	} else {
		r.fields = columns{p.columnOf(c)}
	}
	for _, f := range r.fields {
		r.masked = r.masked || f.masked
	}
	if file := textOf(m, keyFile); (file == "") == (m[keySchema] == nil) {
		p.add(c.Path, "missing", "the schema must be given, once", "write schema, or file")
	} else if file != "" {
		r.schema = p.schema(setting.Join(c.Path, keyFile), func() ([]byte, error) { return readSchema(c.Dir, file) })
	} else {
		r.schema = p.schema(setting.Join(c.Path, keySchema), func() ([]byte, error) { return json.Marshal(m[keySchema]) })
	}
	return r, p.list.Err()
}

// readSchema reads a file below the project's folder.
func readSchema(dir, name string) ([]byte, error) {
	if dir == "" {
		dir = "."
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, errors.New("the project's folder cannot be opened")
	}
	defer func() { _ = root.Close() }()
	info, err := root.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file %s in the project", excerpt(name))
	case err != nil:
		return nil, fmt.Errorf("%s cannot be read: it must be below the project's folder", excerpt(name))
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file", excerpt(name))
	case info.Size() > maxSchema:
		return nil, fmt.Errorf("%s is larger than 1 MiB", excerpt(name))
	}
	text, err := root.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read", excerpt(name))
	}
	return text, nil
}

// nowhere refuses to load what a schema refers to.
type nowhere struct{}

// Load refuses.
func (nowhere) Load(url string) (any, error) {
	return nil, fmt.Errorf("a schema may refer to parts of itself only, not to %s", shorten(url, 2*maxExcerpt))
}

// schema compiles a schema; nil with a problem when it is none.
func (p *problems) schema(path string, read func() ([]byte, error)) *jsonschema.Schema {
	text, err := read()
	if err != nil {
		p.add(path, "bad_schema", err.Error(), "")
		return nil
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		p.add(path, "bad_schema", "it is not JSON: "+err.Error(), "")
		return nil
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(nowhere{})
	c.AssertFormat()
	var schema *jsonschema.Schema
	if err = c.AddResource(schemaURL, doc); err == nil {
		schema, err = c.Compile(schemaURL)
	}
	var outside *jsonschema.LoadURLError
	var invalid *jsonschema.SchemaValidationError
	var wrong *jsonschema.ValidationError
	switch {
	case err == nil:
		return schema
	case errors.As(err, &outside):
		p.add(path, "bad_schema", outside.Err.Error(), "put it under $defs and refer to it with #/$defs/name")
	case errors.As(err, &invalid) && errors.As(invalid.Err, &wrong):
		p.add(path, "bad_schema", "it is not a JSON schema: "+strings.Join((&teller{}).tell(wrong), "; "), "")
	default:
		p.add(path, "bad_schema", "it is not a JSON schema: "+strings.ReplaceAll(err.Error(), schemaURL, ""), "")
	}
	return nil
}

// Check answers the rows that do not fit.
func (r *jsonSchema) Check(ctx context.Context, b record.Batch) ([]Broken, error) {
	cells := make([]arrow.Array, len(r.fields))
	for i, f := range r.fields {
		cells[i] = b.Rows.Column(f.place)
	}
	object := make(map[string]any, len(cells))
	var out []Broken
	for row := range b.Len() {
		if row%1000 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if !r.whole && cells[0].IsNull(row) {
			continue
		}
		if reason := r.broken(object, cells, row); reason != "" {
			out = append(out, Broken{row, reason})
		}
	}
	return out, nil
}

// broken says why a row does not fit; "" when it does.
func (r *jsonSchema) broken(object map[string]any, cells []arrow.Array, row int) string {
	clear(object)
	var value any
	for i, f := range r.fields {
		if r.whole && !r.nulls && cells[i].IsNull(row) {
			continue
		}
		var err error
		if value, err = jsonValue(cells[i], f.typ, row); err != nil {
			return f.name + ": " + err.Error()
		}
		object[f.name] = value
	}
	if r.whole {
		value = object
	}
	err := r.validate(value)
	var wrong *jsonschema.ValidationError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &wrong):
		return strings.Join((&teller{rule: r}).tell(wrong), "; ")
	}
	return err.Error()
}

var errCannot = errors.New("the schema cannot be held against it")

// validate holds a value against the schema. A value that the library cannot handle is an error of its record only.
func (r *jsonSchema) validate(value any) (err error) {
	defer func() {
		if recover() != nil {
			err = errCannot
		}
	}()
	return r.schema.Validate(value)
}

// jsonValue gives a cell as the library takes it.
func jsonValue(col arrow.Array, t record.Type, row int) (any, error) {
	if col.IsNull(row) {
		return nil, nil
	}
	switch t.Kind {
	case record.Int, record.Float, record.Bool, record.String:
		return record.Value(col, t, row), nil
	case record.Decimal:
		return json.Number(record.AppendText(nil, col, t, row)), nil
	case record.JSON:
		text := col.(*array.String).Value(row)
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			return nil, errors.New("it is not JSON")
		}
		if strings.ContainsAny(text, "eE") && !bounded(v) {
			return nil, errors.New("a number in it is too large or too small")
		}
		return v, nil
	}
	return string(record.AppendText(nil, col, t, row)), nil
}

// bounded says whether all numbers of a value are in the range of floats. The library computes with exact fractions, and
// 1e1000000 is one of a million digits.
func bounded(v any) bool {
	switch v := v.(type) {
	case json.Number:
		i := strings.IndexAny(string(v), "eE")
		if i < 0 {
			return true
		}
		exponent, err := strconv.Atoi(string(v[i+1:]))
		return err == nil && math.Abs(float64(exponent)) <= 400
	case []any:
		for _, x := range v {
			if !bounded(x) {
				return false
			}
		}
	case map[string]any:
		for _, x := range v {
			if !bounded(x) {
				return false
			}
		}
	}
	return true
}
