package clientyaml_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/breaker"
	"github.com/grpcbench/grpcbench/clientcore/hedge"
	"github.com/grpcbench/grpcbench/clientcore/retry"
	_ "github.com/grpcbench/grpcbench/clientcore/xds"
	"github.com/grpcbench/grpcbench/scenario/clientyaml"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

func TestDefaultReadsBack(t *testing.T) {
	for _, text := range []string{"", "# nothing\n\n", clientyaml.Write(clientcore.Default())} {
		got, err := clientyaml.Read("client.yaml", []byte(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if want := clientcore.Default(); !reflect.DeepEqual(got, want) {
			t.Errorf("%q\ngives %+v\nwant  %+v", text, got, want)
		}
	}
}

// Every example of every choice reads back.
func TestExamplesReadBack(t *testing.T) {
	seen := 0
	for _, choice := range []struct {
		key string
		typ reflect.Type
	}{
		{"balance", reflect.TypeFor[clientcore.Config]().Field(1).Type},
		{"pool.pick", reflect.TypeFor[clientcore.Config]().Field(0).Type.Field(2).Type},
		{"retry.backoff", reflect.TypeFor[retry.Backoff]()},
		{"retry.jitter", reflect.TypeFor[retry.Jitter]()},
		{"retry.budget", reflect.TypeFor[retry.Budget]()},
	} {
		for _, kind := range strict.Kinds(choice.typ) {
			outer, inner, nested := strings.Cut(choice.key, ".")
			text := outer + ": " + kind.Example
			if nested {
				text = outer + ": {" + inner + ": " + kind.Example + "}"
			}
			readsBack(t, text)
			seen++
		}
	}
	if seen < 20 {
		t.Errorf("%d examples: the choices were not found", seen)
	}
	for _, text := range []string{
		"retry: none",
		"retry: native",
		"breaker: none",
		"breaker: {rate: 50%, window: 2s, scope: backend}",
		"breaker: {failures: 0, rate: 50%}",
		"breaker: {rate: 0}",
		"breaker: {reset: 1s}",
		"pool: {size: 4, lazy: true, stuck_for: off, max_age: 1h, max_in_flight: 100}",
		"timeout: 0s",
		"methods: {ListUsers: {timeout: 0s, retry: none, wait_for_ready: false}, user.v1.UserService/GetUser: {retry: {attempts: 2}}}",
		"keepalive: {time: 30s, timeout: 5s, without_streams: true}",
		`metadata: {x-tenant: "on", x-number: "010"}`,
		"health_check: user.v1.UserService",
	} {
		readsBack(t, text)
	}
}

func readsBack(t *testing.T, text string) {
	t.Helper()
	cfg, err := clientyaml.Read("client.yaml", []byte(text))
	if err != nil {
		t.Errorf("%s: %v", text, err)
		return
	}
	written := clientyaml.Write(cfg)
	again, err := clientyaml.Read("written.yaml", []byte(written))
	if err != nil {
		t.Errorf("%s: %v\n%s", text, err, written)
		return
	}
	if !reflect.DeepEqual(cfg, again) {
		t.Errorf("%s\nis written as\n%s\nwhich gives %+v\nnot         %+v", text, written, again, cfg)
	}
}

// Any settings read back, sensible or not.
func TestAnyConfigReadsBack(t *testing.T) {
	seeds := uint64(2000)
	if testing.Short() {
		seeds = 200
	}
	for seed := range seeds {
		cfg := clientcore.Default()
		g := generator{rand.New(rand.NewPCG(seed, 1))}
		g.fill(reflect.ValueOf(&cfg).Elem(), "")
		text := clientyaml.Write(cfg)
		doc, err := strict.Parse("any.yaml", []byte(text))
		if doc == nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		back := clientcore.Default()
		if err := strict.Decode(doc, nil, (*unchecked)(&back)); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		if !reflect.DeepEqual(cfg, back) {
			t.Fatalf("seed %d:\n%s\ngives %+v\nnot   %+v", seed, text, back, cfg)
		}
	}
}

// unchecked is a Config without a Validate.
type unchecked clientcore.Config

// generator draws settings by their types.
type generator struct{ *rand.Rand }

func (g generator) fill(v reflect.Value, unit string) {
	switch value := v.Addr().Interface().(type) {
	case *retry.Policy:
		if g.IntN(4) == 0 {
			value.Off = true // the rest stays: the word none says nothing of it
			return
		}
	case *breaker.Policy:
		*value = breaker.Default()
		if g.IntN(4) == 0 {
			value.Off = true
			return
		}
	case *hedge.After:
		if *value = (hedge.After{Delay: time.Duration(1 + g.Int64N(int64(time.Hour)))}); g.IntN(2) == 0 {
			*value = hedge.After{Percentile: 1 + 98*g.Float64()}
		}
		return
	case *breaker.Scope:
		*value = breaker.Scope(g.IntN(3))
		return
	case *time.Duration:
		*value = time.Duration(g.Int64N(int64(1000 * time.Hour)))
		return
	case *codes.Code:
		*value = codes.Code(1 + g.IntN(16))
		return
	}
	if kinds := strict.Kinds(v.Type()); kinds != nil {
		g.choose(v, len(kinds))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for f, field := range v.Fields() {
			if g.IntN(2) == 0 && f.Tag.Get("yaml") != "-" {
				g.fill(field, f.Tag.Get("unit"))
			}
		}
	case reflect.Pointer:
		fresh := reflect.New(v.Type().Elem())
		if d, ok := fresh.Interface().(interface{ SetDefaults() }); ok {
			d.SetDefaults()
		}
		g.fill(fresh.Elem(), unit)
		v.Set(fresh)
	case reflect.Slice:
		list := reflect.MakeSlice(v.Type(), 1+g.IntN(3), 4)
		for i := range list.Len() {
			g.fill(list.Index(i), unit)
		}
		v.Set(list)
	case reflect.Map:
		m := reflect.MakeMap(v.Type())
		for range 1 + g.IntN(3) {
			value := reflect.New(v.Type().Elem()).Elem()
			g.fill(value, unit)
			m.SetMapIndex(reflect.ValueOf(g.text()), value)
		}
		v.Set(m)
	case reflect.String:
		v.SetString(g.text())
	case reflect.Bool:
		v.SetBool(g.IntN(2) == 0)
	case reflect.Float64:
		v.SetFloat(g.Float64())
		if unit == "" && g.IntN(2) == 0 {
			v.SetFloat(g.NormFloat64() * 1e6)
		}
	case reflect.Int, reflect.Int64:
		v.SetInt(g.Int64N(1 << 40))
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(g.Int64N(1 << 30)))
	default:
		panic("no way to draw a " + v.Type().String())
	}
}

// choose fills one kind of a choice. The deepest child of a policy is left as it
// is by default.
func (g generator) choose(v reflect.Value, kinds int) {
	field := v.Field(g.IntN(kinds))
	kind := reflect.New(field.Type().Elem())
	if d, ok := kind.Interface().(interface{ SetDefaults() }); ok {
		d.SetDefaults()
	}
	if kind.Elem().Kind() == reflect.Struct && kind.Elem().NumField() > 0 && g.IntN(2) == 0 {
		g.fill(kind.Elem(), "")
	}
	v.SetZero()
	field.Set(kind)
}

func (g generator) text() string {
	words := []string{"a", "x-tenant", "off", "010", "1e3", "null", "a: b", "# c", `q"uote`, "käse", "- dash", "{brace", "5s", "user.v1.UserService/GetUser", " lead"}
	return words[g.IntN(len(words))] + words[g.IntN(len(words))]
}

// Secrets come from the environment or a file, and are nowhere else.
func TestSecrets(t *testing.T) {
	t.Setenv("CLIENTYAML_TOKEN", "s3cr3t")
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("filed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := `metadata: {authorization: "Bearer ${CLIENTYAML_TOKEN}", x-key: "${file:` + file + `}", x-price: "5$"}`
	cfg, err := clientyaml.Read("client.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"authorization": "Bearer s3cr3t", "x-key": "filed", "x-price": "5$"}
	if !reflect.DeepEqual(cfg.Metadata, want) {
		t.Errorf("metadata is %v, want %v", cfg.Metadata, want)
	}
	for text, want := range map[string]string{
		"metadata: {a: '${CLIENTYAML_ABSENT}'}": "client.yaml: metadata.a: ${CLIENTYAML_ABSENT}: the environment variable CLIENTYAML_ABSENT is not set",
		"metadata: {a: '${file:/no/such}'}":     "client.yaml: metadata.a: ${file:/no/such}: open /no/such: no such file or directory",
		"metadata: {a: '${not a name}'}":        "client.yaml: metadata.a: ${not a name} must name an environment variable, or a file as ${file:PATH}",
	} {
		if _, err := clientyaml.Read("client.yaml", []byte(text)); err == nil || err.Error() != want {
			t.Errorf("%s\ngives %v\nwant  %s", text, err, want)
		}
	}
}

// Reading is strict, and names what is wrong.
func TestReadRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"pool: {sise: 4}": "client.yaml:1:8: pool.sise: unknown key, did you mean size?",
		"timeout: -1s":    "client.yaml:1:1: timeout: must be >= 0",
		"timeout: 1s\nbreaker: {failures: 0, reset: 1s}":   "client.yaml:2:11: breaker.failures: must be >= 1 without a rate",
		"breaker: {failures: 0}":                           "client.yaml:1:11: breaker.failures: must be >= 1 without a rate",
		"breaker: {failures: 0, rate: 0%}":                 "client.yaml:1:11: breaker.failures: must be >= 1 without a rate",
		"service_config: x.json\nbalance: round_robin":     "balance: must be left out",
		"service_config: x.json\nretry: {attempts: 3}":     "retry: must be none",
		"breaker: {failures: 5, rate: 1}\nfleet: {a: 1}\n": "fleet: unknown key",
	} {
		if _, err := clientyaml.Read("client.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v\nwant %s", text, err, want)
		}
	}
	if _, err := clientyaml.Read("client.yaml", []byte("service_config: x.json")); err != nil {
		t.Errorf("a service config alone: %v", err)
	}
}
