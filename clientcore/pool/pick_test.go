package pool

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"
)

// TestKinds: every kind of pick has its doc, example and line in list, and picks.
func TestKinds(t *testing.T) {
	typ := reflect.TypeFor[Pick]()
	if n := len((Pick{}).list()); n != typ.NumField() {
		t.Errorf("%d kinds in list, %d fields", n, typ.NumField())
	}
	for i := range typ.NumField() {
		f := typ.Field(i)
		if f.Tag.Get("doc") == "" || f.Tag.Get("example") == "" || f.Tag.Get("yaml") == "" {
			t.Errorf("%s lacks a tag", f.Name)
		}
		cfg := config(3)
		cfg.Pick = Pick{}
		reflect.ValueOf(&cfg.Pick).Elem().Field(i).Set(reflect.New(f.Type.Elem()))
		if err := cfg.Validate(); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		p, _ := newPool(t, cfg, atOnce)
		seen := map[int]bool{}
		for range 200 {
			seen[pickOnce(t, p).slot] = true
		}
		if len(seen) != 3 {
			t.Errorf("%s uses %d of 3 channels", f.Name, len(seen))
		}
	}
	if _, isRoundRobin := (Pick{}).kind().(*RoundRobin); !isRoundRobin {
		t.Error("no choice is not round robin")
	}
}

// TestTrapRoundRobinCursor: no turn is lost or taken twice. A cursor that
// is written under a read lock, or read and then written, loses some.
func TestTrapRoundRobinCursor(t *testing.T) {
	const size, callers, each = 7, 16, 700 // each × callers is a multiple of size
	p, d := newPool(t, config(size), atOnce)
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range each {
				if err := p.Invoke(context.Background(), "/s/M", nil, nil); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	for _, c := range d.all() {
		if _, _, calls := c.count(); calls != callers*each/size {
			t.Errorf("slot %d had %d calls, want %d", c.slot, calls, callers*each/size)
		}
	}
	if s := p.Stats(); s.Picks != callers*each || s.InFlight != 0 {
		t.Errorf("%+v", s)
	}
}

// TestLeastInFlightIsExact begins and ends calls in random order: each begins on
// a channel that has the fewest.
func TestLeastInFlightIsExact(t *testing.T) {
	for _, size := range []int{1, 2, 5, ExactSize} {
		p, _ := newPool(t, config(size, least), atOnce)
		r := rand.New(rand.NewPCG(uint64(size), 3))
		load := make([]int, size)
		var open []*channel
		for range 3000 {
			if len(open) > 0 && r.IntN(100) < 45 {
				i := r.IntN(len(open))
				p.end(open[i])
				load[open[i].slot]--
				open = slices.Delete(open, i, i+1)
				continue
			}
			c := hold(t, p)
			if want := slices.Min(load); load[c.slot] != want {
				t.Fatalf("size %d: picked slot %d of loads %v", size, c.slot, load)
			}
			load[c.slot]++
			open = append(open, c)
		}
		for _, c := range open {
			p.end(c)
		}
	}
}

// TestLeastInFlightIsExactUnderConcurrency: calls that begin at the same time do
// not pile up on the channel that all of them saw as the least loaded.
func TestLeastInFlightIsExactUnderConcurrency(t *testing.T) {
	p, _ := newPool(t, config(ExactSize, least), atOnce)
	const each = 50
	var mu sync.Mutex
	load := map[int]int{}
	var wg sync.WaitGroup
	for range ExactSize {
		wg.Go(func() {
			for range each {
				c, err := p.begin(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				load[c.slot]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for slot := range ExactSize {
		if load[slot] != each {
			t.Errorf("slot %d has %d calls, want %d: %v", slot, load[slot], each, load)
		}
	}
	for _, c := range p.current() {
		for range load[c.slot] {
			p.end(c)
		}
	}
}

// overtaken is a least_in_flight beside which another call begins on the channel
// that it has just chosen.
type overtaken struct {
	LeastInFlight
	once sync.Once
}

func (o *overtaken) choose(from []*channel, awake int, turn, seed uint64) (int, int64) {
	i, load := o.LeastInFlight.choose(from, awake, turn, seed)
	o.once.Do(func() { from[i].enter() })
	return i, load
}

// TestLeastInFlightChoosesAgain when its reason no longer holds.
func TestLeastInFlightChoosesAgain(t *testing.T) {
	p, _ := newPool(t, config(2, least), atOnce)
	p.kind = &overtaken{}
	c := hold(t, p)
	for _, other := range p.current() {
		if n := other.inFlight(); n != 1 {
			t.Errorf("slot %d has %d calls; the first went to slot %d", other.slot, n, c.slot)
		}
		p.end(other)
	}
}

// TestLeastInFlightTakesTurns: equals are picked in turn, so that calls one after
// the other use all channels.
func TestLeastInFlightTakesTurns(t *testing.T) {
	p, _ := newPool(t, config(4, least), atOnce)
	counts := map[int]int{}
	for range 400 {
		counts[pickOnce(t, p).slot]++
	}
	for slot := range 4 {
		if counts[slot] != 100 {
			t.Errorf("picks by slot %v, want 100 each", counts)
		}
	}
}

// TestLeastInFlightOfTwo: above ExactSize two different channels are compared.
// So the most loaded one is never picked, and loads stay close together where
// random picks drift apart.
func TestLeastInFlightOfTwo(t *testing.T) {
	const size = 64
	spread := func(pick func(*Config)) int {
		p, _ := newPool(t, config(size, pick), atOnce)
		load := make([]int, size)
		for range 100 * size {
			load[hold(t, p).slot]++
		}
		for _, c := range p.current() {
			for range load[c.slot] {
				p.end(c)
			}
		}
		return slices.Max(load) - 100
	}
	// Two choices: log log n, about 2. One: √(2·100·ln 64), about 29.
	if got := spread(least); got > 5 {
		t.Errorf("two choices: the fullest channel is %d above the mean of 100", got)
	}
	if got := spread(atRandom); got < 12 {
		t.Errorf("random: the fullest channel is %d above the mean of 100: it seems to look at loads", got)
	}
	p, _ := newPool(t, config(ExactSize+1, least), atOnce)
	busy := p.current()[3]
	busy.load.Add(1000)
	for range 2000 {
		if c := hold(t, p); c == busy {
			t.Fatal("picked the busiest: it was compared with itself")
		} else {
			p.end(c)
		}
	}
	busy.load.Add(-1000)
}

// TestRandomFollowsTheSeed: uniform, the same for the same seed, another for
// another.
func TestRandomFollowsTheSeed(t *testing.T) {
	draw := func(seed uint64) (slots []int) {
		d := &dialled{connect: atOnce}
		p, err := New(config(5, atRandom), seed, d.dial)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		for range 5000 {
			slots = append(slots, pickOnce(t, p).slot)
		}
		return slots
	}
	one := draw(1)
	if !slices.Equal(one, draw(1)) {
		t.Error("the same seed draws differently")
	}
	if slices.Equal(one, draw(2)) {
		t.Error("another seed draws the same")
	}
	chi := 0.0
	for slot := range 5 {
		n := 0
		for _, s := range one {
			if s == slot {
				n++
			}
		}
		chi += float64((n-1000)*(n-1000)) / 1000
	}
	if chi > 18.5 { // 4 degrees of freedom, α = 0.001
		t.Errorf("χ² of the picks is %.1f", chi)
	}
}

// TestPicksAmongReady sets states at random and compares each pick with the
// rule: a READY channel, else one that connects or is IDLE, else any; and never
// none.
func TestPicksAmongReady(t *testing.T) {
	rank := map[connectivity.State]int{ready: 2, connecting: 1, idle: 1, failing: 0}
	for _, pick := range []func(*Config){func(*Config) {}, least, atRandom} {
		p, d := newPool(t, config(4, pick), func(*fakeConn) {})
		conns := d.all()
		r := rand.New(rand.NewPCG(5, 5))
		all := []connectivity.State{idle, connecting, ready, failing}
		for range 2000 {
			conns[r.IntN(4)].set(all[r.IntN(4)])
			best := 0
			now := p.States()
			for _, s := range now {
				best = max(best, rank[s])
			}
			if c := pickOnce(t, p); rank[c.GetState()] != best {
				t.Fatalf("picked a channel that is %v of %v", c.GetState(), now)
			}
		}
	}
}

// TestIdleChannelsAreWoken: a channel that lost its connection is connected by
// the next pick, also when that goes to another: the pool does not shrink.
func TestIdleChannelsAreWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, d := newPool(t, config(2), func(c *fakeConn) { c.set(connecting); c.set(ready) })
		lost := d.all()[0]
		lost.set(idle)
		if before, _, _ := lost.count(); before != 1 {
			t.Fatalf("connected %d times without a call", before)
		}
		if c := pickOnce(t, p); c == lost {
			t.Error("the call went to the channel without a connection")
		}
		if connects, _, _ := lost.count(); connects != 2 || lost.GetState() != ready {
			t.Errorf("connected %d times, %v", connects, lost.GetState())
		}
	})
}

// TestEagerAndLazy: eager channels connect in New; lazy ones when the first pick
// falls to them, whose call goes to a READY one if there is one.
func TestEagerAndLazy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, d := newPool(t, config(3), atOnce)
		for _, c := range d.all() {
			if connects, _, _ := c.count(); connects != 1 {
				t.Errorf("eager: slot %d was connected %d times", c.slot, connects)
			}
		}
		for name, pick := range map[string]func(*Config){"round_robin": func(*Config) {}, "random": atRandom} {
			lazy, d := newPool(t, config(3, pick, func(c *Config) { c.Lazy = true }), func(c *fakeConn) { c.set(connecting) })
			connected := func() (n int) {
				for _, c := range d.all() {
					connects, _, _ := c.count()
					n += connects
				}
				return n
			}
			if connected() != 0 {
				t.Fatalf("%s: %d connects before a call", name, connected())
			}
			first := pickOnce(t, lazy)
			if connected() != 1 || first.GetState() != connecting {
				t.Errorf("%s: the first call has %d connects; its channel is %v", name, connected(), first.GetState())
			}
			first.set(ready)
			for range 50 {
				if c := pickOnce(t, lazy); c != first {
					t.Fatalf("%s: a call went to a channel that is %v while one is READY", name, c.GetState())
				}
			}
			if connected() != 3 {
				t.Errorf("%s: %d channels were connected after 51 calls, want all", name, connected())
			}
		}
		// Least in flight connects another only when all that are connected have
		// a call.
		lazy, d := newPool(t, config(3, least, func(c *Config) { c.Lazy = true }), atOnce)
		for range 5 {
			pickOnce(t, lazy)
		}
		used := func() (n int) {
			for _, c := range d.all() {
				connects, _, _ := c.count()
				n += connects
			}
			return n
		}
		if used() != 1 {
			t.Errorf("least_in_flight connected %d channels for calls one by one", used())
		}
		one := hold(t, lazy)
		two := hold(t, lazy)
		if used() != 2 {
			t.Errorf("least_in_flight connected %d channels for two calls at a time", used())
		}
		lazy.end(one)
		lazy.end(two)
	})
}

// TestNewFails: a dial that fails ends New, and what was made is closed.
func TestNewFails(t *testing.T) {
	d := &dialled{connect: atOnce}
	_, err := New(config(3), 1, func(slot int, report func(connectivity.State)) (Conn, error) {
		if slot == 2 {
			return nil, errors.New("bad target")
		}
		return d.dial(slot, report)
	})
	if err == nil || err.Error() != "bad target" {
		t.Errorf("got %v", err)
	}
	for _, c := range d.all() {
		if _, closes, _ := c.count(); closes != 1 {
			t.Errorf("slot %d was closed %d times", c.slot, closes)
		}
	}
	if _, err := New(config(1), 1, func(int, func(connectivity.State)) (Conn, error) { return nil, nil }); err == nil {
		t.Error("a dial that made nothing is accepted")
	}
	if _, err := New(config(0), 1, d.dial); err == nil {
		t.Error("size 0 is accepted")
	}
}

func TestValidate(t *testing.T) {
	for path, change := range map[string]func(*Config){
		"size":          func(c *Config) { c.Size = MaxSize + 1 },
		"pick":          func(c *Config) { c.Pick.Random = &Random{} },
		"stuck_for":     func(c *Config) { c.StuckFor = -1 },
		"max_age":       func(c *Config) { c.MaxAge = -1 },
		"max_idle":      func(c *Config) { c.MaxIdle = -1 },
		"max_in_flight": func(c *Config) { c.MaxInFlight = -1 },
	} {
		cfg := Default()
		change(&cfg)
		var one interface{ Field() string }
		if err := cfg.Validate(); !errors.As(err, &one) || one.Field() != path {
			t.Errorf("%s: got %v", path, err)
		}
	}
	if err := Default().Validate(); err != nil {
		t.Error(err)
	}
}

func TestPatience(t *testing.T) {
	for text, want := range map[string]Patience{"off": Off, "30s": Patience(30e9), "1m0s": Patience(60e9)} {
		var p Patience
		if err := p.UnmarshalText([]byte(text)); err != nil || p != want || p.String() != text {
			t.Errorf("%s: %v (%v)", text, p, err)
		}
	}
	for _, text := range []string{"", "0s", "-1s", "soon", "Off"} {
		var p Patience
		if err := p.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is accepted as %v", text, p)
		}
	}
}

// TestCallsAfterClose end as they do on a grpc.ClientConn.
func TestCallsAfterClose(t *testing.T) {
	for _, limit := range []int{0, 2} {
		p, d := newPool(t, config(2, func(c *Config) { c.MaxInFlight = limit }), atOnce)
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		err := p.Invoke(context.Background(), "/s/M", nil, nil)
		if status.Code(err) != codes.Canceled || !errors.Is(err, ErrClosed) {
			t.Errorf("unary: %v", err)
		}
		if _, err := p.NewStream(context.Background(), nil, "/s/M"); !errors.Is(err, ErrClosed) {
			t.Errorf("stream: %v", err)
		}
		s := p.Stats()
		if fmt.Sprint(s.States[shutdown], s.Picks, s.InFlight) != "2 0 0" {
			t.Errorf("%+v", s)
		}
		for _, c := range d.all() {
			if _, closes, _ := c.count(); closes != 1 {
				t.Errorf("slot %d was closed %d times", c.slot, closes)
			}
		}
	}
}
