package message

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

// scalar is a value of a scalar field on its way to the wire: the number of a
// varint, a fixed32 or a fixed64, or the bytes of what has a length.
type scalar struct {
	bits uint64
	data []byte
	text string // instead of data
}

// zero reports the value that a field without presence has when it is not sent.
func (s scalar) zero() bool { return s.bits == 0 && len(s.data) == 0 && s.text == "" }

// wireType is how a field's value is written.
func wireType(fd protoreflect.FieldDescriptor) protowire.Type {
	switch fd.Kind() {
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return protowire.Fixed32Type
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return protowire.Fixed64Type
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return protowire.BytesType
	case protoreflect.GroupKind:
		return protowire.StartGroupType
	default:
		return protowire.VarintType
	}
}

// append appends the value as the wire has it, without a tag.
func (s scalar) append(dst []byte, wire protowire.Type) []byte {
	switch wire {
	case protowire.Fixed32Type:
		return protowire.AppendFixed32(dst, uint32(s.bits))
	case protowire.Fixed64Type:
		return protowire.AppendFixed64(dst, s.bits)
	case protowire.BytesType:
		if s.data != nil {
			return protowire.AppendBytes(dst, s.data)
		}
		return protowire.AppendString(dst, s.text)
	default:
		return protowire.AppendVarint(dst, s.bits)
	}
}

// scalarOf converts a JSON value for a field as protojson does. A value that comes
// from a template is taken more freely, for a cell of a CSV file is always text: true
// and false in text for a bool, a number in text for an enum, a number for a string.
// buffer is for bytes. The fault says what the value must be.
func scalarOf(fd protoreflect.FieldDescriptor, v value, free bool, buffer []byte) (s scalar, fault string) {
	switch kind := fd.Kind(); kind {
	case protoreflect.BoolKind:
		switch {
		case v.shape == aBool && v.text == "true", free && v.shape == aString && v.text == "true":
			return scalar{bits: 1}, ""
		case v.shape == aBool, free && v.shape == aString && v.text == "false":
			return scalar{}, ""
		}
	case protoreflect.StringKind:
		switch {
		case v.shape == aString, free && (v.shape == aBool || v.shape == aNumber && v.as == asText):
			return scalar{text: v.text}, ""
		case free && v.shape == aNumber:
			return scalar{data: v.appendText(buffer)}, ""
		}
	case protoreflect.BytesKind:
		if v.shape == aString {
			if data, ok := decodeBase64(buffer, v.text); ok {
				return scalar{data: data}, ""
			}
		}
	case protoreflect.EnumKind:
		if bits, ok := enumNumber(fd.Enum(), v, free); ok {
			return scalar{bits: bits}, ""
		}
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		size := 64
		if kind == protoreflect.FloatKind {
			size = 32
		}
		f, fault := float(v, size)
		if fault != "" {
			return scalar{}, fault
		}
		if size == 32 {
			return scalar{bits: uint64(math.Float32bits(float32(f)))}, ""
		}
		return scalar{bits: math.Float64bits(f)}, ""
	default:
		if v.shape == aNumber || v.shape == aString {
			return integerOf(kind, v)
		}
	}
	return scalar{}, mustBe(fd, v)
}

// mustBe says what a field takes, and what it got.
func mustBe(fd protoreflect.FieldDescriptor, v value) string {
	got := v.got()
	switch kind := fd.Kind(); kind {
	case protoreflect.BoolKind:
		if v.shape == aString && (v.text == "true" || v.text == "false") {
			return fmt.Sprintf("must be true or false without quotes: it is a bool (got %s)", got)
		}
		return fmt.Sprintf("must be true or false: it is a bool (got %s)", got)
	case protoreflect.StringKind:
		if v.shape == aNumber || v.shape == aBool {
			return fmt.Sprintf("must be text: put it in quotes, for it is a string (got %s)", got)
		}
		return fmt.Sprintf("must be text: it is a string (got %s)", got)
	case protoreflect.BytesKind:
		return fmt.Sprintf("must be base64: it is bytes (got %s)", got)
	case protoreflect.EnumKind:
		return mustBeEnum(fd.Enum(), v)
	default:
		return fmt.Sprintf("must be %s (got %s)", article(kind), got)
	}
}

// article is "an int32", "a double".
func article(kind protoreflect.Kind) string {
	if kind == protoreflect.Int32Kind || kind == protoreflect.Int64Kind {
		return "an " + kind.String()
	}
	return "a " + kind.String()
}

// shownNames is how many names of an enum or a message a message lists.
const shownNames = 20

// list is some names for a message: "a, b or c".
func list(names []string) string {
	switch n := len(names); {
	case n > shownNames:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shownNames], ", "), n-shownNames)
	case n > 1:
		return strings.Join(names[:n-1], ", ") + " or " + names[n-1]
	default:
		return strings.Join(names, "")
	}
}

// and is list for names that go together: "a, b and c".
func and(names []string) string {
	text := list(names)
	if i := strings.LastIndex(text, " or "); i >= 0 {
		text = text[:i] + " and " + text[i+len(" or "):]
	}
	return text
}

// near is ", did you mean x?" where a name is near.
func near(name string, among []string) string {
	if close := strict.Suggest(name, among); close != "" && close != name {
		return ", did you mean " + close + "?"
	}
	return ""
}

func mustBeEnum(ed protoreflect.EnumDescriptor, v value) string {
	var names []string
	for i := range ed.Values().Len() {
		names = append(names, string(ed.Values().Get(i).Name()))
	}
	if v.shape == aString {
		if hint := near(v.text, names); hint != "" {
			return fmt.Sprintf("%s has no value %s%s", ed.FullName(), quoted(v.text), hint)
		}
		// NAME for TYPE_NAME is more than a slip of the pen, and as common.
		var ends []string
		for _, name := range names {
			if v.text != "" && strings.HasSuffix(name, "_"+strings.ToUpper(v.text)) {
				ends = append(ends, name)
			}
		}
		if len(ends) == 1 {
			return fmt.Sprintf("%s has no value %s, did you mean %s?", ed.FullName(), quoted(v.text), ends[0])
		}
	}
	return fmt.Sprintf("must be a %s: %s (got %s)", ed.FullName(), list(names), v.got())
}

// enumNumber is the wire's number of a name or a number.
func enumNumber(ed protoreflect.EnumDescriptor, v value, free bool) (uint64, bool) {
	if v.shape == aString {
		if value := ed.Values().ByName(protoreflect.Name(v.text)); value != nil {
			return uint64(int64(value.Number())), true
		}
	}
	if v.shape == aNumber || free && v.shape == aString {
		s, fault := integerOf(protoreflect.Int32Kind, v)
		return s.bits, fault == ""
	}
	return 0, v.shape == aNull && ed.FullName() == "google.protobuf.NullValue"
}

// decodeBase64 takes the standard alphabet and that for URLs, with padding and
// without.
func decodeBase64(buffer []byte, text string) ([]byte, bool) {
	enc := base64.StdEncoding
	if strings.ContainsAny(text, "-_") {
		enc = base64.URLEncoding
	}
	if len(text)%4 != 0 {
		enc = enc.WithPadding(base64.NoPadding)
	}
	data, err := enc.AppendDecode(buffer, []byte(text))
	return data, err == nil
}

// float reads a number or what protobuf has for those that JSON lacks.
func float(v value, size int) (f float64, fault string) {
	name := "a double"
	if size == 32 {
		name = "a float"
	}
	switch {
	case v.shape == aNumber && v.as == asWhole:
		return float64(v.whole), ""
	case v.shape == aNumber && v.as == asReal:
		f = v.real
	case v.shape == aString && v.text == "NaN":
		return math.NaN(), ""
	case v.shape == aString && v.text == "Infinity":
		return math.Inf(1), ""
	case v.shape == aString && v.text == "-Infinity":
		return math.Inf(-1), ""
	case v.shape == aNumber, v.shape == aString && isNumber(v.text):
		var err error
		if f, err = strconv.ParseFloat(v.text, size); err != nil {
			return 0, fmt.Sprintf("is out of the range of %s (got %s)", name, v.got())
		}
	default:
		return 0, fmt.Sprintf("must be %s (got %s)", name, v.got())
	}
	if size == 32 && math.IsInf(float64(float32(f)), 0) {
		return 0, fmt.Sprintf("is out of the range of %s (got %s)", name, v.got())
	}
	return f, ""
}

// integerOf converts for the kinds of whole numbers.
func integerOf(kind protoreflect.Kind, v value) (scalar, string) {
	var negative bool
	var n uint64
	if v.as == asWhole && v.shape == aNumber {
		negative, n = v.whole < 0, uint64(v.whole)
		if negative {
			n = -n
		}
	} else {
		text := v.text
		if v.as == asReal && v.shape == aNumber {
			text = v.asNumber()
		}
		var how integrity
		switch negative, n, how = wholeNumber(text); how {
		case noNumber:
			return scalar{}, fmt.Sprintf("must be %s (got %s)", article(kind), v.got())
		case fraction:
			return scalar{}, fmt.Sprintf("must be a whole number: it is %s (got %s)", article(kind), v.got())
		case tooLong:
			return scalar{}, outOfRange(kind, v)
		}
	}
	low, high := limits(kind)
	if negative && n > low || !negative && n > high {
		return scalar{}, outOfRange(kind, v)
	}
	i := int64(n)
	if negative {
		i = -i
	}
	switch kind {
	case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		return scalar{bits: protowire.EncodeZigZag(i)}, ""
	default:
		return scalar{bits: uint64(i)}, ""
	}
}

func outOfRange(kind protoreflect.Kind, v value) string {
	low, high := limits(kind)
	least := "0"
	if low > 0 {
		least = "-" + strconv.FormatUint(low, 10)
	}
	return fmt.Sprintf("must be from %s to %d: it is %s (got %s)", least, high, article(kind), v.got())
}

// limits are how far a kind reaches below 0 and above.
func limits(kind protoreflect.Kind) (low, high uint64) {
	switch kind {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return 1 << 31, 1<<31 - 1
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return 1 << 63, 1<<63 - 1
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return 0, 1<<32 - 1
	default:
		return 0, 1<<64 - 1
	}
}

// integrity is whether a text is a whole number.
type integrity uint8

const (
	whole integrity = iota
	noNumber
	fraction
	tooLong // for 64 bits
)

// wholeNumber reads a whole number, which JSON may write as 1.5e3, too.
func wholeNumber(text string) (negative bool, n uint64, how integrity) {
	digits := strings.TrimPrefix(text, "-")
	negative = len(digits) < len(text)
	if len(digits) < 19 && digits != "" && (digits[0] != '0' || len(digits) == 1) {
		for i := range len(digits) {
			if digits[i] < '0' || digits[i] > '9' {
				return wholeOfParts(text, negative)
			}
			n = n*10 + uint64(digits[i]-'0')
		}
		return negative, n, whole
	}
	return wholeOfParts(text, negative)
}

// wholeOfParts is wholeNumber for what is long, or has a point or an exponent.
func wholeOfParts(text string, negative bool) (bool, uint64, integrity) {
	if !isNumber(text) {
		return negative, 0, noNumber
	}
	mantissa, exponent := strings.TrimPrefix(text, "-"), 0
	if e := strings.IndexAny(mantissa, "eE"); e >= 0 {
		i, err := strconv.ParseInt(mantissa[e+1:], 10, 32)
		if err != nil {
			i = math.MaxInt32
			if mantissa[e+1] == '-' {
				i = -i
			}
		}
		mantissa, exponent = mantissa[:e], int(i)
	}
	before, after, _ := strings.Cut(mantissa, ".")
	before, after = strings.TrimLeft(before, "0"), strings.TrimRight(after, "0")
	if before == "" && after == "" {
		return negative, 0, whole
	}
	if exponent >= 0 {
		const longest = 20 // digits of 2⁶⁴−1
		switch {
		case len(after) > exponent:
			return negative, 0, fraction
		case len(before)+exponent > longest:
			return negative, 0, tooLong
		}
		before += after + strings.Repeat("0", exponent-len(after))
	} else {
		keep := len(before) + exponent
		if after != "" || keep < 0 || strings.Trim(before[keep:], "0") != "" {
			return negative, 0, fraction
		}
		before = before[:keep]
	}
	if before == "" {
		return negative, 0, whole
	}
	n, err := strconv.ParseUint(before, 10, 64)
	if err != nil {
		return negative, 0, tooLong
	}
	return negative, n, whole
}
