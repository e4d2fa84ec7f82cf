package message

import (
	"fmt"
	"strings"
	"testing"
)

func TestReadMessages(t *testing.T) {
	s := testSchema(t)
	md := s.message(t, "test.Charge")
	for _, c := range []struct {
		file, text string
		want       []string
	}{
		{"one.json", `{"amount": 1}`, []string{`{"amount": 1}`}},
		{"some.json", "\uFEFF[\n{\"amount\": 1},\n{\"amount\": \"{{ .call }}\"}]", []string{`{"amount": 1}`, `{"amount": 8}`}},
		{"some.jsonl", "{\"amount\": 1}\r\n\r\n{\"amount\": \"{{ .call }}\"}", []string{`{"amount": 1}`, `{"amount": 8}`}},
	} {
		all, err := ReadMessages(md, c.file, []byte(c.text), s)
		if err != nil || len(all) != len(c.want) {
			t.Errorf("%s: %d messages, %v; want %d", c.file, len(all), err, len(c.want))
			continue
		}
		for i, of := range all {
			wire, err := of.Append(nil, &Env{Call: 8})
			if err != nil {
				t.Fatal(err)
			}
			same(t, wanted(t, s, md, c.want[i]), decode(t, s, md, wire))
		}
	}
}

func TestReadMessagesMistakes(t *testing.T) {
	s := testSchema(t)
	md := s.message(t, "test.Charge")
	var out strings.Builder
	for _, c := range []struct{ file, text string }{
		{"some.json", "[\n  {\"amont\": 1},\n  {\"amount\": \"{{ uid }}\"},\n  3\n]"},
		{"some.jsonl", "{\"amont\": 1}\n\n{\"amount\": }\n{\"amount\": \"x\"}\n{\"amount\": 1} {\"amount\": 2}"},
		{"none.json", "[]"},
		{"none.jsonl", "\n\n"},
		{"messages.txt", "{}"},
		{"very-many.jsonl", strings.Repeat("{\"amount\": \"x\"}\n", 1000)},
	} {
		_, err := ReadMessages(md, c.file, []byte(c.text), s)
		if err == nil {
			t.Errorf("%s: no error", c.file)
			continue
		}
		checkPositions(t, err)
		lines := strings.Split(err.Error(), "\n")
		if more := len(lines) - 20; more > 0 {
			lines = append(lines[:20], fmt.Sprintf("… %d lines", more))
		}
		fmt.Fprintf(&out, "=== %s\n%s\n\n", c.file, strings.Join(lines, "\n"))
	}
	golden(t, "files.golden", out.String())
}

// A mistake in JSON that begins within a file is shown where it is.
func TestTextInsideOfAFile(t *testing.T) {
	s := testSchema(t)
	_, err := Compile(s.message(t, "test.Charge"), Text{Name: "x.yaml", Line: 7, Column: 12, JSON: []byte("{\"amont\": 1,\n \"cuont\": 2}")}, s)
	want := `x.yaml:7:13: amont: unknown field, did you mean amount?
x.yaml:8:2: cuont: unknown field, did you mean count?
    8 |  "cuont": 2}
      |  ^^^^^^^`
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant:\n%s", err, want)
	}
}

// A line that is too long to show is not shown, and nothing takes long.
func TestLongLine(t *testing.T) {
	s := testSchema(t)
	text := `{"tags": [` + strings.Repeat(`"äbcdefghij", `, 200_000) + `5, 6]}`
	_, err := Compile(s.message(t, "test.Charge"), Text{Name: "x.json", JSON: []byte(text)}, s)
	want := `x.json:1:2800011: tags[200000]: must be text: put it in quotes, for it is a string (got 5)
x.json:1:2800014: tags[200001]: must be text: put it in quotes, for it is a string (got 6)`
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant:\n%s", err, want)
	}
}
