package message

import (
	"math"
	"strconv"
)

// value is what an expression gives: a JSON value, but that numbers need not have
// become text.
type value struct {
	shape shape
	text  string // as in node; of an object or a list its JSON
	as    numeral
	whole int64   // asWhole
	real  float64 // asReal
}

// numeral says in what a number is.
type numeral uint8

const (
	asText numeral = iota
	asWhole
	asReal
)

func textValue(s string) value   { return value{shape: aString, text: s} }
func wholeValue(i int64) value   { return value{shape: aNumber, as: asWhole, whole: i} }
func realValue(f float64) value  { return value{shape: aNumber, as: asReal, real: f} }
func valueOf(n *node) value      { return value{shape: n.shape, text: n.text} }
func (v value) asNumber() string { return string(v.appendText(nil)) }

// appendText appends the value as text stands for it: without quotes.
func (v value) appendText(dst []byte) []byte {
	switch {
	case v.shape == aNull:
		return append(dst, "null"...)
	case v.shape == aNumber && v.as == asWhole:
		return strconv.AppendInt(dst, v.whole, 10)
	case v.shape == aNumber && v.as == asReal:
		return appendReal(dst, v.real)
	default:
		return append(dst, v.text...)
	}
}

// appendReal writes a number so that it is one of JSON, too.
func appendReal(dst []byte, f float64) []byte {
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, 64)
}

// appendJSON appends the value as JSON.
func (v value) appendJSON(dst []byte) []byte {
	if v.shape == aString {
		return appendQuoted(dst, v.text)
	}
	return v.appendText(dst)
}

// got describes the value in a message.
func (v value) got() string {
	switch v.shape {
	case aString:
		return quoted(v.text)
	case anObject:
		return "an object"
	case anArray:
		return "a list"
	default:
		return clip(v.asNumber())
	}
}
