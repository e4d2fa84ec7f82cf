package strict

import (
	"strings"

	"github.com/goccy/go-yaml/token"

	"github.com/grpcbench/grpcbench/scenario/secret"
)

// A reference to a secret, ${NAME} or ${file:PATH}, may stand inside brackets
// without quotes, where YAML takes its braces for a map. So the lexer is shown
// other characters in their place, as many, which no document has: Unicode leaves
// them to private use.
const (
	openVariable  = "\uE000"
	closeVariable = "\uE001"
)

// noPath ends a path that is not in quotes.
const noPath = " \t\r\n,[]{}\"'#"

func hideVariables(text string) string {
	var b strings.Builder
	for _, part := range secret.Split(text) {
		if part.IsReference() && !strings.ContainsAny(part.Variable, noPath) {
			part.Text = "$" + openVariable + part.Variable + closeVariable
		}
		b.WriteString(part.Text)
	}
	return b.String()
}

func showVariables(tokens token.Tokens) {
	show := strings.NewReplacer(openVariable, "{", closeVariable, "}")
	for _, tk := range tokens {
		tk.Value, tk.Origin = show.Replace(tk.Value), show.Replace(tk.Origin)
	}
}
