package fault

import "github.com/grpcbench/grpcbench/fakeserver/internal/field"

// MaxStreams is a backend that lets a connection carry so many calls at once
// (SETTINGS_MAX_CONCURRENT_STREAMS). Clients queue the others; those that are
// under way go on.
type MaxStreams struct {
	N int `yaml:",value" doc:"calls that a connection carries at once"`
}

// Begin implements OnBackend.
func (m *MaxStreams) Begin(h Host) { h.SetMaxStreams(m, m.N) }

// End implements OnBackend.
func (m *MaxStreams) End(h Host) error {
	h.UnsetMaxStreams(m)
	return nil
}

// OnFrames implements OnFrames.
func (*MaxStreams) OnFrames() {}

// Validate implements Fault.
func (m *MaxStreams) Validate() error {
	if m.N < 1 || int64(m.N) > maxStreams {
		return field.New("", "must be from 1 to %d (got %d)", int64(maxStreams), m.N)
	}
	return nil
}

// maxStreams is what HTTP/2 has room for.
const maxStreams = 1<<32 - 1
