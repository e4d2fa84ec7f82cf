package strict

import (
	"encoding"
	"maps"
	pathpkg "path"
	"reflect"
	"strings"
)

// SchemaOption adds to a schema what the types cannot say.
type SchemaOption func(*schema)

// WithTitle names the schema.
func WithTitle(title string) SchemaOption { return func(s *schema) { s.title = title } }

// WithPart replaces the schema of a path: for parts that are kept as nodes and
// checked elsewhere. The description of the key is added.
func WithPart(path string, part map[string]any) SchemaOption {
	return func(s *schema) { s.parts[path] = part }
}

type schema struct {
	title string
	parts map[string]map[string]any
	// open is the types that are being described. One that is met within itself
	// becomes a definition, which both places refer to.
	open        map[reflect.Type]bool
	definitions map[string]any
}

// Schema is the JSON Schema (draft-07) of the type of v, for editors: it
// accepts the shape that Decode accepts. What Validate checks is not in it.
func Schema(v any, opts ...SchemaOption) map[string]any {
	s := &schema{parts: map[string]map[string]any{}, open: map[reflect.Type]bool{}, definitions: map[string]any{}}
	for _, opt := range opts {
		opt(s)
	}
	out := s.of(deref(reflect.TypeOf(v)), field{}, "")
	out["$schema"] = "http://json-schema.org/draft-07/schema#"
	if len(s.definitions) > 0 {
		out["definitions"] = s.definitions
	}
	if s.title != "" {
		out["title"] = s.title
	}
	return out
}

func (s *schema) of(t reflect.Type, f field, path string) map[string]any {
	var out map[string]any
	if part, ok := s.parts[path]; ok {
		out = maps.Clone(part)
	} else {
		out = s.plain(t, f, path)
		if f.or != nil {
			out = map[string]any{"anyOf": []any{out, s.plain(f.or.typ, *f.or, path)}}
		}
		if f.tree != nil {
			out = map[string]any{"anyOf": []any{
				out, map[string]any{"type": []any{"object", "array"}}, map[string]any{"type": "string", "pattern": "^@."},
			}}
		}
	}
	if f.doc != "" {
		out["description"] = f.doc
	}
	return out
}

func (s *schema) plain(t reflect.Type, f field, path string) map[string]any {
	if t == nodeType {
		return map[string]any{}
	}
	t = deref(t)
	words := wordsOf(t)
	switch {
	case words != nil && t.Kind() != reflect.Struct:
		return map[string]any{"enum": words}
	case words != nil:
		return map[string]any{"anyOf": []any{map[string]any{"enum": words}, s.shape(t, path)}}
	case isChoice(t):
		return s.once(t, func() map[string]any { return s.choice(t, path) })
	}
	if inner, ok := valueField(t); ok {
		return s.of(inner.typ, inner, path)
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return map[string]any{"type": []any{"string", "number", "boolean"}}
	}
	switch t.Kind() {
	case reflect.Struct:
		return s.shape(t, path)
	case reflect.Slice:
		return map[string]any{"type": "array", "items": s.of(t.Elem(), field{unit: f.unit}, path+"[]")}
	case reflect.Map:
		if t.Elem().Kind() == reflect.String && wordsOf(t.Elem()) == nil {
			return map[string]any{"type": "object", "additionalProperties": map[string]any{"type": []any{"string", "number", "boolean"}}}
		}
		return map[string]any{"type": "object", "additionalProperties": s.of(t.Elem(), field{unit: f.unit}, join(path, "*"))}
	}
	return scalarSchema(t, f)
}

// once describes a type that may lie within itself.
func (s *schema) once(t reflect.Type, describe func() map[string]any) map[string]any {
	name := pathpkg.Base(t.PkgPath()) + "." + t.Name()
	// A $ref hides what stands beside it, such as a description.
	reference := map[string]any{"allOf": []any{map[string]any{"$ref": "#/definitions/" + name}}}
	if s.open[t] {
		s.definitions[name] = nil // to come
		return reference
	}
	s.open[t] = true
	out := describe()
	delete(s.open, t)
	if _, wanted := s.definitions[name]; !wanted {
		return out
	}
	s.definitions[name] = out
	return reference
}

// shape is a map of settings.
func (s *schema) shape(t reflect.Type, path string) map[string]any {
	properties := map[string]any{}
	for _, f := range fieldsOf(t) {
		properties[f.name] = s.of(f.typ, f, join(path, f.name))
	}
	return map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
}

// choice is a name, or a map of one name to its settings.
func (s *schema) choice(t reflect.Type, path string) map[string]any {
	var alone []string
	properties := map[string]any{}
	for _, f := range fieldsOf(t) {
		if aloneFits(f.typ.Elem()) {
			alone = append(alone, f.name)
		}
		properties[f.name] = s.of(f.typ.Elem(), field{doc: f.doc}, join(path, f.name))
	}
	object := map[string]any{
		"type": "object", "properties": properties, "additionalProperties": false, "minProperties": 1, "maxProperties": 1,
	}
	if len(alone) == 0 {
		return object
	}
	return map[string]any{"anyOf": []any{map[string]any{"enum": alone}, object}}
}

// DurationSchema is the schema of a duration, for parts that take others things
// as well.
func DurationSchema() map[string]any { return scalarSchema(durationType, field{}) }

func scalarSchema(t reflect.Type, f field) map[string]any {
	pattern := func(p string) map[string]any { return map[string]any{"type": "string", "pattern": p} }
	or := func(list ...any) map[string]any { return map[string]any{"anyOf": list} }
	switch {
	case t == durationType:
		return or(pattern(durationForm), map[string]any{"const": 0})
	case t == codeType:
		return map[string]any{"enum": codeNames()}
	case f.unit == "bytes":
		var units []string
		for _, u := range sizeUnits() {
			units = append(units, u.name)
		}
		return or(map[string]any{"type": "integer", "minimum": 0},
			pattern(`^\+?`+decimalDigits+` ?(`+strings.Join(units, "|")+`)$`))
	case f.unit == "share":
		percent := `((100(\.0*)?|[1-9]?[0-9](\.[0-9]*)?|\.[0-9]+) *%)`
		ratio := `(1(\.0*)?|0(\.[0-9]*)?|\.[0-9]+)`
		return or(map[string]any{"type": "number", "minimum": 0, "maximum": 1}, pattern(`^\+?(`+percent+`|`+ratio+`)$`))
	case f.unit == "percent":
		return pattern(`^\+?` + decimalDigits + `([eE][-+]?[0-9]+)? *%$`)
	case f.unit == "bandwidth":
		return pattern(`^\+?` + decimalDigits + ` ?((K|M|G|T)iB|(k|M|G|T)?B|(k|M|G)?bit|)/s$`)
	case f.unit == "rate":
		return pattern(`^ *\+?` + decimalDigits + `([eE][-+]?[0-9]+)? */ *(s|ms|m) *$`)
	}
	switch t.Kind() {
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return map[string]any{"type": "integer", "minimum": 0}
	default:
		return map[string]any{"type": "integer"}
	}
}
