package result

import (
	"embed"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// sources is the types themselves: their comments are the descriptions of the
// schema, and their constants the words that are allowed.
//
//go:embed result.go gate.go capacity.go summary.go spread.go
var sources embed.FS

// Schema is the JSON Schema (draft-07) of result.json: what this version writes.
// Fields are added without a new SchemaVersion, so it does not forbid others; a
// field that is not required is left out where it would be empty.
func Schema() ([]byte, error) {
	notes, err := readNotes()
	if err != nil {
		return nil, err
	}
	s := &schemaWriter{notes: notes, definitions: map[string]any{}}
	root := s.object(reflect.TypeFor[Result]())
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["title"] = fmt.Sprintf("grpcbench result.json, schema_version %d", SchemaVersion)
	root["properties"].(map[string]any)["schema_version"] = map[string]any{"const": SchemaVersion}
	root["definitions"] = s.definitions
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}

// schemaNotes is what the sources say of the types.
type schemaNotes struct {
	types  map[string]string            // by the type's name
	fields map[string]map[string]string // by the type's and the field's
	words  map[string][]any             // the constants of a type of strings
}

// readNotes reads the sources.
func readNotes() (*schemaNotes, error) {
	notes := &schemaNotes{types: map[string]string{}, fields: map[string]map[string]string{}, words: map[string][]any{}}
	files, err := sources.ReadDir(".")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		text, err := sources.ReadFile(f.Name())
		if err != nil {
			return nil, err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), text, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, d := range parsed.Decls {
			if group, ok := d.(*ast.GenDecl); ok {
				for _, spec := range group.Specs {
					notes.add(group, spec)
				}
			}
		}
	}
	return notes, nil
}

func (n *schemaNotes) add(group *ast.GenDecl, spec ast.Spec) {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		n.types[spec.Name.Name] = sentence(group.Doc, spec.Doc)
		structure, ok := spec.Type.(*ast.StructType)
		if !ok {
			return
		}
		fields := map[string]string{}
		for _, f := range structure.Fields.List {
			for _, name := range f.Names {
				fields[name.Name] = sentence(f.Doc, f.Comment)
			}
		}
		n.fields[spec.Name.Name] = fields
	case *ast.ValueSpec:
		named, ok := spec.Type.(*ast.Ident)
		if group.Tok != token.CONST || !ok {
			return
		}
		for _, v := range spec.Values {
			if literal, ok := v.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				if word, err := strconv.Unquote(literal.Value); err == nil {
					n.words[named.Name] = append(n.words[named.Name], word)
				}
			}
		}
	}
}

// sentence is comments on one line.
func sentence(groups ...*ast.CommentGroup) string {
	var words []string
	for _, g := range groups {
		words = append(words, strings.Fields(g.Text())...)
	}
	return strings.Join(words, " ")
}

// schemaWriter describes types; structs become definitions.
type schemaWriter struct {
	notes       *schemaNotes
	definitions map[string]any
}

func (s *schemaWriter) of(t reflect.Type) map[string]any {
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Struct:
		if t == reflect.TypeFor[time.Time]() {
			return map[string]any{"type": "string", "format": "date-time"}
		}
		if _, known := s.definitions[t.Name()]; !known {
			s.definitions[t.Name()] = nil // of a type that holds itself
			s.definitions[t.Name()] = s.object(t)
		}
		return map[string]any{"$ref": "#/definitions/" + t.Name()}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		out := map[string]any{"type": "object", "additionalProperties": s.of(t.Elem())}
		if words := s.notes.words[t.Key().Name()]; words != nil {
			out["propertyNames"] = map[string]any{"enum": words}
		}
		return out
	case reflect.String:
		if words := s.notes.words[t.Name()]; words != nil {
			return map[string]any{"enum": words}
		}
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Uint64:
		return map[string]any{"type": "integer", "minimum": 0}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	}
	panic("result: the schema has no " + t.String())
}

// object describes a struct.
func (s *schemaWriter) object(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for f := range t.Fields() {
		name, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue // not of the file
		}
		optional := strings.Contains(rest, "omitempty")
		property := s.of(f.Type)
		if f.Type.Kind() == reflect.Pointer && !optional {
			property = map[string]any{"anyOf": []any{property, map[string]any{"type": "null"}}}
		}
		if f.Type == reflect.TypeFor[CapacityLimit]() && !optional { // a search that was interrupted has none yet
			property = map[string]any{"enum": append([]any{""}, s.notes.words[f.Type.Name()]...)}
		}
		if doc := s.notes.fields[t.Name()][f.Name]; doc != "" {
			if property["$ref"] != nil { // which what stands beside it is ignored for
				property = map[string]any{"allOf": []any{property}}
			}
			property["description"] = doc
		}
		properties[name] = property
		if !optional {
			required = append(required, name)
		}
	}
	out := map[string]any{"type": "object", "properties": properties, "required": required}
	if doc := s.notes.types[t.Name()]; doc != "" {
		out["description"] = doc
	}
	return out
}
