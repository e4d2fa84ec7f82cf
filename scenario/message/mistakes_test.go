package message

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// cases are the parts of a file of testdata, each under a line "=== title".
func cases(t *testing.T, name string) []struct{ title, body string } {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var out []struct{ title, body string }
	for _, part := range strings.Split(string(text), "=== ")[1:] {
		title, body, _ := strings.Cut(part, "\n")
		body = strings.NewReplacer(`\0`, "\x00", `\xff`, "\xff", `\t`, "\t").Replace(body)
		out = append(out, struct{ title, body string }{title, strings.TrimSuffix(body, "\n")})
	}
	return out
}

// messageOf is the type that a case is for: a title that ends in "(old.Order)" says so.
func messageOf(title string) string {
	if open := strings.LastIndexByte(title, '('); open >= 0 {
		return strings.Trim(title[open:], "()")
	}
	return "test.Charge"
}

// TestMistakes shows each mistake of testdata/mistakes.txt with the message that it
// gives.
func TestMistakes(t *testing.T) {
	s := testSchema(t)
	var out strings.Builder
	for _, c := range cases(t, "mistakes.txt") {
		_, err := Compile(s.message(t, messageOf(c.title)), Text{Name: "x.json", JSON: []byte(c.body)}, s)
		if err == nil {
			t.Errorf("%s: no error", c.title)
			continue
		}
		out.WriteString("=== " + c.title + "\n" + err.Error() + "\n\n")
		checkPositions(t, err)
	}
	golden(t, "mistakes.golden", out.String())
}

// checkPositions wants a place, and a caret inside the line, for every mistake.
func checkPositions(t *testing.T, err error) {
	t.Helper()
	var all strict.Errors
	if !errors.As(err, &all) {
		t.Fatalf("the error is a %T, want strict.Errors: %v", err, err)
	}
	for _, e := range all {
		if runes := len([]rune(e.Excerpt)); e.Pos.Line < 1 || e.Pos.Column < 1 || e.Excerpt != "" && e.Pos.Column > runes+1 || e.Excerpt != "" && e.Width < 1 {
			t.Errorf("%s: position %d:%d width %d outside the line %q", e.Head(), e.Pos.Line, e.Pos.Column, e.Width, e.Excerpt)
		}
		if e.Message == "" || strings.Contains(e.Message, "%!") {
			t.Errorf("no proper message: %q", e.Error())
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
