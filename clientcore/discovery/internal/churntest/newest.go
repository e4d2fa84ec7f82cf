package churntest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/clientcore/discovery"
)

// Newest makes ten changes while the listener of a watch is busy with the first
// update, and wants it to end up with the last one: it may miss what is outdated.
// change makes address the only endpoint.
func Newest(t *testing.T, r discovery.Registry, change func(address string)) {
	t.Helper()
	address := func(i int) string { return fmt.Sprintf("10.0.0.%d:443", i) }
	change(address(1))
	b := &busy{release: make(chan struct{}), begun: make(chan struct{}), newest: make(chan []discovery.Endpoint, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Watch(ctx, b)
	}()
	defer func() {
		cancel()
		<-done
	}()
	<-b.begun
	for i := 2; i <= 11; i++ {
		change(address(i))
	}
	close(b.release)
	var got []discovery.Endpoint
	for timeout := time.After(time.Minute); !slices.ContainsFunc(got, func(e discovery.Endpoint) bool { return e.Address == address(11) }); {
		select {
		case got = <-b.newest:
		case <-timeout:
			t.Fatalf("the last update is %v, want the newest, %s", got, address(11))
		}
	}
}

// busy is a listener whose first update takes until release.
type busy struct {
	release, begun chan struct{}
	once           sync.Once
	newest         chan []discovery.Endpoint
}

func (b *busy) Update(endpoints []discovery.Endpoint) {
	b.once.Do(func() {
		close(b.begun)
		<-b.release
	})
	select {
	case <-b.newest: // outdated
	default:
	}
	b.newest <- endpoints
}

func (b *busy) Error(error) {}
