package reports

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// outage is the main fixture: four backoffs through a 3 s outage. It is made
// once, which takes long, and copied, because tests change it.
func outage(t testing.TB) *result.Result {
	outageOnce.Do(func() {
		var text bytes.Buffer
		if err := result.Write(&text, newOutage(t)); err != nil {
			t.Fatal(err)
		}
		outageText = text.Bytes()
	})
	r, err := result.Read(bytes.NewReader(outageText))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func newOutage(t testing.TB) *result.Result {
	r := base()
	r.Scenario.Name, r.Scenario.File = "backoffs", "backoffs.yaml"
	r.Scenario.Dimensions = []result.Dimension{{
		Name: "backoff", Values: []string{"none", "fixed", "immediate", "exponential"}, Baseline: "fixed",
	}}
	loads := []result.Load{{
		Name: "reads", Method: "user.v1.UserService/GetUser", Kind: result.Unary, Loop: result.Open,
		Arrivals: "poisson", RatePerS: 500, SLONS: int64(200 * time.Millisecond), TimeoutNS: int64(time.Second),
	}}
	faults := []result.FaultWindow{{Name: "outage", Kind: "down", AtNS: int64(5 * time.Second), ForNS: int64(3 * time.Second)}}
	series := result.Series{Name: "reads", Method: "user.v1.UserService/GetUser", Kind: result.Unary, Loop: result.Open}
	shapes := []shape{
		{
			rate: 500, seconds: 20, p50: 2100 * time.Microsecond, p99: 11800 * time.Microsecond,
			failed: 0.0497, code: "UNAVAILABLE", attempts: 1, outage: [2]int{5, 8}, left: 0.67,
		},
		{
			rate: 500, seconds: 20, p50: 2140 * time.Microsecond, p99: 104 * time.Millisecond,
			failed: 0.0014, code: "UNAVAILABLE", late: 0.0021, attempts: 1.05, outage: [2]int{5, 8}, left: 0.94,
		},
		{
			rate: 500, seconds: 20, p50: 2110 * time.Microsecond, p99: 14200 * time.Microsecond,
			failed: 0.0109, code: "UNAVAILABLE", attempts: 1.09, outage: [2]int{5, 8}, left: 0.91,
		},
		{
			rate: 500, seconds: 20, p50: 2120 * time.Microsecond, p99: 98600 * time.Microsecond,
			late: 0.0007, attempts: 1.05, outage: [2]int{5, 6}, left: 0.97,
		},
	}
	for i, name := range r.Scenario.Dimensions[0].Values {
		v := result.Variant{Name: "backoff=" + name, Settings: map[string]string{"backoff": name}, Trials: shapes[i].trials(t, 7, series)}
		v.Loads, v.Faults = slices.Clone(loads), slices.Clone(faults)
		for j := range v.Trials {
			v.Trials[j].State = result.Recovered
		}
		r.Variants = append(r.Variants, v)
	}
	r.Variants[1].Trials[2].Exemplars = []result.Exemplar{{
		Series: "reads", Call: "reads/2512", Why: "slowest", Code: "OK", ResponseNS: 962_000_000, WaitNS: 12_000,
		Attempts: []result.Attempt{
			{Backend: "b1", Code: "UNAVAILABLE", StartNS: 12_000, DurationNS: 310_000, DelayNS: 71_000_000},
			{Backend: "b1", Code: "UNAVAILABLE", StartNS: 71_322_000, DurationNS: 220_000, DelayNS: 183_000_000},
			{Backend: "b0", Code: "OK", StartNS: 254_542_000, DurationNS: 707_000_000},
		},
	}}
	return r
}

// overlays compares sets of overlays that change the load entry itself; one
// trial of each, cut short while the second ran.
func overlays(t testing.TB) *result.Result {
	r := base()
	r.Scenario.Name, r.Scenario.File, r.Scenario.Trials = "shapes", "shapes.yaml", 2
	r.Scenario.MeasureNS = int64(4 * time.Second)
	r.Scenario.Dimensions = []result.Dimension{{Name: "traffic", Values: []string{"calm", "bursty", "strict"}, Baseline: "calm"}}
	r.Partial = true
	for i, name := range r.Scenario.Dimensions[0].Values {
		l := result.Load{
			Name: "reads", Method: getUser.Method, Kind: result.Unary, Loop: result.Open, Arrivals: "poisson", RatePerS: 800,
			SLONS: 50e6, TimeoutNS: 1e9, RequestB: 512,
		}
		s := shape{rate: 785, seconds: 4, p50: 2 * time.Millisecond, p99: time.Duration(10+i) * time.Millisecond, attempts: 1}
		switch name {
		case "bursty":
			l.Arrivals = "bursts"
		case "strict":
			l.SLONS, l.RequestB = 5e6, 2048
			s.late = 0.11
		}
		v := result.Variant{
			Name: "traffic=" + name, Settings: map[string]string{"traffic": name}, Loads: []result.Load{l},
			Trials: s.trials(t, 1, getUser),
		}
		if name == "calm" {
			s.seconds = 1
			cut := s.trial(t, 1, 1, getUser)
			cut.Partial = true
			v.Trials = append(v.Trials, cut)
		}
		r.Variants = append(r.Variants, v)
	}
	return r
}

// faulty has two conditions, retries within each, and faults that only some
// variants have and some load entries feel.
func faulty(t testing.TB) *result.Result {
	r := base()
	r.Scenario.Name, r.Scenario.File, r.Scenario.Trials = "faulty", "faulty.yaml", 2
	r.Scenario.MeasureNS = int64(4 * time.Second)
	r.Scenario.Dimensions = []result.Dimension{
		{Name: "fault", Values: []string{"no", "yes"}},
		{Name: "retry", Values: []string{"none", "three"}, Baseline: "none"},
	}
	lists := result.Series{Name: "lists", Method: "user.v1.UserService/ListUsers", Kind: result.ServerStream, Loop: result.Open}
	for i, fault := range r.Scenario.Dimensions[0].Values {
		for j, retry := range r.Scenario.Dimensions[1].Values {
			v := result.Variant{
				Name: "fault=" + fault + ",retry=" + retry, Settings: map[string]string{"fault": fault, "retry": retry},
				Loads: []result.Load{
					{Name: "reads", Method: getUser.Method, Kind: result.Unary, Loop: result.Open, Arrivals: "poisson", RatePerS: 500, TimeoutNS: 1e9},
					{Name: "lists", Method: lists.Method, Kind: lists.Kind, Loop: result.Open, Arrivals: "constant", RatePerS: 200, SLONS: 1e9},
				},
			}
			reads := shape{rate: 500, seconds: 4, p50: 2 * time.Millisecond, p99: 10 * time.Millisecond, attempts: 1}
			if fault == "yes" {
				v.Faults = []result.FaultWindow{
					{Name: "outage", Kind: "down", AtNS: 2e9, ForNS: 1e9, Backends: []int{1}},
					{Name: "bad", Kind: "status", AtNS: 1e8, ForNS: 1e8, Method: "GetUser"},
					{Name: "slow", Kind: "delay", AtNS: 1e9, Method: "user.v1.UserService/ListUsers", Backends: []int{0, 2}},
				}
				reads.failed, reads.code = 0.11-0.1*float64(j), "UNAVAILABLE"
			}
			if retry == "three" {
				// A retried call is given more time, and its method an own fault.
				v.Loads[0].TimeoutNS = 3e9
				v.Faults = append(v.Faults, result.FaultWindow{Name: "pause", Kind: "stop", AtNS: 3e9, Method: "/user.v1.UserService/GetUser"})
			}
			v.Trials = reads.trials(t, 2, getUser)
			streams := shape{rate: 200, seconds: 4, p50: 9 * time.Millisecond, p99: time.Duration(30+5*i) * time.Millisecond, attempts: 1}.trials(t, 2, lists)
			for k := range v.Trials {
				v.Trials[k].Series = append(v.Trials[k].Series, streams[k].Series...)
				if fault == "yes" {
					v.Trials[k].State = result.Recovered
				}
			}
			r.Variants = append(r.Variants, v)
		}
	}
	return r
}

// overload has variants that were offered more than they could serve: calls
// were dropped and left unfinished, and what waited grew to the end.
func overload(t testing.TB) *result.Result {
	r := base()
	r.Scenario.Name, r.Scenario.File, r.Scenario.Trials = "overload", "overload.yaml", 2
	r.Scenario.MeasureNS = int64(4 * time.Second)
	r.Scenario.Dimensions = []result.Dimension{{Name: "fleet.backends", Values: []string{"1", "2", "3"}, Baseline: "3"}}
	for i, size := range r.Scenario.Dimensions[0].Values {
		s := shape{rate: 500, seconds: 4, p50: 2 * time.Millisecond, p99: 9 * time.Millisecond, attempts: 1}
		if size != "3" {
			s.p50, s.p99 = time.Duration(600-200*i)*time.Millisecond, time.Duration(1900-700*i)*time.Millisecond
			s.failed, s.code, s.late = 0.3-0.1*float64(i), "RESOURCE_EXHAUSTED", 0.2
		}
		v := result.Variant{
			Name: "backends=" + size, Settings: map[string]string{"fleet.backends": size}, Trials: s.trials(t, 2, getUser),
			Loads: []result.Load{{
				Name: "reads", Method: getUser.Method, Kind: result.Unary, Loop: result.Open, Arrivals: "constant", RatePerS: 500,
				SLONS: 1e9, MaxInFlight: 400,
			}},
		}
		if size != "3" {
			for j := range v.Trials {
				unended(&v.Trials[j].Series[0], s.code, int64(307-304*i), int64(147*(1-i)))
				v.Trials[j].State = result.Saturated
			}
		}
		r.Variants = append(r.Variants, v)
	}
	return r
}

// unended makes some of the calls that failed with the code unfinished and
// dropped ones.
func unended(s *result.Series, code string, unfinished, dropped int64) {
	s.Codes[code] -= unfinished + dropped
	s.Origins[result.OriginTransport] -= unfinished + dropped
	for i := range s.Errors {
		s.Errors[i].Count -= unfinished + dropped
	}
	s.Unfinished, s.Dropped = unfinished, dropped
	s.Calls -= dropped
	s.Attempts -= dropped
}

// never was interrupted before its first trial.
func never(testing.TB) *result.Result {
	r := base()
	r.Partial = true
	r.Variants = []result.Variant{{Name: "default", Loads: []result.Load{}, Trials: []result.Trial{}}}
	return r
}
