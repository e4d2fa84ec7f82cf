package reports

import (
	"bytes"
	"encoding/json"
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
)

// Only what GitHub would make something else of is broken; names and the texts of
// gRPC are left as they are.
func TestEscapedIsInert(t *testing.T) {
	for in, want := range map[string]string{
		"@octocat":                         "@<!-- -->octocat",
		"by @org/team.":                    "by @<!-- -->org/team.",
		"root@example.com":                 "root@<!-- -->example.com",
		"user@0123abc, a @_b":              `user@<!-- -->0123abc, a @<!-- -->\_b`,
		"90 % @ p99, at@":                  "90 % @ p99, at@",
		"fixes #12":                        `fixes \#<!-- -->12`,
		"grpc/grpc-go#7 # h":               `grpc/grpc-go\#<!-- -->7 \# h`,
		"C#, #x":                           `C\#, \#x`,
		"GH-12 gh-3 (GH-4)":                "GH-<!-- -->12 gh-<!-- -->3 (GH-<!-- -->4)",
		"high-12 _GH-1 GH-x":               `high-12 \_GH-1 GH-x`,
		"https://x.y http://a":             "https:<!-- -->//x.y http:<!-- -->//a",
		"HTTPS://X.Y 1ftp://a":             "HTTPS:<!-- -->//X.Y 1ftp:<!-- -->//a",
		"dns:///a:1 xds://b unix:///c":     "dns:///a:1 xds://b unix:///c",
		"www.x.y (WWW.z)":                  "www<!-- -->.x.y (WWW<!-- -->.z)",
		"awww.x www. wwww.x":               "awww.x www. wwww.x",
		":tada: fe80:a:b::1":               ":<!-- -->tada: fe80:<!-- -->a:<!-- -->b::1",
		":+1: :100: :1234:":                ":<!-- -->+1: :<!-- -->100: :<!-- -->1234:",
		"dial 127.0.0.1:50051: connect: x": "dial 127.0.0.1:50051: connect: x",
		"12:30:00, [::1]:80":               `12:30:00, \[::1\]:80`,
		"costs $1 and $2":                  "costs <span>$</span>1 and <span>$</span>2",
		"pool.size=4,backoff=fixed":        "pool.size=4,backoff=fixed",
		"user.v1.UserService/GetUser":      "user.v1.UserService/GetUser",
	} {
		if got := escaped(in); got != want {
			t.Errorf("escaped(%q) = %q, want %q", in, got, want)
		}
		if got := altText(in); strings.Contains(got, "<") {
			t.Errorf("altText(%q) = %q", in, got)
		}
	}
}

// prose is a Markdown document without its code and pictures.
func prose(markdown string) string {
	var kept strings.Builder
	fence := ""
	for line := range strings.Lines(markdown) {
		ticks := line[:len(line)-len(strings.TrimLeft(line, "`"))]
		switch {
		case fence == "" && len(ticks) >= 3:
			fence = ticks
		case fence == "":
			kept.WriteString(strings.ReplaceAll(line, "\\`", "'")) // those begin no code
		case strings.TrimSpace(line) == fence:
			fence = ""
		}
	}
	return regexp.MustCompile("`[^`\n]*`|!\\[[^\n]*?\\]\\([^)\n]*\\)").ReplaceAllString(kept.String(), "")
}

var tags = regexp.MustCompile(`<[a-z!/][^>]*>`)

// onGitHub is the texts that GitHub looks through for what it links: those between the
// tags of what Markdown makes of prose, without escapes.
func onGitHub(prose string) []string {
	prose = regexp.MustCompile(`\\([!-/:-@[-`+"`"+`{-~])`).ReplaceAllString(prose, "$1")
	var out []string
	for line := range strings.Lines(prose) {
		for _, text := range tags.Split(line, -1) {
			out = append(out, html.UnescapeString(text))
		}
	}
	return out
}

// Text from a scenario or a server mentions nobody, refers to nothing and links to
// nowhere, whatever Markdown says it.
func TestMarkdownIsInertOnGitHub(t *testing.T) {
	const loud = "@octocat fixes #12, GH-13 or grpc/grpc-go#14: mail root@example.com, see https://example.com/a and www.example.com, :tada: $x$ <img src=y>"
	quoted := func(s string) []byte {
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Trim(text, `"`)
	}
	loudly := func(r *result.Result) *result.Result {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		replaced := bytes.ReplaceAll(text, quoted(nasty), quoted(loud))
		if n := bytes.Count(replaced, quoted(loud)); n < 20 {
			t.Fatalf("the text got in %d times", n)
		}
		out := new(result.Result)
		if err := json.Unmarshal(replaced, out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	r := loudly(hostileEverywhere(t))
	r.Gates = []result.Gate{{Text: "errors < 1%", Outcome: result.GateFailed, Cases: []result.GateCase{{Variant: loud, Load: loud, Outcome: result.GateFailed, Figure: new(0.5)}}}}
	var changes bytes.Buffer
	if err := (Changes{Old: r, New: loudly(hostileEverywhere(t)), Differences: []string{loud}}).Markdown(&changes); err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?i)@[a-z0-9]|#[0-9]|\bgh-[0-9]|(https?|ftp)://|\bwww\.[a-z]|:[a-z]+:|\$.*\$`)
	for name, markdown := range map[string]string{
		"markdown": render(t, Markdown, r, Options{}), "github": documents(t, r)["github"],
		"review": review(t, r, ""), "review with plots": review(t, r, "plots"), "changes": changes.String(),
	} {
		seen := 0
		for _, text := range onGitHub(prose(markdown)) {
			if at := found.FindString(text); at != "" {
				t.Errorf("%s: %q in %q", name, at, text)
			}
			if strings.Contains(text, "octocat") {
				seen++
			}
		}
		for _, tag := range tags.FindAllString(prose(markdown), -1) {
			if !slices.Contains([]string{nothing, "<span>", "</span>", "<details>", "</details>", "<summary>", "</summary>"}, tag) {
				t.Errorf("%s: the tag %s", name, tag)
			}
		}
		if seen < 5 {
			t.Errorf("%s: the text is not shown: %d times", name, seen)
		}
	}
}
