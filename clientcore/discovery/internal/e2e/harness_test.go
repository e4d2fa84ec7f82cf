package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/clientcore/discovery"
	"github.com/grpcbench/grpcbench/clientcore/discovery/targets"
)

// open is the registry of a target.
func open(t *testing.T, text string) discovery.Registry {
	t.Helper()
	target, err := targets.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	registry, err := target.Registry()
	if err != nil {
		t.Fatal(err)
	}
	return registry
}

// heard passes on what a watch tells.
type heard chan string

func (h heard) Update(found []discovery.Endpoint) {
	var addresses []string
	for _, e := range found {
		addresses = append(addresses, e.Address)
	}
	h <- "[" + strings.Join(addresses, " ") + "]"
}

func (h heard) Error(err error) { h <- err.Error() }

// want is what is heard next.
func (h heard) want(t *testing.T, want string) {
	t.Helper()
	h.until(t, want, func(string) bool { return false })
}

// until hears what contains want, and before it only what may be.
func (h heard) until(t *testing.T, want string, may func(string) bool) {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		select {
		case got := <-h:
			if strings.Contains(got, want) {
				return
			}
			if !may(got) {
				t.Fatalf("heard %s, want %s", got, want)
			}
		case <-timeout:
			t.Fatalf("heard nothing more for a minute, want %s", want)
		}
	}
}

// watch watches until the test ends.
func watch(t *testing.T, r discovery.Registry) heard {
	ctx, cancel := context.WithCancel(context.Background())
	h := make(heard, 100_000)
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Watch(ctx, h)
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case <-done:
		case <-time.After(time.Minute):
			t.Error("the watch goes on a minute after its context")
		}
	})
	return h
}
