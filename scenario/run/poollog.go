package run

import (
	"maps"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/reports/result"
)

// poolLog is how the clients' channels stood as each second ended. Only the
// goroutine that emits intervals writes it, and who reads it comes after. Seconds
// that are alike share what they say.
type poolLog map[int]*result.PoolStates

// note keeps what holds at the end of a second.
func (l poolLog) note(second int, stats clientcore.Stats) {
	states := &result.PoolStates{Channels: map[string]int{}, Connections: stats.Connections}
	for state, n := range stats.States {
		if n > 0 {
			states.Channels[state.String()] = n
		}
	}
	if last := l[second-1]; last != nil && last.Connections == states.Connections && maps.Equal(last.Channels, states.Channels) {
		states = last
	}
	l[second] = states
}

// place puts each into its second.
func (l poolLog) place(intervals []result.Interval) {
	for i := range intervals {
		intervals[i].Pool = l[intervals[i].Second]
	}
}
