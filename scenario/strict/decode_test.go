package strict

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
)

func ptr[T any](v T) *T { return &v }

func TestDecode(t *testing.T) {
	const text = `---
name: "5"
seed: 18446744073709551615
small: -128
queue: 0
ready: true
factor: 1.5e3
timeout: 0
size: 1.5KiB
share: 10%
chance: 0.25
retry: &policy
  attempts: 4
  codes: [UNAVAILABLE, CANCELLED]
  jitter: none
service_time: {quantiles: {p50: 3ms, p99: 40ms}}
balance: {pick_first: {shuffle: true}}
methods:
  user.v1.UserService/GetUser: {timeout: 5s, retry: none}
  ListUsers: {retry: *policy}
baseline: {client.pool.size: 4, b: true, c: x}
load:
  - {name: reads, rate: 900/s}
  - name: lists
    rate: 2/ms
    slo: {limit: 1m30s}
  - rate: 60/m
mode: inprocess
compare: {client.pool.size: [1, 4]}
keepalive: {}
trials: 3
ports: [80, 443]
...
`
	s, err := readSample("x.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	compare := s.Compare
	s.Compare = nil
	want := sampleDefaults()
	want.Name, want.Seed, want.Small, want.Queue, want.Ready = "5", 1<<64-1, -128, ptr(0), true
	want.Factor, want.Timeout, want.Size, want.Share, want.Chance = 1500, 0, 1536, 0.1, ptr(0.25)
	want.Retry.Attempts = 4
	want.Retry.Codes = []codes.Code{codes.Unavailable, codes.Canceled}
	want.Retry.Jitter = sampleJitter{None: &struct{}{}}
	want.Time.Quantiles = &sampleQuantiles{Points: map[string]time.Duration{"p50": 3 * time.Millisecond, "p99": 40 * time.Millisecond}}
	want.Balance = sampleBalance{PickFirst: &samplePickFirst{Shuffle: true}}
	want.Methods = map[string]perCall{
		"user.v1.UserService/GetUser": {Timeout: ptr(5 * time.Second), Retry: &samplePolicy{Off: true}},
		"ListUsers": {Retry: &samplePolicy{
			Attempts: 4, Codes: []codes.Code{codes.Unavailable, codes.Canceled}, Jitter: sampleJitter{None: &struct{}{}},
		}},
	}
	want.Baseline = map[string]string{"client.pool.size": "4", "b": "true", "c": "x"}
	want.Load = []sampleLoad{{Name: "reads", Rate: 900}, {Name: "lists", Rate: 2000}, {Rate: 1}}
	want.Load[1].SLO.Limit = 90 * time.Second
	want.Mode = "inprocess"
	want.Keep = &sampleKeepalive{Time: 30 * time.Second}
	want.Block = sampleInlined{Trials: 3, Ports: []int{80, 443}}
	if diff := cmp.Diff(want, s, cmp.AllowUnexported(sample{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := compare.String(); got != "{client.pool.size: [1, 4]}" {
		t.Errorf("compare = %s", got)
	}
}

// TestDefaults: what is not written stays, what is written replaces choices
// and lists whole, and pointers that defaults share are not written through.
func TestDefaults(t *testing.T) {
	shared := &sampleKeepalive{Time: time.Second}
	s := sampleDefaults()
	s.Keep = shared
	s.Block.Ports = []int{1, 2, 3}
	s.Methods = map[string]perCall{"GetUser": {Timeout: ptr(time.Second)}}
	defaults := s.Methods
	doc, err := Parse("x.yaml", []byte(`
keepalive: {time: 2s}
ports: [9]
methods: {GetUser: {retry: none}, SyncUsers: {}}
retry: {jitter: percent}
service_time: lognormal
`))
	if err != nil {
		t.Fatal(err)
	}
	if err := Decode(doc, doc.Root, s); err != nil {
		t.Fatal(err)
	}
	if s.Keep.Time != 2*time.Second || shared.Time != time.Second {
		t.Errorf("keepalive %v, the shared default %v", s.Keep.Time, shared.Time)
	}
	if !reflect.DeepEqual(s.Block.Ports, []int{9}) {
		t.Errorf("ports = %v", s.Block.Ports)
	}
	if m := s.Methods["GetUser"]; m.Timeout == nil || *m.Timeout != time.Second || m.Retry == nil || !m.Retry.Off || len(s.Methods) != 2 {
		t.Errorf("methods = %+v", s.Methods)
	}
	if len(defaults) != 1 || defaults["GetUser"].Retry != nil {
		t.Errorf("the map of the defaults was written to: %+v", defaults)
	}
	if p := s.Retry.Jitter.Percent; p == nil || p.P != 25 || s.Retry.Attempts != 3 {
		t.Errorf("retry = %+v", s.Retry)
	}
	if l := s.Time.Lognormal; l == nil || l.P99 != 10*time.Millisecond {
		t.Errorf("service time = %+v", s.Time)
	}
	if s.Queue != nil || s.Chance != nil || s.Name != "sample" {
		t.Errorf("something that is not written was set: %+v", s)
	}
}

// TestUndecodedIsNotValidated: a value that could not be read keeps its
// default, and Validate's opinion of it is not told.
func TestUndecodedIsNotValidated(t *testing.T) {
	tests := map[string]string{
		"retry: {base: 0}":                       "x.yaml:1:9: retry.base: must be > 0 (got 0s)",
		"load: [{rate: fast}]":                   "x.yaml:1:9: load[0].rate: must be a rate such as 900/s, 2/ms or 60/m (got fast)",
		"load: [{rat: 5/s}]":                     "x.yaml:1:9: load[0].rat: unknown key, did you mean rate?",
		"load: [{rate: *x}]":                     "x.yaml:1:15: load[0].rate: unknown alias *x: no anchor of that name comes before",
		"load: [{name: a}]":                      "x.yaml:1:8: load[0].rate: must be > 0",
		"service_time: {quantiles: {p50: fast}}": "x.yaml:1:28: service_time.quantiles.p50: must be a duration such as 250ms (got fast)",
	}
	for text, want := range tests {
		_, err := readSample("x.yaml", text)
		var errs Errors
		if !errors.As(err, &errs) || len(errs) != 1 || errs[0].Head() != want {
			t.Errorf("%s:\n got %v\nwant %s", text, err, want)
		}
	}
}

// TestNumbers covers the edges of what numbers may look like.
func TestNumbers(t *testing.T) {
	type numbers struct {
		I8    int8          `yaml:"i8"`
		I64   int64         `yaml:"i64"`
		U8    uint8         `yaml:"u8"`
		F     float64       `yaml:"f"`
		D     time.Duration `yaml:"d"`
		B     int64         `yaml:"b" unit:"bytes"`
		Small int8          `yaml:"small" unit:"bytes"`
		Share float64       `yaml:"share" unit:"share"`
		Rate  float64       `yaml:"rate" unit:"rate"`
	}
	good := map[string]numbers{
		"i8: +127":                  {I8: 127},
		"i64: -9223372036854775808": {I64: -1 << 63},
		"u8: 255":                   {U8: 255},
		"u8: -0":                    {},
		"f: 0.5":                    {F: .5},
		"f: .5":                     {F: .5},
		"f: 5.":                     {F: 5},
		"f: -1E-2":                  {F: -.01},
		"d: -1h30m":                 {D: -90 * time.Minute},
		"d: '0'":                    {},
		"d: 1.5µs":                  {D: 1500},
		"b: 9223372036854775807":    {B: 1<<63 - 1},
		"b: 0":                      {},
		"b: 1 kB":                   {B: 1000},
		"b: '512'":                  {B: 512},
		"b: 1kB":                    {B: 1000},
		"b: 1TiB":                   {B: 1 << 40},
		"small: 127B":               {Small: 127},
		"share: 100%":               {Share: 1},
		"share: 0":                  {},
		"share: 0.5%":               {Share: .005},
		"share: 1.0":                {Share: 1},
		"rate: 900 / s":             {Rate: 900},
		"rate: 0.5/ms":              {Rate: 500},
		"rate: 0/s":                 {},
		"rate: 90/m":                {Rate: 1.5},
	}
	decode := func(text string) (numbers, error) {
		var n numbers
		doc, err := Parse("x.yaml", []byte(text))
		if err == nil {
			err = Decode(doc, nil, &n)
		}
		return n, err
	}
	for text, want := range good {
		if n, err := decode(text); err != nil || n != want {
			t.Errorf("%s: got %+v, %v; want %+v", text, n, err, want)
		}
	}
	for _, text := range []string{
		"i8: 128", "i8: -129", "i64: 9223372036854775808", "u8: 256", "u8: -1", "i8: 0o17", "i8: 1e2", "i8: 07", "i8: '1'", "i8: 1,000",
		"f: .nan", "f: -.inf", "f: 00.5", "f: 0x1p-2", "f: 1_0.5", "f: .", "f: '1'",
		"d: 5", "d: 1d", "d: 1e3s", "d: s", "d: 1 s", "d: -2562048h", "d: ''",
		"b: 9223372036854775808", "b: 8388608TiB", "b: -0.1B", "b: 1e3", "b: B", "b: ''", "b: 1KB", "b: 01KiB",
		"small: 128B", "share: 100.01%", "share: 1.01", "share: -0.1", "share: '%'", "share: 1e999", "share: 05%",
		"rate: 5", "rate: /s", "rate: 5/", "rate: 5/min", "rate: 1e308/ms", "rate: -1/s", "rate: .inf/s",
	} {
		n, err := decode(text)
		if err == nil {
			t.Errorf("%s: got %+v, want an error", text, n)
			continue
		}
		if n != (numbers{}) {
			t.Errorf("%s: refused, but decoded as %+v", text, n)
		}
		checkPositions(t, err)
	}
}

func TestErrorfAndDecodeAt(t *testing.T) {
	doc, err := Parse("x.yaml", []byte("load:\n  - {name: a, rate: 1/s}\n  - {name: b, rate: 2}\n"))
	if err != nil {
		t.Fatal(err)
	}
	e := doc.Errorf(doc.Root.Get("load.b.rate"), "load[1].rate", "is %d", 7)
	if want := "x.yaml:3:15: load[1].rate: is 7\n    3 |   - {name: b, rate: 2}\n      |               ^^^^^^^"; e.Error() != want {
		t.Errorf("got\n%s\nwant\n%s", e, want)
	}
	if got := doc.Errorf(nil, "", "is wrong").Head(); got != "x.yaml:1:1: is wrong" {
		t.Errorf("Errorf(nil) = %s", got)
	}
	var l sampleLoad
	err = DecodeAt(doc, doc.Root.Get("load[1]"), "load[1]", &l)
	if err == nil || !strings.HasPrefix(err.Error(), "x.yaml:3:15: load[1].rate: must be a rate") {
		t.Errorf("DecodeAt: %v", err)
	}
	if l.Name != "b" {
		t.Errorf("the good part was not decoded: %+v", l)
	}
}

func TestJoin(t *testing.T) {
	if err := Join(nil, nil); err != nil {
		t.Errorf("Join of nothing = %v", err)
	}
	at := func(source string, line int, message string) *Error {
		return &Error{Pos: Position{Source: source, Line: line, Column: 1}, Message: message}
	}
	err := Join(Errors{at("--set a=1", 1, "d"), at("x.yaml", 9, "b")}, at("x.yaml", 2, "a"), at("x.yaml", 9, "b"), errors.New("plain"))
	want := "plain\nx.yaml:2:1: a\nx.yaml:9:1: b\n--set a=1: d"
	if err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	var one *Error
	if !errors.As(err, &one) {
		t.Error("errors.As finds no *Error")
	}
}
