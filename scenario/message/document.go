package message

import (
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

// fromDocument is a part of a YAML document as JSON: numbers and booleans are what
// YAML takes them for, everything else is text.
func fromDocument(n *strict.Node) *node {
	out := &node{mark: mark{entry: strict.Entry{Value: n}}}
	switch {
	case n.Kind == strict.Map:
		out.shape = anObject
		for _, e := range n.Entries {
			out.members = append(out.members, member{name: e.Key, mark: mark{entry: e, key: true}, value: fromDocument(e.Value)})
		}
	case n.Kind == strict.Sequence:
		out.shape = anArray
		for _, item := range n.Items {
			out.items = append(out.items, fromDocument(item))
		}
	case n.Kind == strict.Null:
		out.shape = aNull
	case n.IsBool():
		out.shape, out.text = aBool, strings.ToLower(n.Text)
	case n.IsNumber():
		out.shape, out.text = yamlNumber(n.Text)
	default:
		out.shape, out.text = aString, n.Text
	}
	return out
}

// yamlNumber writes a number of YAML as JSON does: YAML also has 0x1f, 0o17, +5, .5
// and .inf. What JSON has no number for is text, as protobuf has it.
func yamlNumber(text string) (shape, string) {
	if isNumber(text) {
		return aNumber, text
	}
	unsigned := strings.TrimLeft(text, "+-")
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign = "-"
	}
	switch strings.ToLower(unsigned) {
	case ".inf":
		return aString, sign + "Infinity"
	case ".nan":
		return aString, "NaN"
	}
	if strings.HasPrefix(unsigned, "0x") || strings.HasPrefix(unsigned, "0o") {
		if i, ok := new(big.Int).SetString(unsigned, 0); ok {
			return aNumber, sign + i.String()
		}
	}
	if whole := strings.TrimLeft(unsigned, "0"); !strings.ContainsAny(whole, ".eE") {
		if whole == "" {
			whole = "0"
		}
		return aNumber, sign + whole
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && !math.IsInf(f, 0) {
		return aNumber, strconv.FormatFloat(f, 'g', -1, 64)
	}
	return aString, text
}
