package strict

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func mustParse(t *testing.T, name, text string) *Document {
	t.Helper()
	doc, err := Parse(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestPositions: every node of a tree is where it was written.
func TestPositions(t *testing.T) {
	doc := mustParse(t, "x.yaml", "\uFEFFa: 1\r\n\"b\": [x, {ü: 漢, c: 'd'}]\r\nd:\r\n  - e\r\n  -\r\n    f: |\r\n      text\r\ng: &g {h: i}\r\nj: *g\r\n")
	var got []string
	var walk func(path string, n *Node)
	walk = func(path string, n *Node) {
		got = append(got, fmt.Sprintf("%s %d:%d key %d:%d+%d", path, n.Pos.Line, n.Pos.Column, n.keyAt.pos.Line, n.keyAt.pos.Column, n.keyAt.width))
		for _, e := range n.Entries {
			walk(join(path, e.Key), e.Value)
		}
		for i, item := range n.Items {
			walk(fmt.Sprintf("%s[%d]", path, i), item)
		}
	}
	walk("", doc.Root)
	want := []string{
		" 1:1 key 1:1+1",
		"a 1:4 key 1:1+1",
		"b 2:6 key 2:1+3",
		"b[0] 2:7 key 2:7+1",
		"b[1] 2:10 key 2:10+1",
		"b[1].ü 2:14 key 2:11+1",
		"b[1].c 2:20 key 2:17+1",
		"d 4:3 key 3:1+1",
		"d[0] 4:5 key 4:5+1",
		"d[1] 6:5 key 6:5+1",
		"d[1].f 6:8 key 6:5+1",
		"g 8:7 key 8:1+1",
		"g.h 8:11 key 8:8+1",
		"j 9:4 key 9:1+1",
		"j.h 8:11 key 8:8+1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestGet(t *testing.T) {
	doc := mustParse(t, "x.yaml", `
load: [{name: reads, rate: 1/s}, {name: "0", rate: 2/s}]
methods: {user.v1.UserService/GetUser: {timeout: 5s}, user: {v1: x}}
`)
	for path, want := range map[string]string{
		"load.reads.rate": "1/s", "load[1].rate": "2/s", "load.1.rate": "2/s", "load.0.rate": "2/s",
		"methods.user.v1.UserService/GetUser.timeout": "5s", "methods.user.v1": "x", "load.2": "", "load.reads.rate.x": "", "nope": "",
	} {
		if got := doc.Root.Get(path).String(); got != want {
			t.Errorf("Get(%s) = %q, want %q", path, got, want)
		}
	}
	if doc.Root.Get("") != doc.Root || (*Node)(nil).Get("a") != nil || (*Node)(nil).Len() != 0 || doc.Root.Get("load").Len() != 2 {
		t.Error("Get or Len at the edges")
	}
	copied := doc.Root.Clone()
	copied.Entries[0].Value.Items[0].Entries[0].Value.Text = "changed"
	if doc.Root.Get("load.reads") == nil {
		t.Error("Clone shares nodes")
	}
}

func TestMerge(t *testing.T) {
	typ := reflect.TypeFor[sample]()
	tests := []struct{ name, base, overlay, want string }{
		{"maps", "{retry: {attempts: 2, base: 1s}, seed: 1}", "{retry: {base: 2s}, name: x}", "{retry: {attempts: 2, base: 2s}, seed: 1, name: x}"},
		{"choice is replaced", "{balance: {pick_first: {shuffle: true}}}", "{balance: {pick_first: {}}}", "{balance: {pick_first: {}}}"},
		{"choice by name", "{balance: {pick_first: {shuffle: true}}}", "{balance: round_robin}", "{balance: round_robin}"},
		{"choice in a map", "{retry: {jitter: {percent: 5}, base: 1s}}", "{retry: {jitter: none}}", "{retry: {jitter: none, base: 1s}}"},
		{"lists are replaced", "{ports: [1, 2]}", "{ports: [3]}", "{ports: [3]}"},
		{"lists of maps too", "{load: [{name: a}, {name: b}]}", "{load: [{name: a, rate: 1/s}]}", "{load: [{name: a, rate: 1/s}]}"},
		{"word over map", "{retry: {base: 1s}}", "{retry: none}", "{retry: none}"},
		{"map over word", "{retry: none}", "{retry: {base: 1s}}", "{retry: {base: 1s}}"},
		{"free maps by key", "{methods: {A: {timeout: 1s}}}", "{methods: {A: {retry: none}, B: {}}}", "{methods: {A: {timeout: 1s, retry: none}, B: {}}}"},
		{"nodes are replaced", "{compare: {a: 1}}", "{compare: {b: 2}}", "{compare: {b: 2}}"},
	}
	for _, test := range tests {
		base, overlay := mustParse(t, "base", test.base).Root, mustParse(t, "over", test.overlay).Root
		before := base.String()
		if got := Merge(base, overlay, typ).String(); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
		if base.String() != before {
			t.Errorf("%s: base was changed to %s", test.name, base)
		}
	}
	merged := Merge(mustParse(t, "base", "{retry: {base: 1s, max: 2s}}").Root, mustParse(t, "over", "\n\nretry: {max: 3s}").Root, typ)
	if p := merged.Get("retry.base").Pos; p.Source != "base" || p.Line != 1 {
		t.Errorf("base kept as %v", p)
	}
	if p := merged.Get("retry.max").Pos; p.Source != "over" || p.Line != 3 {
		t.Errorf("overlay placed at %v", p)
	}
}

func TestSetPath(t *testing.T) {
	typ := reflect.TypeFor[sample]()
	const base = `
retry: {attempts: 2}
balance: pick_first
load: [{name: reads, rate: 1/s}, {name: lists, rate: 2/s}]
methods: {user.v1.S/Get: {timeout: 1s}}
compare: {client.pool.size: [1, 4], backoff: {none: {client.retry: none}}}
`
	tests := []struct{ path, value, want string }{
		{"retry.base", "5ms", "{attempts: 2, base: 5ms}"},
		{"retry", "{base: 1s}", "{attempts: 2, base: 1s}"},
		{"retry", "none", "none"},
		{"retry.jitter.percent", "7", "{attempts: 2, jitter: {percent: 7}}"},
		{"keepalive.time", "5s", "{time: 5s}"},
		{"balance.pick_first.shuffle", "true", "{pick_first: {shuffle: true}}"},
		{"balance.round_robin", "{}", "{round_robin: {}}"},
		{"service_time.lognormal.p99", "9ms", "{lognormal: {p99: 9ms}}"},
		{"service_time.fixed", "1ms", "{fixed: 1ms}"},
		{"service_time.quantiles.p99", "1ms", "{quantiles: {p99: 1ms}}"},
		{"load.lists.rate", "3/s", "[{name: reads, rate: 1/s}, {name: lists, rate: 3/s}]"},
		{"load[0].rate", "3/s", "[{name: reads, rate: 3/s}, {name: lists, rate: 2/s}]"},
		{"load", "[]", "[]"},
		{"methods.user.v1.S/Get.retry", "none", "{user.v1.S/Get: {timeout: 1s, retry: none}}"},
		{"methods.a.b/C.timeout", "2s", "{user.v1.S/Get: {timeout: 1s}, a.b/C: {timeout: 2s}}"},
		{"methods.a.b/C", "{timeout: 2s}", "{user.v1.S/Get: {timeout: 1s}, a.b/C: {timeout: 2s}}"},
		{"methods.a.retry.base", "2s", "{user.v1.S/Get: {timeout: 1s}, a: {retry: {base: 2s}}}"},
		{"baseline.client.pool.size", "4", "{client.pool.size: 4}"},
		{"compare.client.pool.size", "[8]", "{client.pool.size: [8], backoff: {none: {client.retry: none}}}"},
		{"compare.backoff.none.client.retry", "{}", "{client.pool.size: [1, 4], backoff: {none: {client.retry: {}}}}"},
		{"compare.backoff.fixed", "{}", "{client.pool.size: [1, 4], backoff: {none: {client.retry: none}, fixed: {}}}"},
		{"compare.seed", "[1]", "{client.pool.size: [1, 4], backoff: {none: {client.retry: none}}, seed: [1]}"},
		{"trials", "3", "3"},
	}
	for _, test := range tests {
		doc := mustParse(t, "x.yaml", base)
		before := doc.Root.String()
		root, err := SetPath(doc.Root, test.path, mustParse(t, "v", "v: "+test.value).Root.Key("v"), typ)
		if err != nil {
			t.Errorf("%s: %v", test.path, err)
			continue
		}
		top, _, _ := strings.Cut(strings.ReplaceAll(test.path, "[", "."), ".")
		if got := root.Key(top).String(); got != test.want {
			t.Errorf("%s=%s: got %s, want %s", test.path, test.value, got, test.want)
		}
		if doc.Root.String() != before {
			t.Errorf("%s: base was changed", test.path)
		}
		if err := CheckPath(test.path, typ, doc.Root); err != nil {
			t.Errorf("CheckPath: %v", err)
		}
		if err := doc.Set(test.path, test.value, typ); err != nil || doc.Root.Key(top).String() != test.want {
			t.Errorf("Set %s: %v, %s", test.path, err, doc.Root.Key(top))
		}
	}
	doc := mustParse(t, "x.yaml", base)
	for path, want := range map[string]string{
		"":                       "",
		"retry.atempts":          "retry.atempts: unknown key, did you mean attempts?",
		"retry.":                 "retry: a name is missing between the dots of the path",
		"load.writes.rate":       "load.writes: no item of that name or number: the names are reads, lists",
		"load.read.rate":         "load.read: no item of that name, did you mean reads?",
		"load.reads.rat":         "load.reads.rat: unknown key, did you mean rate?",
		"load[2].rate":           "load.2: no item of that name or number: the names are reads, lists",
		"ports.0":                "ports.0: no such item: the list is empty",
		"balance.rond_robin":     "balance.rond_robin: unknown kind, did you mean round_robin?",
		"balance.sticky.x":       "balance.sticky: unknown kind: must be round_robin or pick_first",
		"balance.round_robin.x":  "balance.round_robin.x: unknown key: no settings are allowed here",
		"methods.Get.timeot":     "methods.Get.timeot: unknown key, did you mean timeout?",
		"timeout.x":              "timeout.x: unknown key: timeout has no settings of its own, it is a duration such as 250ms",
		"service_time.fixed.x":   "service_time.fixed.x: unknown key: service_time.fixed has no settings of its own, it is a duration such as 250ms",
		"plain":                  "plain: unknown key: allowed here are name, seed,",
		"retry..base":            "retry: a name is missing between the dots of the path",
		"retry[":                 "retry[: unknown key",
		"methods.Get.retry.bse":  "methods.Get.retry.bse: unknown key, did you mean base?",
		"load.reads.rate.x.y.z.": "load.reads.rate.x: unknown key: load.reads.rate has no settings of its own, it is",
	} {
		err := CheckPath(path, typ, doc.Root)
		switch {
		case want == "" && err != nil, want != "" && err == nil:
			t.Errorf("CheckPath(%q) = %v, want %q", path, err, want)
		case err != nil && !strings.HasPrefix(err.Error(), want):
			t.Errorf("CheckPath(%q) = %v, want %q", path, err, want)
		}
	}
}

// forms has keys that may be written in two ways.
type forms struct {
	Servers int           `yaml:"servers" or:"Each"`
	Each    []perCall     `yaml:"-"`
	Beats   int           `yaml:"beats" or:"Pace"`
	Pace    *samplePolicy `yaml:"-"`
	Size    int           `yaml:"size" unit:"bytes" or:"Sizes"`
	Sizes   *sampleTime   `yaml:"-"`
	Rate    float64       `yaml:"rate" unit:"rate" or:"Share"`
	Share   float64       `yaml:"-" unit:"percent"`
}

// TestSetPathThroughAnotherForm: a path goes on in the form of a key that has
// settings, whichever is written; where that cannot be, it says what to write.
func TestSetPathThroughAnotherForm(t *testing.T) {
	typ := reflect.TypeFor[forms]()
	for _, c := range []struct{ base, path, want string }{
		{"servers: 3", "servers[1].timeout", "{servers: [{}, {timeout: 1s}, {}]}"},
		{"servers: [{}, {retry: none}]", "servers.1.timeout", "{servers: [{}, {retry: none, timeout: 1s}]}"},
		{"servers: 3", "servers[3].timeout", "servers.3: no such item: name it by its number, from 0 to 2"},
		{"servers: 3", "servers[1].timeot", "servers.1.timeot: unknown key, did you mean timeout?"},
		{"servers: three", "servers[1].timeout", "servers: servers must be a whole number, or a list, in [ ] or with a - before each item (got three)"},
		{"servers: 9999999999999", "servers[1].timeout", "servers: servers must be a whole number, or a list, in [ ] or with a - before each item (got 9999999999999)"},
		{"rate: 1/s", "servers[1].timeout", "servers: servers is left out, and so has no items yet: write it, as a whole number, or a list, in [ ] or with a - before each item"},
		{"rate: 1/s", "beats.base", "{rate: 1/s, beats: {base: 1s}}"},
		{"beats: {max: 2s}", "beats.base", "{beats: {max: 2s, base: 1s}}"},
		{"beats: 20", "beats.base", "beats: beats is written as 20 here, and has no settings of its own: write it as a map of attempts, base, max, jitter or codes"},
		{"size: 1KiB", "size.fixed", "{size: {fixed: 1s}}"},
		{"rate: 1/s", "rate.of", "rate.of: unknown key: rate has no settings of its own, it is"},
	} {
		doc := mustParse(t, "x.yaml", c.base)
		root, err := SetPath(doc.Root, c.path, mustParse(t, "v", "v: 1s").Root.Key("v"), typ)
		checked := CheckPath(c.path, typ, doc.Root)
		got := root.String()
		if err != nil {
			got = checked.Error()
		}
		if (err == nil) != (checked == nil) || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s on %s: %s (%v, %v), want %s", c.path, c.base, got, err, checked, c.want)
		}
		if doc.Root.String() != mustParse(t, "x.yaml", c.base).Root.String() {
			t.Errorf("%s: base was changed", c.path)
		}
	}
}

func TestCanonical(t *testing.T) {
	base := mustParse(t, "x.yaml", "load: [{name: reads}, {name: lists}]\nservers: 3\n").Root
	for path, want := range map[string]string{
		"load.lists.rate":    "load.1.rate",
		"load[1].rate":       "load.1.rate",
		"load.other.rate":    "load.other.rate",
		"servers[2].timeout": "servers.2.timeout",
		"client.pool.size":   "client.pool.size",
	} {
		if got := Canonical(base, path); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
}

// TestOverlayPosition: a mistake in an overlay is shown on the overlay's line.
func TestOverlayPosition(t *testing.T) {
	doc := mustParse(t, "x.yaml", `retry: {attempts: 2}
compare:
  backoff:
    slow: {retry.base: 5}
    typo: {retry.bse: 5ms}
  retry.max: [1s, -2s]
`)
	typ := reflect.TypeFor[sample]()
	try := func(path, target string) string {
		root, err := SetPath(doc.Root, target, doc.Root.Get(path), typ)
		if err == nil {
			err = Decode(doc, root, sampleDefaults())
		}
		if err == nil {
			return ""
		}
		return err.Error()
	}
	for _, test := range []struct{ path, target, want string }{
		{"compare.backoff.slow.retry.base", "retry.base", `x.yaml:4:12: retry.base: must be a duration such as 250ms (got 5)
    4 |     slow: {retry.base: 5}
      |            ^^^^^^^^^^^^^`},
		{"compare.backoff.typo.retry.bse", "retry.bse", `x.yaml:5:12: retry.bse: unknown key, did you mean base?
    5 |     typo: {retry.bse: 5ms}
      |            ^^^^^^^^^`},
		{"compare.retry.max[1]", "retry.max", `x.yaml:6:19: retry.max: must be >= 0 (got -2s)
    6 |   retry.max: [1s, -2s]
      |                   ^^^`},
	} {
		if got := try(test.path, test.target); got != test.want {
			t.Errorf("%s: got\n%s\nwant\n%s", test.path, got, test.want)
		}
	}
}

// TestBounds: hostile documents are refused, with few errors.
func TestBounds(t *testing.T) {
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 10; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	blocks := ""
	for i := range 500 {
		blocks += strings.Repeat(" ", i) + "a:\n"
	}
	for name, test := range map[string]struct{ text, want string }{
		"alias bomb":       {bomb, "at most 20000 values, aliases included"},
		"self alias":       {"a: &a [*a]", "unknown alias *a"},
		"flow nesting":     {"a: " + strings.Repeat("[", 20_000), "nested too deeply"},
		"flow map nesting": {"a: " + strings.Repeat("{a: ", 20_000), "nested too deeply"},
		"block lists":      {"a:\n  " + strings.Repeat("- ", 20_000) + "b", "nested too deeply"},
		"block maps":       {blocks + strings.Repeat(" ", 500) + "b: 1", "nested too deeply"},
		"complex keys":     {strings.Repeat("? ", 20_000), "complex keys"},
		"anchors":          {"a: " + strings.Repeat("&a ", 20_000) + "b", "only one anchor"},
		"tags":             {"a: " + strings.Repeat("!a ", 20_000) + "b", "tags such as"},
		"many values":      {"a: [" + strings.Repeat("x,", 25_000) + "]", "at most 20000 values"},
		"size":             {"a: " + strings.Repeat("x", 1<<20), "at most 128 KiB (got 1024)"},
	} {
		_, err := Parse("x.yaml", []byte(test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %.200v, want %s", name, err, test.want)
			continue
		}
		checkPositions(t, err)
		if len(err.(Errors)) > 25 {
			t.Errorf("%s: %d errors", name, len(err.(Errors)))
		}
	}
	nested := "a: " + strings.Repeat("[", maxDepth-2) + strings.Repeat("]", maxDepth-2)
	if _, err := Parse("x.yaml", []byte(nested)); err != nil {
		t.Errorf("%d levels: %v", maxDepth-2, err)
	}
}

func TestPrint(t *testing.T) {
	doc := mustParse(t, "x.yaml", `{name: "plain", a: "5", b: 5, c: 010, d: "", e: , f: "yes", g: 'x: y', h: "#x", i: "two\nlines\tand \"q\" \\", j: 10%,
 "5": k, "true": l, "a b": m, n: [], o: {}, p: [1, "2", three, 4ms], q: [{a: 1, b: [[x, [y: z]], {}]}], r: dns:///x:443, s: -3ms, t: "- x", u: "é",
 v: ["a,b", "c]"], w: "trailing ", x: "--- x", y1: "~", z: "*a", aa: "a: ", ab: "\u0085\u200b", about: "Which one, if any; is it? It's 'this'!"}`)
	golden(t, "print.golden", Print(doc.Root))
	again := mustParse(t, "again", Print(doc.Root))
	if diff := cmp.Diff(doc.Root.String(), again.Root.String()); diff != "" {
		t.Errorf("printing changed the tree: %s", diff)
	}
	if Print(nil) != "" {
		t.Error("Print(nil)")
	}
	if got := Print(NewMap(Entry{Key: "a", Value: NewSequence(NewScalar("1"), NewMap())})); got != "a:\n  - 1\n  - {}\n" {
		t.Errorf("a tree made by hand: %q", got)
	}
}

func TestSuggest(t *testing.T) {
	among := []string{"round_robin", "pick_first", "timeout", "max", "max_in_flight", "rate", "p99"}
	for name, want := range map[string]string{
		"rond_robin": "round_robin", "roundRobin": "round_robin", "Round-Robin": "round_robin", "tiemout": "timeout", "time_out": "timeout",
		"maxInFlight": "max_in_flight", "mx": "max", "rat": "rate", "p95": "p99", "x": "", "": "", "sticky": "", "least_request": "",
		strings.Repeat("x", 1<<20): "",
	} {
		if got := Suggest(name, among); got != want {
			t.Errorf("Suggest(%.40q) = %q, want %q", name, got, want)
		}
	}
	for _, d := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"abc", "acb", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3}} {
		if got := distance(d.a, d.b); got != d.want {
			t.Errorf("distance(%s, %s) = %d, want %d", d.a, d.b, got, d.want)
		}
	}
}

func TestKinds(t *testing.T) {
	kinds := Kinds(reflect.TypeFor[*sampleTime]())
	want := []Kind{
		{"fixed", "always the same", "{fixed: 2ms}", reflect.TypeFor[sampleFixed]()},
		{"lognormal", "long-tailed", "{lognormal: {p50: 2ms, p99: 12ms}}", reflect.TypeFor[sampleLognormal]()},
		{"quantiles", "measured", "{quantiles: {p50: 3ms}}", reflect.TypeFor[sampleQuantiles]()},
	}
	if !reflect.DeepEqual(kinds, want) {
		t.Errorf("Kinds = %v", kinds)
	}
	if Kinds(reflect.TypeFor[sample]()) != nil || Kinds(reflect.TypeFor[int]()) != nil || Kinds(reflect.TypeFor[struct{}]()) != nil {
		t.Error("what is no choice has kinds")
	}
	for _, k := range kinds { // each example decodes into the choice
		var c sampleTime
		doc := mustParse(t, k.Name, "v: "+k.Example)
		if err := Decode(doc, doc.Root.Key("v"), &c); err != nil {
			t.Errorf("%s: %v", k.Name, err)
		}
	}
}
