package reports

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// livePageOf is the live page of a result at a moment.
func livePageOf(t *testing.T, r *result.Result, m *Moment) (text, policy string) {
	t.Helper()
	l, err := NewLive(r)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := l.Page(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.String(), l.Policy()
}

// moment is one in the middle of a trial of the result's n-th variant.
func moment(r *result.Result, n, seconds int) *Moment {
	v := &r.Variants[n]
	m := &Moment{
		Variant: v.Name, Block: 1, Blocks: 2, Trial: 1, Trials: 2 * len(r.Variants), Phase: "measuring", Measuring: true,
		Elapsed: 5 * time.Second, Remaining: 15 * time.Second, Lasted: time.Second, Responses: map[string]*result.Histogram{},
	}
	for i := range seconds {
		in := result.Interval{Second: i}
		for _, l := range v.Loads {
			h := result.NewHistogram()
			for k := range 100 {
				h.Record(int64(k+1) * 1e6)
			}
			if m.Responses[l.Name] == nil {
				m.Responses[l.Name] = result.NewHistogram()
			}
			m.Responses[l.Name].Merge(h)
			in.Series = append(in.Series, result.IntervalSeries{Name: l.Name, Planned: 110, OK: 100, InSLO: 90, Failed: 10, Attempts: 120, InFlight: 4, P99NS: 99e6, Spread: h.Spread()})
		}
		m.Seconds = append(m.Seconds, in)
	}
	if seconds > 0 {
		m.Second = &m.Seconds[seconds-1]
	}
	return m
}

// A live page loads nothing but its own events, and runs no script but its own,
// whatever servers and documents say.
func TestLiveIsSelfContained(t *testing.T) {
	for name, r := range map[string]*result.Result{"charted": charted(t), "hostile": hostileEverywhere(t), "never": never(t), "interrupted": interrupted(t)} {
		m := moment(r, 0, 3)
		m.Variant = r.Variants[0].Name
		if name == "hostile" {
			m.Where = `<img src=x onerror=alert(1)>`
		}
		for _, ended := range []bool{false, true} {
			m.Ended = ended
			text, policy := livePageOf(t, r, m)
			scripts := inScript.FindAllStringSubmatch(text, -1)
			if len(scripts) != 1 || strings.Count(text, "<script") != 1 {
				t.Fatalf("%s: %d scripts", name, len(scripts))
			}
			hash := sha256.Sum256([]byte(scripts[0][1]))
			if want := "script-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'"; !strings.HasPrefix(policy, "default-src 'none'; ") || !strings.Contains(policy, want) {
				t.Errorf("%s: the policy does not name the script: %s", name, policy)
			}
			if found := regexp.MustCompile(`(?i)<(link|img|iframe|object|embed|base|audio|video)\b|<[a-z][^<>]*\s(src|href|srcset|action|on[a-z]+)=|url\(|@import`).FindString(text); found != "" {
				t.Errorf("%s: the page has %q", name, found)
			}
		}
	}
}

// The line of the trial under way is as long as the trial, ends in a dot at its
// last second, and stands in the table's colour.
func TestLiveGrows(t *testing.T) {
	r := charted(t)
	l, err := NewLive(r)
	if err != nil {
		t.Fatal(err)
	}
	length := int(r.Scenario.MeasureNS / 1e9)
	for _, n := range []int{1, 4} {
		plots, err := l.Plots(moment(r, 2, n))
		if err != nil {
			t.Fatal(err)
		}
		text := plots["t0-plots"]
		dot := fmt.Sprintf(`<path class="e s2 now r2" d="M%d `, int(float64(2*n-1)/2/float64(length)*10000+0.5))
		if got := strings.Count(text, dot); got != 6 {
			t.Errorf("after %d s: %d of 6 lines end in %s", n, got, dot)
		}
		if lines := strings.Count(text, `class="l s2 now r2"`); lines != 7 { // with the spectrum
			t.Errorf("after %d s: %d lines", n, lines)
		}
		if !strings.Contains(text, ", now</title>") {
			t.Error("the line is not named")
		}
	}
	now, err := l.Now(moment(r, 2, 4))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"110 <small>/s</small></b><span>calls due", "99.0 <small>ms</small></b><span>p99", "1.09 <small>a call", "0:05 elapsed, 0:15 left", `style="width:25%"`, `class="running"`} {
		if !strings.Contains(now, want) {
			t.Errorf("it lacks %q:\n%s", want, now)
		}
	}
}

// A variant has its colour from the first, whichever is measured first.
func TestLiveColoursStay(t *testing.T) {
	r := charted(t)
	for i := range r.Variants {
		if i < 2 {
			r.Variants[i].Trials = nil
		}
	}
	r.Partial = true
	text, _ := livePageOf(t, r, moment(r, 1, 4))
	for _, want := range []string{
		`<span class="swatch s3"></span>`, `class="l s3 r3"`, `class="l s1 now r1"`, `id="t0-0"`, `id="t0-3"`, "body:has(#t0-3:not(:checked)) #t0 .r3{display:none}",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(text, "interrupted") {
		t.Error("a run that goes on is called interrupted")
	}
}
