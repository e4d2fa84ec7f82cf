package reports

import (
	"fmt"
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
)

// nasty is text that a server or a document might hold to take over a terminal
// or a document.
const nasty = "\x1b[31m|evil|\r\n\u202egnp.exe\u202c `x` <script>\\ \x00\xff\u009b2J **b** [l](http://x) 漢字 ```"

// hostile has nasty text wherever text comes from outside.
func hostile(t testing.TB) *result.Result {
	r := outage(t)
	r.Scenario.Name, r.Scenario.File = nasty, nasty
	r.Scenario.Dimensions[0] = result.Dimension{Name: nasty, Values: []string{nasty, nasty + "2"}, Baseline: nasty}
	r.Variants = r.Variants[:2]
	r.Validity.Add(result.Reason{Code: nasty, Verdict: nasty, Figure: 1, Limit: 2, Detail: nasty})
	for i := range r.Variants {
		v := &r.Variants[i]
		v.Loads[0].Name, v.Loads[0].Arrivals = nasty, nasty
		v.Faults[0].Name, v.Faults[0].Kind = nasty, nasty
		// They differ, so that notes say so.
		v.Loads[0].RatePerS += float64(i)
		v.Faults[0].AtNS += int64(i) * 1e9
		v.Name, v.Settings = nasty, map[string]string{nasty: r.Scenario.Dimensions[0].Values[i]}
		for j := range v.Trials {
			v.Trials[j].State = nasty
			s := &v.Trials[j].Series[0]
			s.Name, s.Method, s.Kind = nasty, "a/"+nasty, nasty
			s.Codes[nasty] = s.Codes["UNAVAILABLE"]
			delete(s.Codes, "UNAVAILABLE")
			for k := range s.Errors {
				s.Errors[k].Message, s.Errors[k].Code, s.Errors[k].Origin = nasty, nasty, nasty
			}
			for k := range v.Trials[j].Intervals {
				v.Trials[j].Intervals[k].Series[0].Name = nasty
			}
			for k := range v.Trials[j].Exemplars {
				e := &v.Trials[j].Exemplars[k]
				e.Series, e.Code, e.Message = nasty, nasty, nasty
				for l := range e.Attempts {
					e.Attempts[l].Backend, e.Attempts[l].Code = nasty, nasty
				}
			}
		}
	}
	return r
}

// wide has more dimensions, with longer values, than a terminal has room for.
func wide(t testing.TB) *result.Result {
	r := outage(t)
	r.Scenario.Dimensions = nil
	for i := range 5 {
		name := fmt.Sprintf("client.methods.GetUser.setting_number_%d", i)
		r.Scenario.Dimensions = append(r.Scenario.Dimensions, result.Dimension{Name: name, Baseline: "a value that is rather long: 0"})
		for j := range r.Variants {
			if r.Variants[j].Settings == nil {
				r.Variants[j].Settings = map[string]string{}
			}
			r.Variants[j].Settings[name] = fmt.Sprintf("a value that is rather long: %d", j)
		}
	}
	return r
}

// long has one dimension whose values differ at the end only.
func long(t testing.TB) *result.Result {
	r := outage(t)
	for i := range r.Variants {
		r.Variants[i].Settings["backoff"] = "the_policy_of_the_payments_team_as_of_the_last_review_" + r.Scenario.Dimensions[0].Values[i]
	}
	r.Scenario.Dimensions[0].Baseline = r.Variants[0].Settings["backoff"]
	return r
}
