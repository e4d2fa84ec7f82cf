package scenario

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares text with a file, or writes it there.
func golden(t *testing.T, file, text string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func shipped(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../scenarios/*.yaml")
	if err != nil || len(files) < 4 {
		t.Fatalf("the shipped scenarios: %v, %v", files, err)
	}
	return files
}

func readFile(t *testing.T, file string, opts Options) *Plan {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := Read(file, text, opts)
	if err != nil {
		t.Fatal(err)
	}
	plan.File = "scenarios/" + filepath.Base(file)
	return plan
}

// Every shipped scenario asks a question, has enough trials to answer it and
// gives no reason for a warning.
func TestShippedScenarios(t *testing.T) {
	for _, file := range shipped(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			plan := readFile(t, file, Options{})
			if plan.Base.Name != strings.TrimSuffix(filepath.Base(file), ".yaml") {
				t.Errorf("it is named %q", plan.Base.Name)
			}
			if !strings.HasSuffix(plan.Base.About, "?") {
				t.Errorf("about is no question: %q", plan.Base.About)
			}
			if len(plan.Warnings) > 0 {
				t.Errorf("warnings: %q", plan.Warnings)
			}
			for _, v := range plan.Variants {
				least := 500.0
				if plan.Base.Name == "retry-storm" {
					least = 80 // one worker, as in theory
				}
				if rate, _ := v.Scenario.offered(); rate < least || rate > 4000 {
					t.Errorf("%s offers %v calls/s", v.Name, rate)
				}
			}
			for _, columns := range []int{80, 120} {
				var text bytes.Buffer
				if err := Explain(&text, plan, columns); err != nil {
					t.Fatal(err)
				}
				for line := range strings.Lines(text.String()) {
					if width(strings.TrimSuffix(line, "\n")) > columns {
						t.Errorf("wider than %d columns: %s", columns, line)
					}
				}
				if columns == 80 {
					golden(t, "testdata/explain-"+plan.Base.Name+".golden", text.String())
				}
			}
		})
	}
}

// `make run` has 60 s, for building too.
func TestQuickIsQuick(t *testing.T) {
	plan := readFile(t, "../scenarios/quick.yaml", Options{})
	if d := plan.Duration(); d > 30*time.Second {
		t.Errorf("quick takes %v", d)
	}
}
