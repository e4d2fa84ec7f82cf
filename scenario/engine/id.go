package engine

import (
	"strconv"

	"github.com/grpcbench/grpcbench/scenario/load"
)

// callID is what tells one call of a trial from all others.
type callID struct {
	entry   *Entry
	warmup  bool
	worker  int
	ordinal uint64
}

func (c *Call) id() callID {
	return callID{entry: c.Entry, warmup: c.Warmup, worker: c.Worker, ordinal: c.Ordinal}
}

// ID names the call for people and for common random numbers: reads/17 in an
// open loop, sync/3/17 in a closed one and in sessions, with w/ before it in
// the warm-up.
func (c *Call) ID() string { return string(c.AppendID(nil)) }

// AppendID appends the call's ID to dst. It allocates only when dst is full.
func (c *Call) AppendID(dst []byte) []byte { return c.id().append(dst) }

func (id callID) append(dst []byte) []byte {
	if id.warmup {
		dst = append(dst, "w/"...)
	}
	dst = append(dst, id.entry.Name...)
	dst = append(dst, '/')
	if id.worker >= 0 {
		dst = strconv.AppendInt(dst, int64(id.worker), 10)
		dst = append(dst, '/')
	}
	return strconv.AppendUint(dst, id.ordinal, 10)
}

// Number counts the calls of the entry in its phase from 0: a pure function of
// worker and ordinal. A closed loop counts round its workers: the n-th calls of all
// of them, then the next ones. Of sessions it counts each through.
func (c *Call) Number() uint64 {
	switch e := c.Entry; {
	case c.Worker < 0:
		return c.Ordinal
	case e.open():
		return uint64(c.Worker)*uint64(e.Session) + c.Ordinal
	default:
		return c.Ordinal*uint64(e.most()) + uint64(c.Worker)
	}
}

// beyond is whether the entry makes no call of that number any more.
func (c *Call) beyond() bool { return c.Entry.MaxCalls > 0 && c.Number() >= c.Entry.MaxCalls }

// Purposes keep draws apart that are seeded from one entry and phase.
const (
	purposeArrivals = 1
	purposeCalls    = 2
)

// phaseSeed is what one purpose of one name, an entry's, draws from in one
// phase.
func phaseSeed(plan *Plan, name string, warmup bool, purpose uint64) uint64 {
	phase := uint64(0)
	if warmup {
		phase = 1
	}
	return load.Mix(load.MixString(plan.Seed, name), uint64(plan.Block), phase, purpose)
}

// callSeed is Call.Seed.
func callSeed(phaseSeed uint64, worker int, ordinal uint64) uint64 {
	return load.Mix(phaseSeed, uint64(int64(worker)), ordinal)
}
