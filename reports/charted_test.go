package reports

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// charted is outage with all that plots show: whole seconds, and how attempts
// were shared among the backends.
func charted(t testing.TB) *result.Result {
	r := outage(t)
	r.ElapsedNS = int64(12 * time.Minute)
	r.Environment = result.Environment{
		Go: "go1.26.0", OS: "linux", Arch: "amd64", CPUs: 2, CPUModel: "Model 7", GOMAXPROCS: 2, GRPC: "v1.85.0", Grpcbench: "devel", GOGC: 400, HeapFloor: 512 << 20, MemoryLimit: 2 << 30,
	}
	r.Calibration = calibrated()
	r.Labels = map[string]string{"commit": "abc1234"}
	r.Scenario.About = "One backend of three is gone for 3 s. Which backoff brings the most calls through, at the lowest cost?"
	r.Scenario.Document = "name: backoffs\nfleet:\n  backends: 3\n  faults:\n    - {name: outage, at: 5s, for: 3s, where: {backends: [1]}, inject: down}\n"
	for i := range r.Variants {
		v := &r.Variants[i]
		for j := range v.Trials {
			drawSeconds(&v.Trials[j], 500, float64(i), float64(j), [2]int{5, 8})
			v.Trials[j].Started = r.Started.Add(time.Duration(100*j+25*i) * time.Second)
		}
	}
	return r
}

// drawSeconds fills in the trial's seconds at that rate. During the outage calls are
// slow, or fail, the more so the lower `patience` is.
func drawSeconds(trial *result.Trial, rate int64, patience, trialNumber float64, outage [2]int) {
	for i := range trial.Intervals {
		in := &trial.Intervals[i]
		s := &in.Series[0]
		// No random numbers, so that the goldens hold.
		noise := math.Sin(float64(in.Second)*1.7 + trialNumber*2.3 + patience)
		s.Planned = rate + int64(12*noise)
		s.Failed, s.P50NS, s.P99NS = 0, 2_100_000, int64(11.8e6*(1+0.08*noise))
		s.Attempts, s.InFlight = s.Planned, 2
		middle, wide := 2.1e6, 0.74
		if in.Second >= outage[0] && in.Second < outage[1] {
			s.Failed = int64(float64(rate) * 0.33 / (1 + 2*patience))
			s.P99NS = int64(60e6 * (1 + patience) * (1 + 0.1*noise))
			s.Attempts += int64(float64(rate) * 0.2 * patience)
			s.InFlight = int64(20 * (1 + patience))
			middle, wide = 9e6, 1.1+0.1*patience
		}
		s.OK = s.Planned - s.Failed
		s.InSLO = s.OK
		s.Spread = spread(middle, wide, s.OK)
	}
	var total int64
	for n, share := range []float64{0.31 + 0.02*patience, 0.33, 0.36 - 0.02*patience} {
		picks := int64(share * float64(trial.Series[0].Attempts))
		total += picks
		trial.Client.Picks = append(trial.Client.Picks, result.Picks{Backend: fmt.Sprint("b", n), Picks: picks})
	}
	trial.Client.Imbalance = max(0.31+0.02*patience, 0.33, 0.36-0.02*patience) * 3
}

// spread is n responses, lognormal around the middle, by coarse classes.
func spread(middle, sigma float64, n int64) *result.Spread {
	s := &result.Spread{}
	below := func(class int) float64 {
		return float64(n) * 0.5 * math.Erfc(-math.Log(float64(result.SpreadNS(class))/middle)/(sigma*math.Sqrt2))
	}
	before := int64(0)
	for class := range 110 {
		at := int64(math.Round(below(class)))
		if at > 0 && s.Counts == nil {
			s.First = class
		}
		if at > before || s.Counts != nil && at < n {
			s.Counts = append(s.Counts, at-before)
			before = at
		}
	}
	return s
}

// many is a result of so many variants and trials, of 20 s with two load
// entries each in which every second is charted.
func many(t testing.TB, variants, trials int) *result.Result {
	r := base()
	r.Scenario.Name, r.Scenario.File, r.Scenario.Trials = "many", "many.yaml", trials
	r.Scenario.Dimensions = []result.Dimension{{Name: "client.pool.size", Baseline: "1"}, {Name: "backoff", Baseline: "kind-0"}}
	for i := range variants {
		size, backoff := fmt.Sprint(1+i/8), fmt.Sprint("kind-", i%8)
		v := result.Variant{
			Name: "pool.size=" + size + ",backoff=" + backoff, Settings: map[string]string{"client.pool.size": size, "backoff": backoff},
			Faults: []result.FaultWindow{{Name: "outage", Kind: "down", AtNS: 5e9, ForNS: 3e9}},
		}
		for _, name := range []string{"reads", "writes"} {
			v.Loads = append(v.Loads, result.Load{Name: name, Method: getUser.Method, Kind: result.Unary, Loop: result.Open, Arrivals: "poisson", RatePerS: 200, SLONS: 1e8})
		}
		s := shape{rate: 200, seconds: 20, p50: 2 * time.Millisecond, p99: time.Duration(9+i%13) * time.Millisecond, attempts: 1.05, failed: 0.002, code: "UNAVAILABLE"}
		first := s.trial(t, 0, 0, getUser)
		drawSeconds(&first, 200, float64(i%8)/2, 0, [2]int{5, 8})
		second := first.Series[0]
		second.Name = "writes"
		first.Series = append(first.Series, second)
		for k := range first.Intervals {
			other := first.Intervals[k].Series[0]
			other.Name = "writes"
			first.Intervals[k].Series = append(first.Intervals[k].Series, other)
		}
		for j := range trials {
			trial := first // what it points to is shared: nothing writes to it
			trial.Index, trial.Block, trial.State = j, j, result.Recovered
			v.Trials = append(v.Trials, trial)
		}
		r.Variants = append(r.Variants, v)
	}
	return r
}
