package message

import "strconv"

// callOrdinal is .call, the ordinal of the call.
type callOrdinal struct{}

func (callOrdinal) value(e *Env) (value, error) { return wholeValue(int64(e.Call)), nil }

func (callOrdinal) appendText(dst []byte, e *Env) ([]byte, error) {
	return strconv.AppendUint(dst, e.Call, 10), nil
}

func (callOrdinal) samples() []value { return []value{wholeValue(0), wholeValue(1)} }

// messageOrdinal is .message, the ordinal within the stream.
type messageOrdinal struct{}

func (messageOrdinal) value(e *Env) (value, error) { return wholeValue(int64(e.Message)), nil }

func (messageOrdinal) appendText(dst []byte, e *Env) ([]byte, error) {
	return strconv.AppendUint(dst, e.Message, 10), nil
}

func (messageOrdinal) samples() []value { return []value{wholeValue(0), wholeValue(1)} }
