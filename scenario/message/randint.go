package message

import "fmt"

// randInt gives whole numbers, each as likely.
type randInt struct {
	low, high int64
	ordinal   uint64
}

func newRandInt(args []value, ordinal uint64) (expression, error) {
	if len(args) != 2 {
		return nil, fmt.Errorf("takes two whole numbers, as randInt 1 100 (got %s)", count(len(args), "argument"))
	}
	var limits [2]int64
	for i, arg := range args {
		n, err := wholeArgument(arg)
		if err != nil {
			return nil, err
		}
		limits[i] = n
	}
	if limits[0] > limits[1] {
		return nil, fmt.Errorf("must have the smaller number first (got %d %d)", limits[0], limits[1])
	}
	return randInt{limits[0], limits[1], ordinal}, nil
}

func (r randInt) value(e *Env) (value, error) {
	d := e.draws(r.ordinal)
	return wholeValue(int64(uint64(r.low) + below(&d, uint64(r.high)-uint64(r.low)+1))), nil
}

func (r randInt) appendText(dst []byte, e *Env) ([]byte, error) {
	v, _ := r.value(e)
	return v.appendText(dst), nil
}

func (r randInt) samples() []value { return []value{wholeValue(r.low), wholeValue(r.high)} }
