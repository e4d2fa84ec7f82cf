package retry

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
)

// kinds sets each field of a choice in turn.
func kinds[C any](t *testing.T, do func(name string, choice C)) {
	typ := reflect.TypeFor[C]()
	for i := range typ.NumField() {
		f := typ.Field(i)
		if f.Tag.Get("doc") == "" || f.Tag.Get("example") == "" || f.Tag.Get("yaml") == "" {
			t.Errorf("%s lacks a tag", f.Name)
		}
		var c C
		reflect.ValueOf(&c).Elem().Field(i).Set(reflect.New(f.Type.Elem()))
		do(f.Tag.Get("yaml"), c)
	}
}

func TestEveryKindIsListed(t *testing.T) {
	kinds(t, func(name string, b Backoff) {
		p := Default()
		p.Backoff = b
		if err := p.Validate(); err != nil || b.kind() == nil || b.Validate() != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
	kinds(t, func(name string, j Jitter) {
		p := Default()
		p.Jitter = j
		if err := p.Validate(); err != nil || j.kind() == nil {
			t.Errorf("%s: %v", name, err)
		}
	})
}

const ms = time.Millisecond

func TestWait(t *testing.T) {
	for name, test := range map[string]struct {
		backoff Backoff
		base    time.Duration
		max     time.Duration
		times   float64
		want    []time.Duration // by retry, from 1
	}{
		"exponential": {Backoff{Exponential: &Exponential{}}, 100 * ms, time.Second, 2,
			[]time.Duration{100 * ms, 200 * ms, 400 * ms, 800 * ms, time.Second, time.Second}},
		"exponential 1.5": {Backoff{Exponential: &Exponential{}}, 100 * ms, time.Second, 1.5,
			[]time.Duration{100 * ms, 150 * ms, 225 * ms, 337500 * time.Microsecond}},
		"linear": {Backoff{Linear: &Linear{}}, 100 * ms, 350 * ms, 2,
			[]time.Duration{100 * ms, 200 * ms, 300 * ms, 350 * ms, 350 * ms}},
		"fixed":     {Backoff{Fixed: &Fixed{}}, 100 * ms, time.Second, 2, []time.Duration{100 * ms, 100 * ms, 100 * ms}},
		"immediate": {Backoff{Immediate: &Immediate{}}, 100 * ms, time.Second, 2, []time.Duration{0, 0, 0}},
	} {
		p := Policy{Backoff: test.backoff, Base: test.base, Max: test.max, Multiplier: test.times, Jitter: Jitter{None: &NoJitter{}}}
		for i, want := range test.want {
			if got := p.Wait(i+1, 0, 0.7); got != want {
				t.Errorf("%s: retry %d waits %v, want %v", name, i+1, got, want)
			}
		}
	}
}

// No power, and no multiple, runs past the end of a Duration.
func TestWaitDoesNotOverflow(t *testing.T) {
	for _, b := range []Backoff{{Exponential: &Exponential{}}, {Linear: &Linear{}}} {
		p := Policy{Backoff: b, Base: 1000 * time.Hour, Max: 2_000_000 * time.Hour, Multiplier: 1000, Jitter: Jitter{None: &NoJitter{}}}
		for n := 1; n <= MaxAttempts; n++ {
			if got := p.Wait(n, 0, 0); got < p.Base || got > p.Max {
				t.Fatalf("%+v: retry %d waits %v", b, n, got)
			}
		}
		if got := (&p).Wait(5000, 0, 0); got != p.Max {
			t.Errorf("%+v: a late retry waits %v, want max", b, got)
		}
	}
}

// The bounds, the mean and the spread of each jitter, by its formula.
func TestJitter(t *testing.T) {
	const b = 100 * ms
	for name, test := range map[string]struct {
		jitter    Jitter
		low, high time.Duration
	}{
		"none":        {Jitter{None: &NoJitter{}}, b, b},
		"equal":       {Jitter{Equal: &Equal{}}, b / 2, b},
		"full":        {Jitter{Full: &Full{}}, 0, b},
		"percent 10":  {Jitter{Percent: &Percent{Percent: 10}}, 90 * ms, 110 * ms},
		"percent 100": {Jitter{Percent: &Percent{Percent: 100}}, 0, 200 * ms},
	} {
		p := Policy{Backoff: Backoff{Fixed: &Fixed{}}, Base: b, Jitter: test.jitter}
		if got := p.Wait(1, 0, 0); got != test.low {
			t.Errorf("%s: at least %v, want %v", name, got, test.low)
		}
		if got := p.Wait(1, 0, math.Nextafter(1, 0)); got > test.high || got < test.high-2 {
			t.Errorf("%s: at most %v, want %v", name, got, test.high)
		}
		source := NewSource(1)
		const n = 20_000
		var sum, squares float64
		for range n {
			wait := p.Wait(1, 0, source.Float64())
			if wait < test.low || wait > test.high {
				t.Fatalf("%s: %v is out of %v to %v", name, wait, test.low, test.high)
			}
			x := float64(wait)
			sum, squares = sum+x, squares+x*x
		}
		mean, width := sum/n, float64(test.high-test.low)
		if want := float64(test.low+test.high) / 2; math.Abs(mean-want) > 0.01*width+1 {
			t.Errorf("%s: mean %v, want %v", name, mean, want)
		}
		// A uniform distribution's variance is width²/12.
		if variance := squares/n - mean*mean; math.Abs(variance-width*width/12) > 0.05*width*width/12+1e3 {
			t.Errorf("%s: variance %v, want %v", name, variance, width*width/12)
		}
	}
}

func TestSourceFollowsFromItsSeed(t *testing.T) {
	a, b, c := NewSource(1), NewSource(1), NewSource(2)
	same := true
	for range 10 {
		x := a.Float64()
		if x != b.Float64() {
			t.Error("one seed, two sequences")
		}
		same = same && x == c.Float64()
	}
	if same {
		t.Error("two seeds, one sequence")
	}
}

func TestPercentByNameAlone(t *testing.T) {
	var p Percent
	p.SetDefaults()
	if p.Percent != 10 {
		t.Errorf("%v percent, want 10", p.Percent)
	}
}

func TestPolicyText(t *testing.T) {
	p := Default()
	for _, word := range p.Words() {
		if err := p.UnmarshalText([]byte(word)); err != nil {
			t.Error(err)
		}
	}
	if !p.Off || p.Attempts != 3 || p.Backoff.Native == nil {
		t.Errorf("none and native made %+v", p)
	}
	if err := p.UnmarshalText([]byte("always")); err == nil {
		t.Error("a word that is none is accepted")
	}
}

func TestInherit(t *testing.T) {
	base := Default()
	base.AttemptTimeout = time.Second
	got := Policy{Attempts: 7, Base: time.Minute}.Inherit(base)
	want := base
	want.Attempts, want.Base, want.Max = 7, time.Minute, time.Minute
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if err := got.Validate(); err != nil {
		t.Error(err)
	}
	if got := (Policy{Off: true}).Inherit(base); !got.Off {
		t.Error("off is lost")
	}
}

func TestValidate(t *testing.T) {
	for want, change := range map[string]func(*Policy){
		"attempts: must be between 1 and 100 (got 0)":               func(p *Policy) { p.Attempts = 0 },
		"attempts: must be between 1 and 100 (got 101)":             func(p *Policy) { p.Attempts = 101 },
		"backoff: must be one of":                                   func(p *Policy) { p.Backoff = Backoff{} },
		"backoff: must be one of exponential":                       func(p *Policy) { p.Backoff.Fixed = &Fixed{} },
		"base: must be > 0 (got -3ms)":                              func(p *Policy) { p.Base = -3 * ms },
		"base: must be > 0 (got 0s)":                                func(p *Policy) { p.Base = 0 },
		"max: must be at least base, which is 100ms (got 99ms)":     func(p *Policy) { p.Max = 99 * ms },
		"multiplier: must be between 1 and 1000 (got 0.9)":          func(p *Policy) { p.Multiplier = 0.9 },
		"multiplier: must be between 1 and 1000 (got NaN)":          func(p *Policy) { p.Multiplier = math.NaN() },
		"jitter: must be one of":                                    func(p *Policy) { p.Jitter = Jitter{} },
		"jitter.percent: must be between 0 and 100 (got 101)":       func(p *Policy) { p.Jitter.Percent.Percent = 101 },
		"jitter.percent: must be between 0 and 100 (got -1)":        func(p *Policy) { p.Jitter.Percent.Percent = -1 },
		"attempt_timeout: must be >= 0, where 0 is none (got -1ms)": func(p *Policy) { p.AttemptTimeout = -ms },
		"codes: must name at least one code":                        func(p *Policy) { p.Codes = nil },
		"codes[1]: must be a code of a failure (got OK)":            func(p *Policy) { p.Codes[1] = codes.OK },
		"codes[0]: must be a code of a failure (got Code(17))":      func(p *Policy) { p.Codes[0] = 17 },
		"codes[2]: names Unavailable a second time":                 func(p *Policy) { p.Codes[2] = codes.Unavailable },
	} {
		p := Default()
		change(&p)
		err := p.Validate()
		if err == nil {
			t.Errorf("accepted: %s", want)
			continue
		}
		errs := err.(interface{ Unwrap() []error }).Unwrap()
		fielded, ok := errs[0].(interface{ Field() string })
		if len(errs) != 1 || !ok || !strings.HasPrefix(fielded.Field()+": "+errs[0].Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
		p.Off = true
		if err := p.Validate(); err != nil {
			t.Errorf("off: %v", err)
		}
	}
	good := Default()
	good.Backoff, good.Base, good.Max, good.Multiplier = Backoff{Immediate: &Immediate{}}, 0, 0, 0
	if err := good.Validate(); err != nil {
		t.Errorf("immediate needs no base: %v", err)
	}
	good.Backoff, good.Base = Backoff{Fixed: &Fixed{}}, ms
	if err := good.Validate(); err != nil {
		t.Errorf("fixed needs no max and no multiplier: %v", err)
	}
}
