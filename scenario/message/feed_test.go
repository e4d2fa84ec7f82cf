package message

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

// TestFeedMistakes shows each mistake of testdata/feeds.txt with its message.
func TestFeedMistakes(t *testing.T) {
	var out strings.Builder
	for _, c := range cases(t, "feeds.txt") {
		name, _, _ := strings.Cut(c.title, ":")
		_, err := ReadFeed(name, []byte(c.body))
		if err == nil {
			t.Errorf("%s: no error", c.title)
			continue
		}
		out.WriteString("=== " + c.title + "\n" + err.Error() + "\n\n")
		checkPositions(t, err)
	}
	golden(t, "feeds.golden", out.String())
}

// TestCheckMistakes shows what is wrong between the templates and the feeds of
// testdata/checks.txt.
func TestCheckMistakes(t *testing.T) {
	s := testSchema(t)
	var out strings.Builder
	for _, c := range cases(t, "checks.txt") {
		body, rest, _ := strings.Cut(c.body, "\n--- ")
		of, err := Compile(s.message(t, messageOf(c.title)), Text{Name: "x.json", JSON: []byte(body)}, s)
		if err != nil {
			t.Fatalf("%s: %v", c.title, err)
		}
		var feed *Feed
		if name, rows, ok := strings.Cut(rest, "\n"); ok {
			if feed, err = ReadFeed(name, []byte(rows)); err != nil {
				t.Fatalf("%s: %v", c.title, err)
			}
		}
		if err = of.Check(feed); err == nil {
			t.Errorf("%s: no error", c.title)
			continue
		}
		fmt.Fprintf(&out, "=== %s\n%v\n", c.title, err)
		if feed != nil && strings.Contains(err.Error(), feed.Name()+":") {
			// What the check finds in a row, the call's rendering would say, too.
			for i := range feed.Len() {
				row, _ := feed.Row(Once, uint64(i), 0)
				if _, err := of.Append(nil, &Env{Row: row}); err != nil {
					fmt.Fprintf(&out, "the call: %v\n", err)
				}
			}
		}
		out.WriteString("\n")
	}
	golden(t, "checks.golden", out.String())
}

func TestFeed(t *testing.T) {
	csv, err := ReadFeed("rows.csv", []byte("\uFEFFid, first name ,note\r\n1,Ada,\"a, \"\"b\"\"\r\nc\"\r\n\r\n2,Bob,\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	jsonl, err := ReadFeed("rows.jsonl", []byte("\uFEFF"+`{"id": 1, "first name": "Ada", "note": "a, \"b\"\nc"}`+"\n\n"+`{"note": "", "id": 2e0, "first name": "Bob", "more": {"a": {"b": [1, {}]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(csv.Columns(), jsonl.Columns()); got != `[id ["first name"] note] [id ["first name"] note more more.a more.a.b]` {
		t.Errorf("columns: %s", got)
	}
	for _, feed := range []*Feed{csv, jsonl} {
		if feed.Len() != 2 {
			t.Fatalf("%s: %d rows, want 2", feed.Name(), feed.Len())
		}
		row, _ := feed.Row(Sequential, 0, 0)
		if v, _ := row.value("note"); v.text != "a, \"b\"\nc" {
			t.Errorf("%s: note is %q", feed.Name(), v.text)
		}
		row, _ = feed.Row(Sequential, 1, 0)
		if v, _ := row.value("first name"); v.text != "Bob" {
			t.Errorf("%s: first name is %q", feed.Name(), v.text)
		}
	}
	row, _ := jsonl.Row(Sequential, 1, 0)
	if v, _ := row.value(pathKey([]string{"more", "a", "b"})); v.shape != anArray || v.text != "[1, {}]" {
		t.Errorf("more.a.b is %+v", v)
	}
	if v, ok := row.value("more.a"); ok {
		t.Errorf("a column with a point in its name is there: %+v", v)
	}
	if got := row.place(); got != "rows.jsonl:3" {
		t.Errorf("the second row is at %s", got)
	}
}

func TestOrders(t *testing.T) {
	feed, err := ReadFeed("rows.csv", []byte("n\n0\n1\n2\n"))
	if err != nil {
		t.Fatal(err)
	}
	take := func(order Order, seed uint64, calls int) string {
		var out strings.Builder
		for call := range uint64(calls) {
			row, ok := feed.Row(order, call, seed)
			if !ok {
				out.WriteString(".")
				continue
			}
			v, _ := row.value("n")
			out.WriteString(v.text)
		}
		return out.String()
	}
	if got := take(Sequential, 1, 7); got != "0120120" {
		t.Errorf("sequential: %s", got)
	}
	if got := take(Once, 1, 5); got != "012.." {
		t.Errorf("once: %s", got)
	}
	if a, b, c := take(Random, 1, 50), take(Random, 1, 50), take(Random, 2, 50); a != b || a == c {
		t.Errorf("random is no function of the seed: %s, %s, %s", a, b, c)
	}
	// 3,000 draws of three rows: 1,000 each, give or take five standard deviations.
	all := take(Random, 3, 3000)
	for _, row := range []string{"0", "1", "2"} {
		if n := strings.Count(all, row); n < 870 || n > 1130 {
			t.Errorf("row %s is drawn %d times in 3,000", row, n)
		}
	}
	var o Order
	if err := o.UnmarshalText([]byte("once")); err != nil || o != Once || o.String() != "once" {
		t.Errorf("once: %v, %v", o, err)
	}
	if err := o.UnmarshalText([]byte("randm")); err == nil || !strings.Contains(err.Error(), "did you mean random?") {
		t.Errorf("randm: %v", err)
	}
}

// What is too large is refused, with its line.
func TestFeedBounds(t *testing.T) {
	if testing.Short() {
		t.Skip("reads millions of values")
	}
	for _, c := range []struct {
		name, want string
		text       []byte
	}{
		{"large.csv", "large.csv:1:1: the file is too large: at most 64 MiB (got 65 MiB)", bytes.Repeat([]byte{'\n'}, 64<<20+1)},
		{"rows.csv", "rows.csv:1000002:1: there are too many rows: at most 1000000", append([]byte("a\n"), bytes.Repeat([]byte("1\n"), 1_000_001)...)},
		{"rows.jsonl", "rows.jsonl:1000001:1: there are too many rows: at most 1000000", bytes.Repeat([]byte("{}\n"), 1_000_001)},
		{"cells.csv", "cells.csv:1002:1: there are too many values: at most 10000000", append(columns(10_000), bytes.Repeat([]byte(strings.Repeat(",", 9_999)+"\n"), 1001)...)},
		{"deep.jsonl", "deep.jsonl:1:104: this is nested too deeply: at most 100 levels", []byte(`{"":` + strings.Repeat(`[`, 100_000))},
	} {
		_, err := ReadFeed(c.name, c.text)
		var head string
		if all, ok := err.(strict.Errors); ok {
			head = all[0].Head()
		}
		if head != c.want {
			t.Errorf("%s: %q, want %q", c.name, head, c.want)
		}
	}
}

func columns(n int) []byte {
	var out []byte
	for i := range n {
		if i > 0 {
			out = append(out, ',')
		}
		out = fmt.Appendf(out, "c%d", i)
	}
	return append(out, '\n')
}
