package reports

import (
	"strings"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// probed is a probe whose p99 came to so many milliseconds: 0 is that it fell on a
// failed call.
func probed(variant string, rate float64, trials int, limit result.CapacityLimit, p99 float64) result.CapacityProbe {
	c := result.GateCase{Variant: variant, Load: "reads", Outcome: result.GatePassed, Trials: trials}
	if limit == result.LimitSLO {
		c.Outcome = result.GateFailed
	}
	if ns := p99 * 1e6; p99 > 0 {
		c.Figure = &ns
	} else {
		c.OnFailed = true
	}
	share := 0.0
	return result.CapacityProbe{RatePerS: rate, Trials: trials, Limit: limit, Gates: []result.Gate{
		{Text: "p99 < 20ms", Outcome: c.Outcome, Metric: "p99", Unit: "ns", Op: "<", Limit: 20e6, Cases: []result.GateCase{c}},
		{Text: "errors < 0.1%", Outcome: result.GatePassed, Metric: "errors", Unit: "share", Op: "<", Limit: 0.001,
			Cases: []result.GateCase{{Variant: variant, Load: "reads", Outcome: result.GatePassed, Trials: trials, Figure: &share}}},
	}}
}

// capacities has every way in which a search ends.
func capacities(t testing.TB) *result.Result {
	r := base()
	r.Scenario.Name, r.Scenario.Trials, r.Scenario.MeasureNS = "pool-sizes", 3, int64(20*time.Second)
	r.Scenario.Dimensions = []result.Dimension{{Name: "pool.size", Baseline: "1"}}
	r.Capacity = &result.Capacity{SLO: []string{"p99 < 20ms", "errors < 0.1%"}, Within: 0.05, Trials: 3, MaxRatePerS: 2000}
	for _, v := range []struct {
		size         string
		rate, beyond float64
		p99          time.Duration
		limit        result.CapacityLimit
		missed       float64
		detail       string
	}{
		{"1", 470, 490, 18 * time.Millisecond, result.LimitSLO, 24.1, ""},
		{"2", 910, 955, 19 * time.Millisecond, result.LimitSLO, 0, ""},
		{"4", 930, 970, 19 * time.Millisecond, result.LimitSaturated, 12, "calls in flight grew to the end in 2 of 3 trials"},
		{"6", 0, 18.4, 90 * time.Millisecond, result.LimitSLO, 91, ""},
		{"8", 1400, 1460, 12 * time.Millisecond, result.LimitGenerator, 12, "generator_cpu: the load generator used 93 % of its cores: it may be what was measured"},
		{"12", 700, 730, 12 * time.Millisecond, result.LimitInFlight, 12, "more calls than max_in_flight would have been under way"},
		{"16", 2000, 0, 11 * time.Millisecond, result.LimitMaxRate, 0, ""},
	} {
		name := "pool.size=" + v.size
		at := v.rate
		if at == 0 {
			at = v.beyond
		}
		r.Scenario.Dimensions[0].Values = append(r.Scenario.Dimensions[0].Values, v.size)
		s := shape{rate: at, seconds: 20, p50: v.p99 / 5, p99: v.p99, attempts: 1}
		r.Variants = append(r.Variants, result.Variant{
			Name: name, Settings: map[string]string{"pool.size": v.size},
			Loads:  []result.Load{{Name: "reads", Method: "user.v1.UserService/GetUser", Kind: result.Unary, Loop: result.Open, Arrivals: "poisson", RatePerS: at}},
			Trials: evenly(t, s.trials(t, 3, result.Series{Name: "reads", Method: "user.v1.UserService/GetUser", Kind: result.Unary, Loop: result.Open})),
		})
		found := result.CapacityVariant{Variant: name, RatePerS: v.rate, Confirmed: v.rate > 0, BeyondPerS: v.beyond, Limit: v.limit, Detail: v.detail}
		if v.rate > 0 {
			found.Probes = append(found.Probes, probed(name, v.rate, 3, "", 15))
		}
		if v.beyond > 0 {
			found.Probes = append(found.Probes, probed(name, v.beyond, 3, v.limit, v.missed))
		}
		r.Capacity.Variants = append(r.Capacity.Variants, found)
	}
	return r
}

// halfCapacities was interrupted: one variant is found, one in part, one not.
func halfCapacities(t testing.TB) *result.Result {
	r := capacities(t)
	r.Partial, r.Capacity.Load = true, "reads"
	r.Variants, r.Capacity.Variants = r.Variants[:3], r.Capacity.Variants[:3]
	one := &r.Capacity.Variants[1]
	one.Confirmed, one.BeyondPerS, one.Limit = false, 0, ""
	r.Variants[1].Trials = r.Variants[1].Trials[:1]
	r.Capacity.Variants[2] = result.CapacityVariant{Variant: r.Variants[2].Name}
	r.Variants[2].Trials = []result.Trial{}
	return r
}

func around(v, low, high float64) result.Estimate {
	return result.Estimate{Value: v, Low: &low, High: &high}
}

// scalabilities is two laws, one with a peak and one without.
func scalabilities(t testing.TB) *result.Result {
	r := capacities(t)
	r.Capacity.SLO, r.Capacity.MaxRatePerS = nil, 0
	r.Variants, r.Capacity.Variants = r.Variants[:3], r.Capacity.Variants[:3]
	peakN, peakX := around(43.589, 39.2, 48.8), around(10_976, 10_700, 11_200)
	peakN.High = nil
	from := 64.0
	laws := []*result.ScalabilityLaw{
		{Lambda: around(1000, 990, 1010), Sigma: around(0.05, 0.047, 0.053), Kappa: around(0.0005, 0.00046, 0.00054), PeakN: &peakN, PeakPerS: &peakX, MostN: 32},
		{Lambda: around(1000, 980, 1020), Sigma: around(0.01, 0, 0.02), Kappa: around(0, 0, 1e-5), PeakFromN: &from, MostN: 32},
		nil,
	}
	for i := range r.Variants {
		r.Variants[i].Trials = []result.Trial{}
		v := &r.Capacity.Variants[i]
		*v = result.CapacityVariant{Variant: v.Variant, Law: laws[i]}
		for _, n := range []int{1, 2, 4, 8, 16, 32} {
			x := 990.0
			if row := (capacityRow{CapacityVariant: *v}); v.Law != nil {
				x, _ = row.throughput(float64(n))
			}
			v.Sweep = append(v.Sweep, result.CapacityPoint{Workers: n, PerS: []float64{0.98 * x, x, 1.01 * x}})
		}
	}
	last := &r.Capacity.Variants[2]
	last.NoLaw = "needs at least 3 concurrencies (got 2)"
	last.Sweep = last.Sweep[:3]
	last.Sweep[2].PerS, last.Sweep[2].Limit, last.Sweep[2].Detail = nil, result.LimitGenerator, "generator_cpu: the load generator used 93 % of its cores"
	return r
}

// Trials of which it is not known how their calls hang together claim no interval:
// the table shows how far apart they are, a headline the figure alone.
func TestNoInterval(t *testing.T) {
	r := capacities(t)
	r.Variants[1].Trials[2].MeasuredNS = 7e9
	c := newCapacity(r)
	p99 := c.latencies()[0]
	// 1 % up and down by block, blocks 0 to 2: −2, −1 and 0 %.
	if p99.cells[0] != "17.8 (17.6 – 18.0)" || !strings.Contains(p99.notes[0].text, "from the lowest to the highest of them; some have no interval") || strings.Contains(p99.notes[0].text, "95 %") {
		t.Errorf("%q, %+v", p99.cells, p99.notes)
	}
	one := single(t)
	if text := strings.Join(newPage(one).headline, " "); !strings.Contains(text, "95\u00a0%\u00a0CI") {
		t.Fatal(text)
	}
	one.Variants[0].Trials[0].MeasuredNS = 7e9
	if text := strings.Join(newPage(one).headline, " "); strings.Contains(text, "CI") || !strings.Contains(text, "p50 1.17") {
		t.Error(text)
	}
}

// That there is no peak is said only where one was ruled out.
func TestNoPeak(t *testing.T) {
	r := scalabilities(t)
	law := r.Capacity.Variants[1].Law
	for _, c := range []struct {
		from *float64
		want string
		cell string
	}{
		{new(64.0), "has no peak up to 64 workers, twice the most that were measured:", "> 64"},
		{new(35.04), "has no peak shown up to 64 workers (95 % CI from 35.0), twice the most that were measured:", "from 35.0"},
		{nil, "has no peak shown up to 64 workers, twice the most that were measured:", blank},
	} {
		law.PeakFromN = c.from
		p := newPage(r)
		if text := strings.ReplaceAll(strings.Join(p.headline, " "), "\u00a0", " "); !strings.Contains(text, "Throughput of pool.size=2 "+c.want) {
			t.Errorf("the headline lacks %q:\n%s", c.want, text)
		}
		var to lines
		row := capacityRow{CapacityVariant: r.Capacity.Variants[1]}
		row.parameters(&to)
		if got := to.cells[len(to.cells)-1]; got[1] != "> 64" || got[2] != c.cell {
			t.Errorf("N* %q, want > 64, %s", got, c.cell)
		}
	}
}

// What stopped each variant is said in words, the best first.
func TestCapacityHeadline(t *testing.T) {
	text := strings.Join(newPage(capacities(t)).headline, "\n")
	text = strings.ReplaceAll(text, "\u00a0", " ")
	for _, want := range []string{
		"pool.size=16 carries 2,000 calls/s with p99 < 20ms, errors < 0.1%, the highest rate that was allowed.",
		"pool.size=8 carries at least 1,400 calls/s: at 1,460/s the load generator is the limit, not what it measures.",
		"pool.size=4 carries 930 calls/s; at 970/s calls in flight grow to the end.",
		"pool.size=2 carries 910 calls/s; at 955/s, p99 failed.",
		"3 more variants below.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the headline lacks %q:\n%s", want, text)
		}
	}
	for limit, want := range map[result.CapacityLimit]string{
		result.LimitGenerator: "Whether pool.size=6 meets p99 < 20ms, errors < 0.1% at any rate cannot be told: at 18.4/s, the load generator.",
		result.LimitSLO:       "pool.size=6 meets p99 < 20ms, errors < 0.1% at no rate: at 18.4/s, the lowest that can be judged, p99 91.0 ms.",
		result.LimitInFlight:  "pool.size=6 meets p99 < 20ms, errors < 0.1% at no rate: at 18.4/s max_in_flight.",
	} {
		r := capacities(t)
		r.Variants, r.Capacity.Variants = r.Variants[2:4], r.Capacity.Variants[2:4]
		r.Capacity.Variants[1].Limit = limit
		if text := strings.ReplaceAll(strings.Join(newPage(r).headline, "\n"), "\u00a0", " "); !strings.Contains(text, want) {
			t.Errorf("the headline lacks %q:\n%s", want, text)
		}
	}
	early := capacities(t)
	early.Partial = true
	early.Variants, early.Capacity.Variants = early.Variants[3:4], early.Capacity.Variants[3:4]
	early.Capacity.Variants[0].Limit = result.LimitSLO
	if text := strings.ReplaceAll(strings.Join(newPage(early).headline, "\n"), "\u00a0", " "); !strings.Contains(text, "at no rate that was tried: at 18.4/s, p99 91.0 ms.") {
		t.Error(text)
	}
	invalid := capacities(t)
	invalid.Capacity.Variants[4].Limit = result.LimitInvalid
	if text := strings.ReplaceAll(strings.Join(newPage(invalid).headline, "\n"), "\u00a0", " "); !strings.Contains(text, "pool.size=8 carries at least 1,400 calls/s: at 1,460/s trials are INVALID, which shows nothing.") {
		t.Error(text)
	}
	alone := capacities(t)
	alone.Capacity.Variants[4].Confirmed = false
	if text := strings.ReplaceAll(strings.Join(newPage(alone).headline, "\n"), "\u00a0", " "); !strings.Contains(text, "pool.size=8 carries at least 1,400 calls/s in a single trial; others, to confirm it, were not fit to act on.") {
		t.Error(text)
	}
	cut := halfCapacities(t)
	cut.Capacity.Variants[1].Confirmed = true
	if text := strings.ReplaceAll(strings.Join(newPage(cut).headline, "\n"), "\u00a0", " "); !strings.Contains(text, "pool.size=2 carries at least 910 calls/s of reads with p99 < 20ms, errors < 0.1%; the search was interrupted.") {
		t.Error(text)
	}
	half := strings.ReplaceAll(strings.Join(newPage(halfCapacities(t)).headline, "\n"), "\u00a0", " ")
	for _, want := range []string{"size=2 carries at least 910 calls/s of reads with", "the search was interrupted", "size=4 was not searched to an end"} {
		if !strings.Contains(half, want) {
			t.Errorf("the headline lacks %q:\n%s", want, half)
		}
	}
}

// Brackets that overlap tell two variants apart no more than intervals do.
func TestCapacitiesThatAreAlike(t *testing.T) {
	r := capacities(t)
	r.Variants, r.Capacity.Variants = r.Variants[1:3], r.Capacity.Variants[1:3]
	if text := strings.Join(newPage(r).headline, " "); !strings.Contains(text, "No difference to pool.size=4 is shown: the brackets overlap.") {
		t.Error(text)
	}
	r.Capacity.Variants[0].BeyondPerS = 929
	if text := strings.Join(newPage(r).headline, " "); strings.Contains(text, "overlap") {
		t.Error(text)
	}
}

// A sweep that came to its end is not called interrupted, in any format; one that was
// says what it has not found.
func TestCapacityThatIsWhole(t *testing.T) {
	for name, text := range documents(t, scalabilities(t)) {
		if strings.Contains(text, "PARTIAL") || strings.Contains(text, "no trial of it was run") {
			t.Errorf("%s calls it interrupted: %.400s", name, text)
		}
	}
	half := documents(t, halfCapacities(t))
	for _, format := range []string{"junit", "gobench", "github", "html", "table"} {
		if text := half[format]; !strings.Contains(text, "PARTIAL: interrupted; not done: pool.size=2, pool.size=4.") {
			t.Errorf("%s does not say what is missing: %.400s", format, text)
		}
	}
}

// Every format has room for a capacity, and the columns can be chosen.
func TestCapacityInEveryFormat(t *testing.T) {
	for name, r := range map[string]*result.Result{"capacity": capacities(t), "half": halfCapacities(t), "scalability": scalabilities(t)} {
		for _, f := range quickFormats() {
			if f.Render != nil {
				if text := render(t, f.Render, r, Options{}); text == "" && f.Name != "hlog" {
					t.Errorf("%s as %s is empty", name, f.Name)
				}
				continue
			}
			if _, err := f.Parts(r, Options{}); err != nil {
				t.Errorf("%s as %s: %v", name, f.Name, err)
			}
		}
	}
	html := render(t, HTML, capacities(t), Options{})
	for _, want := range []string{"the load generator is the limit", "not at", "1,460", "max_in_flight"} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	text := render(t, Table, capacities(t), Options{Columns: 120, Select: []string{"limit"}, Sort: "-calls/s"})
	if strings.Contains(text, "p99 ms") || strings.Index(text, "the highest rate allowed") > strings.Index(text, "p99 24.1 ms") {
		t.Errorf("columns or order are not what was asked for:\n%s", text)
	}
}
