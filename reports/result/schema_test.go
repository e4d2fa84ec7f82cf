package result_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/result/schematest"
)

func TestPublishedSchemaIsThisOne(t *testing.T) {
	want, err := result.Schema()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/result.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/result.schema.json is stale: run `make generate`")
	}
}

// random fills a value with anything that it can hold; lists and maps have up to
// three elements. Types of strings have one of the words that the schema names.
func random(r *rand.Rand, v reflect.Value, words map[reflect.Type][]string) {
	switch v.Kind() {
	case reflect.Pointer:
		if r.IntN(4) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			random(r, v.Elem(), words)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(r.Int64N(1<<33), r.Int64N(1e9)).UTC()))
			return
		}
		for f, field := range v.Fields() {
			if f.Tag.Get("json") != "-" {
				random(r, field, words)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), r.IntN(4), 4))
		for i := range v.Len() {
			random(r, v.Index(i), words)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range r.IntN(4) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			random(r, key, words)
			random(r, value, words)
			v.SetMapIndex(key, value)
		}
	case reflect.String:
		if known := words[v.Type()]; known != nil {
			v.SetString(known[r.IntN(len(known))])
			return
		}
		v.SetString(strings.Repeat("ä\"|<\x1b", r.IntN(3)))
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Float64:
		v.SetFloat(r.NormFloat64() * 1e9)
	case reflect.Uint64:
		v.SetUint(r.Uint64())
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(r.Uint64()))
	default:
		panic(v.Kind())
	}
}

// words are those that each type of strings has constants for.
func words() map[reflect.Type][]string {
	all := map[reflect.Type][]string{
		reflect.TypeFor[result.Kind]():          {"unary", "server_stream", "client_stream", "bidi_stream"},
		reflect.TypeFor[result.Loop]():          {"open", "closed"},
		reflect.TypeFor[result.Verdict]():       {"VALID", "SUSPECT", "INVALID"},
		reflect.TypeFor[result.GateOutcome]():   {"passed", "failed", "inconclusive", "not judged"},
		reflect.TypeFor[result.State]():         {"steady", "drifting", "saturated", "in fault", "recovered", "not recovered", "metastable"},
		reflect.TypeFor[result.Origin]():        {"server", "transport", "deadline", "breaker", "budget", "pool", "balancer", "client"},
		reflect.TypeFor[result.CapacityLimit](): {"slo", "saturated", "max_in_flight", "generator", "invalid", "too_few", "max_rate"},
	}
	for _, m := range result.Measures() {
		measure := reflect.TypeFor[result.Measure]()
		all[measure] = append(all[measure], string(m))
	}
	return all
}

// TestSchemaAcceptsAnyResult: whatever the types can hold is as the schema says,
// and it says nothing of fields that they have not.
func TestSchemaAcceptsAnyResult(t *testing.T) {
	schema := schematest.Schema(t)
	for seed := range uint64(60) {
		r := new(result.Result)
		random(rand.New(rand.NewPCG(seed, 1)), reflect.ValueOf(r).Elem(), words())
		r.SchemaVersion = result.SchemaVersion
		var text bytes.Buffer
		if err := result.Write(&text, r); err != nil {
			t.Fatal(err)
		}
		schematest.Check(t, schema, text.Bytes())
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// TestSchemaRejects: a schema that accepts everything would pass the tests above.
func TestSchemaRejects(t *testing.T) {
	schema := schematest.Schema(t)
	for name, change := range map[string]func(map[string]any){
		"another version":     func(r map[string]any) { r["schema_version"] = 2 },
		"no variants":         func(r map[string]any) { delete(r, "variants") },
		"no list of variants": func(r map[string]any) { r["variants"] = nil },
		"a negative seed":     func(r map[string]any) { r["seed"] = -1 },
		"half a nanosecond":   func(r map[string]any) { r["elapsed_ns"] = 0.5 },
		"no time":             func(r map[string]any) { r["started"] = "yesterday" },
		"a verdict":           func(r map[string]any) { r["validity"].(map[string]any)["verdict"] = "GOOD" },
		"a key":               func(r map[string]any) { r["vairants"] = []any{} },
		"a label":             func(r map[string]any) { r["labels"] = map[string]any{"commit": 5} },
	} {
		text, err := json.Marshal(result.Result{
			SchemaVersion: result.SchemaVersion, Labels: map[string]string{}, Variants: []result.Variant{},
			Validity: result.Validity{Verdict: result.Valid, Reasons: []result.Reason{}},
		})
		if err != nil {
			t.Fatal(err)
		}
		document := map[string]any{}
		if err := json.Unmarshal(text, &document); err != nil {
			t.Fatal(err)
		}
		for _, broken := range []bool{false, true} {
			if broken {
				change(document)
			}
			if text, err = json.Marshal(document); err != nil {
				t.Fatal(err)
			}
			value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(value); (err != nil) != broken {
				t.Errorf("%s: broken %v: %v", name, broken, err)
			}
		}
	}
}
