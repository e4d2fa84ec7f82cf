package strict

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const flowColumns = 72 // longest list that is printed on one line

// Print writes a tree as YAML: block style, two spaces, quotes only where they
// are needed. Printing what was parsed from printed text gives that text.
func Print(n *Node) string {
	if n == nil {
		return ""
	}
	var b strings.Builder
	writeBlock(&b, n, 0, false)
	return b.String()
}

// writeBlock writes n, indented, and ends its last line. With inline the first
// line begins where the text stands: after "- ".
func writeBlock(b *strings.Builder, n *Node, indent int, inline bool) {
	pad := func(first bool) {
		if !(first && inline) {
			b.WriteString(strings.Repeat("  ", indent))
		}
	}
	switch {
	case n.Kind == Map && len(n.Entries) > 0:
		for i, e := range n.Entries {
			pad(i == 0)
			b.WriteString(keyText(e.Key) + ":")
			writeBelow(b, e.Value, indent)
		}
	case n.Kind == Sequence && len(n.Items) > 0 && !fitsFlow(n):
		for i, item := range n.Items {
			pad(i == 0)
			b.WriteString("- ")
			writeBlock(b, item, indent+1, true)
		}
	default:
		pad(true)
		if n.Kind == Scalar {
			b.WriteString(scalarText(n, false))
		} else {
			writeFlow(b, n)
		}
		b.WriteString("\n")
	}
}

// writeBelow writes the value of a key: on its line, or on the next ones.
func writeBelow(b *strings.Builder, n *Node, indent int) {
	if n.Kind == Map && len(n.Entries) > 0 || n.Kind == Sequence && len(n.Items) > 0 && !fitsFlow(n) {
		b.WriteString("\n")
		writeBlock(b, n, indent+1, false)
		return
	}
	b.WriteString(" ")
	writeBlock(b, n, indent, true)
}

// fitsFlow tells a short list of scalars.
func fitsFlow(n *Node) bool {
	width := 0
	for _, item := range n.Items {
		if item.Kind != Scalar {
			return false
		}
		width += utf8.RuneCountInString(item.Text) + 4
	}
	return width <= flowColumns
}

// writeFlow writes n on one line.
func writeFlow(b *strings.Builder, n *Node) {
	switch n.Kind {
	case Scalar:
		b.WriteString(scalarText(n, true))
	case Map:
		b.WriteString("{")
		for i, e := range n.Entries {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(keyText(e.Key) + ": ")
			writeFlow(b, e.Value)
		}
		b.WriteString("}")
	case Sequence:
		b.WriteString("[")
		for i, item := range n.Items {
			if i > 0 {
				b.WriteString(", ")
			}
			writeFlow(b, item)
		}
		b.WriteString("]")
	default:
		b.WriteString("null")
	}
}

var (
	// What may stand without quotes, well inside what YAML allows.
	plainKey   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./-]*$`)
	plainFlow  = regexp.MustCompile(`^(-?[0-9A-Za-z_/$][0-9A-Za-z_./%+()=<>$~*-]*)( [0-9A-Za-z_./%+()=<>$~*-]+)*$`)
	plainBlock = regexp.MustCompile(`^(-?[0-9A-Za-z_/$][0-9A-Za-z_./%+()=<>$~*,?!;'-]*(:[0-9A-Za-z_./]+)*)( [0-9A-Za-z_./%+()=<>$~*,?!;'-]+(:[0-9A-Za-z_./]+)*)*$`)
)

func keyText(key string) string {
	if plainKey.MatchString(key) && plainMeaning(key) == isText && !otherBool(key) {
		return key
	}
	return quote(key)
}

func scalarText(n *Node, flow bool) string {
	allowed := plainBlock
	if flow {
		allowed = plainFlow
	}
	m := plainMeaning(n.Text)
	switch {
	case !n.Quoted && m != isText:
		return n.Text // a number or boolean, as it was written
	case m == isText && allowed.MatchString(n.Text) && !otherBool(n.Text) && !strings.HasPrefix(n.Text, "--"):
		return n.Text
	default:
		return quote(n.Text)
	}
}

// otherBool tells words that older YAML readers take for booleans.
func otherBool(s string) bool {
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off":
		return true
	}
	return false
}

// quote writes a double-quoted scalar.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xff:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
