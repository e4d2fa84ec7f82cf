package reports

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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

func TestTableGolden(t *testing.T) {
	for name, make := range fixtures() {
		for _, columns := range []int{80, 120} {
			t.Run(fmt.Sprintf("%s-%d", name, columns), func(t *testing.T) {
				var out bytes.Buffer
				if err := Table(&out, make(t), Options{Columns: columns}); err != nil {
					t.Fatal(err)
				}
				golden(t, fmt.Sprintf("%s-%d.txt", name, columns), out.Bytes())
			})
		}
	}
}

func TestMarkdownGolden(t *testing.T) {
	for name, make := range fixtures() {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := Markdown(&out, make(t), Options{}); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".md", out.Bytes())
		})
	}
}

// No line may be wider than the terminal, or end in blanks, at any width.
func TestTableFits(t *testing.T) {
	for name, make := range fixtures() {
		r := make(t)
		for columns := leastColumns; columns <= 200; columns += 3 {
			var out bytes.Buffer
			if err := Table(&out, r, Options{Columns: columns}); err != nil {
				t.Fatal(err)
			}
			for i, line := range strings.Split(out.String(), "\n") {
				if w := width(line); w > columns {
					t.Fatalf("%s at %d columns: line %d takes %d: %q", name, columns, i+1, w, line)
				}
				if strings.TrimRight(line, " ") != line {
					t.Fatalf("%s at %d columns: line %d ends in blanks: %q", name, columns, i+1, line)
				}
			}
		}
	}
}
