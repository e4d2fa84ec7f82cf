package message

import "fmt"

// randChoice gives one of some values, each as likely.
type randChoice struct {
	of      []value
	ordinal uint64
}

func newRandChoice(args []value, ordinal uint64) (expression, error) {
	if len(args) == 0 {
		return nil, fmt.Errorf(`takes what there is to choose from, as randChoice "a" "b"`)
	}
	return randChoice{args, ordinal}, nil
}

func (r randChoice) value(e *Env) (value, error) {
	d := e.draws(r.ordinal)
	return r.of[below(&d, uint64(len(r.of)))], nil
}

func (r randChoice) appendText(dst []byte, e *Env) ([]byte, error) {
	v, _ := r.value(e)
	return v.appendText(dst), nil
}

func (r randChoice) samples() []value { return r.of }
