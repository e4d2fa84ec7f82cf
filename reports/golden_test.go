package reports

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/reports/result"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; go test -update rewrites it):\n%s", path, diff)
	}
}

// Every fixture, in every format that has a layout. One test, because making
// a fixture takes longer than rendering it.
func TestFixtures(t *testing.T) {
	for name, make := range fixtures() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := make(t)
			for _, columns := range []int{80, 120} {
				golden(t, fmt.Sprintf("%s-%d.txt", name, columns), []byte(render(t, Table, r, Options{Columns: columns})))
			}
			golden(t, name+".md", []byte(render(t, Markdown, r, Options{})))
			checkWidth(t, r)
			checkColor(t, r)
		})
	}
}

// No line may be wider than the terminal, or end in blanks, at any width.
func checkWidth(t *testing.T, r *result.Result) {
	t.Helper()
	for columns := leastColumns; columns <= 200; columns += 3 {
		for i, line := range strings.Split(render(t, Table, r, Options{Columns: columns}), "\n") {
			if w := width(line); w > columns {
				t.Fatalf("at %d columns line %d takes %d: %q", columns, i+1, w, line)
			}
			if strings.TrimRight(line, " ") != line {
				t.Fatalf("at %d columns line %d ends in blanks: %q", columns, i+1, line)
			}
		}
	}
}

var ansi = regexp.MustCompile("\x1b\\[[0-9;]*m")

// Colour is there when it is allowed, and changes nothing else.
func checkColor(t *testing.T, r *result.Result) {
	t.Helper()
	plain, colored := render(t, Table, r, Options{Columns: 80}), render(t, Table, r, Options{Columns: 80, Color: true})
	if strings.Contains(plain, "\x1b") || !strings.Contains(colored, "\x1b[1m") {
		t.Error("colour does not follow Options.Color")
	}
	if diff := cmp.Diff(plain, ansi.ReplaceAllString(colored, "")); diff != "" {
		t.Errorf("colour changes the text:\n%s", diff)
	}
}

// Out of range widths get the nearest that works.
func TestWidths(t *testing.T) {
	r := single(t)
	for asked, got := range map[int]int{0: 80, 1: 40, 39: 40, -5: 40} {
		if diff := cmp.Diff(render(t, Table, r, Options{Columns: got}), render(t, Table, r, Options{Columns: asked})); diff != "" {
			t.Errorf("%d columns are not %d:\n%s", asked, got, diff)
		}
	}
}
