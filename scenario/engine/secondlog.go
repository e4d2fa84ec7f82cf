package engine

import (
	"encoding/binary"
	"maps"
	"slices"

	"github.com/grpcbench/grpcbench/reports/result"
)

// secondLog is the seconds of a measurement, which may last for hours, packed
// into some 100 bytes for each load entry: a tenth of what they take as
// result.Interval, and nothing for the garbage collector to follow.
type secondLog struct {
	entries []Entry
	packed  []byte
	n       int
}

// add appends a second.
func (l *secondLog) add(i result.Interval) {
	l.n++
	l.int(int64(i.Second))
	for k := range i.Series {
		s := &i.Series[k]
		for _, field := range counts(s) {
			l.int(*field)
		}
		l.int(int64(len(s.Codes)))
		for _, code := range slices.Sorted(maps.Keys(s.Codes)) {
			l.int(int64(len(code)))
			l.packed = append(l.packed, code...)
			l.int(s.Codes[code])
		}
		if s.Spread == nil {
			l.int(0)
			continue
		}
		l.int(int64(len(s.Spread.Counts)))
		l.int(int64(s.Spread.First))
		for _, n := range s.Spread.Counts {
			l.int(n)
		}
	}
}

func (l *secondLog) int(v int64) { l.packed = binary.AppendVarint(l.packed, v) }

// counts is where a second has its plain numbers.
func counts(s *result.IntervalSeries) []*int64 {
	return []*int64{&s.Planned, &s.Dropped, &s.Dispatched, &s.OK, &s.InSLO, &s.Failed, &s.Attempts, &s.InFlight, &s.P50NS, &s.P99NS}
}

// list is all seconds that were added.
func (l *secondLog) list() []result.Interval {
	rest := l.packed
	next := func() int64 {
		v, n := binary.Varint(rest)
		rest = rest[n:]
		return v
	}
	out := make([]result.Interval, l.n)
	for i := range out {
		out[i] = result.Interval{Second: int(next()), Series: make([]result.IntervalSeries, len(l.entries))}
		for k := range out[i].Series {
			s := &out[i].Series[k]
			s.Name, s.Codes = l.entries[k].Name, map[string]int64{}
			for _, field := range counts(s) {
				*field = next()
			}
			for range next() {
				size := next()
				code := string(rest[:size])
				rest = rest[size:]
				s.Codes[code] = next()
			}
			if n := next(); n > 0 {
				s.Spread = &result.Spread{First: int(next()), Counts: make([]int64, n)}
				for j := range s.Spread.Counts {
					s.Spread.Counts[j] = next()
				}
			}
		}
	}
	return out
}
