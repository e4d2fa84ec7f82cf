package reports

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/reports/result"
)

var (
	inStyle  = regexp.MustCompile(`(?s)<style>.*?</style>`)
	inScript = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
	inPolicy = regexp.MustCompile(`sha256-[^&']+`)
)

// The page's own words and plots, without its style and script.
func TestHTMLGolden(t *testing.T) {
	text := render(t, HTML, charted(t), Options{})
	text = inStyle.ReplaceAllString(text, "<style>…</style>")
	text = inScript.ReplaceAllString(text, "<script>…</script>")
	golden(t, "charted.html", []byte(inPolicy.ReplaceAllString(text, "sha256-…")))
}

func TestSVGGoldens(t *testing.T) {
	texts := documents(t, charted(t))
	for _, name := range []string{"spectrum", "p99", "heatmap.backoff=none", "backends"} {
		text, there := texts["svg/"+name]
		if !there {
			t.Fatalf("no plot %s", name)
		}
		golden(t, "charted."+name+".svg", []byte(inStyle.ReplaceAllString(text, "<style>…</style>")))
	}
}

// A page loads nothing, whatever is in it, and runs no script but its own.
func TestHTMLIsSelfContained(t *testing.T) {
	for name, r := range map[string]*result.Result{"charted": charted(t), "hostile": hostileEverywhere(t), "never": never(t)} {
		text := render(t, HTML, r, Options{})
		scripts := inScript.FindAllStringSubmatch(text, -1)
		if len(scripts) != 1 {
			t.Fatalf("%s: %d scripts", name, len(scripts))
		}
		hash := sha256.Sum256([]byte(scripts[0][1]))
		policy := "script-src &#39;sha256-" + strings.ReplaceAll(base64.StdEncoding.EncodeToString(hash[:]), "+", "&#43;") + "&#39;"
		if !strings.Contains(text, "default-src &#39;none&#39;") || !strings.Contains(text, policy) {
			t.Errorf("%s: the policy does not name the script: %s", name, text[:1200])
		}
		if found := regexp.MustCompile(`(?i)<(link|img|iframe|object|embed|base|audio|video)\b|<[a-z][^<>]*\s(src|href|srcset|action)=|url\(|@import`).FindString(text); found != "" {
			t.Errorf("%s: the page has %q", name, found)
		}
		if strings.Contains(text, "<script>\\") || strings.Count(text, "<script") != 1 {
			t.Errorf("%s: a script got in", name)
		}
	}
}

// A variant's box and what it hides belong together, with JavaScript or not.
func TestHTMLHidesByStyle(t *testing.T) {
	text := render(t, HTML, charted(t), Options{})
	for _, want := range []string{
		`<input type="checkbox" id="t0-3" checked>`, "body:has(#t0-3:not(:checked)) #t0 .r3{display:none}",
		`class="l s3 r3"`, `class="b s3 r3"`, `<figure class="r3">`, `<g class="s3 r3">`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// Faults are shaded, failed quantiles rise to the top, and both are explained.
func TestHTMLExplains(t *testing.T) {
	text := render(t, HTML, charted(t), Options{})
	for _, want := range []string{
		"Shaded: outage (down) 5–8 s.", "Bands: 95 % intervals of the medians.", "A line that rises to the top has only failed calls to its right.",
		"SLO 200 ms", "<h3>Recovery</h3>", "imbalance 1.08", "measurement VALID",
		"    - {name: outage, at: 5s, for: 3s, where: {backends: [1]}, inject: down}",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if n := strings.Count(text, `<rect class="f" x="2500"`); n != 6 {
		t.Errorf("the fault is shaded in %d plots over time, want 6", n)
	}
	// The first variant's 95th percentile of planned calls fails: its line ends
	// at the top, the last one's does not.
	ends := regexp.MustCompile(`<path class="l s(\d) r\d" d="([^"]*)"><title>`)
	spectrum := documents(t, charted(t))["svg/spectrum"]
	rises := map[string]bool{}
	for _, m := range ends.FindAllStringSubmatch(spectrum, -1) {
		rises[m[1]] = strings.HasSuffix(m[2], "V0")
	}
	if !rises["0"] || !rises["1"] || !rises["2"] || rises["3"] {
		t.Errorf("lines that rise: %v", rises)
	}
}

// However much there is to show, the page can be mailed.
func TestHTMLStaysSmall(t *testing.T) {
	r := many(t, 64, 2)
	r.Scenario.Document = strings.Repeat("# a long document\n", 20_000)
	text := render(t, HTML, r, Options{})
	if len(text) > maxPage {
		t.Errorf("%d bytes, at most %d", len(text), maxPage)
	}
	// All of them are there, eight of them shown.
	if boxes, shown := strings.Count(text, `<input type="checkbox"`), strings.Count(text, " checked>"); boxes != 128 || shown != 16 {
		t.Errorf("%d boxes, %d of them checked", boxes, shown)
	}
	if !strings.Contains(text, "… cut: result.json has all of it") {
		t.Error("the document is not cut, or does not say so")
	}
}

// Each plot is well-formed XML of its own.
func TestSVGIsXML(t *testing.T) {
	for name, r := range map[string]*result.Result{"charted": charted(t), "hostile": hostileEverywhere(t), "kinds": kinds(t), "single": single(t), "many": many(t, 20, 1)} {
		parts, err := SVG(r, Options{})
		if err != nil || len(parts) == 0 {
			t.Fatalf("%s: %d parts, %v", name, len(parts), err)
		}
		for _, part := range parts {
			var out bytes.Buffer
			if err := part.Write(&out); err != nil {
				t.Fatal(err)
			}
			decoder := xml.NewDecoder(bytes.NewReader(out.Bytes()))
			for {
				if _, err := decoder.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatalf("%s: %s: %v:\n%s", name, part.Name, err, out.String())
				}
			}
			if regexp.MustCompile(`NaN|Inf[^o]`).Match(out.Bytes()) {
				t.Errorf("%s: %s has a coordinate that is no number", name, part.Name)
			}
		}
	}
}

func TestRecovery(t *testing.T) {
	// Five good seconds, three of fault, then `bad` seconds that are not yet
	// good.
	trial := func(bad int) *result.Trial {
		out := &result.Trial{MeasuredNS: 20e9}
		for second := -2; second < 21; second++ {
			s := result.IntervalSeries{Name: "reads", Planned: 100, OK: 100, InSLO: 100, Attempts: 100}
			switch {
			case second >= 5 && second < 8:
				s.OK, s.InSLO, s.Failed, s.Attempts, s.P99NS = 40, 40, 60, 250, 7e6
			case second >= 8 && second < 8+bad:
				// What was held up ends now, and late.
				s.OK, s.InSLO, s.Failed, s.Attempts, s.P99NS = 100, 50, 0, 180, 30e6
			}
			out.Intervals = append(out.Intervals, result.Interval{Second: second, Series: []result.IntervalSeries{s}})
		}
		return out
	}
	fault := result.FaultWindow{Name: "outage", Kind: "down", AtNS: 5e9, ForNS: 3e9}
	recovery := func(faults []result.FaultWindow, trials ...result.Trial) map[string]string {
		t := &table{entry: "reads", rows: []row{{label: "a", faults: faults, samples: samplesOf(trials)}}}
		columns, rows, _ := t.recoveryTable()
		cells := map[string]string{}
		for _, c := range columns {
			if len(rows) != 1 || len(c.cells) != 1 {
				return map[string]string{"rows": fmt.Sprint(rows)}
			}
			cells[c.head] = c.cells[0]
		}
		return cells
	}
	for bad, want := range map[int]map[string]string{
		0:  {"lost": "180", "peak p99 ms": "7.00", "after": blank, "recovery": "0 s", "trials back": "1 of 1"},
		3:  {"lost": "330", "peak p99 ms": "30.0", "after": "1.80", "recovery": "3 s", "trials back": "1 of 1"},
		12: {"lost": "780", "peak p99 ms": "30.0", "after": "1.80", "recovery": "not by 12 s", "trials back": "0 of 1"},
	} {
		want["variant"], want["failed"], want["attempts before"], want["during"] = "a", "180", "1.00", "2.50"
		if diff := cmp.Diff(want, recovery([]result.FaultWindow{fault}, *trial(bad))); diff != "" {
			t.Errorf("%d bad seconds (-want +got):\n%s", bad, diff)
		}
	}
	long := fault
	long.ForNS = 0
	if got := recovery([]result.FaultWindow{long}, *trial(0)); got["recovery"] != blank || got["trials back"] != blank {
		t.Errorf("a fault to the end: %v", got)
	}
	long.AtNS = -1e9
	if got := recovery([]result.FaultWindow{long, fault}, *trial(3)); got["recovery"] != "3 s" {
		t.Errorf("beside a fault that is on throughout: %v", got)
	}
	if got := recovery([]result.FaultWindow{long}, *trial(0)); len(got) != 0 {
		t.Errorf("what is on throughout is no event: %v", got)
	}
	busy := *trial(3)
	busy.Fleet = &result.Fleet{Backends: []result.Backend{{Name: "b0", WastedNS: 1.5e9}, {Name: "b1", WastedNS: 1e9}}}
	if got := recovery([]result.FaultWindow{fault}, busy); got["wasted s"] != "2.50" {
		t.Errorf("wasted work: %v", got)
	}
	// With seconds in the books it is of the fault alone, until recovery; here of a
	// second trial, too.
	busy.Fleet.Backends[0].WastedSeconds = []result.WastedSecond{{Second: 1, NS: 0.1e9}, {Second: 5, NS: 0.3e9}, {Second: 10, NS: 0.6e9}, {Second: 12, NS: 0.5e9}}
	busy.Fleet.Backends[1].WastedSeconds = []result.WastedSecond{{Second: 10, NS: 1e9}}
	idle := *trial(3)
	idle.Fleet = &result.Fleet{Backends: []result.Backend{{Name: "b0"}}}
	if got := recovery([]result.FaultWindow{fault}, busy); got["wasted s"] != "1.90" {
		t.Errorf("wasted work of the fault: %v", got)
	}
	if got := recovery([]result.FaultWindow{fault}, busy, idle); got["wasted s"] != "0.950" {
		t.Errorf("wasted work of two trials: %v", got)
	}
	if got := recovery([]result.FaultWindow{fault}, idle); got["wasted s"] != "" {
		t.Errorf("no wasted work: %v", got)
	}
	// Half of the trials is not most of them.
	if got := recovery([]result.FaultWindow{fault}, *trial(3), *trial(12)); got["recovery"] != "not by 12 s" || got["trials back"] != "1 of 2" {
		t.Errorf("one of two recovers: %v", got)
	}
}

// Where there is room, the table has recovery, too; and Markdown has it.
func TestRecoveryInTables(t *testing.T) {
	r := charted(t)
	golden(t, "charted-120.txt", []byte(render(t, Table, r, Options{Columns: 120})))
	if narrow := render(t, Table, r, Options{Columns: 80}); strings.Contains(narrow, "trials back") {
		t.Errorf("recovery at 80 columns:\n%s", narrow)
	}
	if md := render(t, Markdown, r, Options{}); !strings.Contains(md, "#### Recovery\n\n| variant | failed | lost |") {
		t.Error("no recovery in Markdown")
	}
	checkWidth(t, r)
}
