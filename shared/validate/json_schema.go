package validate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func jsonSchemaSpec() Spec {
	return Spec{
		Spec: setting.Spec{
			Name:    "json_schema",
			Summary: "A JSON column, or the whole record, must fit a JSON schema.",
			Doc: "Draft 2020-12 unless $schema says otherwise; formats such as date and uuid are checked. The schema stands here or in a file of the project; it may refer to " +
				"parts of itself, not to other documents. As a whole a record is an object of its columns: numbers and decimals are numbers, dates and " +
				"times are texts, null is null. A column that is null passes: add the rule required.",
			Body: setting.Field{Kind: setting.Object, Fields: []setting.Field{
				{Name: "column", Kind: setting.String, Syntax: setting.Column, Doc: "The JSON column; the whole record when left out."},
				{Name: "schema", Kind: setting.Any, Doc: "The schema itself."},
				{Name: "file", Kind: setting.String, Syntax: setting.Path, Doc: "The file with the schema, JSON, at most 1 MiB."},
			}},
			Example: "json_schema: {column: address, schema: {type: object, required: [city]}}",
			Since:   "0.1.0",
		},
		New: newJSONSchema,
	}
}

// schemaURL names the schema inside the library; nothing is ever read from there.
const schemaURL = "https://schema.invalid/rule.json"

// maxSchema is the largest file of a schema, in bytes.
const maxSchema = 1 << 20

type jsonSchema struct {
	column *column // nil: the whole record
	schema *jsonschema.Schema
	masked bool
	names  []string
}

func newJSONSchema(c Config) (Rule, error) {
	raw, _ := c.Values.Raw().(map[string]any)
	name, _ := raw["column"].(string)
	file, _ := raw["file"].(string)
	var p problems
	r := &jsonSchema{names: c.Schema.Names(), masked: len(c.Mask) > 0}
	if name != "" {
		col := p.column(c, setting.Join(c.Path, "column"), name)
		if col.place >= 0 && col.typ.Kind != record.JSON {
			p.add(setting.Join(c.Path, "column"), "wrong_type", fmt.Sprintf("%q is a column of type %s, not json", name, col.typ), "cast it to json first, or leave column out for the whole record")
		}
		r.column, r.masked = &col, col.masked
	}
	path, text := setting.Join(c.Path, "schema"), []byte(nil)
	var err error
	switch {
	case (file == "") == (raw["schema"] == nil):
		p.add(c.Path, "missing", "either schema or file must be given", "")
		return nil, p.list.Err()
	case file != "":
		path = setting.Join(c.Path, "file")
		text, err = readSchema(c.Dir, file)
	default:
		text, err = json.Marshal(raw["schema"])
	}
	if err == nil {
		r.schema, err = compileSchema(text)
	}
	if err != nil {
		p.add(path, "bad_schema", err.Error(), "")
	}
	return r, p.list.Err()
}

// readSchema reads a file below the project's folder.
func readSchema(dir, name string) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, errors.New("the project's folder cannot be opened")
	}
	defer root.Close()
	info, err := root.Stat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("there is no file %q", name)
	case err != nil:
		return nil, fmt.Errorf("%q cannot be read: it must be inside the project's folder", name)
	case info.Size() > maxSchema:
		return nil, fmt.Errorf("%q is larger than 1 MiB", name)
	}
	text, err := root.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("%q cannot be read", name)
	}
	return text, nil
}

// nowhere refuses to load what a schema refers to.
type nowhere struct{}

// Load refuses.
func (nowhere) Load(url string) (any, error) {
	return nil, fmt.Errorf("a schema may refer to itself only, not to %s", url)
}

func compileSchema(text []byte) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, errors.New("it is not JSON")
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(nowhere{})
	c.AssertFormat()
	if err := c.AddResource(schemaURL, doc); err != nil {
		return nil, fmt.Errorf("add schema: %w", err)
	}
	schema, err := c.Compile(schemaURL)
	var invalid *jsonschema.SchemaValidationError
	var wrong *jsonschema.ValidationError
	switch {
	case errors.As(err, &invalid) && errors.As(invalid.Err, &wrong):
		return nil, fmt.Errorf("it is not a JSON schema: %s", leaves(wrong, false))
	case err != nil:
		return nil, fmt.Errorf("it is not a JSON schema: %s", strings.ReplaceAll(err.Error(), schemaURL, ""))
	}
	return schema, nil
}

// Check answers the rows that do not fit.
func (r *jsonSchema) Check(ctx context.Context, b record.Batch) ([]Broken, error) {
	var out []Broken
	for row := range b.Len() {
		if row%1000 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		text, ok := r.text(b, row)
		if !ok {
			continue
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			return nil, fault.New(fault.Internal, "read JSON of row %d: %w", row, err)
		}
		err = r.schema.Validate(v)
		var wrong *jsonschema.ValidationError
		switch {
		case errors.As(err, &wrong):
			out = append(out, Broken{row, r.reason(wrong)})
		case err != nil:
			return nil, fault.New(fault.Internal, "validate row %d: %w", row, err)
		}
	}
	return out, nil
}

// text gives what is validated; false when it passes without.
func (r *jsonSchema) text(b record.Batch, row int) (string, bool) {
	if r.column == nil {
		return string(b.JSON(row)), true
	}
	texts := b.Rows.Column(r.column.place).(*array.String)
	if texts.IsNull(row) {
		return "", false
	}
	return texts.Value(row), true
}

func (r *jsonSchema) reason(wrong *jsonschema.ValidationError) string {
	what := "the record"
	if r.column != nil {
		what = r.column.name
	}
	return what + " does not fit the schema: " + leaves(wrong, r.masked)
}

// maxLeaves is how many things a reason says of one record.
const maxLeaves = 3

// leaves tells what is wrong at the ends of the tree of errors; without values when they are masked.
func leaves(e *jsonschema.ValidationError, masked bool) string {
	printer := message.NewPrinter(language.English)
	var all []string
	var walk func(e *jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		for _, cause := range e.Causes {
			walk(cause)
		}
		if len(e.Causes) > 0 {
			return
		}
		text := e.ErrorKind.LocalizedString(printer)
		if masked {
			text = "wrong by " + strings.Join(e.ErrorKind.KeywordPath(), "/")
		}
		if len(e.InstanceLocation) > 0 {
			text = "/" + strings.Join(e.InstanceLocation, "/") + ": " + text
		}
		all = append(all, text)
	}
	walk(e)
	slices.Sort(all) // the library walks over maps
	all = slices.Compact(all)
	if len(all) > maxLeaves {
		all = append(all[:maxLeaves], fmt.Sprintf("and %d more", len(all)-maxLeaves))
	}
	return strings.Join(all, ", ")
}
