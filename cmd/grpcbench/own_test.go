package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// All four kinds of a service that only its reflection knows, with messages of all
// forms.
func TestOwnServiceKinds(t *testing.T) {
	load := `
  - {name: buys, call: shop.v1.Shop/Buy, arrivals: constant, rate: 20/s, request: {item: apple, count: 2, size: SIZE_LARGE, tags: [a, b], at: "2026-01-02T03:04:05Z"}, expect: {fields: {item: apple}}}
  - {call: shop.v1.Shop.Follow, arrivals: constant, rate: 10/s, request: [{item: a, count: 3}, {item: b, count: 1}], expect: {messages: {min: 1}}}
  - {call: shop.v1.Shop/Upload, arrivals: constant, rate: 10/s, request: "@orders.jsonl", expect: {fields: {count: 3}}}
  - {call: shop.v1.Shop/Talk, workers: 1, request: "@orders.json", messages: {count: 4, every: 20ms}, metadata: {tenant: blue}}
`
	for _, from := range []string{"", "descriptors: {reflection: {version: v1}}", "descriptors: {proto: {files: [shop.proto]}}", "descriptors: {protoset: shop.binpb}"} {
		files := shopScenario("shop:1", from, load)
		files["orders.jsonl"] = "{\"item\": \"x\"}\n{\"item\": \"y\"}\n\n{\"item\": \"z\"}\n"
		files["orders.json"] = `[{"item": "p"}, {"item": "q"}]`
		files["shop.proto"] = shopProto
		if strings.Contains(from, "protoset") {
			newShopFile(t, files)
		}
		r := atShop(t, files, runArgs()...)
		if r.code != 0 {
			t.Fatalf("%s: exit %d:\n%s%s", from, r.code, r.stdout, r.stderr)
		}
		trial := r.result.Variants[0].Trials[0]
		if trial.Fleet != nil {
			t.Error("a target has no fleet, and no books of one")
		}
		for i, want := range []struct {
			name  string
			kind  result.Kind
			calls int64
		}{{"buys", result.Unary, 20}, {"follow", result.ServerStream, 10}, {"upload", result.ClientStream, 10}, {"talk", result.BidiStream, 0}} {
			s := trial.Series[i]
			if s.Name != want.name || s.Kind != want.kind || s.OK() != s.Calls || want.calls > 0 && s.Calls != want.calls {
				t.Errorf("%s: series %s, %s: %d of %d calls OK, want %s, %s, %d; %v", from, s.Name, s.Kind, s.OK(), s.Calls, want.name, want.kind, want.calls, s.Errors)
			}
		}
		if got := time.Duration(trial.Series[0].Latency[result.Response].MaxNS); got != 10*time.Millisecond {
			t.Errorf("response %v, want 10ms", got)
		}
		counts := r.shop.byMethod()
		for order, want := range map[string]int{
			`Buy {"item":"apple","count":2,"size":"SIZE_LARGE","tags":["a","b"],"at":"2026-01-02T03:04:05Z"}`: 20,
			`Follow {"item":"a","count":3}`: 5, `Follow {"item":"b","count":1}`: 5,
			`Upload {"item":"x"}`: 10, `Upload {"item":"y"}`: 10, `Upload {"item":"z"}`: 10,
		} {
			if counts[order] != want {
				t.Errorf("%d times %s, want %d; there are %v", counts[order], order, want, slices.Sorted(maps.Keys(counts)))
			}
		}
		talks := int(trial.Series[3].Calls)
		if counts[`Talk {"item":"p"}`] != 2*talks || counts[`Talk {"item":"q"}`] != 2*talks {
			t.Errorf("%v for %d talks of 4 messages", counts, talks)
		}
		for i, md := range r.shop.metadata {
			if got := md.Get("tenant"); strings.HasPrefix(r.shop.orders[i], "Talk") != slices.Equal(got, []string{"blue"}) {
				t.Errorf("%s with tenant %v", r.shop.orders[i], got)
			}
			if len(md.Get("grpcbench-call")) > 0 {
				t.Error("a target was sent a call's id")
			}
		}
	}
}

// Rows of a feed, templates and secrets reach the server, and nothing shows the
// secret.
func TestOwnServiceData(t *testing.T) {
	t.Setenv("GRPCBENCH_TEST_TOKEN", "hunter2 {{ nonsense")
	for order, want := range map[string][]string{
		"sequential": {"ann", "bob", "cid", "ann", "bob", "cid", "ann"},
		"once":       {"ann", "bob", "cid"},
	} {
		files := shopScenario("shop:1", "", `
  - name: buys
    call: shop.v1.Shop/Buy
    arrivals: constant
    rate: 7/s
    feed: {file: rows.csv, order: `+order+`}
    request: {item: "{{ .row.name }}", count: "{{ .row.n }}", tags: ["call-{{ .call }}"]}
    metadata: {authorization: "Bearer ${GRPCBENCH_TEST_TOKEN}", user: "{{ .row.name }}"}
`)
		files["rows.csv"] = "name,n\nann,1\nbob,2\ncid,3\n"
		r := atShop(t, files, append(runArgs(), "--set", "warmup=500ms")...)
		if r.code != 0 || r.result == nil {
			t.Fatalf("%s: exit %d:\n%s%s", order, r.code, r.stdout, r.stderr)
		}
		measured := r.shop.orders[len(r.shop.orders)-int(r.result.Variants[0].Trials[0].Series[0].Calls):]
		var names []string
		for i, o := range measured {
			var order struct{ Item string }
			if err := json.Unmarshal([]byte(o[len("Buy "):]), &order); err != nil {
				t.Fatal(err)
			}
			names = append(names, order.Item)
			md := r.shop.metadata[len(r.shop.metadata)-len(measured)+i]
			if !slices.Equal(md.Get("user"), []string{order.Item}) || !slices.Equal(md.Get("authorization"), []string{"Bearer hunter2 {{ nonsense"}) {
				t.Errorf("metadata %v of %s", md, o)
			}
		}
		if !slices.Equal(names, want) {
			t.Errorf("%s: names %v, want %v", order, names, want)
		}
		if order == "once" && !strings.Contains(r.shop.orders[0], "cid") {
			t.Errorf("the warm-up begins with %s, want the last row", r.shop.orders[0])
		}
		stored, err := json.Marshal(r.result)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(r.stdout+r.stderr+string(stored), "hunter2") {
			t.Error("the secret shows")
		}
	}
}

// A feed whose rows are used once ends the load, as planned: no figure suffers, and
// the user was told.
func TestOwnServiceRowsRunOut(t *testing.T) {
	files := shopScenario("shop:1", "", `
  - {call: shop.v1.Shop/Buy, rate: 100/s, feed: {file: rows.csv, order: once}, request: {item: "{{ .row.n }}"}}
`)
	files["rows.csv"] = "n\n" + strings.Repeat("1\n", 1000)
	r := atShop(t, files, append(runArgs(), "--set", "measure=20s")...)
	if r.code != 0 || !strings.Contains(r.stderr, "the 1000 rows of buy's feed are used up before the measurement's 20s are over: 2000 calls are planned, and the rest are not made") {
		t.Fatalf("exit %d:\n%s%s", r.code, r.stdout, r.stderr)
	}
	trial := r.result.Variants[0].Trials[0]
	if s := trial.Series[0]; s.OK() != 1000 || s.Planned != 1000 || trial.Validity.Verdict != result.Valid {
		t.Errorf("%d of %d OK, %+v", s.OK(), s.Planned, trial.Validity)
	}
}

// Streams that never end by themselves end well after enough answers.
func TestOwnServiceAnswers(t *testing.T) {
	r := atShop(t, shopScenario("shop:1", "", `
  - {call: shop.v1.Shop/Follow, workers: 1, request: {item: a, count: 1000}, answers: 2}
`), runArgs()...)
	if r.code != 0 {
		t.Fatalf("exit %d:\n%s%s", r.code, r.stdout, r.stderr)
	}
	s := r.result.Variants[0].Trials[0].Series[0]
	if got := time.Duration(s.Latency[result.Response].MaxNS); got != 20*time.Millisecond || s.OK() != s.Calls {
		t.Errorf("responses up to %v, %d of %d OK; %v", got, s.OK(), s.Calls, s.Errors)
	}
}

// A miss of what is expected is a failed call with an origin of its own, and other
// failures stay what they are.
func TestOwnServiceExpectations(t *testing.T) {
	r := atShop(t, shopScenario("shop:1", "", `
  - {name: wrong, call: shop.v1.Shop/Buy, arrivals: constant, rate: 5/s, request: {item: pear}, expect: {fields: {item: apple}}}
  - {name: gone, call: shop.v1.Shop/Buy, arrivals: constant, rate: 5/s, request: {item: none}, expect: {code: NOT_FOUND}}
  - {name: failed, call: shop.v1.Shop/Buy, arrivals: constant, rate: 5/s, request: {item: none}}
`), runArgs()...)
	if r.result == nil {
		t.Fatalf("exit %d:\n%s%s", r.code, r.stdout, r.stderr)
	}
	series := r.result.Variants[0].Trials[0].Series
	if series[0].OK() != 0 || series[0].Origins[result.OriginExpectation] != 5 {
		t.Errorf("wrong: %d OK, origins %v", series[0].OK(), series[0].Origins)
	}
	if series[1].OK() != 5 {
		t.Errorf("gone: %v", series[1].Codes)
	}
	if series[2].Codes["NOT_FOUND"] != 5 || series[2].Origins[result.OriginServer] != 5 {
		t.Errorf("failed: %v, %v", series[2].Codes, series[2].Origins)
	}
}

// consistent_hash finds its key in the request's field, in each call's own.
func TestOwnServiceConsistentHash(t *testing.T) {
	files := shopScenario("shop:1", "", `
  - {call: shop.v1.Shop/Buy, arrivals: constant, rate: 10/s, request: [{item: a}, {item: "b{{ .call }}"}]}
  - {call: shop.v1.Shop/Upload, arrivals: constant, rate: 10/s, request: {item: c}, metadata: {x-hash-key: "{{ .call }}"}}
`)
	r := atShop(t, files, append(runArgs(), "--set", "client.balance={consistent_hash: {field: item}}")...)
	if r.code != 0 {
		t.Fatalf("exit %d:\n%s%s", r.code, r.stdout, r.stderr)
	}
	keys := map[string]bool{}
	for i, md := range r.shop.metadata {
		if strings.HasPrefix(r.shop.orders[i], "Buy") {
			keys[strings.Join(md.Get("x-hash-key"), ",")] = true
		}
	}
	if got := slices.Sorted(maps.Keys(keys)); !slices.Equal(got, []string{"a", "b1", "b3", "b5", "b7", "b9"}) {
		t.Errorf("keys %v", got)
	}
	for _, s := range r.result.Variants[0].Trials[0].Series {
		if s.OK() != 10 {
			t.Errorf("%s: %d OK; %v", s.Name, s.OK(), s.Errors)
		}
	}
}

// What is wrong is told in a sentence with its place before any call, with exit 2.
func TestOwnServiceMistakes(t *testing.T) {
	buy := func(rest string) string { return "  - {call: shop.v1.Shop/Buy, rate: 5/s, " + rest + "}" }
	for name, test := range map[string]struct {
		address, top, load string
		files              map[string]string
		args               []string
		want               string
	}{
		"method":        {load: "  - {call: shop.v1.Shop/Buyy, rate: 5/s}", want: `s.yaml:7:6: load[0].call: no method "Buyy" in shop.v1.Shop, did you mean Buy?`},
		"service":       {load: "  - {call: shop.v1.Shopp/Buy, rate: 5/s}", want: `s.yaml:7:6: load[0].call: no service "shop.v1.Shopp" in the server's reflection, did you mean shop.v1.Shop?`},
		"field":         {load: buy("request: {itm: a}"), want: `s.yaml:7:51: load[0].request.itm: unknown field, did you mean item?`},
		"value":         {load: buy("request: {count: many}"), want: `s.yaml:7:51: load[0].request.count: `},
		"second":        {load: buy("request: [{item: a}, {item: {}}]"), want: `load[0].request[1].item: `},
		"file":          {load: buy(`request: "@o.json"`), files: map[string]string{"o.json": "[{\"item\": \"a\"},\n {\"itm\": \"b\"}]"}, want: `o.json:2:3: [1].itm: unknown field, did you mean item?`},
		"no file":       {load: buy(`request: "@o.json"`), want: `s.yaml:7:41: load[0].request: open o.json: no such file or directory`},
		"no list":       {load: buy("request: []"), want: `load[0].request: must have at least one message`},
		"size":          {load: buy("request: 1KiB"), want: `load[0].request: must be a message such as`},
		"response":      {load: buy("response: 1KiB"), want: `load[0].response: is for the methods of user.v1.UserService`},
		"keys":          {load: buy("keys: zipf"), want: `load[0].keys: is for the methods of user.v1.UserService`},
		"messages":      {load: buy("messages: 3"), want: `load[0].messages: is for streams of messages that the client sends: Buy is a unary call`},
		"answers":       {load: buy("answers: 3"), want: `load[0].answers: is for streams that the server sends: Buy is a unary call`},
		"no row":        {load: buy(`request: {item: "{{ .row.x }}"}`), want: `load[0].request: takes values from a row: it needs a feed`},
		"no row in md":  {load: buy(`metadata: {a: "{{ .row.x }}"}`), want: `load[0].metadata.a: takes a value from a row: it needs a feed`},
		"column":        {load: buy(`request: {item: "{{ .row.nam }}"}, feed: {file: r.csv}`), files: map[string]string{"r.csv": "name\nann\n"}, want: `r.csv has no column nam, did you mean .row.name?`},
		"row":           {load: buy(`request: {count: "{{ .row.n }}"}, feed: {file: r.csv}`), files: map[string]string{"r.csv": "n\n1\nmany\n"}, want: `r.csv:3:1: load[0].request.count: must be an int32 (got "many")`},
		"unused feed":   {load: buy(`request: {item: a}, feed: {file: r.csv}`), files: map[string]string{"r.csv": "name\nann\n"}, want: `load[0].feed: is used by nothing`},
		"template":      {load: buy(`request: {item: "{{ uuidd }}"}`), want: `load[0].request.item: `},
		"expect":        {load: buy(`expect: {fields: {itm: a}}`), want: `did you mean item?`},
		"hash":          {load: buy("request: {item: a}"), args: []string{"--set", "client.balance=consistent_hash"}, want: `load[0].call: has no key for consistent_hash: shop.v1.Order has no field "user_id"`},
		"hash stream":   {load: "  - {call: shop.v1.Shop/Upload, rate: 5/s}", args: []string{"--set", "client.balance=consistent_hash"}, want: `load[0].call: has no key for consistent_hash: messages of a client stream come too late to be one; add metadata: {x-hash-key: ...}`},
		"no reflection": {address: "bare:1", load: buy("request: {item: a}"), want: `s.yaml:3:1: target: the server has no reflection: give its .proto files (proto) or a file of descriptors (protoset) instead`},
		"no v1alpha":    {top: "descriptors: {reflection: {version: v1alpha}}", load: buy("request: {item: a}"), want: `s.yaml:5:1: descriptors: the server has no reflection v1alpha`},
		"nobody":        {address: "nowhere:1", load: buy("request: {item: a}"), want: `cannot reach passthrough:///nowhere:1: `},
		"short name":    {load: "  - {call: Buy, rate: 5/s}", want: `load[0].call: unknown method "Buy"`},
		"proto":         {top: "descriptors: {proto: {files: [far.proto]}}", load: buy("request: {item: a}"), want: `s.yaml:5:1: descriptors: no file far.proto, nor one of that name in `},
		"unset secret":  {load: buy(`metadata: {a: "${GRPCBENCH_TEST_NONE}"}`), want: `load.buy.metadata.a: ${GRPCBENCH_TEST_NONE}: the environment variable GRPCBENCH_TEST_NONE is not set`},
	} {
		t.Run(name, func(t *testing.T) {
			if test.address == "" {
				test.address = "shop:1"
			}
			files := shopScenario(test.address, test.top, test.load)
			maps.Copy(files, test.files)
			r := atShop(t, files, append(runArgs(), test.args...)...)
			if r.code != exitUsage || !strings.Contains(r.stderr, test.want) {
				t.Errorf("exit %d:\n%swant %s", r.code, r.stderr, test.want)
			}
			if len(r.shop.orders) > 0 {
				t.Errorf("%d calls were made", len(r.shop.orders))
			}
			if n := strings.Count(r.stderr, "grpcbench:") + strings.Count(r.stderr, "s.yaml:"); n > 2 {
				t.Errorf("more than one sentence:\n%s", r.stderr)
			}
		})
	}
}

// Two targets are compared like any other settings, and a mistake says in which it
// is one.
func TestOwnServiceCompared(t *testing.T) {
	files := shopScenario("shop:1", "descriptors: {proto: {files: [shop.proto]}}", "  - {call: shop.v1.Shop/Buy, arrivals: constant, rate: 10/s, request: {item: a}}")
	files["s.yaml"] += "compare: {target: [\"passthrough:///shop:1\", \"passthrough:///bare:1\"]}\n"
	files["shop.proto"] = shopProto
	r := atShop(t, files, runArgs()...)
	if r.code != 0 || len(r.result.Variants) != 2 || len(r.shop.orders) != 20 {
		t.Fatalf("exit %d, %d orders:\n%s%s", r.code, len(r.shop.orders), r.stdout, r.stderr)
	}
	files["s.yaml"] = strings.Replace(files["s.yaml"], "descriptors: {proto: {files: [shop.proto]}}", "", 1)
	r = atShop(t, files, runArgs()...)
	if r.code != exitUsage || !strings.Contains(r.stderr, "the server has no reflection") || !strings.Contains(r.stderr, "(in variant target=passthrough:///bare:1)") {
		t.Errorf("exit %d:\n%s", r.code, r.stderr)
	}
}

// validate and explain need no server: they check what they can, and say what not.
func TestOwnServiceWithoutTheServer(t *testing.T) {
	load := "  - {call: shop.v1.Shop/Buy, rate: 5/s, request: {itm: a}}"
	for _, command := range []string{"validate", "explain"} {
		r := atShop(t, shopScenario("nowhere:1", "", load), command, "DIR/s.yaml")
		if text := strings.Join(strings.Fields(r.stdout+r.stderr), " "); r.code != 0 || !strings.Contains(text, "shop.v1.Shop/Buy and what is sent to it are not checked: the descriptors are the target's") {
			t.Errorf("%s: exit %d:\n%s%s", command, r.code, r.stdout, r.stderr)
		}
		files := shopScenario("nowhere:1", "descriptors: {proto: {files: [shop.proto]}}", load)
		files["shop.proto"] = shopProto
		r = atShop(t, files, command, "DIR/s.yaml")
		if r.code != exitUsage || !strings.Contains(r.stderr, "unknown field, did you mean item?") {
			t.Errorf("%s: exit %d:\n%s%s", command, r.code, r.stdout, r.stderr)
		}
	}
}
