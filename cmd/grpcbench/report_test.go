package main

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/grpcbench/grpcbench/reports"
)

// storedResult is the folder of a small result.
func storedResult(t *testing.T) string {
	t.Helper()
	out := t.TempDir()
	if code, _, stderr := inVirtualTime(t, "run", smallScenario(t), "--out", out); code != exitOK {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	return out
}

func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Every format goes to stdout, or to files that are the same.
func TestReportWritesEveryFormat(t *testing.T) {
	stored := storedResult(t)
	for _, f := range reports.Formats() {
		dir := t.TempDir()
		target := filepath.Join(dir, "out")
		if code, stdout, stderr := command(t, "report", stored, "--format", f.Name, "--output", target); code != exitOK || stdout != "" || stderr != "" {
			t.Errorf("%s: code %d, stdout %q, %s", f.Name, code, stdout, stderr)
			continue
		}
		if f.Parts == nil {
			code, stdout, stderr := command(t, "report", stored, "--format", f.Name)
			text, err := os.ReadFile(target)
			if err != nil || code != exitOK || string(text) != stdout || stdout == "" {
				t.Errorf("%s: the file is not what is printed (%v, code %d, %s)", f.Name, err, code, stderr)
			}
			if left := filesIn(t, dir); !slices.Equal(left, []string{"out"}) {
				t.Errorf("%s left %v", f.Name, left)
			}
			continue
		}
		code, stdout, stderr := command(t, "report", stored, "--format", f.Name)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, "--output DIR") {
			t.Errorf("%s to stdout: code %d, %q", f.Name, code, stderr)
		}
		for _, file := range filesIn(t, target) {
			name, ok := strings.CutSuffix(file, f.Extension)
			if !ok || !strings.Contains(stderr, name) {
				t.Errorf("%s: %s is not among the parts that are listed: %s", f.Name, file, stderr)
			}
			text, err := os.ReadFile(filepath.Join(target, file))
			if code, stdout, errs := command(t, "report", stored, "--format", f.Name, "--part", name); err != nil || code != exitOK || stdout != string(text) || stdout == "" {
				t.Errorf("%s: %s is not what is printed (%v, code %d, %s)", f.Name, name, err, code, errs)
			}
		}
	}
}

// A part alone can be a file, too, and an error leaves the old one.
func TestReportOutputIsWholeOrNotAtAll(t *testing.T) {
	stored, dir := storedResult(t), t.TempDir()
	one := filepath.Join(dir, "none.hgrm")
	if code, _, stderr := command(t, "report", stored, "--format", "hgrm", "--part", "retry=none", "-o", one); code != exitOK {
		t.Error(stderr)
	}
	old := write(t, "table.txt", "old")
	if code, _, stderr := command(t, "report", stored, "-o", old, "--columns", "p98"); code != exitUsage || !strings.Contains(stderr, `no table has a column "p98"`) {
		t.Errorf("code %d, %s", code, stderr)
	}
	if text, err := os.ReadFile(old); err != nil || string(text) != "old" {
		t.Errorf("the old file is %q, %v", text, err)
	}
	if code, _, _ := command(t, "report", stored, "-o", filepath.Join(dir, "no", "such", "folder")); code != exitUsage {
		t.Errorf("code %d for a folder that is not there", code)
	}
	if left := filesIn(t, dir); !slices.Equal(left, []string{"none.hgrm"}) {
		t.Errorf("left %v", left)
	}
}

func TestReportOfSeveralResults(t *testing.T) {
	stored := storedResult(t)
	code, one, _ := command(t, "report", stored)
	code2, two, stderr := command(t, "report", stored, filepath.Join(stored, resultName))
	if code != exitOK || code2 != exitOK || two != one+"\n"+one {
		t.Errorf("two results are not one after the other (code %d, %s):\n%s", code2, stderr, two)
	}
}

func TestReportUsageErrors(t *testing.T) {
	stored := storedResult(t)
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"no result":          {[]string{"report"}, "which result?"},
		"all that is wrong":  {[]string{"report", "nowhere", "neither"}, "neither: no such file"},
		"two in one JSON":    {[]string{"report", stored, stored, "--format", "json"}, "json renders one result at a time (got 2)"},
		"unknown part":       {[]string{"report", stored, "--format", "hgrm", "--part", "retry=nine"}, `did you mean "retry=none"?`},
		"part of a document": {[]string{"report", stored, "--part", "x"}, "--part is of formats of several files alone (got table)"},
		"columns of CSV":     {[]string{"report", stored, "--format", "csv", "--columns", "p50"}, "--columns is of --format table alone"},
		"sort of CSV":        {[]string{"report", stored, "--format", "csv", "--sort", "p50"}, "--sort is of --format table alone"},
		"unknown sort":       {[]string{"report", stored, "--sort", "p98"}, `--sort: no table has a column "p98"; there are retry, in_slo`},
		"a run of parts":     {[]string{"run", smallScenario(t), "--format", "hgrm"}, "hgrm makes several files"},
	} {
		code, stdout, stderr := command(t, test.args...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, test.want) {
			t.Errorf("%s: code %d, stdout %q, stderr %q, want %q", name, code, stdout, stderr, test.want)
		}
	}
}

func TestReportTableOptions(t *testing.T) {
	stored := storedResult(t)
	code, stdout, stderr := command(t, "report", stored, "--columns", "attempts,p50", "--sort", "-attempts")
	if code != exitOK {
		t.Fatal(stderr)
	}
	at := strings.Index(stdout, "retry      ")
	if at < 0 || !strings.Contains(stdout[at:], "attempts  p50 ms\n") || strings.Index(stdout[at:], "immediate") > strings.Index(stdout[at:], "none") {
		t.Errorf("columns or order are not as asked:\n%s", stdout)
	}
	if _, wide, _ := command(t, "report", stored, "--wide"); !strings.Contains(wide, "main failure") {
		t.Errorf("--wide lacks columns:\n%s", wide)
	}
}

// A review is one document, and its plots stand where it links to.
func TestReview(t *testing.T) {
	stored, dir := storedResult(t), t.TempDir()
	code, printed, stderr := command(t, "review", stored)
	if code != exitOK || !strings.HasPrefix(printed, "# Capacity review: small\n") || strings.Contains(printed, "](") {
		t.Errorf("code %d, %s\n%s", code, stderr, printed)
	}
	target := filepath.Join(dir, "my review.md")
	if code, stdout, stderr := command(t, "review", stored, stored, "--output", target); code != exitOK || stdout != "" {
		t.Fatalf("code %d, %q, %s", code, stdout, stderr)
	}
	text, err := os.ReadFile(target)
	if err != nil {
		t.Fatal(err)
	}
	links := regexp.MustCompile(`\]\(([^)]*)\)`).FindAllStringSubmatch(string(text), -1)
	if len(links) < 4 {
		t.Errorf("only %d plots:\n%s", len(links), text)
	}
	for _, l := range links {
		path, err := url.PathUnescape(l[1])
		if err != nil {
			t.Fatal(err)
		}
		if svg, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(path))); err != nil || !strings.HasPrefix(string(svg), "<svg ") {
			t.Errorf("the link %s leads to no plot: %v", l[1], err)
		}
	}
	if left := filesIn(t, dir); !slices.Equal(left, []string{"my review-plots", "my review.md"}) {
		t.Errorf("left %v", left)
	}
	if code, _, stderr := command(t, "review"); code != exitUsage || !strings.Contains(stderr, "which result?") {
		t.Errorf("code %d, %s", code, stderr)
	}
}
