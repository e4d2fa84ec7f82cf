package strict

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// readSample parses and decodes as a caller does: what is wrong with the YAML
// and with the settings comes in one list.
func readSample(file, text string, sets ...string) (*sample, error) {
	into := sampleDefaults()
	doc, err := Parse(file, []byte(text))
	if doc == nil {
		return nil, err
	}
	for _, s := range sets {
		path, value, _ := strings.Cut(s, "=")
		err = Join(err, doc.Set(path, value, reflect.TypeFor[sample]()))
	}
	return into, Join(err, Decode(doc, nil, into))
}

// TestMistakes shows each mistake of testdata/mistakes.txt with the message
// that it gives.
func TestMistakes(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "mistakes.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, part := range strings.Split(string(text), "=== ")[1:] {
		title, body, _ := strings.Cut(part, "\n")
		var sets []string
		for strings.HasPrefix(body, "--set ") {
			var line string
			line, body, _ = strings.Cut(body, "\n")
			sets = append(sets, strings.TrimPrefix(line, "--set "))
		}
		body = strings.NewReplacer(`\t`, "\t", `\r`, "\r", `\0`, "\x00", `\xff`, "\xff").Replace(body)
		_, err := readSample("x.yaml", body, sets...)
		if err == nil {
			t.Errorf("%s: no error", title)
			continue
		}
		out.WriteString("=== " + title + "\n" + err.Error() + "\n\n")
		checkPositions(t, err)
	}
	golden(t, "mistakes.golden", out.String())
}

// checkPositions wants a place, and a caret inside the line, for every error.
func checkPositions(t *testing.T, err error) {
	t.Helper()
	for _, e := range err.(Errors) {
		runes := len([]rune(e.Excerpt))
		if e.Pos.Line < 1 || e.Pos.Column < 1 || e.Pos.Column > runes+1 || e.Width < 1 {
			t.Errorf("%s: position %d:%d width %d outside the line %q", e.Head(), e.Pos.Line, e.Pos.Column, e.Width, e.Excerpt)
		}
		if e.Message == "" || strings.Contains(e.Error(), "^") != (e.Excerpt != "") {
			t.Errorf("no message or no caret: %q", e.Error())
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), -update rewrites it:\n%s", name, diff)
	}
}
