package message

import (
	"math/bits"

	"github.com/grpcbench/grpcbench/scenario/load"
)

// Env is what one message is rendered from: nothing else has a part in it, so that
// every variant of a comparison sends the same. One goroutine uses it at a time;
// it may be used again, which saves memory.
type Env struct {
	Seed    uint64 // of the call: all that is random follows from it
	Call    uint64 // the call's ordinal
	Message uint64 // the ordinal within its stream, from 0
	Row     Row    // of a feed; the zero Row is none

	scratch, json []byte // reused: for texts that become numbers, and what protojson reads
}

// purposeMessage keeps a template's draws apart from others of the same call.
const purposeMessage = 0x6d657373616765 // "message"

// draws is where the draws of one expression begin: ordinal sets it apart from the
// others of its message.
func (e *Env) draws(ordinal uint64) draws {
	return draws(load.Mix(e.Seed, purposeMessage, e.Message, ordinal))
}

// draws is a sequence of random numbers: splitmix64.
type draws uint64

func (d *draws) next() uint64 {
	*d += 0x9e3779b97f4a7c15
	z := uint64(*d)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below is a number below n, each as likely (Lemire 2019); n = 0 is 2⁶⁴.
func below(d *draws, n uint64) uint64 {
	if n == 0 {
		return d.next()
	}
	high, low := bits.Mul64(d.next(), n)
	if low < n {
		for reject := -n % n; low < reject; {
			high, low = bits.Mul64(d.next(), n)
		}
	}
	return high
}
