package strict

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// node converts a syntax tree. It never returns nil.
func (p *parsing) node(n ast.Node, path string) *Node {
	if p.nodes++; p.nodes > maxNodes {
		at := p.start()
		if n != nil {
			at = p.token(n.GetToken())
		}
		return p.tooLarge(at, path)
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		if len(n.Values) == 1 && !n.IsFlowStyle {
			if out := p.colonInText(n.Values[0]); out != nil {
				return out
			}
		}
		return p.mapping(n, path)
	case *ast.MappingValueNode:
		if out := p.colonInText(n); out != nil {
			return out
		}
		out := p.fresh(Map, n.Key.GetToken())
		p.entry(out, n, path, map[string]int{})
		return out
	case *ast.SequenceNode:
		out := p.fresh(Sequence, n.Start)
		for i, item := range n.Values {
			out.Items = append(out.Items, p.node(item, path+"["+strconv.Itoa(i)+"]"))
		}
		return out
	case *ast.AnchorNode:
		out := p.node(n.Value, path)
		if n.Name != nil {
			p.anchors[n.Name.GetToken().Value] = out
		}
		return out
	case *ast.AliasNode:
		return p.alias(n, path)
	case *ast.LiteralNode:
		out := p.fresh(Scalar, n.Start)
		out.Text, out.Quoted = n.Value.Value, true
		return out
	case *ast.StringNode:
		return p.scalar(n.Token, n.Value, quoted(n.Token))
	case *ast.NullNode:
		// The parser makes up a null where nothing is written.
		out := p.fresh(Null, n.Token)
		if strings.HasPrefix(p.src.from(out.Pos), n.Token.Value) {
			out.Text = n.Token.Value
		} else {
			out.at.width = 1
		}
		return out
	case ast.ScalarNode:
		return p.scalar(n.GetToken(), n.GetToken().Value, false)
	default:
		at := p.start()
		if n != nil {
			at = p.token(n.GetToken())
		}
		p.failIn(at, path, "this part of YAML is not supported here")
		return &Node{Kind: Null, Pos: at.pos, at: at, keyAt: at, src: p.src, broken: true}
	}
}

// colonInText is the text of a plain scalar such as localhost:50051, or nil
// when n is the map that it seems to be. Inside brackets the parser takes each
// colon for a key's; YAML wants white space after one that is.
func (p *parsing) colonInText(n *ast.MappingValueNode) *Node {
	key, ok := n.Key.(*ast.StringNode)
	if !ok || quoted(key.Token) {
		return nil
	}
	switch n.Value.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode:
	default:
		return nil
	}
	value := n.Value.GetToken()
	if quoted(value) || value.Value == "" {
		return nil
	}
	out := p.fresh(Scalar, key.Token)
	text := key.Value + ":" + value.Value
	if !strings.HasPrefix(p.src.from(out.Pos), text) {
		return nil
	}
	out.Text, out.at.width = text, len([]rune(text))
	return out
}

func quoted(tk *token.Token) bool {
	return tk.Type == token.DoubleQuoteType || tk.Type == token.SingleQuoteType
}

func (p *parsing) fresh(kind NodeKind, tk *token.Token) *Node {
	at := p.token(tk)
	if kind == Map || kind == Sequence {
		at.width = 1
	}
	return &Node{Kind: kind, Pos: at.pos, at: at, keyAt: at, src: p.src}
}

func (p *parsing) scalar(tk *token.Token, text string, quoted bool) *Node {
	out := p.fresh(Scalar, tk)
	out.Text, out.Quoted = text, quoted
	if !quoted && plainMeaning(text) == isNull {
		out.Kind = Null
	}
	return out
}

func (p *parsing) mapping(n *ast.MappingNode, path string) *Node {
	tk := n.Start
	if !n.IsFlowStyle && len(n.Values) > 0 {
		tk = n.Values[0].Key.GetToken()
	}
	out := p.fresh(Map, tk)
	seen := make(map[string]int, len(n.Values))
	for _, value := range n.Values {
		p.entry(out, value, path, seen)
	}
	return out
}

// entry adds one key to a map, if it is a good one. The value is converted in
// any case: it may hold anchors, and mistakes. seen are the lines of the keys
// that are there.
func (p *parsing) entry(out *Node, n *ast.MappingValueNode, path string, seen map[string]int) {
	tk := n.Key.GetToken()
	at := p.token(tk)
	key := tk.Value
	name, isString := n.Key.(*ast.StringNode)
	if isString {
		key = name.Value
	}
	below := join(path, key)
	value := p.node(n.Value, below)
	switch n.Key.(type) {
	case *ast.StringNode:
	case *ast.MergeKeyNode:
		p.failIn(at, path, "merge keys (<<) are not supported: write the settings out, or use an alias for a whole value")
		return
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode, *ast.InfinityNode, *ast.NanNode:
		p.failIn(at, path, "a key must be text: put it in quotes (got %s)", clip(key, 40))
		return
	default:
		p.failIn(at, path, "a key must be text, without anchor or alias")
		return
	}
	if line := seen[key]; line > 0 {
		p.failIn(at, below, "duplicate key, already set on line %d", line)
		return
	}
	seen[key] = at.pos.Line
	value.keyAt = at
	if value.Kind == Scalar && value.Pos.Line == at.pos.Line && value.Pos.Column >= at.pos.Column {
		value.at = span{pos: at.pos, width: value.Pos.Column - at.pos.Column + value.at.width}
	} else {
		value.at = at
	}
	out.Entries = append(out.Entries, Entry{Key: key, Pos: at.pos, Value: value})
}

// alias copies what its anchor names, as long as the tree stays small.
func (p *parsing) alias(n *ast.AliasNode, path string) *Node {
	at := p.token(n.Start)
	name := ""
	if n.Value != nil && n.Value.GetToken() != nil {
		name = n.Value.GetToken().Value
	}
	at.width += len([]rune(name))
	anchored, known := p.anchors[name]
	if !known {
		among := slices.Sorted(maps.Keys(p.anchors))
		p.failIn(at, path, "unknown alias *%s: no anchor of that name comes before%s", clip(name, 40), hint(name, among))
		return &Node{Kind: Null, Pos: at.pos, at: at, keyAt: at, src: p.src, broken: true}
	}
	if p.nodes += anchored.size(); p.nodes > maxNodes {
		return p.tooLarge(at, path)
	}
	out := anchored.Clone()
	out.Pos, out.at, out.keyAt = at.pos, at, at
	return out
}

// tooLarge says once that there are too many values, and stands for one.
func (p *parsing) tooLarge(at span, path string) *Node {
	if !p.full {
		p.full = true
		p.failIn(at, path, "the document is too large: at most %d values, aliases included", maxNodes)
	}
	return &Node{Kind: Null, Pos: at.pos, at: at, keyAt: at, src: p.src, broken: true}
}

// hint is ", did you mean x?" where a name is near.
func hint(name string, among []string) string {
	if near := Suggest(name, among); near != "" && near != name {
		return ", did you mean " + near + "?"
	}
	return ""
}
