package reports

import (
	"bytes"
	"encoding/xml"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
)

// A gate is one case: failed is a failure, inconclusive is skipped, not judged is
// an error.
func TestGatesAreJUnitCases(t *testing.T) {
	r := gated(t)
	r.Gates[4].Outcome, r.Gates[4].Reason = result.GateNotJudged, "the measurement is INVALID"
	text := render(t, formatNamed("junit").Render, r, Options{})
	cases := checkJUnit(t, text)
	for name, want := range map[string]string{
		"in_slo{variant=exponential} > 99%": "", "p99 < 100ms": "failure", "p99 <= baseline + 5%": "skipped",
		"errors <= @main + 0.1pp": "skipped", "imbalance{variant=fixed} < 1.5": "error",
	} {
		one, ok := cases[name]
		got := ""
		for _, child := range one.Children {
			got = child.XMLName.Local
		}
		if !ok || got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if !strings.Contains(text, "backoff=none reads: lands on failed calls, must be &lt; 100 ms") {
		t.Errorf("the failure does not say why:\n%s", text)
	}
}

// junitElement is any element of a report, for the check of its structure.
type junitElement struct {
	XMLName  xml.Name
	Attrs    []xml.Attr     `xml:",any,attr"`
	Children []junitElement `xml:",any"`
	Text     string         `xml:",chardata"`
}

// junitSchema is what the usual schema files (of Jenkins and of Ant) say: which
// attributes an element must and may have, and its children in order.
var junitSchema = map[string]struct{ must, may, children string }{
	"testsuites": {"", "name tests failures errors time disabled", "testsuite"},
	"testsuite":  {"name timestamp hostname tests failures errors time", "id package skipped", "properties testcase system-out system-err"},
	"properties": {"", "", "property"},
	"property":   {"name value", "", ""},
	"testcase":   {"name classname time", "", "skipped error failure"},
	"skipped":    {"", "message", ""},
	"error":      {"type", "message", ""},
	"failure":    {"type", "message", ""},
	"system-out": {"", "", ""},
	"system-err": {"", "", ""},
}

// checkJUnit validates a report, and returns its cases by name.
func checkJUnit(t *testing.T, text string) map[string]junitElement {
	t.Helper()
	var root junitElement
	if err := xml.Unmarshal([]byte(text), &root); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	if root.XMLName.Local != "testsuites" {
		t.Errorf("the root is %s", root.XMLName.Local)
	}
	cases := map[string]junitElement{}
	var check func(junitElement)
	check = func(e junitElement) {
		name := e.XMLName.Local
		rule, known := junitSchema[name]
		if !known {
			t.Errorf("no such element: %s", name)
			return
		}
		attrs := map[string]string{}
		for _, a := range e.Attrs {
			attrs[a.Name.Local] = a.Value
			if !slices.Contains(strings.Fields(rule.must+" "+rule.may), a.Name.Local) {
				t.Errorf("%s may not have %s", name, a.Name.Local)
			}
		}
		for _, a := range strings.Fields(rule.must) {
			if _, there := attrs[a]; !there {
				t.Errorf("%s lacks %s", name, a)
			}
		}
		if at, there := attrs["timestamp"]; there && !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$`).MatchString(at) {
			t.Errorf("timestamp %q", at)
		}
		for _, a := range []string{"tests", "failures", "errors", "skipped", "time", "id"} {
			if v, there := attrs[a]; there {
				if n, err := strconv.ParseFloat(v, 64); err != nil || n < 0 {
					t.Errorf("%s %s=%q", name, a, v)
				}
			}
		}
		order := strings.Fields(rule.children)
		at := 0
		n := map[string]int{}
		for _, c := range e.Children {
			i := slices.Index(order, c.XMLName.Local)
			if i < at {
				t.Errorf("%s in %s: not here", c.XMLName.Local, name)
			}
			at = max(at, i)
			n[c.XMLName.Local]++
			for _, g := range c.Children {
				if c.XMLName.Local == "testcase" {
					n[g.XMLName.Local]++
				}
			}
			check(c)
		}
		switch name {
		case "testsuite":
			for attr, child := range map[string]string{"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"} {
				if attrs[attr] != strconv.Itoa(n[child]) {
					t.Errorf("%s=%s and there are %d", attr, attrs[attr], n[child])
				}
			}
		case "testcase":
			if len(e.Children) > 1 {
				t.Errorf("%q has %d outcomes", attrs["name"], len(e.Children))
			}
			cases[attrs["name"]] = e
		}
	}
	check(root)
	return cases
}

func TestJUnit(t *testing.T) {
	outcome := func(cases map[string]junitElement, name string) string {
		e, there := cases[name]
		switch {
		case !there:
			return "missing"
		case len(e.Children) == 0:
			return "passed"
		}
		c := e.Children[0]
		out := c.XMLName.Local
		for _, a := range c.Attrs {
			out += " " + a.Value
		}
		return out
	}
	cases := checkJUnit(t, render(t, formatNamed("junit").Render, interrupted(t), Options{}))
	for name, want := range map[string]string{
		"the whole plan is measured":                    "error the result is partial PARTIAL",
		"backoff=none, trial 1 is fit to act on":        "passed",
		"backoff=fixed, trial 1 is fit to act on":       "error INVALID: lag_p99 14.2 ms (limit 10 ms): backoff=fixed, block 1: reads: calls left late by up to 14.2ms (p99); the limit is 10ms INVALID",
		"backoff=fixed, trial 4 is fit to act on":       "skipped interrupted during its measurement",
		"backoff=exponential is measured":               "skipped no trial of it was run",
		"backoff=exponential, trial 1 is fit to act on": "missing",
	} {
		if got := outcome(cases, name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if len(cases) != 1+7+4+3+1 {
		t.Errorf("%d cases", len(cases))
	}
	// SUSPECT passes, and two results are two suites.
	var out bytes.Buffer
	if err := JUnit(&out, []*result.Result{single(t), outage(t)}, Options{}); err != nil {
		t.Fatal(err)
	}
	cases = checkJUnit(t, out.String())
	if got := outcome(cases, "default, trial 1 is fit to act on"); got != "passed" || strings.Count(out.String(), "<testsuite ") != 2 {
		t.Errorf("%s:\n%s", got, out.String())
	}
}
