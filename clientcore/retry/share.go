package retry

import (
	"sync"
	"time"
)

// share is the calls and further attempts of the last RatioWindow. What it looks
// back over is between nine and ten tenths of that long, and so is what
// MinPerSecond adds: the budget is never exceeded over a whole window.
type share struct {
	ratio Ratio
	begun time.Time

	mu    sync.Mutex
	parts [shareParts]sharePart
}

const shareParts = 10

type sharePart struct {
	part           int64 // its number, from 1
	calls, retries int64
}

func newShare(r Ratio) *share { return &share{ratio: r, begun: time.Now()} }

// now is the current part. mu is held.
func (s *share) now() *sharePart {
	part := int64(time.Since(s.begun)/(RatioWindow/shareParts)) + 1
	p := &s.parts[part%shareParts]
	if p.part != part {
		*p = sharePart{part: part}
	}
	return p
}

func (s *share) call() {
	s.mu.Lock()
	s.now().calls++
	s.mu.Unlock()
}

func (s *share) succeeded() {}
func (s *share) failed()    {}

func (s *share) allow() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	var calls, retries int64
	for _, p := range s.parts {
		if p.part > now.part-shareParts {
			calls += p.calls
			retries += p.retries
		}
	}
	if float64(retries+1) > s.ratio.Share*float64(calls)+s.ratio.MinPerSecond*RatioWindow.Seconds() {
		return false
	}
	now.retries++
	return true
}
