package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/setting"
)

const generated = "<!-- Written by make docs from the declarations in the code; changes here are lost. -->\n\n"

// Reference gives the reference pages of a catalog, Markdown, by their path below docs/reference. The same catalog gives the same
// bytes.
func Reference(c Catalog) map[string][]byte {
	k := kit(c.Components())
	pages := map[string][]byte{"README.md": k.index(), "job.md": k.jobPage()}
	for _, name := range k.Connectors.Names() {
		pages["connectors/"+name+".md"] = connectorPage(k.Connectors[name])
	}
	for name, s := range k.Transforms {
		pages["transforms/"+name+".md"] = componentPage(s, "transform", transformExtras())
	}
	for name, s := range k.Rules {
		pages["rules/"+name+".md"] = componentPage(s, "rule", ruleExtras())
	}
	return pages
}

// page is a page that is being written.
type page struct{ bytes.Buffer }

func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

func (p *page) paragraph(text string) {
	if text = strings.TrimSpace(text); text != "" {
		p.line("%s\n", text)
	}
}

func (p *page) yaml(text string) {
	if text = strings.TrimSpace(text); text != "" {
		p.line("```yaml\n%s\n```\n", text)
	}
}

func (k kit) index() []byte {
	p := &page{}
	p.WriteString(generated)
	p.line("# Reference\n\n- [The job file](job.md)\n\n## Connectors\n\n| name | reads | writes | |\n|---|---|---|---|")
	for _, name := range k.Connectors.Names() {
		s := k.Connectors[name]
		p.line("| [%s](connectors/%s.md) | %s | %s | %s |", name, name, yes(s.Source != nil), yes(s.Destination != nil), cell(s.Summary))
	}
	for _, family := range []struct {
		title, folder string
		specs         map[string]setting.Spec
	}{{"Transforms", "transforms", k.Transforms}, {"Rules", "rules", k.Rules}} {
		p.line("\n## %s\n\n| name | |\n|---|---|", family.title)
		for _, name := range slices.Sorted(maps.Keys(family.specs)) {
			p.line("| [%s](%s/%s.md) | %s |", name, family.folder, name, cell(family.specs[name].Summary))
		}
	}
	return p.Bytes()
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func (k kit) jobPage() []byte {
	p := &page{}
	p.WriteString(generated)
	p.line("# The job file\n")
	p.paragraph("A job is one YAML file in the project's folder or in its folder `jobs`. `lockstep check` tells every mistake with its line; `lockstep schema` writes a JSON schema for editors.")
	p.yaml(jobExample)
	p.line("## Keys\n")
	form := k.form()
	form.Fields = slices.Clone(form.Fields)
	p.table(form)
	p.paragraph("Keys that begin with `x-` are yours: a place for anchors.")
	p.line("## Transforms and rules\n")
	p.paragraph("An element of a list is a map with one name and its settings, or the bare name where all settings have defaults. These keys stand beside the name, or among the settings where those have fixed names:")
	p.table(setting.Field{Kind: setting.Object, Fields: ruleExtras()})
	p.paragraph("Transforms have `streams` only.")
	p.line("## Variables and secrets\n")
	p.paragraph(referencesText)
	p.line("## YAML\n")
	p.paragraph(yamlText)
	p.line("## The project file\n")
	p.paragraph("`lockstep.yaml` in the project's folder may be missing.")
	p.table(projectField())
	return p.Bytes()
}

const jobExample = `id: runways
source:
  connector: file
  config: {path: data/runways.csv.gz}
  streams: [{name: runways, key: [id], mode: full}]
transforms:
  - rename: {le_ident: low_end, he_ident: high_end}
  - filter: not closed
rules:
  - required: [airport_ident]
  - range: {column: length_ft, min: 1, max: 30000, severity: warn}
destinations:
  - connector: sqlite
    config: {path: out/airports.db}
    write: {mode: upsert, delete_missing: true}`

const referencesText = "`${NAME}` stands for a variable of the environment, `${NAME:-default}` for the default where it is not set or empty, `secret://name` " +
	"(the whole text) for a secret. In a text with a reference `$$` stands for one dollar sign. In `config`, transforms and rules they are looked up " +
	"when the job runs and never stored; in `parameters` they stay as they are written; elsewhere variables are looked up when the file is read, and " +
	"secrets are refused. A variable that is not set is an error. A secret itself is refused in the file."

const yamlText = "One document a file, at most 1 MiB, 10,000 values (what an alias stands for counts) and 100 levels. A key that is there twice is refused, " +
	"so are tags, numbers beyond 64 bits, whole numbers with a leading zero, infinities. `yes`, `no`, `on`, `off` and dates are text. Anchors, aliases and " +
	"merge keys (`<<`) work."

func connectorPage(s connector.Spec) []byte {
	p := &page{}
	p.head(s.Spec, "connector")
	p.line("Reads: %s. Writes: %s.\n", yes(s.Source != nil), yes(s.Destination != nil))
	p.yaml(s.Example)
	p.line("## Settings\n")
	p.table(s.Body)
	if s.Destination == nil {
		return p.Bytes()
	}
	p.line("## Writing\n")
	p.line("- `delete_missing`: %s\n- `backup`: %s\n", yes(s.DeleteMissing), yes(s.Backup))
	p.line("| mode | guarantee | receipts | why |\n|---|---|---|---|")
	values, _ := setting.Check(s.Body, "", nil)
	for _, mode := range s.Modes {
		g := connector.Guarantee{Level: "not stated"}
		if s.Guarantee != nil {
			g = s.Guarantee(setting.Of(values), job.Write{Mode: mode})
		}
		p.line("| `%s` | %s | %s | %s |", mode, g.Level, yes(g.Receipts), cell(g.Why))
	}
	return p.Bytes()
}

func componentPage(s setting.Spec, noun string, extras []setting.Field) []byte {
	p := &page{}
	p.head(s, noun)
	p.yaml(s.Example)
	p.line("## Settings\n")
	p.table(s.Body)
	p.line("Beside the name:\n")
	p.table(setting.Field{Kind: setting.Object, Fields: extras})
	return p.Bytes()
}

func (p *page) head(s setting.Spec, noun string) {
	p.WriteString(generated)
	p.line("# %s\n", s.Name)
	p.paragraph(s.Summary)
	p.paragraph(s.Doc)
	if s.Since != "" {
		p.line("A %s since %s.\n", noun, s.Since)
	}
}

// table lists the fields of an object, or says what another value is.
func (p *page) table(f setting.Field) {
	if f.Kind != setting.Object {
		text := "Value: " + words(f) + "."
		if f.Doc != "" {
			text += " " + f.Doc
		}
		p.paragraph(text)
		for _, form := range f.Forms {
			if form.Kind == setting.Object {
				p.table(form)
			}
		}
		return
	}
	if len(f.Fields) == 0 {
		p.paragraph("None.")
		return
	}
	p.line("| name | type | default | meaning |\n|---|---|---|---|")
	p.rows(f, "")
	p.line("")
}

func (p *page) rows(f setting.Field, prefix string) {
	for _, sub := range f.Fields {
		if sub.Name == keyDestination && prefix == "" {
			sub.Forms, sub.Fields = nil, nil // as destinations
		}
		p.line("| `%s%s` | %s | %s | %s |", prefix, sub.Name, cell(words(sub)), cell(standard(sub)), cell(meaning(sub)))
		p.nested(sub, prefix+sub.Name)
	}
}

// nested gives the rows below a field; components have pages of their own.
func (p *page) nested(f setting.Field, path string) {
	switch f.Kind {
	case setting.Object:
		p.rows(f, path+".")
	case setting.List:
		if f.Item.Name != "transform" && f.Item.Name != "rule" {
			p.nested(*f.Item, path+"[]")
		}
	case setting.Choice:
		for _, form := range f.Forms {
			p.nested(form, path)
		}
	}
}

func meaning(f setting.Field) string {
	text := f.Doc
	if f.Secret {
		text += " A secret: write `secret://name` or `${NAME}`."
	}
	if f.Example != nil {
		text += " Example: `" + compact(f.Example) + "`."
	}
	return strings.TrimSpace(text)
}

func standard(f setting.Field) string {
	switch {
	case f.Required:
		return "required"
	case f.Default == nil:
		return ""
	}
	return "`" + compact(f.Default) + "`"
}

func compact(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}

var syntaxWords = map[setting.Syntax]string{
	setting.Expression: "expression", setting.Column: "column", setting.Regexp: "regular expression (RE2)", setting.Path: "path",
	setting.Duration: "duration, as `1m30s`", setting.Bytes: "size, as `16MiB`", setting.Name: "name", setting.Type: "column type",
}

// words says what a field's value is.
func words(f setting.Field) string {
	switch f.Kind {
	case setting.String:
		if len(f.Options) > 0 {
			return "`" + strings.Join(f.Options, "`, `") + "`"
		}
		if w, ok := syntaxWords[f.Syntax]; ok {
			return w
		}
		return "text"
	case setting.Int:
		return "whole number" + limits(f)
	case setting.Float:
		return "number" + limits(f)
	case setting.Bool:
		return "true or false"
	case setting.List:
		if f.Item.Name == "transform" || f.Item.Name == "rule" {
			return "list of " + f.Item.Name + "s"
		}
		return "list of: " + words(*f.Item)
	case setting.Map:
		return "map of names to: " + words(*f.Item)
	case setting.Object:
		return "map"
	case setting.Choice:
		forms := make([]string, len(f.Forms))
		for i, form := range f.Forms {
			forms[i] = words(form)
		}
		return strings.Join(forms, " or ")
	}
	return "any value"
}

func limits(f setting.Field) string {
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	text := ""
	switch {
	case f.Min != nil && f.Max != nil:
		text = ", " + number(*f.Min) + " to " + number(*f.Max)
	case f.Min != nil:
		text = ", at least " + number(*f.Min)
	case f.Max != nil:
		text = ", at most " + number(*f.Max)
	}
	if f.Unit != "" {
		if text == "" {
			text = ","
		}
		text += " " + f.Unit
	}
	return text
}

// cell makes a text fit into a table.
func cell(s string) string {
	s = strings.NewReplacer("|", `\|`, " *** ", " `***` ").Replace(s)
	return strings.Join(strings.Fields(s), " ")
}
