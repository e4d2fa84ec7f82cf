package message

import (
	"path/filepath"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxMessages bounds the messages of a file.
const maxMessages = 1_000_000

// ReadMessages reads a file of messages by the end of its name: .json, one message
// or a list of them, or .jsonl, one on each line that is not blank. The error is
// strict.Errors.
func ReadMessages(md protoreflect.MessageDescriptor, file string, contents []byte, types Types) ([]*Template, error) {
	if err := tooLarge(file, len(contents)); err != nil {
		return nil, err
	}
	src := newSource(Text{Name: file, JSON: contents})
	var p problems
	var nodes []*node
	switch ext := strings.ToLower(filepath.Ext(file)); ext {
	case ".json":
		n, fault := parseJSON(src, 0, len(src.text))
		switch {
		case fault != nil:
			p.add(fault)
		case n.shape == anArray:
			nodes = n.items
		default:
			nodes = []*node{n}
		}
	case ".jsonl", ".ndjson":
		for at := range src.lines {
			n, fault := parseJSON(src, at.from, at.to)
			if fault != nil {
				p.add(fault)
			} else {
				nodes = append(nodes, n)
			}
			if p.full || len(nodes) > maxMessages {
				break
			}
		}
	default:
		p.add(src.errorf(0, 0, "", "the name of a file of messages must end in .json or .jsonl, which says what it holds"))
	}
	switch {
	case len(nodes) > maxMessages:
		p.add(src.errorf(0, 0, "", "there are too many messages: at most %d", maxMessages))
	case len(nodes) == 0 && len(p.errs) == 0:
		p.add(src.lineFault(1, "there are no messages here"))
	}
	templates := make([]*Template, 0, len(nodes))
	for i, n := range nodes {
		if p.full {
			break
		}
		path := ""
		if len(nodes) > 1 && strings.HasSuffix(strings.ToLower(file), ".json") {
			path = itemPath("", i)
		}
		t, faults := compileNode(md, n, path, types)
		for _, fault := range faults {
			p.add(fault)
		}
		templates = append(templates, t)
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	return templates, nil
}
