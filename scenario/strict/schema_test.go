package strict

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// unvalidated is sample without what a schema cannot know: its Validate.
type unvalidated struct {
	sampleAll `yaml:",inline"`
}

type sampleAll sample

func compileSchema(t *testing.T, schema map[string]any) *jsonschema.Schema {
	t.Helper()
	text, err := json.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("sample.json", plain); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("sample.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// schemaAccepts reads YAML as an editor does.
func schemaAccepts(t *testing.T, schema *jsonschema.Schema, text string) error {
	t.Helper()
	asJSON, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(asJSON)))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return schema.Validate(value)
}

// TestSchemaAgrees: the schema and Decode accept and refuse the same
// documents.
func TestSchemaAgrees(t *testing.T) {
	schema := compileSchema(t, Schema(sample{}))
	documents := map[string]bool{
		"name: x": true, "name: 5": false, "name: true": false, "name: [x]": false, "nam: x": false, "hidden: x": false, "plain: x": false,
		"seed: 5": true, "seed: -1": false, "seed: 1.5": false, "seed: '5'": false, "seed: {}": false,
		"small: -5": true, "queue: 4": true, "queue: many": false,
		"ready: true": true, "ready: yes": false, "ready: 1": false,
		"factor: 2": true, "factor: 2.5": true, "factor: x": false,
		"timeout: 5s": true, "timeout: 0": true, "timeout: 5": false, "timeout: -1h30m": true, "timeout: 1.5ms": true, "timeout: soon": false, "timeout: 5 s": false,
		"size: 5": true, "size: 4MiB": true, "size: 1.5KiB": true, "size: 1kB": true, "size: 12B": true,
		"size: -5": false, "size: -1KiB": false, "size: 4mb": false, "size: 4.5": false,
		"share: 10%": true, "share: 0.1": true, "share: 1": true, "share: 100%": true, "share: 0": true, "share: 100.0%": true, "share: 12.5%": true,
		"share: 101%": false, "share: 1.5": false, "share: -1%": false, "share: x": false, "chance: 50%": true, "chance: 5": false,
		"retry: none": true, "retry: off": false, "retry: {attempts: 2}": true, "retry: {atempts: 2}": false, "retry: {}": true, "retry: [none]": false,
		"retry: {codes: [UNAVAILABLE]}": true, "retry: {codes: [Unavailable]}": false, "retry: {codes: UNAVAILABLE}": false, "retry: {codes: []}": true,
		"retry: {jitter: none}": true, "retry: {jitter: percent}": true, "retry: {jitter: {percent: 5}}": true, "retry: {jitter: {percent: x}}": false,
		"retry: {jitter: some}": false, "retry: {jitter: {none: {}}}": true, "retry: {jitter: {none: {x: 1}}}": false, "retry: {jitter: {none: 5}}": false,
		"retry: {jitter: {}}": false, "retry: {jitter: {none: {}, percent: 5}}": false,
		"service_time: fixed": false, "service_time: {fixed: 2ms}": true, "service_time: {fixed: 2}": false, "service_time: {fixed: {d: 2ms}}": false,
		"service_time: lognormal": true, "service_time: {lognormal: {p50: 2ms}}": true, "service_time: {lognormal: {p51: 2ms}}": false,
		"service_time: {quantiles: {p50: 2ms}}": true, "service_time: {quantiles: {p50: 2}}": false, "service_time: {quantiles: 5ms}": false,
		"balance: round_robin": true, "balance: {pick_first: {shuffle: true}}": true, "balance: {pick_first: {shuffle: maybe}}": false, "balance: 5": false,
		"methods: {A: {timeout: 1s, retry: none}}": true, "methods: {A: {timeot: 1s}}": false, "methods: [A]": false, "methods: {A: 5s}": false,
		"baseline: {a: 5, b: x, c: true}": true, "baseline: {a: [x]}": false,
		"load: [{name: x, rate: 5/s}]": true, "load: [{rate: 5}]": false, "load: [{rate: 5/h}]": false, "load: [{rate: 0.5/ms}, {rate: 10/m}]": true,
		"load: {}": false, "load: [x]": false, "load: [{slo: {limit: 1s}}]": true, "load: [{slo: {limit: x}}]": false,
		"mode: process": true, "mode: inprocess": true, "mode: thread": false, "mode: 5": false,
		"compare: {anything: [1, {b: c}]}": true, "compare: 5": true,
		"keepalive: {}": true, "keepalive: {time: 5s}": true, "keepalive: 5s": false,
		"trials: 5": true, "ports: [1, 2]": true, "ports: [x]": false, "block: {trials: 5}": false,
		"timeout: null": false, "retry: null": false, "methods: null": false, "load: [null]": false, "balance: null": false,
		"{}": true,
	}
	for text, want := range documents {
		doc, err := Parse("x.yaml", []byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		into := unvalidated{sampleAll(*sampleDefaults())}
		decodeErr := Decode(doc, nil, &into)
		schemaErr := schemaAccepts(t, schema, text)
		if (decodeErr == nil) != want {
			t.Errorf("Decode of %s: %v, want accepted: %v", text, decodeErr, want)
		}
		if (schemaErr == nil) != want {
			t.Errorf("schema on %s: %v, want accepted: %v", text, schemaErr, want)
		}
	}
}

func TestSchemaParts(t *testing.T) {
	schema := Schema(&sample{}, WithTitle("a sample"),
		WithPart("compare", map[string]any{"type": "object"}), WithPart("load[].name", map[string]any{"enum": []any{"a"}}))
	if schema["title"] != "a sample" || schema["$schema"] != "http://json-schema.org/draft-07/schema#" {
		t.Errorf("head of the schema: %v, %v", schema["title"], schema["$schema"])
	}
	compiled := compileSchema(t, schema)
	for text, want := range map[string]bool{"compare: {}": true, "compare: 5": false, "load: [{name: a}]": true, "load: [{name: b}]": false} {
		if err := schemaAccepts(t, compiled, text); (err == nil) != want {
			t.Errorf("%s: %v, want accepted: %v", text, err, want)
		}
	}
	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "schema.golden", string(text)+"\n")
}
