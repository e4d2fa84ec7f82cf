package message

// randString gives letters and digits.
type randString struct {
	n       int
	ordinal uint64
}

// alphabet has 62 characters.
const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

func newRandString(args []value, ordinal uint64) (expression, error) {
	n, err := length("randString", args)
	return randString{n, ordinal}, err
}

func (r randString) value(e *Env) (value, error) {
	text, _ := r.appendText(nil, e)
	return textValue(string(text)), nil
}

func (r randString) appendText(dst []byte, e *Env) ([]byte, error) {
	d := e.draws(r.ordinal)
	for range r.n {
		dst = append(dst, alphabet[below(&d, uint64(len(alphabet)))])
	}
	return dst, nil
}

func (r randString) samples() []value {
	text, _ := r.appendText(nil, new(Env))
	return []value{textValue(string(text))}
}
