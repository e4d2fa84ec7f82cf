package strict

import "testing"

// TestColonInText: a colon without white space after it is part of the text,
// in brackets too.
func TestColonInText(t *testing.T) {
	for text, want := range map[string]string{
		"a: [localhost:1, localhost:2]": "localhost:1",
		"a: [localhost:abc]":            "localhost:abc",
		"a: [dns:///x.internal:443]":    "dns:///x.internal:443",
		"a: [passthrough:///b]":         "passthrough:///b",
		"a: {b: localhost:1}":           "",
		"a: [{b: 1}]":                   "",
		"a: [b: 1]":                     "",
		"a: [\"localhost:1\"]":          "localhost:1",
		"a:\n  - localhost:1\n":         "localhost:1",
		`a: {"b": c}`:                   "",
		`a: {b:"c"}`:                    "",
		`a: {b: ""}`:                    "",
		"a: [x, 10:30]":                 "",
	} {
		d, err := Parse("x.yaml", []byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		list := d.Root.Key("a")
		if want == "" {
			if list.Kind == Sequence && list.Items[0].Kind == Scalar && list.Items[0].Text != "x" {
				t.Errorf("%s: the map was read as %q", text, list.Items[0].Text)
			}
			continue
		}
		if got := list.Items[0]; got.Kind != Scalar || got.Text != want {
			t.Errorf("%s: kind %v, %q", text, got.Kind, got)
		}
	}
	d, err := Parse("x.yaml", []byte("a: {b: localhost:1}"))
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Root.Get("a.b"); got == nil || got.Text != "localhost:1" {
		t.Errorf("in braces: %v", got)
	}
}
