package fakeserver

import (
	"context"
	"runtime"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
)

// burner works by computing, as many hashes as fit into the service time on a
// processor that has nothing else to do: with more calls than processors they
// take longer, and whatever else runs here feels it.
type burner struct {
	perMicrosecond float64 // hashes
}

// burnChunk is how much is computed between two looks at the caller.
const burnChunk = 50 * time.Microsecond

// calibrate measures the processor for some milliseconds: the best of many
// short runs is the one that nothing has disturbed.
func calibrate() *burner {
	const hashes = 20_000
	best := time.Duration(0)
	for range 50 {
		began := time.Now()
		spin(hashes)
		if took := time.Since(began); took > 0 && (best == 0 || took < best) {
			best = took
		}
	}
	if best == 0 {
		best = hashes * time.Nanosecond // a clock that stands still, as virtual time does
	}
	return &burner{perMicrosecond: hashes / (float64(best) / float64(time.Microsecond))}
}

// spin computes hashes, each of the one before.
func spin(hashes int) {
	s := uint64(hashes)
	for range hashes {
		s = draw.Mix(s)
	}
	runtime.KeepAlive(s)
}

// work burns asked at the backend's speed, and returns how far the work clock went
// on meanwhile: further than asked where the processor had something else to do. The
// error is ctx's.
func (b *burner) work(ctx context.Context, p *pace, w waiter, asked time.Duration) (actual time.Duration, err error) {
	began := p.read()
	for left := asked; left > 0; left -= burnChunk {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if _, err := p.work(ctx, w, 0); err != nil { // waits while it is frozen
			return 0, err
		}
		chunk := min(left, burnChunk)
		spin(int(float64(chunk) / float64(time.Microsecond) * b.perMicrosecond / p.now()))
		runtime.Gosched()
	}
	return p.read() - began, nil
}
