// Package plain makes text of others, such as a server's, fit for a terminal.
package plain

import "strings"

// Text is text of others that a terminal shows and does not obey: each control
// character becomes U+FFFD.
func Text(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '\ufffd'
		}
		return r
	}, s)
}
