package engine

import "strconv"

// Where codeNames has OK and UNKNOWN.
const (
	codeOK      = 0
	codeUnknown = 2
)

// codeNames are gRPC's codes by number.
var codeNames = [...]string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
	"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
}

// CodeName is how gRPC's documents write the code with that number, and how a
// Call has it: UNAVAILABLE. (codes.Code's own String says Unavailable.)
func CodeName(code uint32) string {
	if int(code) < len(codeNames) {
		return codeNames[code]
	}
	return "CODE_" + strconv.FormatUint(uint64(code), 10)
}

// codeIndex finds a code's number; -1 for a name that gRPC does not have. The
// compiler turns the switch into a search by length and value: no allocation,
// no hashing.
func codeIndex(name string) int {
	switch name {
	case "OK":
		return codeOK
	case "CANCELLED":
		return 1
	case "UNKNOWN", "":
		return codeUnknown
	case "INVALID_ARGUMENT":
		return 3
	case "DEADLINE_EXCEEDED":
		return 4
	case "NOT_FOUND":
		return 5
	case "ALREADY_EXISTS":
		return 6
	case "PERMISSION_DENIED":
		return 7
	case "RESOURCE_EXHAUSTED":
		return 8
	case "FAILED_PRECONDITION":
		return 9
	case "ABORTED":
		return 10
	case "OUT_OF_RANGE":
		return 11
	case "UNIMPLEMENTED":
		return 12
	case "INTERNAL":
		return 13
	case "UNAVAILABLE":
		return 14
	case "DATA_LOSS":
		return 15
	case "UNAUTHENTICATED":
		return 16
	}
	return -1
}

// maxOtherCodes bounds the names beyond gRPC's own that are told apart; more
// are counted as UNKNOWN.
const maxOtherCodes = 32

// codeCounts counts calls by code.
type codeCounts struct {
	known [len(codeNames)]int64
	other map[string]int64
}

func (c *codeCounts) add(name string) {
	if i := codeIndex(name); i >= 0 {
		c.known[i]++
		return
	}
	c.addOther(name, 1)
}

func (c *codeCounts) addOther(name string, n int64) {
	if _, seen := c.other[name]; !seen && len(c.other) >= maxOtherCodes {
		c.known[codeUnknown] += n
		return
	}
	if c.other == nil {
		c.other = make(map[string]int64)
	}
	c.other[name] += n
}

func (c *codeCounts) merge(from *codeCounts) {
	for i, n := range from.known {
		c.known[i] += n
	}
	for name, n := range from.other {
		c.addOther(name, n)
	}
}

func (c *codeCounts) reset() {
	c.known = [len(codeNames)]int64{}
	clear(c.other)
}

// byName is the counts that are not zero.
func (c *codeCounts) byName() map[string]int64 {
	m := make(map[string]int64)
	for i, n := range c.known {
		if n > 0 {
			m[codeNames[i]] = n
		}
	}
	for name, n := range c.other {
		m[name] = n
	}
	return m
}

// ok is the number of calls that ended OK.
func (c *codeCounts) ok() int64 { return c.known[codeOK] }

// sum is the number of calls.
func (c *codeCounts) sum() int64 {
	var sum int64
	for _, n := range c.known {
		sum += n
	}
	for _, n := range c.other {
		sum += n
	}
	return sum
}
