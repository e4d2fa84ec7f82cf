package fault

import (
	"reflect"
	"strings"
)

// Fault is what every kind of fault is, besides an OnCall or an OnBackend.
type Fault interface {
	// Validate returns the fields that are wrong, joined.
	Validate() error
}

// OnBackend is a fault that a whole backend is in while a window is open.
type OnBackend interface {
	Fault
	Begin(Host)
	// End undoes Begin. On an error it is tried again.
	End(Host) error
}

// Kind is the name of the fault that is set, as a scenario writes it, or "".
func (i Inject) Kind() string {
	kind, _ := i.chosen()
	return kind
}

// OnCall returns the fault that is set when it is one on calls, or nil.
func (i Inject) OnCall() OnCall {
	_, f := i.chosen()
	c, _ := f.(OnCall)
	return c
}

// OnBackend returns the fault that is set when it is one on backends, or nil.
func (i Inject) OnBackend() OnBackend {
	_, f := i.chosen()
	b, _ := f.(OnBackend)
	return b
}

// chosen walks the fields so that a fault is one line in Inject and nothing
// elsewhere. It runs when a fleet is configured, never for a call.
func (i Inject) chosen() (string, Fault) {
	for f, v := range reflect.ValueOf(i).Fields() {
		if !v.IsNil() {
			kind, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			return kind, v.Interface().(Fault)
		}
	}
	return "", nil
}

// count is the number of faults that are set.
func (i Inject) count() int {
	n := 0
	for _, v := range reflect.ValueOf(i).Fields() {
		if !v.IsNil() {
			n++
		}
	}
	return n
}
