package strict

import (
	"regexp"

	"github.com/goccy/go-yaml/token"
)

// A variable, ${NAME}, may stand inside brackets without quotes, where YAML
// takes its braces for a map. So the lexer is shown other characters in their
// place, as many, which no document has: Unicode leaves them to private use.
const (
	openVariable  = "\uE000"
	closeVariable = "\uE001"
)

var (
	variable       = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)
	hiddenVariable = regexp.MustCompile(`\$` + openVariable + `([A-Za-z_][A-Za-z0-9_]*)` + closeVariable)
)

func hideVariables(text string) string {
	return variable.ReplaceAllString(text, "$$"+openVariable+"$1"+closeVariable)
}

func showVariables(tokens token.Tokens) {
	for _, tk := range tokens {
		tk.Value = hiddenVariable.ReplaceAllString(tk.Value, "$${$1}")
		tk.Origin = hiddenVariable.ReplaceAllString(tk.Origin, "$${$1}")
	}
}
