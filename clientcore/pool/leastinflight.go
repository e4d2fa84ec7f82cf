package pool

// LeastInFlight picks the channel with the fewest calls and streams in flight:
// of all, where there are at most ExactSize to choose from, and of two drawn at
// random above (Mitzenmacher: The power of two choices in randomized load
// balancing, 2001). Equals take turns. With Config.Lazy a channel is connected
// when all that are connected have a call.
type LeastInFlight struct{}

// ExactSize is up to how many channels LeastInFlight compares all of them.
const ExactSize = 16

func (*LeastInFlight) choose(from []*channel, awake int, turn, seed uint64) (int, int64) {
	if len(from) > ExactSize {
		return leastOfTwo(from, awake, turn, seed)
	}
	if awake == 0 {
		return int(turn % uint64(len(from))), anyLoad
	}
	// From another channel each time, so that equals take turns.
	i := int(turn % uint64(awake))
	least, index := from[i].load.Load(), i
	for range awake - 1 {
		if i++; i == awake {
			i = 0
		}
		if load := from[i].load.Load(); load < least {
			least, index = load, i
		}
	}
	if asleep := len(from) - awake; least > 0 && asleep > 0 {
		return awake + int(turn%uint64(asleep)), anyLoad
	}
	return index, least
}

func leastOfTwo(from []*channel, awake int, turn, seed uint64) (int, int64) {
	x := random(turn, seed)
	a := below(x, len(from))
	b := below(x<<32, len(from)-1) // the low half, which a hardly depends on
	if b >= a {
		b++
	}
	// a and b are in random order: what they are equal in decides nothing, but
	// that one is connected.
	loadA, loadB := from[a].load.Load(), from[b].load.Load()
	if loadB < loadA || loadB == loadA && b < awake && a >= awake {
		return b, anyLoad
	}
	return a, anyLoad
}
