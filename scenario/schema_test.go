package scenario

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("scenario.json", value); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("scenario.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// asJSON is a YAML file as an editor's validator sees it.
func asJSON(t *testing.T, file string) (any, bool) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := yaml.Unmarshal(text, &value); err != nil {
		return nil, false
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return nil, false
	}
	again, err := jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	return again, true
}

func TestSchemaAcceptsShippedScenarios(t *testing.T) {
	schema := compiled(t)
	for _, file := range shipped(t) {
		value, ok := asJSON(t, file)
		if !ok {
			t.Fatalf("%s is no YAML", file)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// beyond are the mistakes that a schema cannot see: ranges, what other keys
// say, what is written and not what it means.
func beyond() []string {
	return strings.Fields(`
		duplicate-key tab bad-indentation second-document unclosed-brace unknown-alias octal-number
		hedge-beside-retry hedge-on-written-retry hedge-of-a-bidi-stream hedge-after-zero hedge-attempts
		negative-base no-channels no-attempts max-below-base compression one-window method-twice
		no-backends queue-without-concurrency fault-backend fault-method fault-without-inject fault-down-probability fault-down-method quantiles-order
		fault-every-without-for fault-every-not-longer-than-for fault-stagger-one-backend fault-nth-zero fault-nth-and-probability
		fault-burst-never-ends fault-burst-without-size fault-attempt-zero fault-down-attempt fault-metadata-key fault-backend-twice
		fault-truncate-unary fault-truncate-kind fault-truncate-without-code fault-reset-without-code fault-oversize-without-size
		fault-throttle-zero fault-headers-empty fault-headers-reserved fault-pushback-fraction fault-detail-type fault-detail-base64
		fault-kind-of-method fault-negative-after fault-name-twice
		neither-fleet-nor-target empty-target target-unknown-scheme target-unknown-setting target-setting-value target-address target-secret target-grpclb-settings no-measurement negative-warmup no-drain
		mix-of-nothing mix-twice mix-closed shape-stage shape-swing shape-nothing bursts-size replay-rate replay-no-file replay-missing
		sessions-closed sessions-one paced-server-stream paced-every paced-unary sizes-order zipf
		no-load neither-open-nor-closed rate-zero no-workers arrivals-of-closed-loop max-in-flight-of-closed-loop
		rate-as-share think-of-open-loop negative-think max-in-flight-zero slo-zero messages-of-unary messages-zero request-too-large load-name-twice load-needs-names
		compare-same-value compare-empty-value compare-unknown-path compare-without-client compare-other-root compare-unknown-load
		compare-value-range compare-value-type compare-inside-another compare-overlay-overlap compare-overlay-path compare-overlay-nested-path
		compare-overlay-value compare-too-many compare-both-loops
		baseline-without-compare baseline-dimension baseline-value baseline-value-near
		rate-as-share pareto-alpha lognormal-mean-p99 lognormal-too-much mixture-one-part quantiles-file-missing
		backends-list-empty backend-speed fleet-method-unknown fleet-method-message-time network-jitter front-with-churn
		fault-tls-failure-plain fault-restart-without-for fault-restart-cold fault-slow-without-time fault-overload-unlimited
		fault-disconnect-for fault-max-streams-zero fault-max-age-without-age
		max-rate max-rate-sum max-rate-closed
		descriptors-fleet descriptors-no-file descriptors-file-missing own-message-fleet own-method-fleet own-size own-metadata-alone own-feed-missing
		own-settings-unknown request-distribution-near
		expect-nothing expect-field expect-value expect-unary-messages expect-code-and-fields expect-path expect-mix
		gate-unit gate-metric gate-load gate-variant gate-fault gate-dimension gate-value gate-baseline-itself gate-share-over-100 abort-reference abort-max abort-load
		gate-unfinished abort-unfinished method-zero
		breaker-never breaker-never-in-a-variant breaker-negative
		compare-isolation rate-beyond no-worker`)
}

func TestSchemaRejectsMistakes(t *testing.T) {
	schema := compiled(t)
	files, err := filepath.Glob("testdata/mistakes/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	for _, file := range files {
		_, name, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".yaml"), "-")
		seen = append(seen, name)
		value, ok := asJSON(t, file)
		accepts := ok && schema.Validate(value) == nil
		switch unseen := slices.Contains(beyond(), name); {
		case accepts && !unseen:
			t.Errorf("the schema accepts %s", file)
		case ok && !accepts && unseen:
			t.Errorf("the schema rejects %s after all: take it off the list", file)
		}
	}
	for _, name := range beyond() {
		if !slices.Contains(seen, name) {
			t.Errorf("there is no mistake %s", name)
		}
	}
}

// The schema describes every key.
func TestSchemaDescribes(t *testing.T) {
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	var walk func(path string, value any)
	walk = func(path string, value any) {
		m, ok := value.(map[string]any)
		if !ok {
			if list, ok := value.([]any); ok {
				for _, v := range list {
					walk(path, v)
				}
			}
			return
		}
		if properties, ok := m["properties"].(map[string]any); ok {
			for key, v := range properties {
				if v.(map[string]any)["description"] == nil {
					t.Errorf("%s.%s has no description", path, key)
				}
				walk(path+"."+key, v)
			}
		}
		for _, below := range []string{"items", "anyOf", "additionalProperties"} {
			walk(path, m[below])
		}
	}
	walk("", schema)
	golden(t, "testdata/schema.golden", string(text))
}

// List has every choice there is, and every example of it can be read.
func TestList(t *testing.T) {
	var text bytes.Buffer
	if err := List(&text, 80); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/list.golden", text.String())
	for line := range strings.Lines(text.String()) {
		if width(strings.TrimSuffix(line, "\n")) > 80 {
			t.Errorf("too wide: %s", line)
		}
	}

	found := make(map[string]reflect.Type)
	var walk func(path string, typ reflect.Type, within ...reflect.Type)
	walk = func(path string, typ reflect.Type, within ...reflect.Type) {
		typ = indirect(typ)
		switch {
		case len(strict.Kinds(typ)) > 0:
			if slices.Contains(within, typ) {
				return // a choice within itself
			}
			found[path] = typ
			for _, k := range strict.Kinds(typ) {
				walk(path+"."+k.Name, k.Type, append(slices.Clone(within), typ)...)
			}
		case typ.Kind() == reflect.Slice:
			walk(path+"[]", typ.Elem(), within...)
		case typ.Kind() == reflect.Struct && typ != reflect.TypeFor[strict.Node]():
			for f := range typ.Fields() {
				name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
				if other, ok := typ.FieldByName(f.Tag.Get("or")); ok {
					walk(strings.TrimPrefix(path+"."+name, "."), other.Type, within...) // it may be written instead
				}
				switch {
				case options == "inline":
					walk(path, f.Type, within...)
				case name != "" && name != "-":
					walk(strings.TrimPrefix(path+"."+name, "."), f.Type, within...)
				}
			}
		}
	}
	walk("", scenarioType())
	const base = "fleet.faults=[{inject: {status: {code: ABORTED, details: [{retry_info: 1s}]}}}]"
	listed := choices()
	for path := range found {
		if !slices.ContainsFunc(listed, func(c choiceAt) bool { return c.path == path }) {
			t.Errorf("%s is not listed", path)
		}
	}
	for _, c := range listed {
		if found[c.path] != c.typ {
			t.Errorf("%s is no choice of type %v", c.path, c.typ)
		}
		for _, k := range strict.Kinds(c.typ) {
			if k.Doc == "" {
				t.Errorf("%s %s has no doc", c.path, k.Name)
			}
			set := strings.ReplaceAll(c.path, "[]", "[0]") + "=" + k.Example
			if c.path == "fleet.backends[].service_time" {
				set = "fleet.backends=[{service_time: " + k.Example + "}]"
			}
			sets := []string{"fleet.concurrency=4", "fleet.service_time={fixed: 1ms}"}
			switch {
			case strings.HasPrefix(c.path, "client.hedge"):
				sets = append(sets, "client.retry=none")
			case k.Name == "replay":
				continue // it reads a file, and has tests of its own
			case k.Name == "tls_failure":
				sets = append(sets, "fleet.tls=self_signed")
			}
			if c.path == "descriptors" {
				if _, err := Read("x.yaml", []byte("target: localhost:1\nload: [{call: GetUser, rate: 1/s}]\n"), Options{Set: []string{set}}); err != nil {
					t.Errorf("the example of %s does not read: %v", k.Name, err)
				}
				continue
			}
			// A fault lasts, or it happens at a moment.
			_, lasting := Read("x.yaml", document(), Options{Set: append(slices.Clone(sets), "fleet.faults=[{at: 1s, for: 1s, inject: down}]", set)})
			_, momentary := Read("x.yaml", document(), Options{Set: append(slices.Clone(sets), "fleet.faults=[{at: 1s, inject: down}]", set)})
			_, detailed := Read("x.yaml", document(), Options{Set: []string{base, set}})
			if err := lasting; err != nil && momentary != nil && detailed != nil {
				t.Errorf("the example of %s does not read: %v", k.Name, err)
			}
		}
	}
}

// Every key that the schema knows is in docs/scenario.md, or in the page of own
// services: as code, for many are words of every sentence.
func TestEveryKeyIsDocumented(t *testing.T) {
	var text []byte
	for _, page := range []string{"../docs/scenario.md", "../docs/own-service.md"} {
		words, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, words...)
	}
	written, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var schema any
	if err := json.Unmarshal(written, &schema); err != nil {
		t.Fatal(err)
	}
	words := map[string]bool{}
	for _, code := range regexp.MustCompile("(?s)```.*?```|`[^`]+`").FindAllString(string(text), -1) {
		for _, word := range regexp.MustCompile(`\w+(\.\d+)?`).FindAllString(code, -1) {
			words[word] = true
		}
	}
	keys := 0
	var walk func(path string, node any)
	walk = func(path string, node any) {
		switch node := node.(type) {
		case []any:
			for _, n := range node {
				walk(path, n)
			}
		case map[string]any:
			properties, _ := node["properties"].(map[string]any)
			for key, n := range properties {
				keys++
				if !words[key] {
					t.Errorf("%s.%s is not in docs/scenario.md", path, key)
				}
				walk(path+"."+key, n)
			}
			for key, n := range node {
				if key != "properties" {
					walk(path, n)
				}
			}
		}
	}
	walk("", schema)
	if keys < 300 {
		t.Errorf("only %d keys were found", keys)
	}
}
