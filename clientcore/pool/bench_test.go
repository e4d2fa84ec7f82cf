package pool

import (
	"context"
	"testing"
)

// BenchmarkPick is a pick and its end, by kind.
func BenchmarkPick(b *testing.B) {
	for name, change := range picks() {
		b.Run(name, func(b *testing.B) {
			p, _ := newPool(b, config(8, change), atOnce)
			ctx := context.Background()
			b.ReportAllocs()
			for b.Loop() {
				c, err := p.begin(ctx)
				if err != nil {
					b.Fatal(err)
				}
				p.end(c)
			}
		})
	}
}

// BenchmarkChoose is the choice of a channel alone, without counting the call.
func BenchmarkChoose(b *testing.B) {
	for name, change := range picks() {
		b.Run(name, func(b *testing.B) {
			p, _ := newPool(b, config(8, change), atOnce)
			b.ReportAllocs()
			for b.Loop() {
				now := p.picker.Load()
				p.kind.choose(now.channels, now.awake, p.picks.Add(1)-1, p.seed)
			}
		})
	}
}

func picks() map[string]func(*Config) {
	return map[string]func(*Config){"round_robin": func(*Config) {}, "random": atRandom, "least_in_flight": least}
}

// TestPickDoesNotAllocate, with a limit or without.
func TestPickDoesNotAllocate(t *testing.T) {
	for name, change := range picks() {
		for _, most := range []int{0, 10} {
			p, _ := newPool(t, config(8, change, limit(most)), atOnce)
			if got := testing.AllocsPerRun(1000, func() {
				c, _ := p.begin(context.Background())
				p.end(c)
			}); got != 0 {
				t.Errorf("%s with max_in_flight %d: %v allocations a pick", name, most, got)
			}
		}
	}
}
