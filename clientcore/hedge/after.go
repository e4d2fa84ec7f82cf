package hedge

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// After is how long an attempt may be without an answer before the next is sent:
// a fixed time, or a percentile of the latencies that the client has seen. Exactly
// one field is set.
type After struct {
	// Delay is a fixed time.
	Delay time.Duration
	// Percentile is one of recent latencies: 95 is p95. See Latencies.
	Percentile float64
}

// The percentiles that After takes: beyond them far too many calls would be hedged,
// or far too many be needed to know.
const (
	minPercentile = 1
	maxPercentile = 99.99
)

// UnmarshalText reads a duration, such as 20ms, or a percentile, such as p95 or
// p99.9.
func (a *After) UnmarshalText(text []byte) error {
	if digits, is := strings.CutPrefix(string(text), "p"); is {
		p, err := strconv.ParseFloat(digits, 64)
		if err != nil || strings.ContainsAny(digits, "xXeE_+-") {
			return fmt.Errorf("must be a duration such as 20ms, or a percentile such as p95 (got %q)", text)
		}
		read := After{Percentile: p}
		if err := read.validate(); err != nil {
			return err
		}
		*a = read
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("must be a duration such as 20ms, or a percentile such as p95 (got %q)", text)
	}
	if d <= 0 {
		return fmt.Errorf("must be > 0 (got %s)", text)
	}
	*a = After{Delay: d}
	return nil
}

// String is a as users write it; "" where nothing is set.
func (a After) String() string {
	switch {
	case a.Percentile != 0:
		return "p" + strconv.FormatFloat(a.Percentile, 'f', -1, 64)
	case a.Delay != 0:
		return a.Delay.String()
	}
	return ""
}

// Word is String: After is one word, whatever it says.
func (a After) Word() string { return a.String() }

// MarshalText is String.
func (a After) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

func (a After) validate() error {
	switch {
	case a.Delay != 0 && a.Percentile != 0:
		return errors.New("must be either a duration or a percentile, not both")
	case a.Percentile != 0 && !(a.Percentile >= minPercentile && a.Percentile <= maxPercentile):
		return fmt.Errorf("must be between p%v and p%v (got p%v)", minPercentile, maxPercentile, a.Percentile)
	case a.Percentile == 0 && a.Delay <= 0:
		return fmt.Errorf("must be > 0 (got %v)", a.Delay)
	}
	return nil
}
