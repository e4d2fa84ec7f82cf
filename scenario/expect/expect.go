// Package expect judges what calls are answered with: whether the code, the
// number of messages and the fields of a response are those that a scenario
// asks for. It is pure: descriptors and messages in, misses out.
package expect

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

// Expect is what the calls of a load entry must be answered with, as the
// document writes it. What it leaves out is not asked for.
type Expect struct {
	// Code is the code that counts as success.
	Code codes.Code `yaml:"code" doc:"the code that counts as success, such as NOT_FOUND; any other is a miss, OK too; OK when left out"`
	// Fields has a value, or conditions, for each path.
	Fields map[string]*strict.Node `yaml:"fields" doc:"by path, such as status or items[0].price: a value, or conditions such as {min: 1}, on the response; the last one of a stream"`
	Each   bool                    `yaml:"each" doc:"fields are those of every message of a stream, not of the last"`
	// Messages is a number, or a range of it.
	Messages *strict.Node `yaml:"messages" doc:"response messages of a stream: a number, or {min: 1, max: 10}"`
}

// Condition is what one field must be; all that is written must hold.
type Condition struct {
	Equals  *strict.Node   `yaml:"equals" doc:"this value; the same as writing it alone"`
	Not     *strict.Node   `yaml:"not" doc:"any other value"`
	In      []*strict.Node `yaml:"in" doc:"one of these values"`
	Min     *strict.Node   `yaml:"min" doc:"a number of at least this"`
	Max     *strict.Node   `yaml:"max" doc:"a number of at most this"`
	Matches *string        `yaml:"matches" doc:"text in which this regular expression (RE2) is found"`
	Exists  *bool          `yaml:"exists" doc:"whether it is there"`
	Count   *strict.Node   `yaml:"count" doc:"items of a list or entries of a map: a number, or {min: 1, max: 10}"`
}

// Range is how many there may be.
type Range struct {
	Min *int64 `yaml:"min" doc:"at least"`
	Max *int64 `yaml:"max" doc:"at most"`
}

// Problem is one mistake: at the node, which is the value at Path below expect.
type Problem struct {
	Path string
	Node *strict.Node // nil: the whole of it
	Text string
}

// Word is what a document writes, on one line.
func (e Expect) Word() string {
	var parts []string
	if e.Code != codes.OK {
		parts = append(parts, "code: "+strict.CodeName(e.Code))
	}
	if len(e.Fields) > 0 {
		var fields []string
		for _, path := range e.paths() {
			fields = append(fields, key(path)+": "+value(e.Fields[path]))
		}
		parts = append(parts, "fields: {"+strings.Join(fields, ", ")+"}")
	}
	if e.Each {
		parts = append(parts, "each: true")
	}
	if e.Messages != nil {
		parts = append(parts, "messages: "+e.Messages.String())
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// key is a path as a document may write it inside braces.
func key(path string) string {
	if strings.ContainsAny(path, `[]{},:"' `) {
		return fmt.Sprintf("%q", path)
	}
	return path
}

// value is a node as a document may write it: text in quotes keeps them.
func value(n *strict.Node) string {
	if n.Kind == strict.Scalar && n.Quoted {
		return fmt.Sprintf("%q", n.Text)
	}
	return n.String()
}

// paths are those of the fields, in the document's order.
func (e Expect) paths() []string {
	return slices.SortedFunc(maps.Keys(e.Fields), func(a, b string) int {
		p, q := e.Fields[a].Pos, e.Fields[b].Pos
		if p.Line != q.Line {
			return p.Line - q.Line
		}
		if p.Column != q.Column {
			return p.Column - q.Column
		}
		return strings.Compare(a, b)
	})
}

// Check finds what is wrong with what is written, as far as that shows without
// the method: streams is whether several messages may come.
func (e *Expect) Check(streams bool) []Problem {
	var all []Problem
	add := func(path string, n *strict.Node, format string, args ...any) {
		all = append(all, Problem{path, n, fmt.Sprintf(format, args...)})
	}
	if e.Code == codes.OK && len(e.Fields) == 0 && e.Messages == nil {
		add("", nil, "must say what to expect: a code other than OK, fields or messages")
	}
	if e.Code != codes.OK && len(e.Fields) > 0 {
		add("fields", nil, "are those of a call that ends OK: leave them out with code %s", strict.CodeName(e.Code))
	}
	if e.Each && len(e.Fields) == 0 {
		add("each", nil, "needs fields, which each message must have")
	}
	if !streams {
		if e.Each {
			add("each", nil, "is for methods whose server sends a stream: there is one response")
		}
		if e.Messages != nil {
			add("messages", e.Messages, "is for methods whose server sends a stream: there is one response")
		}
	} else if e.Messages != nil {
		if _, err := countOf(e.Messages); err != "" {
			add("messages", e.Messages, "%s", err)
		}
	}
	for _, path := range e.paths() {
		if _, err := parsePath(path); err != nil {
			add("fields."+path, e.Fields[path], "%v", err)
		}
		if _, problems := readCondition(e.Fields[path]); len(problems) > 0 {
			for _, p := range problems {
				add(join("fields."+path, p.Path), p.Node, "%s", p.Text)
			}
		}
	}
	return all
}

func join(path, more string) string {
	if more == "" {
		return path
	}
	return path + "." + more
}
