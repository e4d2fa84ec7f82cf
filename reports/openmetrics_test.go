package reports

import (
	"bytes"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

var metricLine = regexp.MustCompile(`^([a-z_]+)\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\["\\n])*",?)*)\} (\S+) (\d+)$`)

// checkOpenMetrics checks what OpenMetrics asks of a text, as far as this
// format uses it; promtool itself reads one in make e2e.
func checkOpenMetrics(t *testing.T, text string) map[string]float64 {
	t.Helper()
	if !strings.HasSuffix(text, "# EOF\n") || strings.Count(text, "# EOF") != 1 {
		t.Error("it does not end in # EOF")
	}
	family, seen, values := "", map[string]bool{}, map[string]float64{}
	lastBucket := 0.0
	for line := range strings.Lines(strings.TrimSuffix(text, "# EOF\n")) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			family, _, _ = strings.Cut(rest, " ")
			if seen[family] {
				t.Errorf("%s occurs twice", family)
			}
			seen[family] = true
			continue
		}
		if strings.HasPrefix(line, "# HELP ") || strings.HasPrefix(line, "# UNIT ") {
			continue
		}
		m := metricLine.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("not a sample: %q", line)
		}
		if base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(m[1], "_bucket"), "_sum"), "_count"); base != family && m[1] != family {
			t.Errorf("%s stands in the family %s", m[1], family)
		}
		key := m[1] + "{" + m[2] + "}"
		if _, twice := values[key]; twice {
			t.Errorf("%s occurs twice", key)
		}
		v, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			t.Errorf("%s: %v", key, err)
		}
		values[key] = v
		if strings.HasSuffix(m[1], "_bucket") {
			if v < lastBucket && !strings.Contains(m[2], `le="0.0001"`) {
				t.Errorf("%s is below the bucket before it", key)
			}
			lastBucket = v
		}
	}
	return values
}

func TestOpenMetrics(t *testing.T) {
	r := outage(t)
	values := checkOpenMetrics(t, render(t, formatNamed("openmetrics").Render, r, Options{}))
	const labels = `scenario="backoffs",variant="backoff=fixed",trial="2",setting_backoff="fixed",load="reads"`
	h, err := r.Variants[1].Trials[2].Series[0].Latency[result.Response].Histogram()
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]float64{
		`grpcbench_response_seconds_count{` + labels + `}`:              9986,
		`grpcbench_response_seconds_bucket{` + labels + `,le="+Inf"}`:   9986,
		`grpcbench_response_seconds_bucket{` + labels + `,le="60"}`:     9986,
		`grpcbench_response_seconds_bucket{` + labels + `,le="0.0025"}`: float64(h.CountsUpTo([]int64{25e5})[0]),
		`grpcbench_calls{` + labels + `,code="UNAVAILABLE"}`:            14,
		`grpcbench_calls{` + labels + `,code="OK"}`:                     9986,
		`grpcbench_calls{` + labels + `,code="dropped"}`:                0,
		`grpcbench_attempts{` + labels + `}`:                            10500,
		`grpcbench_response_quantile_seconds{` + labels + `,q="0.5"}`:   float64(*r.Variants[1].Trials[2].Series[0].Latency[result.Response].P50NS) / 1e9,
	} {
		if got, there := values[key]; !there || math.Abs(got-want) > 1e-12 {
			t.Errorf("%s: %v, want %v", key, got, want)
		}
	}
	none := strings.ReplaceAll(labels, "fixed", "none")
	if got := values[`grpcbench_response_quantile_seconds{`+none+`,q="0.99"}`]; !math.IsInf(got, 1) {
		t.Errorf("a p99 of failed calls is %v", got)
	}
}

// Several results of one scenario, the newer first: samples with the same labels stand
// behind each other, by time.
func TestOpenMetricsTogether(t *testing.T) {
	old, now := single(t), single(t)
	for i := range old.Variants[0].Trials {
		at := old.Started.Add(time.Minute)
		old.Variants[0].Trials[i].Started, now.Variants[0].Trials[i].Started = at, at.Add(24*time.Hour)
	}
	now.Started = now.Started.Add(24 * time.Hour)
	var out bytes.Buffer
	if err := OpenMetrics(&out, []*result.Result{now, old, now}, Options{}); err != nil {
		t.Fatal(err)
	}
	le := regexp.MustCompile(`,le="[^"]*"`)
	last, times, again := "", map[string]int64{}, map[string]bool{}
	for line := range strings.Lines(out.String()) {
		m := metricLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			continue
		}
		series := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(m[1], "_bucket"), "_sum"), "_count") + "{" + le.ReplaceAllString(m[2], "") + "}"
		at, err := strconv.ParseInt(m[4], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if at < times[series] {
			t.Errorf("%s goes back in time", series)
		}
		times[series] = at
		if series != last && again[series] {
			t.Errorf("%s stands in two places", series)
		}
		last, again[series] = series, true
	}
	if n := strings.Count(out.String(), "grpcbench_in_slo_ratio{"); n != 2 {
		t.Errorf("%d samples of two trials, one of them given twice", n)
	}
}
