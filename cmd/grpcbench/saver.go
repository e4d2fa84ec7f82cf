package main

import (
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// saver writes the result after each trial, so that a killed process loses no
// trial that was complete. Saving takes longer the more there is: it is left
// out while it would take more than a part in maxSaveShare of the run's time.
type saver struct {
	path string
	last time.Time
	took time.Duration
}

const maxSaveShare = 20

func newSaver(path string) *saver { return &saver{path: path} }

// save is best effort: the run's end saves again, and tells of its errors.
func (s *saver) save(r *result.Result) {
	now := time.Now()
	if now.Sub(s.last) < maxSaveShare*s.took {
		return
	}
	_ = r.Save(s.path)
	s.last = time.Now()
	s.took = s.last.Sub(now)
}
