package engine

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/grpcbench/grpcbench/reports/result"
)

const (
	maxMessages     = 50  // distinct messages kept per entry
	maxFailureKinds = 200 // codes and origins, each with otherMessages, besides
	maxMessageBytes = 200 // of each message
	otherMessages   = "other messages"
)

// errorKey is what failures are told apart by.
type errorKey struct {
	code    string
	origin  result.Origin
	message string
}

// failures counts one entry's failed calls by origin and by message. A server
// that puts an address or a time into its messages must not make it grow.
type failures struct {
	mu       sync.Mutex
	messages int
	counts   map[errorKey]int64
	origins  map[result.Origin]int64
}

func (f *failures) add(call *Call) {
	key := errorKey{code: codeName(call.Code), origin: call.Origin, message: cut(call.Message)}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.counts == nil {
		f.counts = make(map[errorKey]int64)
		f.origins = make(map[result.Origin]int64)
	}
	if call.Origin != "" {
		f.origins[call.Origin]++
	}
	if _, seen := f.counts[key]; !seen {
		switch {
		case f.messages < maxMessages:
			f.messages++
			key.message = strings.Clone(key.message) // let go of what was cut off
		case len(f.counts) < maxFailureKinds:
			key.message = otherMessages
		default: // only a caller that makes up codes comes here
			key = errorKey{code: codeNames[codeUnknown], message: otherMessages}
		}
	}
	f.counts[key]++
}

// reset forgets all.
func (f *failures) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.messages, f.counts, f.origins = 0, nil, nil
}

// byOrigin is the counts by origin.
func (f *failures) byOrigin() map[result.Origin]int64 {
	m := make(map[result.Origin]int64, len(f.origins))
	for origin, n := range f.origins {
		m[origin] = n
	}
	return m
}

// list is the counts by message, the most frequent first.
func (f *failures) list() []result.ErrorCount {
	var list []result.ErrorCount
	for key, n := range f.counts {
		list = append(list, result.ErrorCount{Code: key.code, Origin: key.origin, Message: key.message, Count: n})
	}
	slices.SortFunc(list, func(a, b result.ErrorCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code),
			cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Message, b.Message))
	})
	return list
}

// codeName is a call's code as it is counted.
func codeName(code string) string {
	if code == "" {
		return codeNames[codeUnknown]
	}
	return code
}

// cut shortens a message to maxMessageBytes without splitting a character.
func cut(message string) string {
	if len(message) <= maxMessageBytes {
		return message
	}
	end := maxMessageBytes
	for end > 0 && !utf8.RuneStart(message[end]) {
		end--
	}
	return message[:end]
}
