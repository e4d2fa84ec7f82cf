package scenario

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/grpcbench/grpcbench/scenario/expect"
)

// descriptor describes a method of the service contract.
func (m method) descriptor() protoreflect.MethodDescriptor {
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(strings.Replace(m.full, "/", ".", 1)))
	if err != nil {
		return nil
	}
	described, _ := found.(protoreflect.MethodDescriptor)
	return described
}

// Checker judges what the entry's calls are answered with; nil where any answer
// will do that is OK. The document is valid.
func (l Load) Checker() *expect.Checker {
	m, ok := methodNamed(l.Call)
	if l.Expect == nil || !ok && l.bound == nil {
		return nil
	}
	method := m.descriptor()
	if l.bound != nil {
		method = l.bound.Method
	}
	c, problems := l.Expect.Compile(method)
	if len(problems) > 0 {
		panic(problems[0].Path + ": " + problems[0].Text)
	}
	return c
}

// expects finds what is wrong with what calls are to be answered with.
func (c entryCheck) expects() {
	if c.Expect == nil {
		return
	}
	if c.has("mix") {
		if len(c.Expect.Fields) > 0 || c.Expect.Messages != nil {
			c.fail("expect", "can have only a code with mix: methods are answered with messages of their own")
		}
		return
	}
	m, ok := methodNamed(c.Call)
	if !ok || c.own {
		return // its descriptor says more: see binding
	}
	_, problems := c.Expect.Compile(m.descriptor())
	c.mistaken(problems)
}

// mistaken reports mistakes in what calls are to be answered with.
func (c entryCheck) mistaken(problems []expect.Problem) {
	for _, wrong := range problems {
		path := c.path + ".expect"
		if wrong.Path != "" {
			path += "." + wrong.Path
		}
		if wrong.Node == nil {
			c.p.addUnlessKnown(path, "%s", wrong.Text)
			continue
		}
		c.p.failAt(wrong.Node, path, "%s", wrong.Text)
	}
}
