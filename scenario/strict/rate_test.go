package strict_test

import (
	"strings"
	"testing"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

func TestRate(t *testing.T) {
	for text, want := range map[string]float64{"900/s": 900, "2/ms": 2000, "60/m": 1, "0.5/s": 0.5} {
		if got, err := strict.Rate(text); err != nil || got != want {
			t.Errorf("%s: %v (%v), want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"900":  `must be a rate such as 900/s, 2/ms or 60/m (got "900"), did you mean 900/s?`,
		"-1/s": "must be >= 0",
		"":     "must be a rate",
	} {
		if _, err := strict.Rate(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
