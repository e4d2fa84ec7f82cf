package strict

import (
	"strings"
	"testing"
)

// ${NAME} is text wherever it stands, and what comes after it is where it was.
func TestVariablesAreText(t *testing.T) {
	type target struct {
		List  []string `yaml:"list"`
		Token string   `yaml:"token"`
		After int      `yaml:"after"`
	}
	for _, text := range []string{
		"{list: [a, ${ONE}, b-${TWO_2}], token: ${TOKEN}, after: 3}",
		"list: [a, ${ONE}, b-${TWO_2}]\ntoken: ${TOKEN}\nafter: 3\n",
		"list: [a, '${ONE}', \"b-${TWO_2}\"]\ntoken: >-\n  ${TOKEN}\nafter: 3\n",
	} {
		doc, err := Parse("x", []byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var got target
		if err := Decode(doc, nil, &got); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if strings.Join(got.List, " ") != "a ${ONE} b-${TWO_2}" || got.Token != "${TOKEN}" || got.After != 3 {
			t.Errorf("%s: %+v", text, got)
		}
		// It is the same when it is written anew.
		again, err := Parse("x", []byte(Print(doc.Root)))
		if err != nil || again.Root.Get("token").Text != "${TOKEN}" || again.Root.Get("list[1]").Text != "${ONE}" {
			t.Errorf("printed as %s: %v", Print(doc.Root), err)
		}
	}
	var filed target
	doc, err := Parse("x", []byte("{list: [${file:/run/a}, x], token: ${file:b.txt}, after: 3} # ${file:c}"))
	if err == nil {
		err = Decode(doc, nil, &filed)
	}
	if err != nil || strings.Join(filed.List, " ") != "${file:/run/a} x" || filed.Token != "${file:b.txt}" {
		t.Errorf("%+v, %v", filed, err)
	}
	for text, want := range map[string]string{
		"{token: ${TOKEN}, afte: 3}": "x:1:19: afte",
		"{token: ${}, after: 3}":     "x:1:",
		"{token: ${A B}, after: 3}":  "x:1:",
		"{token: ${TOKEN, after: 3}": "x:1:",
	} {
		var got target
		doc, err := Parse("x", []byte(text))
		if err == nil {
			err = Decode(doc, nil, &got)
		}
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
