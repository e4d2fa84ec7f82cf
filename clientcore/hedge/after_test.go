package hedge

import (
	"strings"
	"testing"
	"time"
)

func TestAfterText(t *testing.T) {
	for text, want := range map[string]After{
		"20ms":   {Delay: 20 * time.Millisecond},
		"1m30s":  {Delay: 90 * time.Second},
		"1ns":    {Delay: 1},
		"p95":    {Percentile: 95},
		"p99.9":  {Percentile: 99.9},
		"p99.99": {Percentile: 99.99},
		"p1":     {Percentile: 1},
	} {
		var a After
		if err := a.UnmarshalText([]byte(text)); err != nil || a != want {
			t.Errorf("%s: %+v, %v", text, a, err)
		}
		if got, err := a.MarshalText(); err != nil || string(got) != text || a.Word() != text {
			t.Errorf("%s is written %s, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"":        "must be a duration such as 20ms, or a percentile such as p95",
		"soon":    "must be a duration",
		"20":      "must be a duration",
		"95%":     "must be a duration",
		"p":       "must be a duration",
		"p95ms":   "must be a duration",
		"p1e1":    "must be a duration",
		"p-5":     "must be a duration",
		"pNaN":    "must be between",
		"pInf":    "must be between",
		"p0":      "must be > 0 (got 0s)",
		"p0.5":    "must be between p1 and p99.99 (got p0.5)",
		"p100":    "must be between p1 and p99.99 (got p100)",
		"p99.999": "must be between p1 and p99.99 (got p99.999)",
		"0s":      "must be > 0 (got 0s)",
		"-20ms":   "must be > 0 (got -20ms)",
	} {
		a := After{Delay: 7}
		if err := a.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
		if a != (After{Delay: 7}) {
			t.Errorf("%q: left %+v", text, a)
		}
	}
	if got := (After{}).String(); got != "" {
		t.Errorf("nothing is written %q", got)
	}
}

// What is accepted is valid, and is read back from how it is written.
func FuzzAfterText(f *testing.F) {
	for _, text := range []string{"20ms", "p95", "p99.9", "p0x1p4", "1h1ns", "p+5", "p1_0", "pinf"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var a, again After
		if a.UnmarshalText([]byte(text)) != nil {
			return
		}
		if err := a.validate(); err != nil {
			t.Fatalf("%q: %+v: %v", text, a, err)
		}
		if err := again.UnmarshalText([]byte(a.String())); err != nil || again != a {
			t.Fatalf("%q: %+v is written %s and read as %+v, %v", text, a, a, again, err)
		}
	})
}

func TestPolicyWords(t *testing.T) {
	p := Default()
	if err := p.UnmarshalText([]byte("none")); err != nil || !p.Off || p.Word() != "none" || p.Validate() != nil {
		t.Errorf("none: %+v, %v", p, err)
	}
	if err := p.UnmarshalText([]byte("native")); err == nil {
		t.Error("native is no hedge")
	}
	if err := Default().Validate(); err != nil || Default().Word() != "" {
		t.Errorf("the default: %v", err)
	}
	own := Policy{After: After{Delay: 1}, Attempts: 7}
	if got := own.Inherit(Default()); got.After != own.After || got.Attempts != 7 || got.Validate() != nil {
		t.Errorf("%+v", got)
	}
}
