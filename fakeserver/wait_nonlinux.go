//go:build !linux

package fakeserver

// newWaiter makes the most exact waiter that there is.
func newWaiter() waiter { return timers{} }
