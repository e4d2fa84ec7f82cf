package reports

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
)

func review(t *testing.T, r *result.Result, plots string) string {
	t.Helper()
	var out bytes.Buffer
	if err := Review(&out, r, plots); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestReviewGoldens(t *testing.T) {
	golden(t, "charted.review.md", []byte(review(t, charted(t), "")))
	golden(t, "charted.review-plots.md", []byte(review(t, charted(t), "my review-plots")))
	golden(t, "interrupted.review.md", []byte(review(t, interrupted(t), "")))
	golden(t, "never.review.md", []byte(review(t, never(t), "plots")))
}

// Every plot of the result is in the document, and no other.
func TestReviewLinksItsPlots(t *testing.T) {
	for name, r := range map[string]*result.Result{"charted": charted(t), "kinds": kinds(t), "hostile": hostileEverywhere(t)} {
		linked := map[string]bool{}
		for _, m := range regexp.MustCompile(`(?m)^!\[.*\]\(plots/([^()]*)\.svg\)$`).FindAllStringSubmatch(review(t, r, "plots"), -1) {
			linked[m[1]] = true
		}
		parts, err := SVG(r, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range parts {
			if !linked[part.Name] {
				t.Errorf("%s: %s is not linked", name, part.Name)
			}
		}
		if len(linked) != len(parts) {
			t.Errorf("%s: %d links for %d plots", name, len(linked), len(parts))
		}
	}
}

func TestReviewIsSafe(t *testing.T) {
	text := review(t, hostileEverywhere(t), "")
	outside := regexp.MustCompile("(?s)\n````yaml\n.*?\n````\n").ReplaceAllString(text, "\n")
	if strings.Contains(outside, "<script") || strings.Contains(outside, "<img") || strings.ContainsAny(text, "\x1b\u202e\u009b\x00") {
		t.Error("hostile text survived")
	}
	if err := Review(broken{}, charted(t), ""); !errors.Is(err, errBroken) {
		t.Errorf("it hides a writer's error: %v", err)
	}
	if got := link("my (old) plots/1", "a=b.svg"); got != "my%20%28old%29%20plots/1/a=b.svg" {
		t.Errorf("link %s", got)
	}
}
