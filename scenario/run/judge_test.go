package run

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/fakeserver"
	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/engine"
	"github.com/grpcbench/grpcbench/scenario/load"
)

// healthy is a trial against which nothing can be said: 100 calls of one
// method, one of them answered with an error and one unknown to the client.
func healthy() *result.Trial {
	p50, lag := int64(2*time.Millisecond), int64(100*time.Microsecond)
	return &result.Trial{
		MeasuredNS: int64(10 * time.Second), Validity: valid(),
		Series: []result.Series{{
			Name: "reads", Loop: result.Open, Planned: 100, Calls: 100, Codes: map[string]int64{"OK": 99, "ABORTED": 1},
			Latency: map[result.Measure]result.Summary{result.Response: {P50NS: &p50}, result.Lag: {P99NS: &lag}},
		}},
		Fleet: &result.Fleet{Backends: []result.Backend{
			{Name: "b0", Attempts: map[string]int64{"M": 60}}, {Name: "b1", Attempts: map[string]int64{"M": 40}},
		}},
		Client: result.Client{Connections: 1, Attempts: []result.AttemptCount{
			{Method: "M", Backend: "b0", Picked: 60, Answered: 60}, {Method: "M", Backend: "b1", Picked: 40, Answered: 39, Unknown: 1},
		}},
	}
}

func set(d time.Duration) *int64 { ns := int64(d); return &ns }

// TestEachReasonIsGiven provokes each finding against a measurement, and
// none on a healthy one or at a limit.
func TestEachReasonIsGiven(t *testing.T) {
	latency := func(t *result.Trial, m result.Measure, d time.Duration) {
		s := t.Series[0].Latency[m]
		if s.P50NS = set(d); m == result.Lag {
			s.P99NS = set(d)
		}
		t.Series[0].Latency[m] = s
	}
	cpu := func(share float64) func(*result.Trial) {
		return func(t *result.Trial) {
			t.Client.CPUNS = int64(share * float64(t.MeasuredNS) * float64(cores()))
		}
	}
	lose := func(t *result.Trial) {
		t.Fleet.Backends[1].Series = []result.AttemptSeries{{Method: "M", Attempt: 2, Received: 5, Codes: map[string]int64{"OK": 3, "ABORTED": 1}}}
	}
	tests := map[string]struct {
		spoil     func(*result.Trial)
		sentShare float64
		settled   error
		left      int64 // calls under way on the fleet at t0
		isolation string
		target    bool
		code      string // "" is no finding
		verdict   result.Verdict
	}{
		"healthy":                                  {},
		"calls lost":                               {spoil: func(t *result.Trial) { t.Series[0].Calls-- }, code: "books_calls", verdict: result.Invalid},
		"codes lost":                               {spoil: func(t *result.Trial) { delete(t.Series[0].Codes, "ABORTED") }, code: "books_calls", verdict: result.Invalid},
		"fleet received too few":                   {spoil: func(t *result.Trial) { t.Fleet.Backends[0].Attempts["M"] = 58 }, code: "books_attempts", verdict: result.Invalid},
		"fleet missed an unknown":                  {spoil: func(t *result.Trial) { t.Fleet.Backends[1].Attempts["M"] = 39 }},
		"fleet received too many":                  {spoil: func(t *result.Trial) { t.Fleet.Backends[0].Attempts["M"] = 61 }, code: "books_attempts", verdict: result.Invalid},
		"fleet received a method":                  {spoil: func(t *result.Trial) { t.Fleet.Backends[0].Attempts["N"] = 1 }, code: "books_attempts", verdict: result.Invalid},
		"client's method is lost":                  {spoil: func(t *result.Trial) { t.Client.Attempts[0].Method = "N" }, code: "books_attempts", verdict: result.Invalid},
		"fleet lost an answer":                     {spoil: lose, code: "books_fleet", verdict: result.Invalid},
		"fleet lost an answer to a call of before": {spoil: lose, left: 1},
		"fleet lost an answer in flight":           {spoil: func(t *result.Trial) { lose(t); t.Fleet.Backends[1].InFlight = 1 }},
		"fleet busy":                               {settled: errBusy, code: "fleet_busy", verdict: result.Invalid},
		"98.9 % sent":                              {sentShare: 0.989, code: "sent_share", verdict: result.Invalid},
		"99 % sent":                                {sentShare: 0.99},
		"lag 1 ms":                                 {spoil: func(t *result.Trial) { latency(t, result.Lag, time.Millisecond) }},
		"lag 1.1 ms":                               {spoil: func(t *result.Trial) { latency(t, result.Lag, 1100*time.Microsecond) }, code: "lag_p99", verdict: result.Suspect},
		"lag 1.1 ms of slow calls": {spoil: func(t *result.Trial) {
			latency(t, result.Lag, 1100*time.Microsecond)
			latency(t, result.Response, 30*time.Millisecond)
		}},
		"lag 10 ms": {spoil: func(t *result.Trial) { latency(t, result.Lag, 10*time.Millisecond) }, code: "lag_p99", verdict: result.Suspect},
		"lag 11 ms": {spoil: func(t *result.Trial) { latency(t, result.Lag, 11*time.Millisecond) }, code: "lag_p99", verdict: result.Invalid},
		"lag 11 ms of slow calls": {spoil: func(t *result.Trial) {
			latency(t, result.Lag, 11*time.Millisecond)
			latency(t, result.Response, 60*time.Millisecond)
		}, code: "lag_p99", verdict: result.Suspect},
		"no lag in a closed loop": {spoil: func(t *result.Trial) {
			t.Series[0].Loop, t.Series[0].Latency[result.Lag] = result.Closed, result.Summary{}
		}},
		"late messages in a closed loop": {spoil: func(t *result.Trial) {
			t.Series[0].Loop = result.Closed
			latency(t, result.Lag, 2*time.Millisecond)
		}, code: "lag_p99", verdict: result.Suspect},
		// A stream of half a minute whose messages are answered in 2 ms.
		"late messages of long calls": {spoil: func(t *result.Trial) {
			latency(t, result.Response, 30*time.Second)
			latency(t, result.Lag, 20*time.Millisecond)
			t.Series[0].Latency[result.MessageResponse] = result.Summary{Count: 1000, P50NS: set(2 * time.Millisecond)}
		}, code: "lag_p99", verdict: result.Invalid},
		"messages in time of long calls": {spoil: func(t *result.Trial) {
			latency(t, result.Response, 30*time.Second)
			t.Series[0].Latency[result.MessageResponse] = result.Summary{Count: 1000, P50NS: set(2 * time.Millisecond)}
		}},
		"81 % CPU":                {spoil: cpu(0.81), code: "generator_cpu", verdict: result.Suspect},
		"79 % CPU":                {spoil: cpu(0.79)},
		"81 % CPU with the fleet": {spoil: cpu(0.81), isolation: scenario.InProcess},
		"nothing due": {spoil: func(t *result.Trial) {
			t.Series[0].Planned, t.Series[0].Calls, t.Series[0].Codes = 0, 0, nil
		}, code: "no_calls", verdict: result.Invalid},
		"dead target": {spoil: func(t *result.Trial) {
			t.Series[0].Codes, t.Client.Connections, t.Fleet = map[string]int64{"UNAVAILABLE": 100}, 0, nil
		}, target: true, code: "no_connection", verdict: result.Suspect},
		"target that stopped": {spoil: func(t *result.Trial) {
			t.Client.Connections, t.Fleet = 0, nil
			t.Intervals = []result.Interval{{Series: []result.IntervalSeries{{OK: 5}}}, {Second: 1, Series: []result.IntervalSeries{{Failed: 5}}}, {Second: 2}}
		}, target: true, code: "target_lost", verdict: result.Suspect},
		"idle target that has closed its connections": {spoil: func(t *result.Trial) {
			t.Client.Connections, t.Fleet = 0, nil
			t.Intervals = []result.Interval{{Series: []result.IntervalSeries{{OK: 5}}}, {Second: 1}}
		}, target: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			trial := healthy()
			if test.spoil != nil {
				test.spoil(trial)
			}
			fleet := &scenario.Fleet{Isolation: scenario.Process}
			if test.isolation != "" {
				fleet.Isolation = test.isolation
			}
			if test.target {
				fleet = nil
			}
			sent := test.sentShare
			if sent == 0 {
				sent = 1
			}
			reconcile(trial, test.settled, test.left, nil)
			judge(trial, &engine.Outcome{SentShare: sent}, fleet)
			if test.code == "" {
				if trial.Validity.Verdict != result.Valid || len(trial.Validity.Reasons) > 0 {
					t.Errorf("%+v, want nothing", trial.Validity)
				}
				return
			}
			found := false
			for _, r := range trial.Validity.Reasons {
				found = found || r.Code == test.code && r.Verdict == test.verdict
			}
			if !found || trial.Validity.Verdict != test.verdict {
				t.Errorf("%+v, want %s for %s", trial.Validity, test.verdict, test.code)
			}
		})
	}
}

func TestWorstReasonsReachTheRun(t *testing.T) {
	reason := func(verdict result.Verdict, figure float64) result.Trial {
		return result.Trial{Validity: result.Validity{Verdict: verdict, Reasons: []result.Reason{{Code: "lag_p99", Verdict: verdict, Figure: figure, Limit: 1, Detail: "x"}}}}
	}
	r := &result.Result{Variants: []result.Variant{
		{Name: "a", Trials: []result.Trial{reason(result.Suspect, 2), reason(result.Suspect, 5)}},
		{Name: "b", Trials: []result.Trial{reason(result.Invalid, 9), {Block: 1, Validity: valid()}}},
	}}
	summarizeValidity(r)
	want := result.Validity{Verdict: result.Invalid, Reasons: []result.Reason{
		{Code: "lag_p99", Verdict: result.Suspect, Figure: 5, Limit: 1, Detail: "a, block 1: x"},
		{Code: "lag_p99", Verdict: result.Invalid, Figure: 9, Limit: 1, Detail: "b, block 1: x"},
	}}
	if diff := cmp.Diff(want, r.Validity); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	empty := &result.Result{Variants: []result.Variant{{Name: "a"}}}
	summarizeValidity(empty)
	if empty.Validity.Verdict != result.Invalid {
		t.Errorf("a run without trials is %s", empty.Validity.Verdict)
	}
}

func TestStates(t *testing.T) {
	const s = time.Second
	// seconds makes intervals of 100 planned calls from shares that were good
	// and calls in flight.
	seconds := func(good []int64, flight []int64) (out []result.Interval) {
		for i := range good {
			s := result.IntervalSeries{Name: "reads", Planned: 100, InSLO: good[i]}
			if flight != nil {
				s.InFlight = flight[i]
			}
			out = append(out, result.Interval{Second: i, Series: []result.IntervalSeries{s}})
		}
		return out
	}
	all := func(n int64, times int) (out []int64) {
		for range times {
			out = append(out, n)
		}
		return out
	}
	join := func(parts ...[]int64) (out []int64) {
		for _, p := range parts {
			out = append(out, p...)
		}
		return out
	}
	down := func(at, length time.Duration) *scenario.Fleet {
		return &scenario.Fleet{Config: fakeserver.Config{Faults: []fault.Rule{{At: at, For: length, Inject: fault.Inject{Down: &fault.Down{}}}}}}
	}
	flap := func(at, length, every time.Duration) *scenario.Fleet {
		f := down(at, length)
		f.Faults[0].Every = every
		return f
	}
	roll := func(at, length, stagger time.Duration) *scenario.Fleet {
		f := down(at, length)
		f.Backends, f.Faults[0].Stagger = 3, stagger
		return f
	}
	reads := scenario.Load{Name: "reads", Call: "GetUser", Rate: 100}
	ramp, closed, replay, paced, long, sessions := reads, reads, reads, reads, reads, reads
	ramp.Shape.Ramp = &load.Ramp{To: 1, Over: 10 * s}
	closed.Rate, closed.Workers = 0, 100
	replay.Arrivals.Replay = new(load.Replay)
	paced.Call, paced.Messages, paced.Pace = "SyncUsers", 60, &scenario.Pace{Every: 50 * time.Millisecond}
	long.Call, long.Messages = "ListUsers", 30
	sessions.Sessions = &scenario.Sessions{Calls: 4, Think: s}
	grows := []int64{10, 20, 30, 40, 50, 60, 70, 80, 90, 100}
	slow := &scenario.Fleet{Config: fakeserver.Config{Backends: 1, MessageGap: 100 * time.Millisecond}}
	// Besides, something fails now and then throughout.
	flaky := func(f *scenario.Fleet) *scenario.Fleet {
		f.Faults = append(f.Faults, fault.Rule{Inject: fault.Inject{Status: &fault.Status{}}})
		return f
	}
	tests := map[string]struct {
		good, flight []int64
		load         *scenario.Load // reads when left out
		fleet        *scenario.Fleet
		dropped      int64
		want         result.State
	}{
		"steady":                     {good: all(100, 10), flight: all(5, 10), want: result.Steady},
		"few more in flight":         {good: all(100, 10), flight: join(all(2, 5), all(8, 5)), want: result.Steady},
		"in flight grows":            {good: all(100, 10), flight: grows, want: result.Saturated},
		"grows as chance has it":     {good: all(100, 10), flight: []int64{3, 0, 9, 2, 7, 14, 5, 38, 20, 31}, want: result.Steady},
		"grows with the load":        {good: all(100, 10), flight: grows, load: &ramp, want: result.Steady},
		"grows with the workers":     {good: all(100, 10), flight: grows, load: &closed, want: result.Steady},
		"grows as it was recorded":   {good: all(100, 10), flight: grows, load: &replay, want: result.Steady},
		"grows for long streams":     {good: all(100, 10), flight: grows, load: &paced, want: result.Steady},
		"grows for slow answers":     {good: all(100, 10), flight: grows, load: &long, fleet: slow, want: result.Steady},
		"grows, answers not as slow": {good: all(100, 10), flight: grows, load: &long, want: result.Saturated},
		"grows for long sessions":    {good: all(100, 10), flight: grows, load: &sessions, want: result.Steady},
		"at the cap":                 {good: all(100, 10), flight: all(50, 10), dropped: 20, want: result.Saturated},
		"a few dropped":              {good: all(100, 10), flight: all(50, 10), dropped: 10, want: result.Steady},
		"fault to the end":           {good: all(50, 10), fleet: down(2*s, 0), want: result.InFault},
		"fault over the end":         {good: all(50, 10), fleet: down(8*s, 5*s), want: result.InFault},
		"fault before the start":     {good: all(100, 10), flight: all(5, 10), fleet: down(-2*s, s), want: result.Steady},
		"recovered":                  {good: join(all(100, 2), all(40, 2), all(100, 6)), fleet: down(2*s, 2*s), want: result.Recovered},
		"recovered to what was":      {good: join(all(80, 2), all(40, 2), all(78, 6)), fleet: down(2*s, 2*s), want: result.Recovered},
		"not recovered":              {good: join(all(100, 2), all(40, 2), all(90, 6)), fleet: down(2*s, 2*s), want: result.NotRecovered},
		"not recovered by two lucky": {good: join(all(100, 2), all(40, 6), all(100, 2)), fleet: down(2*s, 2*s), want: result.NotRecovered},
		"too late to tell":           {good: join(all(100, 5), all(40, 5)), fleet: down(5*s, 4500*time.Millisecond), want: result.InFault},
		"from the start, then well":  {good: join(all(40, 3), all(100, 7)), fleet: down(0, 3*s), want: result.Recovered},
		"flaps into the end":         {good: all(100, 10), fleet: flap(-s, 500*time.Millisecond, 1500*time.Millisecond), want: result.InFault},
		"flaps, the last one over":   {good: join(all(100, 2), all(40, 7), all(100, 5)), fleet: flap(2*s, s, 6*s), want: result.Recovered},
		"flaps, then never well":     {good: join(all(100, 2), all(40, 8)), fleet: flap(2*s, s, 4*s), want: result.NotRecovered},
		"rolls into the end":         {good: all(100, 10), fleet: roll(2*s, s, 3500*time.Millisecond), want: result.InFault},
		"rolled":                     {good: join(all(100, 2), all(40, 5), all(100, 5)), fleet: roll(2*s, s, 2*s), want: result.Recovered},
		"flaky":                      {good: all(90, 10), flight: all(5, 10), fleet: flaky(&scenario.Fleet{}), want: result.Steady},
		"flaky, in flight grows":     {good: all(90, 10), flight: grows, fleet: flaky(&scenario.Fleet{}), want: result.Saturated},
		"flaky, recovered":           {good: join(all(90, 2), all(40, 2), all(90, 6)), fleet: flaky(down(2*s, 2*s)), want: result.Recovered},
		"flaky, not recovered":       {good: join(all(90, 2), all(40, 2), all(80, 6)), fleet: flaky(down(2*s, 2*s)), want: result.NotRecovered},
		"from the start, never well": {good: all(40, 10), fleet: down(0, 3*s), want: result.NotRecovered},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			trial := &result.Trial{
				MeasuredNS: int64(len(test.good)) * int64(s), Intervals: seconds(test.good, test.flight),
				Series: []result.Series{{Planned: 1000, Dropped: test.dropped}},
			}
			l := &reads
			if test.load != nil {
				l = test.load
			}
			if got := state(trial, test.fleet, []scenario.Load{*l}, falseAlarms); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// A mismatch says where it is: the load entry, its method, the attempt, the backend.
func TestReconcileNamesTheSeries(t *testing.T) {
	trial := &result.Trial{
		Series: []result.Series{{Name: "reads", Method: "user.v1.UserService/GetUser"}, {Name: "more", Method: "user.v1.UserService/GetUser"}},
		Fleet: &result.Fleet{Backends: []result.Backend{{Name: "b0", Attempts: map[string]int64{"user.v1.UserService/GetUser": 5, "x.Y/Z": 1},
			Series: []result.AttemptSeries{{Method: "user.v1.UserService/GetUser", Attempt: 2, Received: 5, Codes: map[string]int64{"OK": 4}}}}}},
	}
	reconcile(trial, nil, 0, nil)
	want := []string{
		"reads, more (user.v1.UserService/GetUser), attempt 2 on b0: received 5, ended 4",
		"reads, more (user.v1.UserService/GetUser): the fleet received 5 attempts; by the client's count it was 0 to 0",
		"x.Y/Z: the fleet received 1 attempts; by the client's count it was 0 to 0",
	}
	var got []string
	for _, r := range trial.Validity.Reasons {
		got = append(got, r.Detail)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestRecovery: how long after the fault goodput is back, and stays so.
func TestRecovery(t *testing.T) {
	for _, c := range []struct {
		what string
		good []int64 // of 100 in each second; the fault is from 2 to 4 s
		want int64   // seconds after the fault, -1 is not, -2 never
	}{
		{"at once", []int64{98, 98, 0, 0, 98, 98, 98, 98, 98}, 0},
		{"after three seconds", []int64{98, 98, 0, 0, 0, 10, 60, 98, 98, 98, 97, 98}, 3},
		{"a dip on the way", []int64{98, 98, 0, 0, 98, 98, 10, 98, 98, 98, 98, 98}, 3},
		{"a small dip afterwards", []int64{98, 98, 0, 0, 98, 98, 98, 80, 98, 98, 98, 98}, 0},
		{"a relapse", []int64{98, 98, 0, 0, 98, 98, 98, 0, 0, 0, 0}, -1},
		{"two seconds of luck at the end", []int64{98, 98, 0, 0, 0, 0, 0, 0, 98, 98}, -1},
		{"never", []int64{98, 98, 0, 0, 0, 0, 5, 0, 0}, -1},
		{"never within a minute", append([]int64{98, 98}, make([]int64, 62)...), -2},
		{"nothing was good before", []int64{0, 0, 0, 0, 0, 0, 0, 0, 0}, -1},
	} {
		var intervals []result.Interval
		for i, n := range c.good {
			intervals = append(intervals, result.Interval{Second: i, Series: []result.IntervalSeries{{Planned: 100, InSLO: n}}})
		}
		trial := &result.Trial{MeasuredNS: int64(len(c.good)) * int64(time.Second), Intervals: intervals}
		is := state(trial, &scenario.Fleet{Config: fakeserver.Config{Faults: []fault.Rule{
			{At: 2 * time.Second, For: 2 * time.Second, Inject: fault.Inject{Down: &fault.Down{}}}}}}, nil, falseAlarms)
		got := int64(-1)
		if trial.RecoveryNS != nil {
			got = *trial.RecoveryNS / int64(time.Second)
		}
		want := result.Recovered
		switch c.want {
		case -1:
			want = result.NotRecovered
		case -2:
			want = result.Metastable
		}
		if is != want || got != max(c.want, -1) {
			t.Errorf("%s: %s, back after %d s, want %s, %d s", c.what, is, got, want, c.want)
		}
	}
}

// Attempts that the client made and the fleet had not received may come later.
func TestLateAttempts(t *testing.T) {
	client := []clientcore.AttemptCount{
		{Method: "M", Backend: "b0", Picked: 7, Answered: 4, Unknown: 2}, {Method: "M", Backend: "b1", Picked: 3, Answered: 3}, {Method: "N", Picked: 1, Answered: 1},
	}
	fleet := fakeserver.Snapshot{Backends: []fakeserver.BackendSnapshot{
		{Attempts: map[string]int64{"M": 5}}, {Attempts: map[string]int64{"M": 3, "N": 1}}}}
	late := lateAttempts(client, fleet)
	if diff := cmp.Diff(map[string]int64{"M": 1}, late); diff != "" {
		t.Error(diff)
	}
	for n, verdict := range map[int64]result.Verdict{10: result.Valid, 11: result.Valid, 12: result.Invalid} {
		trial := healthy()
		trial.Client.Attempts = []result.AttemptCount{{Method: "M", Answered: 9, Unknown: 1}}
		trial.Fleet.Backends = []result.Backend{{Name: "b0", Attempts: map[string]int64{"M": n}}}
		reconcile(trial, nil, 0, late)
		if trial.Validity.Verdict != verdict {
			t.Errorf("%d received: %v", n, trial.Validity)
		}
	}
}
