package scenario

import (
	"encoding/json"

	"github.com/grpcbench/grpcbench/scenario/expect"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

// Schema is the JSON Schema (draft-07) of the document, for editors. It says
// what the shape of the document allows; Read checks more.
func Schema() ([]byte, error) {
	object := func(rest map[string]any) map[string]any {
		rest["type"] = "object"
		rest["minProperties"] = 1
		return rest
	}
	name := map[string]any{"pattern": `^[A-Za-z0-9_.-]+$`}
	overlay := map[string]any{"type": "object", "propertyNames": map[string]any{"pattern": `^(target$|(client|fleet|load)(\.|$))`}}
	values := map[string]any{"type": "array", "minItems": 1}
	compare := object(map[string]any{
		"propertyNames": map[string]any{"pattern": `^[A-Za-z0-9_./[\]-]+$`},
		"additionalProperties": map[string]any{"anyOf": []any{
			values,
			object(map[string]any{"propertyNames": name, "additionalProperties": overlay}),
		}},
	})

	after := map[string]any{"anyOf": []any{
		strict.DurationSchema(),
		map[string]any{"type": "string", "pattern": `^p[0-9]{1,2}(\.[0-9]+)?$`},
	}}

	// How many there may be, and what a field of a response may have to be.
	numbers := map[string]any{"anyOf": []any{map[string]any{"type": "integer", "minimum": 0}, strict.Schema(expect.Range{})}}
	conditions := strict.Schema(expect.Condition{}, strict.WithPart("count", numbers))
	for _, part := range []map[string]any{numbers["anyOf"].([]any)[1].(map[string]any), conditions} {
		delete(part, "$schema")
	}

	known := methodNames()
	for _, m := range methods() {
		known = append(known, m.full)
	}
	// A method of a target has its full name.
	own := map[string]any{"type": "string", "pattern": `^/?[A-Za-z_][A-Za-z0-9_.]*[/.][A-Za-z_][A-Za-z0-9_]*$`}
	methodName := map[string]any{"pattern": `^[A-Za-z_][A-Za-z0-9_.]*/[A-Za-z_][A-Za-z0-9_]*$`}
	schema := strict.Schema(Scenario{},
		strict.WithTitle("grpcbench scenario"),
		strict.WithPart("compare", compare),
		strict.WithPart("baseline", object(map[string]any{})),
		strict.WithPart("name", map[string]any{"type": "string", "pattern": name["pattern"]}),
		strict.WithPart("fleet.isolation", map[string]any{"enum": isolations()}),
		strict.WithPart("client.hedge.after", after),
		strict.WithPart("client.methods.*.hedge.after", after),
		strict.WithPart("load[].expect.messages", numbers),
		strict.WithPart("load[].expect.fields", object(map[string]any{"additionalProperties": map[string]any{"anyOf": []any{
			map[string]any{"type": []string{"string", "number", "boolean"}},
			conditions,
		}}})),
		strict.WithPart("load[].name", map[string]any{"type": "string", "pattern": name["pattern"]}),
		strict.WithPart("load[].call", map[string]any{"anyOf": []any{map[string]any{"enum": known}, own}}),
		strict.WithPart("load[].mix", object(map[string]any{
			"propertyNames": map[string]any{"enum": known}, "additionalProperties": map[string]any{"type": "number", "minimum": 0},
		})),
		strict.WithPart("trials", map[string]any{"anyOf": []any{map[string]any{"type": "integer", "minimum": 1}, map[string]any{"const": "auto"}}}),
	)
	// Rules between keys: what compare may add is not required here.
	schema["not"] = map[string]any{"required": []string{"fleet", "target"}}
	properties := schema["properties"].(map[string]any)
	load := properties["load"].(map[string]any)
	load["minItems"] = 1
	entry := load["items"].(map[string]any)
	entry["oneOf"] = []any{map[string]any{"required": []string{"call"}}, map[string]any{"required": []string{"mix"}}}
	entry["not"] = map[string]any{"required": []string{"rate", "workers"}}
	client := properties["client"].(map[string]any)["properties"].(map[string]any)
	client["methods"].(map[string]any)["propertyNames"] = map[string]any{"anyOf": []any{map[string]any{"enum": known}, methodName}}

	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}
