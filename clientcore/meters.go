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
	slots map[int]*balance.Meter // the newest; it counts for the others
	first func(*balance.Meter)   // prepares the first meter of a slot
}

// next is the meter for the next channel of a slot.
func (m *meters) next(slot int, report func(connectivity.State)) *balance.Meter {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.slots == nil {
		m.slots = map[int]*balance.Meter{}
	}
	meter := m.slots[slot]
	if meter == nil {
		meter = balance.NewMeter(report)
		if m.first != nil {
			m.first(meter)
		}
	} else {
		meter = meter.Renew(report)
	}
	m.slots[slot] = meter
	return meter
}

// each is one meter for each slot, for its counts, and the connections of all.
func (m *meters) each() (newest []*balance.Meter, connections int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, meter := range m.slots {
		newest = append(newest, meter)
		connections += meter.Connections()
	}
	return newest, connections
}
