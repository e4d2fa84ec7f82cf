package fakeserver

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// RosterChange is a list of backends that clients are told of from a time on.
type RosterChange struct {
	At       time.Duration `yaml:"at" doc:"when, counted from the start of the measurement"`
	Backends []int         `yaml:"backends" doc:"the list from then on"`
}

// maxEntries keeps a slip of the pen from making a list that no client takes.
const maxEntries = 10_000

// validateRoster checks the lists that a balancer or control plane tells of.
func validateRoster(first []int, changes []RosterChange, backends int) error {
	var errs []error
	check := func(path string, list []int) {
		if len(list) > maxEntries {
			errs = append(errs, field.New(path, "must have at most %d entries (got %d)", maxEntries, len(list)))
		}
		for i, b := range list {
			if b < 0 || b >= backends {
				errs = append(errs, field.New(fmt.Sprintf("%s[%d]", path, i), "must be from 0 to %d (got %d)", backends-1, b))
			}
		}
	}
	check("backends", first)
	for i, c := range changes {
		path := fmt.Sprintf("changes[%d]", i)
		if i > 0 && c.At <= changes[i-1].At {
			errs = append(errs, field.New(path+".at", "must be after %v, when the change before it is (got %v)", changes[i-1].At, c.At))
		}
		if len(c.Backends) == 0 {
			errs = append(errs, field.New(path+".backends", "must name a backend"))
		}
		check(path+".backends", c.Backends)
	}
	return errors.Join(errs...)
}

// roster is the lists of backends that clients are told of, as the fleet's clock
// goes.
type roster struct {
	first   []int
	changes []RosterChange
	clock   *clock

	mu    sync.Mutex
	moved chan struct{} // closed when the clock is set, and replaced
}

// newRoster makes a roster. No first list is all backends.
func newRoster(first []int, changes []RosterChange, backends int, c *clock) *roster {
	if len(first) == 0 {
		for i := range backends {
			first = append(first, i)
		}
	}
	return &roster{first: first, changes: changes, clock: c, moved: make(chan struct{})}
}

// lists are all lists, in the order of time.
func (r *roster) lists() [][]int {
	all := [][]int{r.first}
	for _, c := range r.changes {
		all = append(all, c.Backends)
	}
	return all
}

// current is the place in lists of what holds at now, and how long until that
// changes; ok is false when it does not, as the clock is set.
func (r *roster) current(now time.Time) (place int, next time.Duration, ok bool) {
	at, set := r.clock.at(now)
	if !set {
		return 0, 0, false
	}
	for place < len(r.changes) && r.changes[place].At <= at {
		place++
	}
	if place < len(r.changes) {
		next, ok = r.clock.until(now, r.changes[place].At)
	}
	return place, next, ok
}

// follow tells of the list that holds, and again of each that comes to hold,
// until done or until tell fails.
func (r *roster) follow(done <-chan struct{}, tell func(place int) error) error {
	told := -1
	for {
		r.mu.Lock()
		moved := r.moved
		r.mu.Unlock()
		place, next, changes := r.current(time.Now())
		if place != told {
			told = place
			if err := tell(place); err != nil {
				return err
			}
		}
		var later <-chan time.Time
		if changes {
			later = time.After(next)
		}
		select {
		case <-later:
		case <-moved:
		case <-done:
			return nil
		}
	}
}

// wake says that the clock was set.
func (r *roster) wake() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.moved)
	r.moved = make(chan struct{})
}
