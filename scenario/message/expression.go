package message

// expression is what stands between {{ and }}.
type expression interface {
	// value is what it gives for one message.
	value(e *Env) (value, error)
	// appendText appends that as text.
	appendText(dst []byte, e *Env) ([]byte, error)
	// samples are values of which all must fit where the expression stands alone:
	// the extremes of what it gives. None is that only the call can tell.
	samples() []value
}

// constant is a literal: {{ "{{" }}.
type constant struct{ of value }

func (c constant) value(*Env) (value, error)                     { return c.of, nil }
func (c constant) appendText(dst []byte, _ *Env) ([]byte, error) { return c.of.appendText(dst), nil }
func (c constant) samples() []value                              { return []value{c.of} }
