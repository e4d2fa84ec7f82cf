package message

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
)

// Function is one that templates may call.
type Function struct {
	Name  string
	Usage string // as it is called
	Doc   string
	// make checks the arguments. ordinal sets the function's draws apart.
	make func(args []value, ordinal uint64) (expression, error)
}

// Functions are all there are. Another is a type and a line here.
func Functions() []Function {
	return []Function{
		{"uuid", "uuid", "a random UUID (version 4)", newUUID},
		{"randInt", "randInt 1 100", "a whole number from the first to the second, both included", newRandInt},
		{"randFloat", "randFloat 0 1", "a number from the first, included, to the second", newRandFloat},
		{"randString", "randString 16", "as many letters and digits", newRandString},
		{"randBytes", "randBytes 16", "as many bytes; in text their base64", newRandBytes},
		{"randChoice", `randChoice "a" "b"`, "one of these", newRandChoice},
	}
}

// mostDrawn bounds what randString and randBytes make.
const mostDrawn = 4 << 20

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

func wholeArgument(arg value) (int64, error) {
	n, err := strconv.ParseInt(arg.text, 10, 64)
	if arg.shape != aNumber || err != nil {
		return 0, fmt.Errorf("takes whole numbers of at most 64 bits (got %s)", arg.got())
	}
	return n, nil
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

// below is a number below n, each as likely (Lemire 2019); n = 0 is 2⁶⁴.
func below(d *draws, n uint64) uint64 {
	if n == 0 {
		return d.next()
	}
	high, low := bits.Mul64(d.next(), n)
	if low < n {
		for reject := -n % n; low < reject; {
			high, low = bits.Mul64(d.next(), n)
		}
	}
	return high
}

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

// length is the argument of what makes so many of something.
func length(name string, args []value) (int, error) {
	if len(args) != 1 {
		return 0, fmt.Errorf("takes a length, as %s 16 (got %s)", name, count(len(args), "argument"))
	}
	n, err := wholeArgument(args[0])
	if err == nil && (n < 0 || n > mostDrawn) {
		err = fmt.Errorf("takes a length from 0 to %d (got %d)", mostDrawn, n)
	}
	return int(n), err
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
