package secret_test

import (
	"reflect"
	"testing"

	"github.com/grpcbench/grpcbench/scenario/secret"
)

func TestSplit(t *testing.T) {
	for text, want := range map[string][]secret.Part{
		"":                nil,
		"plain $5 {x}":    {{Text: "plain $5 {x}"}},
		"${A}":            {{Text: "${A}", Variable: "A"}},
		"Bearer ${A}${B}": {{Text: "Bearer "}, {Text: "${A}", Variable: "A"}, {Text: "${B}", Variable: "B"}},
		"x${file:/a b}y":  {{Text: "x"}, {Text: "${file:/a b}", Variable: "file:/a b"}, {Text: "y"}},
		"${unclosed":      {{Text: "${unclosed"}},
	} {
		if got := secret.Split(text); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
}

func TestMask(t *testing.T) {
	_, values, err := secret.Expand("none")
	if err != nil || len(values) != 0 {
		t.Fatalf("%v, %v", values, err)
	}
	if got := secret.Mask("token s3cr3t is bad, s3cr3t! a", []string{"s3cr3t", "a", ""}); got != "token *** is bad, ***! a" {
		t.Errorf("got %q", got)
	}
}
