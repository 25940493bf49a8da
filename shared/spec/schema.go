package spec

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// SchemaID is the $id of the JSON schema of a job file.
const SchemaID = "https://lockstep-data.github.io/lockstep/schema/job.schema.json"

// object is a part of a JSON schema.
type object = map[string]any

// Schema gives the JSON schema (draft 2020-12) of a job file, with the components of a catalog. The same catalog gives the same bytes.
// It refuses what the declarations refuse, null for a key that may be left out besides; what only the check can know passes.
func Schema(c Catalog) ([]byte, error) {
	k := kit(c.Components())
	form := k.form()
	s := schemer{defs: object{"reference": object{"type": "string", "pattern": referencePattern,
		"description": "${NAME} or ${NAME:-default} from the environment, or secret://name."}}}
	out := s.of(form)
	out["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	out["$id"] = SchemaID
	out["title"] = "A Lockstep job"
	out["patternProperties"] = object{"^x-.": object{"description": "The user's own; a place for anchors."}}
	properties := out["properties"].(object)
	k.configs(s, properties[keySource].(object), func(c connector.Spec) bool { return c.Source != nil })
	writes := func(c connector.Spec) bool { return c.Destination != nil }
	destination := properties[keyDestinations].(object)["items"].(object)
	k.configs(s, destination, writes)
	s.defs[keyDestination] = destination
	properties[keyDestination] = reference(keyDestination)
	properties[keyDestinations].(object)["items"] = reference(keyDestination)
	delete(out, "required")
	// What is in an included file need not be here.
	out["anyOf"] = []any{
		object{"required": []any{keyInclude}},
		object{"required": []any{"id", keySource}, "oneOf": []any{object{"required": []any{keyDestination}}, object{"required": []any{keyDestinations}}}},
	}
	out["not"] = object{"required": []any{keyDestination, keyDestinations}}
	out["$defs"] = s.defs
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(out); err != nil {
		return nil, fmt.Errorf("encode the schema: %w", err)
	}
	return buf.Bytes(), nil
}

// referencePattern is what setting.IsReference tells.
const referencePattern = `\$\{|^secret://`

// configs says for each connector what config holds, and that the connector can be what it is used for.
func (k kit) configs(s schemer, at object, can func(connector.Spec) bool) {
	var names []any
	var cases []any
	for _, name := range k.Connectors.Names() {
		spec := k.Connectors[name]
		if !can(spec) {
			continue
		}
		names = append(names, name)
		then := object{"properties": object{"config": s.of(spec.Body)}}
		if !acceptsNothing(spec.Body) {
			then["required"] = []any{"config"}
		}
		cases = append(cases, object{
			"if":   object{"properties": object{"connector": object{"const": name}}, "required": []any{"connector"}},
			"then": then,
		})
	}
	at["properties"].(object)["connector"].(object)["anyOf"].([]any)[0].(object)["enum"] = names
	at["allOf"] = cases
}

// acceptsNothing says whether the settings may be left out.
func acceptsNothing(f setting.Field) bool {
	_, problems := setting.Check(f, "", nil)
	return len(problems) == 0
}

// schemer turns declarations into schemas.
type schemer struct{ defs object }

// of gives the schema of a field.
func (s schemer) of(f setting.Field) object {
	out := s.shape(f)
	if f.Doc != "" {
		out["description"] = f.Doc
	}
	if f.Default != nil {
		out["default"] = f.Default
	}
	if f.Example != nil {
		out["examples"] = []any{f.Example}
	}
	return out
}

func (s schemer) shape(f setting.Field) object {
	switch f.Kind {
	case setting.String:
		return s.text(f)
	case setting.Int:
		return orReference(bounded(object{"type": "integer"}, f, "minimum", "maximum"))
	case setting.Float:
		return orReference(bounded(object{"type": "number"}, f, "minimum", "maximum"))
	case setting.Bool:
		return orReference(object{"type": "boolean"})
	case setting.List:
		return bounded(object{"type": "array", "items": s.of(f.Element())}, f, "minItems", "maxItems")
	case setting.Map:
		return bounded(object{"type": "object", "additionalProperties": s.of(f.Member(""))}, f, "minProperties", "maxProperties")
	case setting.Object:
		return s.object(f)
	case setting.Choice:
		forms := make([]any, len(f.Forms))
		for i, form := range f.Forms {
			forms[i] = s.of(form)
		}
		if f.Name != "transform" && f.Name != "rule" {
			return object{"anyOf": forms}
		}
		s.defs[f.Name] = object{"anyOf": forms}
		return reference(f.Name)
	}
	return object{}
}

// Forms of texts that a schema can tell.
const (
	namePattern  = `^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$`
	bytesPattern = `^\s*[0-9]+\s*(B|KB|KiB|MB|MiB|GB|GiB)?\s*$`
	typePattern  = `^(int|float|bool|string|bytes|date|time|timestamp|timestamptz|uuid|json|decimal\(\s*[0-9]+\s*,\s*[0-9]+\s*\))$`
)

func (s schemer) text(f setting.Field) object {
	out := object{"type": "string"}
	switch f.Syntax {
	case setting.Name:
		out["pattern"] = namePattern
	case setting.Bytes:
		out["pattern"] = bytesPattern
	case setting.Type:
		out["pattern"] = typePattern
	}
	if len(f.Options) > 0 {
		out["enum"] = f.Options
	}
	if len(out) > 1 {
		return orReference(out)
	}
	return out
}

func (s schemer) object(f setting.Field) object {
	properties, required := object{}, []any{}
	for _, sub := range f.Fields {
		properties[sub.Name] = s.of(sub)
		if sub.Required {
			required = append(required, sub.Name)
		}
	}
	out := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	if f.Name == componentObject {
		s.exactlyOne(f, out)
	}
	return out
}

// exactlyOne says that an element of transforms or rules has one name.
func (s schemer) exactlyOne(f setting.Field, out object) {
	var one []any
	for _, sub := range f.Fields {
		if sub.Name != keyStreams && sub.Name != keySeverity && sub.Name != keyLabel {
			one = append(one, object{"required": []any{sub.Name}})
		}
	}
	out["oneOf"] = one
}

func reference(def string) object { return object{"$ref": "#/$defs/" + def} }

func orReference(out object) object {
	return object{"anyOf": []any{out, reference("reference")}}
}

func bounded(out object, f setting.Field, low, high string) object {
	if f.Min != nil {
		out[low] = *f.Min
	}
	if f.Max != nil {
		out[high] = *f.Max
	}
	return out
}
