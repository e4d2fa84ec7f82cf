package strict

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// seeds are the golden mistakes and a document of everything.
func seeds(f *testing.F) []string {
	text, err := os.ReadFile(filepath.Join("testdata", "mistakes.txt"))
	if err != nil {
		f.Fatal(err)
	}
	var list []string
	for _, part := range strings.Split(string(text), "=== ")[1:] {
		_, body, _ := strings.Cut(part, "\n")
		list = append(list, strings.ReplaceAll(body, `\t`, "\t"))
	}
	return append(list,
		"a: &x {b: [1, 'two', \"three\\n\"]}\nc: *x\nd: |\n  text\n  more\ne: >-\n  folded\n\n  text\nf:\n- g\n- - h\n  - i: j\n    k:\n",
		"retry: {attempts: 2, jitter: {percent: 10}, codes: [UNAVAILABLE]}\nload:\n  - {name: reads, rate: 900/s}\nmethods: {A: {timeout: 1s}}\n",
		"service_time: {quantiles: {p50: 3ms, p99: 40ms}}\nbalance: {pick_first: {shuffle: true}}\nbaseline: {a.b: 4}\ncompare: {x: [1, 2]}\n")
}

// checkFuzzed wants every error to be at a place inside the text.
func checkFuzzed(t *testing.T, text string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimPrefix(text, "\uFEFF")), "\n")
	for _, e := range err.(Errors) {
		switch {
		case e.Message == "" || e.Width < 1:
			t.Errorf("no message or no width: %+v", e)
		case e.Pos.Line < 1 || e.Pos.Line > len(lines):
			t.Errorf("line %d of %d: %s", e.Pos.Line, len(lines), e.Head())
		case e.Pos.Column < 1 || e.Pos.Column > utf8.RuneCountInString(lines[e.Pos.Line-1])+1:
			t.Errorf("column %d of line %q: %s", e.Pos.Column, lines[e.Pos.Line-1], e.Head())
		case e.Excerpt != lines[e.Pos.Line-1]:
			t.Errorf("excerpt %q, the line is %q", e.Excerpt, lines[e.Pos.Line-1])
		}
		if rendered := e.Error(); strings.ContainsAny(rendered, "\t\r\x00") || strings.Count(rendered, "\n") > 2 {
			t.Errorf("rendered as %q", rendered)
		}
	}
}

// FuzzParse: no panic, errors have a place, and a printed tree reads as
// itself.
func FuzzParse(f *testing.F) {
	for _, text := range seeds(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := Parse("x.yaml", []byte(text))
		checkFuzzed(t, text, err)
		if doc == nil {
			if err == nil {
				t.Fatal("neither document nor error")
			}
			return
		}
		if doc.Root.size() > maxNodes {
			t.Fatalf("%d nodes", doc.Root.size())
		}
		once := Print(doc.Root)
		again, err := Parse("printed", []byte(once))
		if err != nil {
			t.Fatalf("printed text does not parse: %v\n%s", err, once)
		}
		if twice := Print(again.Root); twice != once {
			t.Fatalf("printed as\n%s\nand then as\n%s", once, twice)
		}
		if doc.Root.String() != again.Root.String() {
			t.Fatalf("%s\nbecame\n%s", doc.Root, again.Root)
		}
	})
}

// FuzzDecode: whatever parses decodes or is refused with a place, --set too.
func FuzzDecode(f *testing.F) {
	for _, text := range seeds(f) {
		f.Add(text, "retry.base", "5ms")
		f.Add(text, "load.reads.rate", "{a: [b")
	}
	f.Fuzz(func(t *testing.T, text, path, value string) {
		doc, err := Parse("x.yaml", []byte(text))
		if doc == nil {
			return
		}
		into := sampleDefaults()
		decodeErr := Decode(doc, nil, into)
		checkFuzzed(t, text, decodeErr)
		if Join(err, decodeErr) == nil {
			printed, err := Parse("printed", []byte(Print(doc.Root)))
			if err != nil {
				t.Fatal(err)
			}
			again := sampleDefaults()
			if err := Decode(printed, nil, again); err != nil {
				t.Fatalf("the printed document is refused: %v", err)
			}
			into.Compare, again.Compare = nil, nil
			if !reflect.DeepEqual(into, again) {
				t.Fatalf("the printed document decodes as\n%+v\nnot\n%+v", again, into)
			}
		}
		if err := doc.Set(path, value, reflect.TypeFor[sample]()); err != nil {
			for _, e := range err.(Errors) {
				if e.Pos.Line < 1 || e.Pos.Column < 1 || e.Pos.Source != "--set "+path+"="+value || e.Error() == "" {
					t.Errorf("--set %q=%q: %+v", path, value, e)
				}
			}
			return
		}
		if err := Decode(doc, nil, sampleDefaults()); err != nil && err.Error() == "" {
			t.Error("an empty error")
		}
	})
}
