package reports

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/reports/result"
)

// What differs between the rows is in no heading, and what is no column of
// settings is in a note.
func TestDifferences(t *testing.T) {
	same := shape{rate: 400, seconds: 1, p50: 2e6, p99: 1e7, attempts: 1}
	closed := func(l *result.Load) { l.Loop, l.Arrivals, l.RatePerS, l.Workers = result.Closed, "", 0, 8 }
	for name, c := range map[string]struct {
		both, second func(*result.Load)
		path         string // of the dimension
		heading      string // the first line, up to the trials
		equal        string // an item of the second line
		notes        []string
	}{
		"nothing": {
			heading: "GetUser · unary · open loop, poisson 400/s · SLO 200 ms", equal: "100.00 % in SLO",
		},
		"the SLO": {
			second:  func(l *result.Load) { l.SLONS = 5e6 },
			heading: "GetUser · unary · open loop, poisson 400/s", equal: "100.00 % in SLO",
			notes: []string{"SLO differs: 200 ms (a), 5 ms (b)"},
		},
		"the SLO by its path": {
			second: func(l *result.Load) { l.SLONS = 5e6 }, path: "load.reads.slo",
			heading: "GetUser · unary · open loop, poisson 400/s", equal: "100.00 % in SLO",
		},
		"one without an SLO": {
			second:  func(l *result.Load) { l.SLONS, l.TimeoutNS = 0, 1e9 },
			heading: "GetUser · unary · open loop, poisson 400/s",
			equal:   "100.00 % in SLO (within the timeout where no SLO is set)",
			notes:   []string{"SLO differs: 200 ms (a), none (b)", "timeout differs: none (a), 1 s (b)"},
		},
		"timeouts": {
			both:    func(l *result.Load) { l.SLONS, l.TimeoutNS = 0, 3e9 },
			second:  func(l *result.Load) { l.TimeoutNS = 1e9 },
			heading: "GetUser · unary · open loop, poisson 400/s", equal: "100.00 % OK within each variant's timeout",
			notes: []string{"timeout differs: 3 s (a), 1 s (b)"},
		},
		"timeouts by their path": {
			both:   func(l *result.Load) { l.SLONS, l.TimeoutNS = 0, 3e9 },
			second: func(l *result.Load) { l.TimeoutNS = 1e9 }, path: "client.timeout",
			heading: "GetUser · unary · open loop, poisson 400/s", equal: "100.00 % OK within each variant's timeout",
		},
		"no timeout at all": {
			both:    func(l *result.Load) { l.SLONS = 0 },
			heading: "GetUser · unary · open loop, poisson 400/s", equal: "100.00 % OK",
		},
		"the rate that was asked for": {
			second:  func(l *result.Load) { l.RatePerS = 420 },
			heading: "GetUser · unary · open loop, poisson · SLO 200 ms", equal: "400 offered/s",
			notes: []string{"rate differs: 400/s (a), 420/s (b)"},
		},
		"a rate that is not known": {
			both:    func(l *result.Load) { l.RatePerS, l.Arrivals = 0, "" },
			heading: "GetUser · unary · open loop, 400/s · SLO 200 ms", equal: "100.00 % in SLO",
		},
		"workers": {
			both: closed, second: func(l *result.Load) { l.Workers, l.ThinkNS = 16, 5e6 },
			heading: "GetUser · unary · closed loop · SLO 200 ms", equal: "100.00 % in SLO",
			notes: []string{"workers differ: 8 workers (a), 16 workers (b)", "think differs: none (a), 5 ms (b)"},
		},
		"the loop": {
			second:  closed,
			heading: "GetUser · unary · SLO 200 ms", equal: "100.00 % in SLO",
			notes: []string{"loop differs: open poisson 400/s (a), closed 8 workers (b)"},
		},
		"the method": {
			second: func(l *result.Load) {
				l.Method, l.Kind, l.Messages = "user.v1.UserService/ListUsers", result.ServerStream, 20
			},
			heading: "reads · open loop, poisson 400/s · SLO 200 ms", equal: "100.00 % in SLO",
			notes: []string{
				"method differs: GetUser (a), ListUsers (b)", "kind differs: unary (a), server stream (b)",
				"messages differ: none (a), 20 messages (b)",
			},
		},
		"the method by its path": {
			second: func(l *result.Load) { l.Method, l.Kind = "user.v1.UserService/ListUsers", result.ServerStream }, path: "load.reads.call",
			heading: "reads · open loop, poisson 400/s · SLO 200 ms", equal: "100.00 % in SLO",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := two(t, same, same)
			for i := range r.Variants {
				v := &r.Variants[i]
				if c.both != nil {
					c.both(&v.Loads[0])
				}
				if i == 1 && c.second != nil {
					c.second(&v.Loads[0])
				}
				for j := range v.Trials {
					s := &v.Trials[j].Series[0]
					s.Method, s.Kind, s.Loop = v.Loads[0].Method, v.Loads[0].Kind, v.Loads[0].Loop
				}
				if c.path != "" {
					v.Settings = map[string]string{c.path: v.Settings["policy"]}
				}
			}
			if c.path != "" {
				r.Scenario.Dimensions[0].Name = c.path
			}
			s := newPage(r).sections[0]
			if got := strings.Join(s.heading[0], " · "); got != c.heading+" · 7 trials × 20 s" {
				t.Errorf("heading %q", got)
			}
			if !slices.Contains(s.heading[1], c.equal) {
				t.Errorf("the heading lacks %q: %q", c.equal, s.heading[1])
			}
			var notes []string
			for _, n := range s.notes {
				notes = append(notes, n.text)
			}
			if diff := cmp.Diff(c.notes, notes); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
		})
	}
}
