package strict

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds on what is read: far above any document that a person writes, far
// below what would exhaust the stack or memory.
const (
	maxBytes = 128 << 10
	maxDepth = 64
	maxNodes = 20_000 // after aliases are resolved
)

// parsing is one text on its way to a tree.
type parsing struct {
	src   *source
	shift int // characters before the text on its first line: "--set path="
	errs  Errors

	anchors map[string]*Node
	nodes   int
	full    bool // maxNodes was reached and reported
}

func (p *parsing) fail(at span, format string, args ...any) {
	p.errs = append(p.errs, p.src.errorAt(at, "", format, args...))
}

// failIn is fail for a mistake that has a path.
func (p *parsing) failIn(at span, path, format string, args ...any) {
	p.errs = append(p.errs, p.src.errorAt(at, path, format, args...))
}

// parse makes the tree of a text, or nil where there is none; errs says why,
// and may say so even of a tree. lead is what stands before the text.
func (p *parsing) parse(name, lead string, text []byte) *Node {
	if len(text) > maxBytes {
		p.src = newSource(name, lead)
		p.fail(p.start(), "the document is too large: at most %d KiB (got %d)", maxBytes>>10, len(text)>>10)
		return nil
	}
	body := strings.TrimPrefix(string(text), "\uFEFF")
	body = strings.ReplaceAll(body, "\r\n", "\n")
	body = strings.ReplaceAll(body, "\r", "\n")
	p.src = newSource(name, lead+body)
	p.shift = utf8.RuneCountInString(lead)
	p.anchors = map[string]*Node{}
	if !p.characters(body) {
		return nil
	}
	return p.tree(body)
}

// characters refuses what is no text.
func (p *parsing) characters(body string) bool {
	line, column := 1, 1+p.shift
	for i, r := range body {
		what := ""
		switch {
		case r == '\n':
			line, column = line+1, 1
			continue
		case r == utf8.RuneError && !strings.HasPrefix(body[i:], "\uFFFD"):
			what = "this is not UTF-8 text"
		case r != '\t' && (r < 0x20 || r >= 0x7f && r < 0xa0) || r == '\u2028' || r == '\u2029' || r == '\uFEFF':
			what = fmt.Sprintf("the character %U is not allowed here", r)
		}
		if what != "" {
			p.fail(span{pos: p.src.place(line, column)}, "%s", what)
			return false
		}
		column++
	}
	return true
}

// tree makes the tree of a clean text.
func (p *parsing) tree(body string) *Node {
	file := p.syntax(body)
	if file == nil {
		return nil
	}
	if len(file.Docs) > 1 {
		at := p.start()
		if second := file.Docs[1]; second.Start != nil {
			at = p.token(second.Start)
		} else if second.Body != nil {
			at = p.token(second.Body.GetToken())
		}
		p.fail(at, "a second document begins here: a file holds one")
		return nil
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		at := p.start()
		return &Node{Kind: Null, Pos: at.pos, at: at, keyAt: at, src: p.src}
	}
	return p.node(file.Docs[0].Body, "")
}

// syntax runs the YAML parser on a text. The parser recurses, so what would
// take it deep is refused before.
func (p *parsing) syntax(body string) (file *ast.File) {
	defer func() {
		if r := recover(); r != nil {
			p.fail(p.start(), "this cannot be read as YAML (%v)", clip(fmt.Sprint(r), 80))
			file = nil
		}
	}()
	tokens := lexer.Tokenize(hideVariables(body))
	showVariables(tokens)
	if !p.scan(tokens) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err == nil {
		return file
	}
	var syntax *yaml.SyntaxError
	if errors.As(err, &syntax) && syntax.Token != nil {
		at, message := p.explain(syntax)
		p.fail(at, "%s", message)
	} else {
		p.fail(p.start(), "this cannot be read as YAML (%v)", clip(err.Error(), 120))
	}
	return nil
}

// scan refuses what no document needs and bounds the nesting.
func (p *parsing) scan(tokens token.Tokens) bool {
	before := len(p.errs)
	flow := 0
	var columns []int // of the open block collections
	push := func(column int) {
		for len(columns) > 0 && columns[len(columns)-1] > column {
			columns = columns[:len(columns)-1]
		}
		if len(columns) == 0 || columns[len(columns)-1] < column {
			columns = append(columns, column)
		}
	}
	line := 0
	for i, tk := range tokens {
		if tk.Type == token.InvalidType {
			break // the parser explains it
		}
		inBlock := i > 0 && (tokens[i-1].Type == token.LiteralType || tokens[i-1].Type == token.FoldedType)
		if tk.Position.Line != line && !inBlock {
			p.refuseTab(tk)
		}
		line = tk.Position.Line
		switch tk.Type {
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow = max(flow-1, 0)
		case token.SequenceEntryType:
			push(tk.Position.Column)
		case token.MappingValueType:
			if flow == 0 && i > 0 && tokens[i-1].Position.Line == tk.Position.Line {
				push(tokens[i-1].Position.Column)
			}
		case token.MappingKeyType:
			p.fail(p.token(tk), "complex keys (?) are not supported: a key is text")
		case token.TagType:
			p.fail(p.token(tk), "tags such as %s are not supported: put text in quotes instead", clip(tk.Value, 20))
		case token.DirectiveType:
			if i == 0 || tokens[i-1].Position.Line != tk.Position.Line {
				p.fail(p.token(tk), "directives (%%) are not supported")
			} else {
				p.fail(p.token(tk), "a value cannot begin with %%: put it in quotes")
			}
		case token.AnchorType:
			if i > 1 && tokens[i-2].Type == token.AnchorType {
				p.fail(p.token(tk), "a value can have only one anchor")
			}
		}
		if flow+len(columns) > maxDepth {
			p.fail(p.token(tk), "the document is nested too deeply: at most %d levels", maxDepth)
			break
		}
		if len(p.errs)-before >= 20 {
			break // enough to work on
		}
	}
	return len(p.errs) == before
}

// refuseTab reports a tab in the indentation of the line of tk.
func (p *parsing) refuseTab(tk *token.Token) {
	line := p.token(tk).pos.Line
	indentation := strings.TrimLeft(p.src.lines[line-1], " ")
	if strings.HasPrefix(indentation, "\t") {
		spaces := len(p.src.lines[line-1]) - len(indentation)
		p.fail(span{pos: p.src.place(line, spaces+1)}, "%s", tabAdvice)
	}
}

const tabAdvice = "indent with spaces: YAML does not allow tabs here"

// explain says in our words what the YAML parser found, and where a reader
// would look for it.
func (p *parsing) explain(e *yaml.SyntaxError) (span, string) {
	at := p.token(e.Token)
	switch {
	case strings.Contains(e.Message, "tab character"), strings.Contains(e.Message, "character '\t'"):
		before := []rune(p.src.lines[at.pos.Line-1])[:at.pos.Column-1]
		for i, r := range slices.Backward(before) {
			if r == '\t' {
				return span{pos: p.src.place(at.pos.Line, i+1)}, "write spaces here: YAML does not allow a tab"
			}
		}
		return at, tabAdvice
	case e.Message == "mapping value is not allowed in this context":
		if colon := e.Token.Next; colon != nil && colon.Position.Line > e.Token.Position.Line {
			// The parser took the key for a second line of the text before it.
			end := p.token(colon)
			line := p.src.lines[end.pos.Line-1]
			column := 1 + len(line) - len(strings.TrimLeft(line, " "))
			return span{pos: p.src.place(end.pos.Line, column), width: end.pos.Column - column},
				"a key cannot stand here: the value before it is complete, check the indentation"
		}
		return at, "a value cannot hold ': ' here: put text with a colon in quotes"
	case e.Message == "value is not allowed in this context":
		return at, "nothing more can follow here: check the indentation and the brackets"
	case e.Message == "block sequence entries are not allowed in this context":
		return at, "a list item cannot stand here: put it on a line of its own"
	case e.Message == "found an invalid key for this map":
		return at, "a key must be text"
	case strings.HasPrefix(e.Message, "could not find end character of"):
		return at, "a quote is not closed"
	case strings.HasPrefix(e.Message, "could not find flow mapping end"):
		return at, "a { is not closed"
	case e.Message == "could not find flow map content":
		return at, "in { } there must be {key: value, …}; a key with [ ] in it needs quotes"
	case strings.HasSuffix(e.Message, "must be specified"):
		return at, strings.TrimSuffix(e.Message, "must be specified") + "is missing before this"
	case strings.HasSuffix(e.Message, "is a reserved character"):
		return at, "a value cannot begin with " + strings.TrimSuffix(e.Message, " is a reserved character") + ": put it in quotes"
	case e.Message == "undefined anchor value":
		return at, "an anchor (&) needs a value"
	}
	return at, "this is not YAML: " + clip(e.Message, 160)
}

// start is the beginning of the text.
func (p *parsing) start() span {
	return span{pos: p.src.place(1, 1+p.shift)}
}

// token is where a token stands. Its width is that of the text, on one line.
func (p *parsing) token(tk *token.Token) span {
	if tk == nil || tk.Position == nil {
		return p.start()
	}
	column := tk.Position.Column
	if tk.Position.Line <= 1 {
		column = max(column, 1) + p.shift
	}
	pos := p.src.place(tk.Position.Line, column)
	rest := p.src.from(pos)
	width := 1
	switch tk.Type {
	case token.DoubleQuoteType, token.SingleQuoteType:
		width = quotedWidth(rest)
	default:
		if strings.HasPrefix(rest, tk.Value) {
			width = utf8.RuneCountInString(tk.Value)
		}
	}
	return span{pos: pos, width: max(width, 1)}
}

// quotedWidth is the characters from an opening quote to its closing one, or
// to the end of the line.
func quotedWidth(rest string) int {
	var quote rune
	width, escaped := 0, false
	for _, r := range rest {
		width++
		switch {
		case width == 1:
			quote = r
		case escaped:
			escaped = false
		case r == '\\' && quote == '"':
			escaped = true
		case r == quote:
			return width
		}
	}
	return width
}
