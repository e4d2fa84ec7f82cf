package load

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Replay repeats arrivals that were recorded elsewhere. It has no rate of its
// own: the file is the schedule, from the first arrival on, in the warm-up as
// in the measurement. When it ends, so do the calls.
type Replay struct {
	File string `yaml:"file" doc:"a line for each call: seconds, a Go duration or an RFC 3339 time, never before the line above; the first is the begin"`
	// Speed makes time run faster: 2 replays in half the time.
	Speed float64 `yaml:"speed" doc:"how many times as fast; 1 when left out"`

	times []time.Duration // from the first
}

// SetDefaults implements the decoder's hook.
func (r *Replay) SetDefaults() { r.Speed = 1 }

// Validate returns what is wrong, but for the file itself: see Load.
func (r *Replay) Validate() []Problem {
	var out []Problem
	if r.File == "" {
		out = append(out, problem("file", "must name a file of arrivals"))
	}
	if !(r.Speed > 0 && r.Speed <= 1e6) {
		out = append(out, problem("speed", "must be > 0 and at most 1000000 (got %v)", r.Speed))
	}
	return out
}

// Load reads the file.
func (r *Replay) Load() error {
	f, err := os.Open(r.File)
	if err != nil {
		return err
	}
	defer f.Close()
	times, err := ReadArrivals(f)
	if err != nil {
		return fmt.Errorf("%s: %w", r.File, err)
	}
	r.times = times
	return nil
}

// Len is how many calls there are, and over what time.
func (r *Replay) Len() (calls int, over time.Duration) {
	if n := len(r.times); n > 0 {
		return n, r.at(n - 1)
	}
	return 0, 0
}

// Due is how many calls are due within a length of time from the begin.
func (r *Replay) Due(within time.Duration) int {
	return sort.Search(len(r.times), func(i int) bool { return r.at(i) >= within })
}

// Busiest is the most calls that are due within any length of time.
func (r *Replay) Busiest(within time.Duration) int {
	most, first := 0, 0
	for i := range r.times {
		for r.at(i)-r.at(first) >= within {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// at is when the i-th is due.
func (r *Replay) at(i int) time.Duration { return offset(float64(r.times[i]) / r.Speed) }

// Schedule implements Process. Neither rate nor seed has a part in it.
func (r *Replay) Schedule(float64, uint64) Schedule { return &replay{of: r} }

type replay struct {
	of *Replay
	i  int
}

func (p *replay) Next() time.Duration {
	if p.i == len(p.of.times) {
		return never
	}
	p.i++
	return p.of.at(p.i - 1)
}

// mostArrivals keeps a mistaken file from filling the memory.
const mostArrivals = 50_000_000

// ReadArrivals reads a file of arrivals: blank lines and those that begin with
// # aside, each line begins with a number of seconds, a Go duration or an RFC
// 3339 time, all of them of one kind; what follows after a comma or a blank is
// ignored. The result counts from the first and never decreases. Errors name
// the line.
func ReadArrivals(from io.Reader) ([]time.Duration, error) {
	var out []time.Duration
	var first time.Duration
	var begin time.Time
	kind := ""
	lines := bufio.NewScanner(from)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		if cut := strings.IndexAny(text, ", \t;"); cut >= 0 {
			text = text[:cut]
		}
		at, stamp, this, err := arrival(text)
		switch {
		case err != nil:
			return nil, fmt.Errorf("line %d: %w", n, err)
		case kind != "" && this != kind:
			return nil, fmt.Errorf("line %d: %q is %s, where the lines above are each %s", n, text, this, kind)
		case kind == "":
			kind, first, begin = this, at, stamp
		}
		if this == aStamp {
			at = stamp.Sub(begin)
		} else {
			at -= first
		}
		if len(out) > 0 && at < out[len(out)-1] || at < 0 {
			return nil, fmt.Errorf("line %d: %q is before the line above", n, text)
		}
		if len(out) == mostArrivals {
			return nil, fmt.Errorf("line %d: more than %d arrivals", n, mostArrivals)
		}
		out = append(out, at)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("holds no arrivals")
	}
	return out, nil
}

// The kinds of lines.
const (
	aNumber   = "a number of seconds"
	aDuration = "a duration"
	aStamp    = "a time"
)

func arrival(text string) (at time.Duration, stamp time.Time, kind string, err error) {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		if !(seconds >= 0 && seconds < float64(never)/float64(time.Second)) {
			return 0, stamp, aNumber, fmt.Errorf("%q is no time: must be >= 0 seconds", text)
		}
		return offset(seconds * float64(time.Second)), stamp, aNumber, nil
	}
	if d, err := time.ParseDuration(text); err == nil {
		return d, stamp, aDuration, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return 0, t, aStamp, nil
	}
	return 0, stamp, "", fmt.Errorf("%q is neither a number of seconds, nor a duration such as 1.5s, nor a time such as 2026-03-01T12:00:00Z", text)
}
