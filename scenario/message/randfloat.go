package message

import "fmt"

// randFloat gives numbers of an interval, uniformly.
type randFloat struct {
	low, high float64
	ordinal   uint64
}

func newRandFloat(args []value, ordinal uint64) (expression, error) {
	if len(args) != 2 {
		return nil, fmt.Errorf("takes two numbers, as randFloat 0 1 (got %s)", count(len(args), "argument"))
	}
	var limits [2]float64
	for i, arg := range args {
		if arg.shape != aNumber {
			return nil, fmt.Errorf("takes numbers (got %s)", arg.got())
		}
		f, fault := float(arg, 64)
		if fault != "" {
			return nil, fmt.Errorf("%s", fault)
		}
		limits[i] = f
	}
	if limits[0] > limits[1] {
		return nil, fmt.Errorf("must have the smaller number first (got %v %v)", limits[0], limits[1])
	}
	return randFloat{limits[0], limits[1], ordinal}, nil
}

func (r randFloat) value(e *Env) (value, error) {
	d := e.draws(r.ordinal)
	u := float64(d.next()>>11) * 0x1p-53
	// Weighted, not low + u·(high−low), which overflows between the extremes.
	return realValue(min(r.low*(1-u)+r.high*u, r.high)), nil
}

func (r randFloat) appendText(dst []byte, e *Env) ([]byte, error) {
	v, _ := r.value(e)
	return v.appendText(dst), nil
}

// A value between, so that whole numbers as limits do not hide what is drawn.
func (r randFloat) samples() []value {
	return []value{realValue(r.low), realValue(r.high), realValue(r.low*0.7 + r.high*0.3)}
}
