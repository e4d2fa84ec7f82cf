package reports

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/reports/stats"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain · 漢字 ✓":             "plain · 漢字 ✓",
		"a\nb\r\tc":                "a b  c",
		"\x1b]0;title\a":           "�]0;title�",
		"\u202eevil\u202c":         "�evil�",
		"\u2066x\u2069\u200f":      "�x��",
		"zero\u200bwidth":          "zero�width",
		"\u009b31m":                "�31m",
		"\xff\xfe":                 "��",
		"line\u2028para\u2029":     "line�para�",
		"no\u00a0break\u3000space": "no break space",
		"\U000e0041":               "�", // a tag character: invisible
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{"one two three", []string{"one two", "three"}},
		{"exactly8 columns", []string{"exactly8", "columns"}},
		{"a  b", []string{"a b"}},
		{"abcdefghijk lm", []string{"abcdefgh", "ijk lm"}},
		{"a 41.2\u00a0ms b", []string{"a", "41.2 ms", "b"}},
		{"漢字漢字漢", []string{"漢字漢字", "漢"}},
	} {
		if diff := cmp.Diff(c.want, wrap(c.in, 8)); diff != "" {
			t.Errorf("wrap(%q) (-want +got):\n%s", c.in, diff)
		}
	}
	list := []string{"one", "two", "three four", "a long long item", "end", strings.Repeat(" ", 30), "last"}
	if diff := cmp.Diff([]string{"one · two", "three four", "a long long", "item · end", "last"}, items(list, 11)); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
}

func TestFigures(t *testing.T) {
	check := func(name, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	for v, want := range map[float64]string{
		0: "0", 0.004123: "0.00412", 0.412: "0.412", 1: "1.00", 9.994: "9.99", 9.996: "10.0", 41.23: "41.2", 99.96: "100", 109.4: "109",
		999.6: "1,000", 12345: "12,300", 1234567: "1,230,000", -2.5: "−2.50",
	} {
		check("significant", significant(v), want)
	}
	for ns, want := range map[float64]string{500: "0.500 µs", 999_000: "999 µs", 1e6: "1.00 ms", 96.44e6: "96.4 ms", 1.5e9: "1.50 s"} {
		check("duration", duration(ns), want)
	}
	for _, c := range []struct {
		ns   []float64
		want string
	}{
		{[]float64{1e3, 2e5}, "µs"}, {[]float64{1e3, 2e6}, "ms"}, {[]float64{9e8, 5e9}, "ms"}, {[]float64{1e9, 5e9}, "s"}, {nil, "ms"},
	} {
		check("unit", unitFor(c.ns).name, c.want)
	}
	for ns, want := range map[int64]string{
		200e6: "200 ms", 1500e6: "1.5 s", 60e9: "60 s", 600e9: "10 min", 250e3: "250 µs", 2500: "2.5 µs",
	} {
		check("setting", setting(ns), want)
	}
	for v, want := range map[float64]string{1500: "1,500/s", 99.95: "100/s", 0.25: "0.25/s", 2: "2/s", 30: "30/s", 52.37: "52.4/s", 120.4: "120/s", 1. / 60: "0.0167/s", 0: "0/s"} {
		check("rate", rate(v), want)
	}
	for v, want := range map[float64]string{0: "0", 1. / 60: "0.0167", 0.95: "0.950", 1.04: "1.04", 52.37: "52.4", 1500.4: "1,500"} {
		check("perSecond", perSecond(v), want)
	}
	for v, want := range map[float64]string{1: "100.00", 0.999999: "99.99", 0.99953: "99.95", 0: "0.00", 0.0000001: "0.01", 0.0497: "4.97"} {
		check("percent", percent(v), want)
	}
	for v, want := range map[float64]string{0.43: "−57 %", 1.031: "+3.1 %", 0.9999: "−0.01 %", 1.1: "+10 %", 12.34: "×12.3", 2: "+100 %"} {
		check("estimate", estimate(&stats.Comparison{Estimate: v, Interval: stats.Interval{Low: v, High: v}}), want)
	}
	for v, want := range map[float64]string{0.0264: "+2.64", -0.0004: "−0.04", 0.000001: "0.00"} {
		check("points", points(v), want)
	}
	for v, want := range map[int64]string{5: "5 B", 1024: "1 KiB", 1536: "1.5 KiB", 4 << 20: "4 MiB"} {
		check("size", size(v), want)
	}
	check("count", count(-1234567), "−1,234,567")
	check("plural", plural(1, "call")+" "+plural(2000, "call"), "1 call 2,000 calls")
	check("trimmed", trimmed(-1.25), "−1.25")
	check("span", span("1", "1")+" "+span("1", "2"), "1 1–2")
}

func TestEscaped(t *testing.T) {
	for in, want := range map[string]string{
		"full_jitter":   "full_jitter",
		"_x_":           `\_x\_`,
		`a|b\|c`:        `a\|b\\\|c`,
		"`<b>` & *":     "\\`&lt;b&gt;\\` &amp; \\*",
		"[x](y) # 1 ~~": `\[x\](y) \# 1 \~\~`,
		"a\nb":          "a b",
	} {
		if got := escaped(in); got != want {
			t.Errorf("escaped(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"- item": `\- item`, "1. item": `1\. item`, "23) item": `23\) item`, "--- ": `\--- `, "# h": `\# h`,
		"10 trials": "10 trials", "7": "7", "": "",
	} {
		if got := paragraph(in); got != want {
			t.Errorf("paragraph(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSpark(t *testing.T) {
	for _, c := range []struct {
		values []float64
		per    int
		want   string
	}{
		{[]float64{0, 1, 50, 100}, 1, " ▁▄█"},
		{[]float64{100, 0, 100, 100, 40}, 2, "▄█▃"},
	} {
		if got := spark(c.values, c.per, 100); got != c.want {
			t.Errorf("spark(%v, %d) = %q, want %q", c.values, c.per, got, c.want)
		}
	}
	if strings.TrimSpace(spark(make([]float64, 9), 1, 100)) != "" {
		t.Error("nothing is drawn as something")
	}
}

// CI systems obey lines of a log.
func TestOrdersOfALogAreDisarmed(t *testing.T) {
	for in, want := range map[string]string{
		"::error file=x::broken":          "∶∶error file=x::broken",
		"a ::set-output name=x::y":        "a ∶∶set-output name=x::y",
		"::STOP-COMMANDS::x":              "∶∶STOP-COMMANDS::x",
		"##[group]x ##vso[task.complete]": "# #[group]x # #vso[task.complete]",
		"dial [::1]:50051":                "dial [::1]:50051",
		"std::vector::at, ::errors":       "std::vector::at, ::errors",
		"## a heading":                    "## a heading",
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
	r := hostileEverywhere(t)
	for i := range r.Variants {
		v := &r.Variants[i]
		v.Name = "::error::" + v.Name
		v.Settings["formula"] = "::add-mask::" + v.Settings["formula"]
		v.Loads[0].Name = "::warning::x"
		for j := range v.Trials {
			s := &v.Trials[j].Series[0]
			s.Name = "::warning::x"
			for k := range s.Errors {
				s.Errors[k].Message = "##[error]x ::set-output name=a::b"
			}
		}
	}
	obeyed := regexp.MustCompile(`(?im)^\s*::(error|add-mask|warning|set-output)|##\[`)
	for name, text := range documents(t, r) {
		if found := obeyed.FindString(text); found != "" && name != "json" && !strings.HasPrefix(name, "png/") { // text in quotes, after a key; a picture
			t.Errorf("%s: %q", name, found)
		}
	}
}
