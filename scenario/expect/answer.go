package expect

import (
	"bytes"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

// mostKept is how many messages of a stream are kept until its call has ended.
// Where each is checked, and there are more, those that came are checked while
// the stream goes on: memory must not grow with its length.
const mostKept = 256

// Answer is what one call is answered with. It is reused, and not for several
// goroutines at once.
type Answer struct {
	checker *Checker
	n       int64
	last    answer
	kept    []answer // those to be checked, where each is
	first   int64    // the number of the first of kept, from 1
	miss    string
}

// answer is a message, or what encodes one.
type answer struct {
	message protoreflect.Message
	encoded []byte
}

// Answer is one for calls that the checker judges.
func (c *Checker) Answer() *Answer { return &Answer{checker: c} }

// Reset forgets all that came.
func (a *Answer) Reset() {
	clear(a.kept)
	*a = Answer{checker: a.checker, kept: a.kept[:0]}
}

// Add takes a response message, which must not be changed until the call is
// judged. It looks at none before there are many.
func (a *Answer) Add(m protoreflect.Message) { a.add(answer{message: m}) }

// AddEncoded takes one in its encoded form, which may be changed once the next is
// there.
func (a *Answer) AddEncoded(encoded []byte) {
	if a.checker.each {
		encoded = bytes.Clone(encoded)
	}
	a.add(answer{encoded: encoded})
}

func (a *Answer) add(m answer) {
	a.n++
	if !a.checker.each {
		a.last = m
		return
	}
	if len(a.kept) == mostKept {
		a.check()
	}
	if len(a.kept) == 0 {
		a.first = a.n
	}
	a.kept = append(a.kept, m)
}

// check checks the messages that are kept, up to the first miss.
func (a *Answer) check() {
	for i, m := range a.kept {
		if a.miss != "" {
			break
		}
		if miss := a.checker.message(m); miss != "" {
			a.miss = fmt.Sprintf("message %d: %s", a.first+int64(i), miss)
		}
	}
	clear(a.kept)
	a.kept = a.kept[:0]
}

// message is what is wrong with one message.
func (c *Checker) message(a answer) string {
	m := a.message
	if m == nil {
		m = dynamicpb.NewMessage(c.output)
		if err := proto.Unmarshal(a.encoded, m.Interface()); err != nil {
			return fmt.Sprintf("fields: want a %s, got %d bytes that are none", c.output.FullName(), len(a.encoded))
		}
	}
	for i := range c.fields {
		if miss := c.fields[i].miss(m); miss != "" {
			return miss
		}
	}
	return ""
}

// Miss is what is not as expected, now that the call has ended with a code: path,
// what was wanted and what came. "" is nothing.
func (a *Answer) Miss(code codes.Code) string {
	c := a.checker
	if code != c.code {
		return fmt.Sprintf("code: want %s, got %s", strict.CodeName(c.code), strict.CodeName(code))
	}
	if c.code != codes.OK {
		return ""
	}
	a.check()
	if a.miss != "" {
		return a.miss
	}
	if c.messages != nil && !c.messages.holds(int(a.n)) {
		return fmt.Sprintf("messages: want %s, got %d", c.messages.text, a.n)
	}
	if len(c.fields) == 0 || c.each {
		return ""
	}
	if a.n == 0 {
		return "fields: want a message, got none"
	}
	return c.message(a.last)
}

// ExpectsFailure is whether a code other than OK counts as success.
func (a *Answer) ExpectsFailure() bool { return a.checker.code != codes.OK }
