package message

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/dynamicpb"
)

// bounded wants an error of a length that somebody can read.
func bounded(t *testing.T, err error) {
	t.Helper()
	if err != nil && len(err.Error()) > 100_000 {
		t.Fatalf("an error of %d bytes", len(err.Error()))
	}
}

// Compile takes what protojson takes, and gives the message that it gives. What has
// templates either is refused, or renders to a message, always the same.
func FuzzCompile(f *testing.F) {
	s := testSchema(f)
	for _, name := range []string{"mistakes.txt"} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		for _, part := range strings.Split(string(text), "=== ")[1:] {
			_, body, _ := strings.Cut(part, "\n")
			f.Add(body, uint8(0))
			f.Add(body, uint8(1))
		}
	}
	f.Add(`{"limits": {"a": 1}, "detail": {"@type": "x/test.Account", "iban": "{{ .call }}"}}`, uint8(0))
	f.Add(`{"id": 1, "[old.sibling]": {"id": "2"}, "Line": [{"number": 1}], "packed": [1, 2.0e1]}`, uint8(1))
	for _, any := range []string{`{"@type": "x/old.Order", "id": null}`, `{"@type": "x/old.Order"}`, `{}`, `{"@type": ""}`, `{"@type": "x/google.protobuf.Empty"}`,
		`{"@type": "x/google.protobuf.Empty", "value": {}}`, `{"@type": "x/google.protobuf.Any", "value": {}}`, `{"value": 5, "@type": "x/google.protobuf.Int32Value"}`,
		`{"@type": "x/google.protobuf.Value", "value": null}`, `{"@type": "x/test.Item", "@type": "x/test.Item"}`, `{"@type": "x/old.Order", "parent": {"note": "no id"}}`} {
		f.Add(any, uint8(4))
	}
	f.Add(`{"nothing": null, "card": "x"}`, uint8(0))
	f.Add(`{"nothing": "NULL_VALUE", "anything": null, "list": null, "values": {"a": null}, "times": []}`, uint8(0))
	f.Add(`{"amount": "1 ", "big": "", "rate": " 1", "share": "1e2"}`, uint8(0))
	f.Add(`{"chosen": -0.0, "zig": "-0", "count": 1e-1, "total": 10e-1, "fixed": 0.00000000000000000000001e23}`, uint8(0))
	f.Add(`{"a": [1, {"b": null}], "c": "d"}`, uint8(2))
	f.Add(`"1.5s"`, uint8(3))
	names := []string{"test.Charge", "old.Order", "google.protobuf.Value", "google.protobuf.Duration", "google.protobuf.Any"}
	f.Fuzz(func(t *testing.T, text string, which uint8) {
		md := s.message(t, names[int(which)%len(names)])
		if !strings.Contains(text, opening) {
			agrees(t, s, md, text)
			return
		}
		of, err := Compile(md, Text{Name: "x.json", JSON: []byte(text)}, s)
		if err != nil {
			checkPositions(t, err)
			bounded(t, err)
			return
		}
		if len(of.rows) > 0 {
			if of.Check(nil) == nil {
				t.Fatal("needs a row, and finds nothing wrong with there being none")
			}
			return
		}
		wire, err := of.Append(nil, &Env{Seed: 3, Call: 1})
		if err != nil {
			bounded(t, err)
			return
		}
		decode(t, s, md, wire)
		again, _ := of.Append(nil, &Env{Seed: 3, Call: 1})
		if !bytes.Equal(wire, again) {
			t.Fatalf("two renderings differ: %x and %x", wire, again)
		}
	})
}

// A text with templates is refused, or it renders to the same text each time, which a
// message with it in a string field holds.
func FuzzTemplate(f *testing.F) {
	s := testSchema(f)
	md := s.message(f, "test.Charge")
	for _, text := range []string{
		`{{ .row.id }}`, `a{{ .call }}b{{ .message }}`, `{{ uuid }}`, `{{ randInt 1 100 }}`, `{{ randFloat -1e300 1e300 }}`, `{{ randString 5 }}`, `{{ randBytes 5 }}`,
		`{{ randChoice "a" 'b' 3 true }}`, `{{ "{{" }}`, `{{ '}}' }}{{`, `{{ .row["a b"].c }}`, `{{- uuid -}}`, "{{ `x` }}", `{{ randInt -9223372036854775808 9223372036854775807 }}`,
	} {
		f.Add(text, uint64(1), uint64(2))
	}
	feed := testFeed(f)
	f.Fuzz(func(t *testing.T, text string, seed, call uint64) {
		if !utf8.ValidString(text) {
			t.Skip()
		}
		if m, err := CompileMetadata("x-key", text); err == nil && m.Check(feed) == nil {
			row, _ := feed.Row(Random, call, seed)
			value, err := m.Render(&Env{Seed: seed, Call: call, Row: row})
			if err != nil {
				t.Fatalf("checked, and yet: %v", err)
			}
			if again, _ := m.Render(&Env{Seed: seed, Call: call, Row: row}); again != value {
				t.Fatalf("two renderings differ: %q and %q", value, again)
			}
		}
		of, err := Compile(md, Text{Name: "x.json", JSON: append(appendQuoted([]byte(`{"customerId":`), text), '}')}, s)
		if err != nil {
			checkPositions(t, err)
			bounded(t, err)
			return
		}
		if err := of.Check(feed); err != nil {
			bounded(t, err)
			return
		}
		row, _ := feed.Row(Sequential, call, seed)
		e := &Env{Seed: seed, Call: call, Row: row}
		wire, err := of.Append(nil, e)
		if err != nil {
			t.Fatalf("checked, and yet: %v", err)
		}
		field := md.Fields().ByName("customer_id")
		got := decode(t, s, md, wire).ProtoReflect().Get(field).String()

		var ordinal uint64
		plain, of2, _ := parseText(text, &ordinal)
		want := plain
		if of2 != nil {
			v, err := of2.value(&Env{Seed: seed, Call: call, Row: row})
			if err != nil {
				t.Fatal(err)
			}
			if v.shape == aNull {
				v = textValue("")
			}
			want = string(v.appendText(nil))
		}
		if got != want {
			t.Fatalf("the field holds %q, the template gives %q", got, want)
		}
	})
}

// A feed is refused, or every row of it can be taken, and has what the file says.
func FuzzFeed(f *testing.F) {
	f.Add("id,name\n1,a\n2,\"b,\"\"c\"\"\"\n", false)
	f.Add("\uFEFFid;x\r\n\r\n1\r\n", false)
	f.Add(`{"id": 1, "user": {"name": "x", "tags": [1, {"a": null}]}}`+"\n\n"+`{"id": "é"}`, true)
	f.Add(`{"a": 1, "a": 2}`, true)
	s := testSchema(f)
	md := s.message(f, "google.protobuf.Value")
	f.Fuzz(func(t *testing.T, text string, lines bool) {
		name := "rows.csv"
		if lines {
			name = "rows.jsonl"
		}
		feed, err := ReadFeed(name, []byte(text))
		if err != nil {
			checkPositions(t, err)
			bounded(t, err)
			return
		}
		if feed.Len() == 0 {
			t.Fatal("no rows, and no error")
		}
		for i := range uint64(feed.Len()) {
			row, ok := feed.Row(Once, i, 0)
			if !ok {
				t.Fatalf("row %d is not there", i)
			}
			for key := range feed.ids {
				v, ok := row.value(key)
				if !ok {
					if !lines {
						t.Fatalf("row %d has no %q", i, key)
					}
					continue
				}
				if !json.Valid(v.appendJSON(nil)) {
					t.Fatalf("row %d: %q is no JSON", i, v.appendJSON(nil))
				}
				if m := dynamicpb.NewMessage(md); v.shape != aNumber && len(v.text) < 1000 {
					if err := protojson.Unmarshal(v.appendJSON(nil), m); err != nil && v.shape == aString {
						t.Fatalf("row %d: %q: %v", i, v.appendJSON(nil), err)
					}
				}
			}
		}
		if _, ok := feed.Row(Once, uint64(feed.Len()), 0); ok {
			t.Fatal("there is a row after the last")
		}
	})
}
