package run

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver"
	"github.com/grpcbench/grpcbench/reports/result"
)

// member is one place where backends of the fleet are.
type member struct {
	address string // of its control service
	control *fakeserver.Control
	// ahead is what its wall clock is ahead of this machine's, measured with an
	// error of at most half of roundTrip; 0 where it is the same clock.
	ahead, roundTrip time.Duration
}

// reachable is an address of the member's as it can be dialled from here: one
// that listens on all interfaces has no other host than that of the control
// service.
func (m *member) reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsUnspecified() {
		return address
	}
	if host, _, err = net.SplitHostPort(m.address); err != nil {
		return address
	}
	return net.JoinHostPort(host, port)
}

func (m *member) measureClock(ctx context.Context) (err error) {
	if m.ahead, m.roundTrip, err = m.control.Offset(ctx); err != nil {
		return fmt.Errorf("the fleet at %s: reading its clock: %w", m.address, err)
	}
	return nil
}

// watchInterval is how often a member on another machine says that it is there.
const watchInterval = time.Second

// loss is that a member on another machine is not there any more.
type loss struct {
	happened chan struct{}
	once     sync.Once
	cancel   context.CancelFunc
	watching sync.WaitGroup
}

// watch looks after the members until end.
func watch(members []*member) *loss {
	ctx, cancel := context.WithCancel(context.Background())
	l := &loss{happened: make(chan struct{}), cancel: cancel}
	for _, m := range members {
		l.watching.Go(func() {
			_ = m.control.Watch(ctx, watchInterval, func(fakeserver.Snapshot) {}) // however it ended
			if ctx.Err() == nil {
				l.once.Do(func() { close(l.happened) })
			}
		})
	}
	return l
}

func (l *loss) end() {
	l.cancel()
	l.watching.Wait()
}

// join connects to the members on other machines.
func (b *backends) join(ctx context.Context) error {
	token, err := b.wanted.Token.Reveal()
	if err != nil {
		return fmt.Errorf("fleet.token: %w", err)
	}
	for _, address := range b.wanted.Remote {
		control, err := fakeserver.DialControl(address, token, b.deps.Dial)
		if err != nil {
			b.close()
			return fmt.Errorf("the fleet at %s: %w", address, err)
		}
		b.members = append(b.members, &member{address: address, control: control})
	}
	patient, cancel := context.WithTimeout(ctx, controlPatience)
	defer cancel()
	for _, m := range b.members {
		if err := m.measureClock(patient); err != nil {
			b.close()
			return err
		}
	}
	b.lost = watch(b.members)
	return nil
}

// remotes is what the result says of the members on other machines.
func (b *backends) remotes() []result.Remote {
	if b.lost == nil {
		return nil
	}
	var all []result.Remote
	for _, m := range b.members {
		all = append(all, result.Remote{Address: m.address, ClockAheadNS: int64(m.ahead), RoundTripNS: int64(m.roundTrip)})
	}
	return all
}
