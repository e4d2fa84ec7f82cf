package run

import (
	"fmt"
	"slices"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/engine"
)

// The limits beyond which a measurement is not fit to act on.
const (
	minSentShare    = 0.99
	maxGeneratorCPU = 0.80

	lagSuspect      = time.Millisecond
	lagSuspectShare = 0.05 // of the response p50
	lagInvalid      = 10 * time.Millisecond
	lagInvalidShare = 0.20
)

// valid is a verdict with nothing against it; its reasons are a list in JSON
// all the same.
func valid() result.Validity {
	return result.Validity{Verdict: result.Valid, Reasons: []result.Reason{}}
}

// judge adds to the trial's validity what the generator itself did wrong. An
// interrupted trial is judged by the same rules.
func judge(t *result.Trial, o *engine.Outcome, fleet *scenario.Fleet) {
	if o.SentShare < minSentShare {
		t.Validity.Add(result.Reason{
			Code: "sent_share", Verdict: result.Invalid, Figure: o.SentShare, Limit: minSentShare,
			Detail: fmt.Sprintf("only %.2f %% of the planned calls were made: raise max_in_flight, or offer less", 100*o.SentShare),
		})
	}
	var planned, ok int64
	for i := range t.Series {
		judgeLag(&t.Validity, &t.Series[i])
		planned += t.Series[i].Planned
		ok += t.Series[i].OK()
	}
	if planned == 0 {
		t.Validity.Add(result.Reason{
			Code: "no_calls", Verdict: result.Invalid, Figure: 0, Limit: 1,
			Detail: "no call was due: measure for longer, or offer more",
		})
	}
	if fleet == nil && planned > 0 && ok == 0 && t.Client.Connections == 0 {
		t.Validity.Add(result.Reason{
			Code: "no_connection", Verdict: result.Suspect, Figure: 0, Limit: 1,
			Detail: "the target was not connected when the measurement ended, and no call succeeded: is it the right address?",
		})
	}
	if since := lostSince(t); fleet == nil && ok > 0 && t.Client.Connections == 0 && since >= 0 {
		t.Validity.Add(result.Reason{
			Code: "target_lost", Verdict: result.Suspect, Figure: float64(since),
			Detail: fmt.Sprintf("the target was not connected when the measurement ended, and from second %d on no call succeeded: did it stop?", since),
		})
	}
	// With the fleet in this process the two cannot be told apart.
	shared := fleet != nil && fleet.Isolation == scenario.InProcess
	if cpu := generatorCPU(t); cpu > maxGeneratorCPU && !shared {
		t.Validity.Add(result.Reason{
			Code: "generator_cpu", Verdict: result.Suspect, Figure: cpu, Limit: maxGeneratorCPU,
			Detail: fmt.Sprintf("the load generator used %.0f %% of its cores: it may be what was measured", 100*cpu),
		})
	}
}

// lostSince is the first second from which on calls failed and none ended OK; -1 is
// none.
func lostSince(t *result.Trial) int {
	since := -1
	for i := range slices.Backward(t.Intervals) {
		var ok, failed int64
		for _, s := range t.Intervals[i].Series {
			ok, failed = ok+s.OK, failed+s.Failed
		}
		if ok > 0 {
			break
		}
		if failed > 0 {
			since = t.Intervals[i].Second
		}
	}
	return since
}

// judgeLag compares how late calls were dispatched with how long they took, and
// so with paced messages: a call of those takes as long as their plan says, which
// excuses nothing. A closed loop has lag where its messages are paced.
func judgeLag(v *result.Validity, s *result.Series) {
	lag := s.Latency[result.Lag].P99NS
	if lag == nil {
		return
	}
	left := "calls"
	if s.Latency[result.Lag].Count > s.Calls {
		left = "messages"
	}
	p50 := medianOf(s, result.Response)
	if m := medianOf(s, result.MessageResponse); m > 0 && (m < p50 || p50 == 0) {
		p50 = m
	}
	verdict := result.Valid
	limit := max(lagInvalid, share(p50, lagInvalidShare))
	if time.Duration(*lag) > limit {
		verdict = result.Invalid
	} else if limit = max(lagSuspect, share(p50, lagSuspectShare)); time.Duration(*lag) > limit {
		verdict = result.Suspect
	}
	if verdict != result.Valid {
		v.Add(result.Reason{
			Code: "lag_p99", Verdict: verdict, Figure: float64(*lag), Limit: float64(limit),
			Detail: s.Name + ": " + left + " left late",
		})
	}
}

// medianOf is a measure's p50, 0 where that is not known.
func medianOf(s *result.Series, m result.Measure) time.Duration {
	if p := s.Latency[m].P50NS; p != nil {
		return time.Duration(*p)
	}
	return 0
}

func share(d time.Duration, s float64) time.Duration { return time.Duration(float64(d) * s) }

// generatorCPU is the share of its cores that this process used during the
// measurement; 0 when that was not read.
func generatorCPU(t *result.Trial) float64 {
	if t.MeasuredNS == 0 {
		return 0
	}
	return float64(t.Client.CPUNS) / float64(t.MeasuredNS) / float64(cores())
}

// summarizeValidity gives the run the worst verdict of its trials, and each
// reason once, with its worst figure.
func summarizeValidity(res *result.Result) {
	worst := map[string]result.Reason{}
	var order []string
	trials := 0
	res.Validity = valid()
	for _, v := range res.Variants {
		trials += len(v.Trials)
		for _, t := range v.Trials {
			for _, reason := range t.Validity.Reasons {
				reason.Detail = fmt.Sprintf("%s, block %d: %s", v.Name, t.Block+1, reason.Detail)
				key := reason.Code + string(reason.Verdict)
				have, seen := worst[key]
				if !seen {
					order = append(order, key)
				}
				if !seen || excess(reason) > excess(have) {
					worst[key] = reason
				}
			}
		}
	}
	for _, key := range order {
		res.Validity.Add(worst[key])
	}
	if trials == 0 {
		res.Validity.Add(result.Reason{Code: "nothing_measured", Verdict: result.Invalid, Figure: 0, Limit: 1, Detail: "no trial was measured"})
	}
}

// excess is how far a figure is from its limit, either way.
func excess(r result.Reason) float64 {
	if r.Limit == 0 {
		return r.Figure
	}
	if r.Figure > r.Limit {
		return r.Figure / r.Limit
	}
	return r.Limit / max(r.Figure, 1e-9)
}
