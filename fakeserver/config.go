// Package fakeserver is the fleet: fake servers that behave, and misbehave, as
// a scenario says, and account for every attempt they receive.
package fakeserver

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
	"github.com/grpcbench/grpcbench/fakeserver/link"
	"github.com/grpcbench/grpcbench/fakeserver/servicetime"
)

// Config is what a fleet is made of. It crosses to a child process as JSON.
type Config struct {
	// Backends is how many there are. Each, where it is not empty, has an item
	// for every one of them.
	Backends int       `yaml:"backends" or:"Each" doc:"how many servers, or a list with what each has of its own, such as [{speed: 0.5}, {}, {}]"`
	Each     []Backend `yaml:"-" json:",omitempty"`
	// ServiceTime is how long serving one call takes, of whichever kind: it
	// begins when the request is complete (for a bidi stream, with the first
	// message) and a slot is free, and ends before the first answer. Unset is
	// no time at all.
	ServiceTime servicetime.Choice `yaml:"service_time" doc:"how long serving one call takes"`
	// MessageTime is how long each message of a stream takes besides: one that
	// the client sends, of a client or bidi stream; one that the backend sends,
	// of a server stream. It needs a slot, as a call does.
	MessageTime servicetime.Choice `yaml:"message_time" doc:"how long each message of a stream takes besides"`
	// MessageGap is waited before each message but the first of a server
	// stream, without a slot.
	MessageGap time.Duration     `yaml:"message_gap" json:",omitempty" doc:"wait before each further message of a server stream"`
	Methods    map[string]Method `yaml:"methods" json:",omitempty" doc:"service times of single methods, by their name"`
	// Concurrency is the calls that one backend serves at once; 0 is no limit.
	Concurrency int `yaml:"concurrency" doc:"calls that one backend serves at once; unlimited when left out"`
	// Queue is the calls that wait for a slot on one backend; one more is
	// refused with RESOURCE_EXHAUSTED. Nil is no limit.
	Queue *int `yaml:"queue" doc:"calls that wait for a slot; one more is refused with RESOURCE_EXHAUSTED; unlimited when left out"`
	// Part is which of the backends are here, where a fleet is spread over
	// machines; the zero Part is all of them.
	Part Part `yaml:"-" json:",omitzero"`
	// LoadReport is how backends report their load. Nil is out of band, to
	// clients that ask.
	LoadReport *LoadReport `yaml:"load_report" json:",omitempty" doc:"how backends report their load (ORCA); with each answer when left out and a client of the scenario balances by it, and to clients that ask out of band"`
	// Lookaside is the fleet's look-aside balancer. Nil is none.
	Lookaside *Lookaside `yaml:"lookaside" json:",omitempty" doc:"the look-aside balancer that clients with balance grpclb ask for backends; there is one with all of them when left out"`
	// XDS is the fleet's xDS control plane. Nil is none.
	XDS *XDS `yaml:"xds" json:",omitempty" doc:"an xDS control plane, by which clients of the scenario find the backends and their balancing (xds:///fleet); none when left out"`
	// Network is on every connection, TLS is what secures them.
	Network link.Config `yaml:"network" doc:"distance between clients and backends; loopback has none of its own"`
	TLS     TLS         `yaml:"tls" json:",omitempty" doc:"self_signed: certificates of an authority that the fleet makes, and clients of the scenario trust; none when left out"`
	// Front is what stands before the backends.
	Front    Front    `yaml:"front" json:",omitempty" doc:"l4: one address whose connections go to the backends in turn"`
	OnCancel OnCancel `yaml:"on_cancel" json:",omitempty" doc:"stop: a call whose caller has left is given up (when left out); ignore: it is served all the same"`
	Work     Work     `yaml:"work" json:",omitempty" doc:"wait: service times pass without work (when left out); burn: they are spent computing"`

	Faults []fault.Rule `yaml:"faults" doc:"what goes wrong, when and for whom"`
}

// maxBackends keeps a slip of the pen from opening every port there is.
const maxBackends = 1000

// maxSpeed is beyond what two machines of one fleet differ by.
const maxSpeed = 1000

// Default is one backend that answers at once and never fails.
func Default() Config { return Config{Backends: 1} }

// Validate returns the fields that are wrong, joined; each implements
// Field() string.
func (c Config) Validate() error {
	var errs []error
	if c.Backends < 1 || c.Backends > maxBackends {
		errs = append(errs, field.New("backends", "must be from 1 to %d (got %d)", maxBackends, c.Backends))
	}
	errs = append(errs, c.validateCapacity()...)
	errs = append(errs, field.Under("network", c.Network.Validate()))
	for i, r := range c.Faults {
		errs = append(errs, field.Under(fmt.Sprintf("faults[%d]", i), errors.Join(r.Validate(), c.validateName(i), c.validateWhere(r), c.validateNeeds(r))))
	}
	return errors.Join(errs...)
}

// validateCapacity checks what calls take, and from what.
func (c Config) validateCapacity() (errs []error) {
	if n := len(c.Each); n > 0 && n != c.Backends {
		errs = append(errs, field.New("backends", "must be as many as the list has items, %d (got %d)", n, c.Backends))
	}
	c.eachTime(func(path string, t servicetime.Choice) {
		errs = append(errs, field.Under(path, t.Validate()))
	})
	if c.MessageGap < 0 {
		errs = append(errs, field.New("message_gap", "must be >= 0 (got %v)", c.MessageGap))
	}
	if c.Concurrency < 0 {
		errs = append(errs, field.New("concurrency", "must be >= 0, where 0 is no limit (got %d)", c.Concurrency))
	}
	unlimited := c.Concurrency <= 0
	for i, b := range c.Each {
		at := fmt.Sprintf("backends[%d]", i)
		if !(b.Speed >= 0 && b.Speed <= maxSpeed) {
			errs = append(errs, field.New(at+".speed", "must be > 0 and at most %d (got %v)", maxSpeed, b.Speed))
		}
		if b.Concurrency < 0 {
			errs = append(errs, field.New(at+".concurrency", "must be >= 1, or left out (got %d)", b.Concurrency))
		}
		unlimited = unlimited && b.Concurrency == 0
	}
	if c.Queue != nil {
		switch {
		case *c.Queue < 0:
			errs = append(errs, field.New("queue", "must be >= 0 (got %d)", *c.Queue))
		case unlimited:
			errs = append(errs, field.New("queue", "must come with concurrency: without that no call ever waits"))
		}
	}
	errs = append(errs, c.validatePart(), field.Under("load_report", c.LoadReport.Validate()), field.Under("lookaside", c.Lookaside.validate(c.Backends)), field.Under("xds", c.XDS.validate(c.Backends)))
	if c.Lookaside != nil && c.Front != NoFront {
		errs = append(errs, field.New("lookaside", "must be left out with front: clients see one address, and none of a backend"))
	}
	if c.XDS != nil && c.Front != NoFront {
		errs = append(errs, field.New("xds", "must be left out with front: clients see one address, and none of a backend"))
	}
	if c.XDS != nil && c.TLS != PlainText {
		errs = append(errs, field.New("xds", "must be left out with tls: its clients connect in plain text"))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Methods)) {
		own, at := c.Methods[name], "methods."+name
		m, ok := findMethod(name)
		switch {
		case !ok:
			errs = append(errs, field.New(at, "must be one of %s (got %q)", methodNames(), name))
			continue
		case name != m.short() && both(c.Methods, m):
			errs = append(errs, field.New(at, "the method is set twice: as %s too", m.short()))
		}
		if m.kind() == fault.Unary && own.MessageTime.Distribution() != nil {
			errs = append(errs, field.New(at+".message_time", "is for streams: %s is unary", m.short()))
		}
		switch {
		case own.MessageGap == nil:
		case m != listUsers:
			errs = append(errs, field.New(at+".message_gap", "is for server streams, and %s is none", m.short()))
		case *own.MessageGap < 0:
			errs = append(errs, field.New(at+".message_gap", "must be >= 0 (got %v)", *own.MessageGap))
		}
	}
	return errs
}

// both reports whether a method is set by its short and by its full name.
func both(set map[string]Method, m method) bool {
	_, short := set[m.short()]
	_, full := set[methods[m]]
	return short && full
}

// validateNeeds checks that the fleet has what a fault takes away.
func (c Config) validateNeeds(r fault.Rule) error {
	switch {
	case r.Inject.Overload != nil && !c.all(r.Where, func(b int) bool { return c.Slots(b) > 0 }):
		return field.New("inject.overload", "needs concurrency: a backend that serves any number of calls at once has no capacity to lose")
	case r.Inject.TLSFailure != nil && c.TLS == PlainText:
		return field.New("inject.tls_failure", "needs tls: self_signed: in plain text there is no handshake to fail")
	case r.Inject.Slow != nil && !c.all(r.Where, c.takesTime):
		return field.New("inject.slow", "needs service_time: a backend that takes no time is no slower at any speed")
	}
	return nil
}

// all reports whether ok holds for every backend that a rule is for.
func (c Config) all(w fault.Where, ok func(backend int) bool) bool {
	for b := range c.Backends {
		if (len(w.Backends) == 0 || slices.Contains(w.Backends, b)) && !ok(b) {
			return false
		}
	}
	return true
}

// takesTime reports whether any call takes a backend time.
func (c Config) takesTime(backend int) bool {
	for m := range methodCount {
		service, message, _ := c.choices(backend, m)
		if service.Mean() > 0 || m.kind() != fault.Unary && message.Mean() > 0 {
			return true
		}
	}
	return false
}

// Load reads the files that are named, their names taken from folder. Its
// error is as of Validate. A fleet is not configured before.
func (c Config) Load(folder string) error {
	var errs []error
	c.eachTime(func(path string, t servicetime.Choice) { errs = append(errs, field.Under(path, t.Load(folder))) })
	return errors.Join(errs...)
}

// unread is the error of a Config whose files are still to be read.
func (c Config) unread() (err error) {
	c.eachTime(func(path string, t servicetime.Choice) {
		if t.Unread() {
			err = field.New(path, "must be loaded first: its file was not read")
		}
	})
	return err
}

// validateName checks that a rule's name is its own: counts are kept by it.
func (c Config) validateName(rule int) error {
	name := c.Faults[rule].Name
	if first := slices.IndexFunc(c.Faults, func(r fault.Rule) bool { return r.Name == name }); name != "" && first < rule {
		return field.New("name", "must be unique: faults[%d] is named %q already", first, name)
	}
	return nil
}

// validateWhere checks what only the fleet knows: its backends and methods.
func (c Config) validateWhere(r fault.Rule) error {
	var errs []error
	w := r.Where
	for i, b := range w.Backends {
		if b < 0 || b >= c.Backends {
			errs = append(errs, field.New(fmt.Sprintf("where.backends[%d]", i), "must be from 0 to %d (got %d)", c.Backends-1, b))
		}
	}
	if w.Method != "" {
		m, known := findMethod(w.Method)
		switch {
		case !known:
			errs = append(errs, field.New("where.method", "must be one of %s (got %q)", methodNames(), w.Method))
		case w.Kind != "" && w.Kind != m.kind():
			errs = append(errs, field.New("where.kind", "must be left out, or %s as %s is", m.kind(), m.short()))
		case w.Kind == "" && !r.Meets(m.kind()):
			errs = append(errs, field.New("where.method", "must not be %s, which is %s: no such call can meet this %s", m.short(), m.kind(), r.Inject.Kind()))
		}
	}
	if r.Stagger > 0 && c.Backends == 1 {
		errs = append(errs, field.New("stagger", "must be left out: the fleet has one backend, and nothing comes after it"))
	}
	return errors.Join(errs...)
}

// NeedsCallID reports whether it matters which call it is that a backend
// serves: then the client must send metadata grpcbench-call, or calls are told
// apart by the order of their arrival, which differs from run to run.
func (c Config) NeedsCallID() bool {
	random := false
	c.eachTime(func(_ string, t servicetime.Choice) { random = random || t.Random() })
	return random || slices.ContainsFunc(c.Faults, fault.Rule.ByCall)
}

// needsSubject reports whether anything goes by the call or the attempt.
func (c Config) needsSubject() bool {
	return c.NeedsCallID() || slices.ContainsFunc(c.Faults, func(r fault.Rule) bool { return r.Where.Attempt != nil })
}

// onWire reports whether a fault needs the frames of connections followed.
func (c Config) onWire() bool {
	return slices.ContainsFunc(c.Faults, func(r fault.Rule) bool {
		_, below := r.Inject.OnCall().(fault.OnWire)
		_, frames := r.Inject.OnBackend().(fault.OnFrames)
		return below || frames
	})
}
