package message

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
)

// randBytes gives bytes.
type randBytes struct {
	n       int
	ordinal uint64
}

func newRandBytes(args []value, ordinal uint64) (expression, error) {
	n, err := length("randBytes", args)
	return randBytes{n, ordinal}, err
}

// appendBytes appends the bytes themselves.
func (r randBytes) appendBytes(dst []byte, e *Env) []byte {
	d := e.draws(r.ordinal)
	begin := len(dst)
	dst = slices.Grow(dst, r.n+7)
	for i := 0; i < r.n; i += 8 {
		dst = binary.LittleEndian.AppendUint64(dst, d.next())
	}
	return dst[:begin+r.n]
}

func (r randBytes) value(e *Env) (value, error) {
	return textValue(base64.StdEncoding.EncodeToString(r.appendBytes(nil, e))), nil
}

func (r randBytes) appendText(dst []byte, e *Env) ([]byte, error) {
	return base64.StdEncoding.AppendEncode(dst, r.appendBytes(nil, e)), nil
}

func (r randBytes) samples() []value {
	v, _ := r.value(new(Env))
	return []value{v}
}
