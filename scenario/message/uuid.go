package message

import (
	"encoding/hex"
	"fmt"
)

// uuid gives a UUID of random bits.
type uuid struct{ ordinal uint64 }

func newUUID(args []value, ordinal uint64) (expression, error) {
	if len(args) > 0 {
		return nil, fmt.Errorf("takes no arguments (got %d)", len(args))
	}
	return uuid{ordinal}, nil
}

func (u uuid) value(e *Env) (value, error) {
	text, _ := u.appendText(nil, e)
	return textValue(string(text)), nil
}

func (u uuid) appendText(dst []byte, e *Env) ([]byte, error) {
	d := e.draws(u.ordinal)
	var id [16]byte
	for i := range 2 {
		r := d.next()
		for j := range 8 {
			id[8*i+j] = byte(r >> (8 * j))
		}
	}
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	for i, part := range [...][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, part)
	}
	return dst, nil
}

func (uuid) samples() []value { return []value{textValue("f81d4fae-7dec-41d0-a765-00a0c91e6bf6")} }
