package scenario

import (
	"strings"

	"github.com/grpcbench/grpcbench/fakeserver/userpb"
	"github.com/grpcbench/grpcbench/reports/result"
)

// method is one that a load entry can call.
type method struct {
	short string // GetUser
	full  string // user.v1.UserService/GetUser
	kind  result.Kind
}

func (m method) streams() bool { return m.kind != result.Unary }

// hedged is whether calls of the method can be hedged.
func (m method) hedged() bool { return m.kind == result.Unary || m.kind == result.ServerStream }

// methods lists those of the service contract, in its order.
func methods() []method {
	desc := userpb.UserService_ServiceDesc
	var all []method
	for _, m := range desc.Methods {
		all = append(all, method{short: m.MethodName, full: desc.ServiceName + "/" + m.MethodName, kind: result.Unary})
	}
	for _, s := range desc.Streams {
		m := method{short: s.StreamName, full: desc.ServiceName + "/" + s.StreamName, kind: result.ServerStream}
		switch {
		case s.ClientStreams && s.ServerStreams:
			m.kind = result.BidiStream
		case s.ClientStreams:
			m.kind = result.ClientStream
		}
		all = append(all, m)
	}
	return all
}

// methodNamed finds a method by its short or its full name.
func methodNamed(name string) (method, bool) {
	for _, m := range methods() {
		if name == m.short || name == m.full {
			return m, true
		}
	}
	return method{}, false
}

func methodNames() []string {
	var names []string
	for _, m := range methods() {
		names = append(names, m.short)
	}
	return names
}

// Method is the full name of the method that is called, without a leading
// slash: user.v1.UserService/GetUser.
func (l Load) Method() string {
	if l.own {
		return methodPath(l.Call)
	}
	m, _ := methodNamed(l.Call)
	return m.full
}

// Kind is the RPC kind of the method that is called; empty where only the target
// knows it, and has not been asked.
func (l Load) Kind() result.Kind {
	if l.bound != nil {
		return kindOf(l.bound.Method)
	}
	if l.own {
		return ""
	}
	m, _ := methodNamed(l.Call)
	return m.kind
}

// Open reports whether the entry is an open loop: calls come at their time,
// however long others take.
func (l Load) Open() bool { return l.Rate > 0 || l.Share > 0 || l.Arrivals.Replay != nil }

// Loop is Open in the words of a result.
func (l Load) Loop() result.Loop {
	if l.Open() {
		return result.Open
	}
	return result.Closed
}

func (l Load) defaultName() string {
	if l.Mix != nil {
		return "mix"
	}
	if l.own {
		return strings.ToLower(l.Method()[strings.LastIndexByte(l.Method(), '/')+1:])
	}
	m, _ := methodNamed(l.Call)
	return strings.ToLower(m.short)
}
