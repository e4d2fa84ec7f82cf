package field_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

func TestUnderMovesEveryError(t *testing.T) {
	err := field.Under("faults[1]", errors.Join(
		field.New("", "is wrong"),
		field.New("for", "must be > 0 (got %d)", -1),
		field.Under("inject", errors.Join(field.New("status.code", "must be set"))),
		field.New("[2]", "must go"),
		errors.New("plain"),
	))
	got := map[string]string{}
	var walk func(error)
	walk = func(err error) {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range joined.Unwrap() {
				walk(e)
			}
			return
		}
		got[err.(interface{ Field() string }).Field()+" "+err.Error()] = ""
	}
	walk(err)
	want := map[string]string{
		"faults[1] is wrong":                       "",
		"faults[1].for must be > 0 (got -1)":       "",
		"faults[1].inject.status.code must be set": "",
		"faults[1][2] must go":                     "",
		"faults[1] plain":                          "",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if field.Under("x", nil) != nil || field.Under("x", errors.Join()) != nil {
		t.Error("Under made an error of nil")
	}
}
