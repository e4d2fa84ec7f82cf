package reports

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// The elements and attributes that JUnit readers agree on, in the order that
// the usual schemas ask for.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		ID         int             `xml:"id,attr"`
		Package    string          `xml:"package,attr"`
		Name       string          `xml:"name,attr"`
		Timestamp  string          `xml:"timestamp,attr"` // ISO 8601 in UTC, without a zone
		Hostname   string          `xml:"hostname,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       string          `xml:"time,attr"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
		Out        string          `xml:"system-out"`
		Err        string          `xml:"system-err"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Time    string        `xml:"time,attr"`
		Skipped *junitSkipped `xml:"skipped"`
		Error   *junitProblem `xml:"error"`
		Failure *junitProblem `xml:"failure"`
	}
	junitSkipped struct {
		Message string `xml:"message,attr"`
	}
	junitProblem struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes a test suite for each result. Its cases are what the run says
// of itself: that the whole plan was measured, and each trial's verdict, where
// INVALID is an error and a trial that was cut short is skipped. SUSPECT
// passes, as it does in the exit code. Then comes a case for each gate. The
// table is the suite's output.
func JUnit(w io.Writer, results []*result.Result, _ Options) error {
	all := junitSuites{Name: "grpcbench"}
	var took time.Duration
	for i, r := range results {
		s, err := junitSuiteOf(r)
		if err != nil {
			return err
		}
		s.ID = i
		all.Tests, all.Failures, all.Errors = all.Tests+s.Tests, all.Failures+s.Failures, all.Errors+s.Errors
		took += time.Duration(r.ElapsedNS)
		all.Suites = append(all.Suites, s)
	}
	all.Time = junitTime(int64(took))
	text, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the JUnit report: %w", err)
	}
	if _, err := io.WriteString(w, xml.Header+string(text)+"\n"); err != nil {
		return fmt.Errorf("writing the JUnit report: %w", err)
	}
	return nil
}

func junitSuiteOf(r *result.Result) (junitSuite, error) {
	name := clean(scenarioName(r))
	verdict, _ := judged(r)
	s := junitSuite{
		Package: "grpcbench", Name: name, Hostname: "localhost", Time: junitTime(r.ElapsedNS),
		Timestamp: r.Started.UTC().Format("2006-01-02T15:04:05"),
		Properties: []junitProperty{
			{"seed", strconv.FormatUint(r.Seed, 10)}, {"scenario.sha256", clean(r.Scenario.SHA256)},
			{"verdict", verdict},
		},
	}
	for _, key := range sorted(r.Labels) {
		s.Properties = append(s.Properties, junitProperty{"label." + clean(key), clean(r.Labels[key])})
	}
	s.add(junitPlan(r, name))
	for i := range r.Variants {
		v := &r.Variants[i]
		for j := range v.Trials {
			s.add(junitTrial(name, v, &v.Trials[j]))
		}
		if len(v.Trials) == 0 && r.Capacity == nil {
			s.add(junitCase{
				Name: clean(v.Name) + " is measured", Class: name + ".measurement", Time: junitTime(0),
				Skipped: &junitSkipped{"no trial of it was run"},
			})
		}
	}
	for _, g := range gateTexts(r) {
		s.add(junitGate(name, g))
	}
	var out strings.Builder
	if err := Table(&out, r, Options{Columns: richColumns}); err != nil {
		return s, err
	}
	s.Out = out.String()
	return s, nil
}

// add appends a case and counts it.
func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Error != nil:
		s.Errors++
	case c.Failure != nil:
		s.Failures++
	case c.Skipped != nil:
		s.Skipped++
	}
}

// junitPlan is the case of the run as a whole.
func junitPlan(r *result.Result, suite string) junitCase {
	c := junitCase{Name: "the whole plan is measured", Class: suite + ".measurement", Time: junitTime(r.ElapsedNS)}
	if lines := banner(r); len(lines) > 0 {
		c.Error = &junitProblem{Message: "the result is partial", Type: "PARTIAL", Text: strings.Join(lines, "\n")}
	}
	return c
}

// junitTrial is the case of one trial.
func junitTrial(suite string, v *result.Variant, t *result.Trial) junitCase {
	c := junitCase{
		Name: clean(v.Name) + ", trial " + strconv.Itoa(t.Index+1) + " is fit to act on", Class: suite + ".measurement",
		Time: junitTime(t.MeasuredNS),
	}
	switch {
	case result.Worst(t.Validity.Verdict, result.Suspect) == result.Invalid:
		var reasons []string
		for _, reason := range t.Validity.Reasons {
			reasons = append(reasons, reasonText(reason))
		}
		message := "the measurement is INVALID"
		if len(reasons) > 0 {
			message = reasons[0]
		}
		c.Error = &junitProblem{Message: message, Type: "INVALID", Text: strings.Join(reasons, "\n")}
	case t.Partial:
		c.Skipped = &junitSkipped{"interrupted during its measurement"}
	}
	return c
}

// junitTime writes seconds.
func junitTime(ns int64) string {
	return strconv.FormatFloat(max(0, time.Duration(ns).Seconds()), 'f', 3, 64)
}
