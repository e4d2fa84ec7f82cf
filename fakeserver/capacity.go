package fakeserver

import (
	"fmt"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/fakeserver/servicetime"
)

// Backend is what one backend has of its own.
type Backend struct {
	// Speed is how fast it works, against the others; 0 is 1.
	Speed float64 `yaml:"speed" json:",omitempty" doc:"how fast it works, 0.5 is half as fast; 1 when left out"`
	// ServiceTime, where set, is used in place of the fleet's.
	ServiceTime servicetime.Choice `yaml:"service_time" doc:"how long serving one call takes; the fleet's when left out"`
	// Concurrency, where not 0, is used in place of the fleet's.
	Concurrency int `yaml:"concurrency" json:",omitempty" doc:"calls that it serves at once; the fleet's when left out"`
}

// Method is what one method has of its own, on every backend.
type Method struct {
	ServiceTime servicetime.Choice `yaml:"service_time" doc:"how long serving one call takes; the backend's when left out"`
	MessageTime servicetime.Choice `yaml:"message_time" doc:"how long each message of a stream takes besides; the fleet's when left out"`
	MessageGap  *time.Duration     `yaml:"message_gap" json:",omitempty" doc:"wait before each further message of a server stream; the fleet's when left out"`
}

// of is what backend number b has of its own.
func (c *Config) of(b int) Backend {
	own := Backend{}
	if b < len(c.Each) {
		own = c.Each[b]
	}
	if own.Speed == 0 {
		own.Speed = 1
	}
	if own.Concurrency == 0 {
		own.Concurrency = c.Concurrency
	}
	if own.ServiceTime.Distribution() == nil {
		own.ServiceTime = c.ServiceTime
	}
	return own
}

// Slots is the calls that a backend serves at once; 0 is no limit.
func (c *Config) Slots(backend int) int { return c.of(backend).Concurrency }

// MeanWork is the mean time for which a call of a method, with so many messages if
// it is a stream, holds a slot of a backend.
func (c *Config) MeanWork(backend int, name string, messages int) time.Duration {
	m, ok := findMethod(name)
	if !ok {
		return 0
	}
	service, message, _ := c.choices(backend, m)
	work := service.Mean()
	if m.kind() != fault.Unary {
		work += time.Duration(messages) * message.Mean()
	}
	return time.Duration(float64(work) / c.of(backend).Speed)
}

// MeanTime is the mean time that such a call takes on a backend once it has its slot:
// the work, and between the messages of a server stream the waits, which hold none.
func (c *Config) MeanTime(backend int, name string, messages int) time.Duration {
	took := c.MeanWork(backend, name, messages)
	if m, ok := findMethod(name); ok && m.kind() == fault.ServerStream {
		_, _, gap := c.choices(backend, m)
		took += time.Duration(max(0, messages-1)) * gap
	}
	return took
}

// choices is what applies to a method on a backend: what the method has of its
// own, else the backend, else the fleet.
func (c *Config) choices(backend int, m method) (service, message servicetime.Choice, gap time.Duration) {
	service, message, gap = c.of(backend).ServiceTime, c.MessageTime, c.MessageGap
	for _, name := range []string{m.short(), methods[m]} {
		own, ok := c.Methods[name]
		if !ok {
			continue
		}
		if own.ServiceTime.Distribution() != nil {
			service = own.ServiceTime
		}
		if own.MessageTime.Distribution() != nil {
			message = own.MessageTime
		}
		if own.MessageGap != nil {
			gap = *own.MessageGap
		}
	}
	return service, message, gap
}

// eachTime calls yield with every distribution and its place in the document.
func (c *Config) eachTime(yield func(path string, t servicetime.Choice)) {
	yield("service_time", c.ServiceTime)
	yield("message_time", c.MessageTime)
	for i, b := range c.Each {
		yield(fmt.Sprintf("backends[%d].service_time", i), b.ServiceTime)
	}
	for name, m := range c.Methods {
		yield("methods."+name+".service_time", m.ServiceTime)
		yield("methods."+name+".message_time", m.MessageTime)
	}
}

// timing is what the calls of one method on one backend draw their times from;
// nil is no time at all.
type timing struct {
	service, message servicetime.Sampler
	gap              time.Duration
}

// timings are those of one backend.
func (c *Config) timings(backend int) (all [methodCount]timing) {
	for m := range methodCount {
		service, message, gap := c.choices(backend, m)
		all[m] = timing{service: service.Sampler(), message: message.Sampler(), gap: gap}
	}
	return all
}

// sample draws the time of the n-th message of an attempt, or with n = 0 that
// of the call. A nil sampler gives 0.
func sample(from servicetime.Sampler, seed draw.Seed, who fault.Subject, n int) time.Duration {
	if from == nil {
		return 0
	}
	return from.Draw(seed.For(draw.Service, n, who.Call, who.Attempt))
}
