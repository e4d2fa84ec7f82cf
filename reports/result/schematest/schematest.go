// Package schematest checks, in tests, that what is written as result.json is as
// its published schema says.
package schematest

import (
	"bytes"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/grpcbench/grpcbench/reports/result"
)

// Schema is the schema of result.json, made strict: published it allows what later
// versions add, and here nothing that it does not name.
func Schema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	text, err := result.Schema()
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	root := value.(map[string]any)
	objects := []any{root}
	for _, definition := range root["definitions"].(map[string]any) {
		objects = append(objects, definition)
	}
	for _, object := range objects {
		object.(map[string]any)["additionalProperties"] = false
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("result.schema.json", value); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("result.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// Check fails the test where a result.json is not as the schema says.
func Check(t testing.TB, schema *jsonschema.Schema, text []byte) {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		t.Errorf("not as the schema says: %v", err)
	}
}
