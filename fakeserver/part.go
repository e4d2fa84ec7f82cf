package fakeserver

import "github.com/grpcbench/grpcbench/fakeserver/internal/field"

// Part is one of Of parts, from 0, that a fleet is spread over: it has the
// backends whose number modulo Of is Number. Each is all that it would be in a
// fleet that is in one place: name, draws and faults go by its number in the
// whole.
type Part struct {
	Number, Of int
}

func (p Part) has(backend int) bool { return p.Of == 0 || backend%p.Of == p.Number }

// validatePart checks that the part is one, and has all that it needs itself.
func (c Config) validatePart() error {
	p := c.Part
	switch {
	case p == Part{} || p == Part{Of: 1}:
		return nil
	case p.Of < 1 || p.Number < 0 || p.Number >= p.Of || p.Number >= c.Backends:
		return field.New("part", "must be one that has backends (got %d of %d, of %d backends)", p.Number, p.Of, c.Backends)
	case c.Front != NoFront:
		return field.New("front", "must be left out where the fleet is spread: it stands before backends of its own part")
	case c.Lookaside != nil:
		return field.New("lookaside", "must be left out where the fleet is spread: it knows the backends of its own part")
	case c.XDS != nil:
		return field.New("xds", "must be left out where the fleet is spread: it knows the backends of its own part")
	}
	return nil
}
