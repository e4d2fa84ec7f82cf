package otlp

import (
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/grpcbench/grpcbench/reports/exposition"
	"github.com/grpcbench/grpcbench/reports/result"
)

// receiver answers as it is told, and keeps what it was sent.
type receiver struct {
	*httptest.Server
	answer  func(http.ResponseWriter)
	got     []*metrics.MetricsData
	headers http.Header
	paths   []string
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{answer: func(http.ResponseWriter) {}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.headers = q.Header
		r.paths = append(r.paths, q.Method+" "+q.URL.Path)
		body, err := io.ReadAll(q.Body)
		data := &metrics.MetricsData{}
		if err == nil {
			err = proto.Unmarshal(body, data)
		}
		if err != nil {
			t.Error(err)
		}
		r.got = append(r.got, data)
		r.answer(w)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) client(t *testing.T) *Client {
	t.Helper()
	u, err := ParseURL(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	return &Client{URL: u, Headers: http.Header{}, Version: "1.2.3", Attributes: []Attribute{{"service.name", "grpcbench"}, {"grpcbench.label.commit", "abc"}}}
}

func attributes(list []*common.KeyValue) map[string]string {
	out := map[string]string{}
	for _, a := range list {
		out[a.GetKey()] = a.GetValue().GetStringValue()
	}
	return out
}

// What a receiver decodes is what was sent: exponential histograms with exact
// counts, sums that count from their start, gauges, and whose they are.
func TestSend(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	h := result.NewHistogram()
	for range 5000 {
		h.Record(int64(math.Exp(11 + 9*random.Float64())))
	}
	start, at := time.Unix(1000, 5), time.Unix(1003, 7)
	labels := []exposition.Label{{Name: "variant", Value: "retry=ä"}}
	r := newReceiver(t)
	c := r.client(t)
	c.Headers.Set("Authorization", "Bearer hunter2")
	err := c.Send(t.Context(), []exposition.Family{
		{Name: "d_seconds", Kind: exposition.Durations, Unit: "seconds", Samples: []exposition.Sample{{Labels: labels, Histogram: exposition.NewHistogram(h), Start: start, At: at}}},
		{Name: "c", Kind: exposition.Count, Samples: []exposition.Sample{{Labels: labels, Value: 7, Start: start, At: at}}},
		{Name: "g_ratio", Kind: exposition.Gauge, Unit: "ratio", Samples: []exposition.Sample{{Labels: labels, Value: 0.25, Start: start, At: at}}},
	})
	if err != nil || len(r.got) != 1 || r.paths[0] != "POST /v1/metrics" {
		t.Fatalf("%v; %d requests, %v", err, len(r.got), r.paths)
	}
	if r.headers.Get("Content-Type") != "application/x-protobuf" || r.headers.Get("Authorization") != "Bearer hunter2" || r.headers.Get("User-Agent") != "grpcbench/1.2.3" {
		t.Errorf("headers %v", r.headers)
	}
	of := r.got[0].ResourceMetrics[0]
	if d := cmp.Diff(map[string]string{"service.name": "grpcbench", "grpcbench.label.commit": "abc"}, attributes(of.Resource.Attributes)); d != "" {
		t.Errorf("resource (-want +got):\n%s", d)
	}
	all := of.ScopeMetrics[0].Metrics
	p := all[0].GetExponentialHistogram().DataPoints[0]
	if all[0].Unit != "s" || all[0].GetExponentialHistogram().AggregationTemporality != metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE {
		t.Errorf("%v", all[0])
	}
	if p.StartTimeUnixNano != uint64(start.UnixNano()) || p.TimeUnixNano != uint64(at.UnixNano()) || attributes(p.Attributes)["variant"] != "retry=ä" {
		t.Errorf("%v", p)
	}
	if p.Count != 5000 || math.Abs(p.GetSum()*1e9-h.SumNS()) > 1 || len(p.Positive.BucketCounts) > mostBuckets {
		t.Errorf("%d durations, sum %v, %d buckets", p.Count, p.GetSum(), len(p.Positive.BucketCounts))
	}
	// By OpenTelemetry's own definition: bucket i is above base^i, and not above
	// base^(i+1).
	sum := int64(0)
	for i, n := range p.Positive.BucketCounts {
		sum += int64(n)
		upper := math.Exp2(math.Ldexp(float64(int(p.Positive.Offset)+i+1), -int(p.Scale)))
		if want := h.CountsUpTo([]int64{int64(upper * 1e9)})[0]; sum != want {
			t.Fatalf("bucket %d: %d up to %v s, want %d", i, sum, upper, want)
		}
	}
	s := all[1].GetSum()
	if !s.IsMonotonic || s.DataPoints[0].GetAsInt() != 7 || s.DataPoints[0].StartTimeUnixNano != uint64(start.UnixNano()) {
		t.Errorf("%v", s)
	}
	if g := all[2].GetGauge().DataPoints[0]; g.GetAsDouble() != 0.25 || g.StartTimeUnixNano != 0 {
		t.Errorf("%v", g)
	}
}

func TestAnswers(t *testing.T) {
	partial := func(n uint64, text string) []byte {
		var inner []byte
		inner = protowire.AppendVarint(protowire.AppendTag(inner, 1, protowire.VarintType), n)
		inner = protowire.AppendString(protowire.AppendTag(inner, 2, protowire.BytesType), text)
		return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), inner)
	}
	r := newReceiver(t)
	c := r.client(t)
	for name, one := range map[string]struct {
		answer func(http.ResponseWriter)
		want   string // of the error; empty for none
		again  bool
		after  time.Duration
	}{
		"OK":          {answer: func(http.ResponseWriter) {}},
		"advice":      {answer: func(w http.ResponseWriter) { _, _ = w.Write(partial(0, "old names")) }},
		"garbage":     {answer: func(w http.ResponseWriter) { _, _ = w.Write([]byte{0xff, 0xff}) }},
		"partial":     {answer: func(w http.ResponseWriter) { _, _ = w.Write(partial(3, "too old")) }, want: "rejected 3 data points: too old"},
		"bad":         {answer: func(w http.ResponseWriter) { w.WriteHeader(400) }, want: "400 Bad Request"},
		"unknown":     {answer: func(w http.ResponseWriter) { w.WriteHeader(401) }, want: "401 Unauthorized"},
		"elsewhere":   {answer: func(w http.ResponseWriter) { w.Header().Set("Location", r.URL); w.WriteHeader(307) }, want: "307 Temporary"},
		"unavailable": {answer: func(w http.ResponseWriter) { w.WriteHeader(503) }, want: "503 Service", again: true},
		"throttled":   {answer: func(w http.ResponseWriter) { w.Header().Set("Retry-After", "7"); w.WriteHeader(429) }, want: "429 Too Many", again: true, after: 7 * time.Second},
	} {
		r.answer = one.answer
		r.got = nil
		err := c.Send(t.Context(), nil)
		if len(r.got) != 1 {
			t.Errorf("%s: %d requests", name, len(r.got))
		}
		if one.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		var refused *Error
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), one.want) || refused.Again != one.again || refused.After != one.after {
			t.Errorf("%s: %+v", name, err)
		}
	}
	r.Close()
	var refused *Error
	if err := c.Send(t.Context(), nil); !errors.As(err, &refused) || !refused.Again {
		t.Errorf("nobody listens: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Send(ctx, nil); err == nil {
		t.Error("a context that has ended sends")
	}
}

func TestURLs(t *testing.T) {
	for text, want := range map[string]string{
		"http://127.0.0.1:4318": "http://127.0.0.1:4318/v1/metrics", "http://127.0.0.1:4318/": "http://127.0.0.1:4318/v1/metrics",
		"https://otel.example/custom/path": "https://otel.example/custom/path",
	} {
		if u, err := ParseURL(text); err != nil || u.String() != want {
			t.Errorf("%s: %v, %v", text, u, err)
		}
	}
	for _, bad := range []string{"", "127.0.0.1:4318", "grpc://x:4317", "http://", "http://me:hunter2@x", "http://x?token=hunter2", "http://x#hunter2", "http://x:hunter2/%zz"} {
		if u, err := ParseURL(bad); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v, %v", bad, u, err)
		}
	}
}

func TestHeaders(t *testing.T) {
	got := http.Header{}
	for _, err := range []error{
		AddHeader(got, "Authorization=Bearer a=b"), AddHeader(got, "x-one = 1 "), AddHeaders(got, "x-two=two%20words, ,x-three=a%2Cb"), AddHeaders(got, ""),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	want := http.Header{"Authorization": {"Bearer a=b"}, "X-One": {"1"}, "X-Two": {"two words"}, "X-Three": {"a,b"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for _, bad := range []string{"hunter2", "=hunter2", "a b=hunter2", "a=hunter2\r\nb: c", "a=hunter2\x00"} {
		if err := AddHeader(http.Header{}, bad); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, bad := range []string{"a", "a=%zz", "a=1,hunter2"} {
		if err := AddHeaders(http.Header{}, bad); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
