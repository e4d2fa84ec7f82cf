package pool

// RoundRobin picks each channel in turn.
type RoundRobin struct{}

func (*RoundRobin) choose(from []*channel, _ int, turn, _ uint64) (int, int64) {
	return int(turn % uint64(len(from))), anyLoad
}
