package pool

// Random picks any channel, each as likely as the others, by the pool's seed.
type Random struct{}

func (*Random) choose(from []*channel, _ int, turn, seed uint64) (int, int64) {
	return below(random(turn, seed), len(from)), anyLoad
}
