package clientcore

import (
	"sync"

	"google.golang.org/grpc/connectivity"

	"github.com/grpcbench/grpcbench/clientcore/balance"
)

// meters is the counts of all channels: one series for each slot of the pool,
// carried on when a slot's channel is replaced.
type meters struct {
	mu    sync.Mutex
	slots map[int][]*balance.Meter // the newest last; the others' channels are draining
	first func(*balance.Meter)     // prepares the first meter of a slot
}

// next is the meter for the next channel of a slot.
func (m *meters) next(slot int, report func(connectivity.State)) *balance.Meter {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.slots == nil {
		m.slots = map[int][]*balance.Meter{}
	}
	had := m.slots[slot]
	if len(had) == 0 {
		meter := balance.NewMeter(report)
		if m.first != nil {
			m.first(meter)
		}
		m.slots[slot] = []*balance.Meter{meter}
		return meter
	}
	meter := had[len(had)-1].Renew(report)
	// Those whose channels are gone hold no connections any more, and their
	// counts are the newest one's too.
	kept := had[:0]
	for _, old := range had {
		if old.Connections() > 0 {
			kept = append(kept, old)
		}
	}
	m.slots[slot] = append(kept, meter)
	return meter
}

// each is one meter for each slot, for its counts, and the connections of all.
func (m *meters) each() (newest []*balance.Meter, connections int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, slot := range m.slots {
		newest = append(newest, slot[len(slot)-1])
		for _, meter := range slot {
			connections += meter.Connections()
		}
	}
	return newest, connections
}
