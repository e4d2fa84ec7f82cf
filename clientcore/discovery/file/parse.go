package file

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/grpcbench/grpcbench/clientcore/discovery"
)

// Parse is the endpoints in text, in its order. Its error names each line that
// is wrong.
func Parse(text []byte) ([]discovery.Endpoint, error) {
	var endpoints []discovery.Endpoint
	var errs []error
	first := map[string]int{} // the line of each address
	n := 0
	for line := range bytes.Lines(text) {
		n++
		fail := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("line %d: %w", n, fmt.Errorf(format, args...)))
		}
		if line[len(line)-1] != '\n' {
			fail("must end in a newline: is the file still being written?")
			continue
		}
		e, ok, err := parseLine(string(line))
		switch {
		case err != nil:
			fail("%w", err)
		case !ok:
		case first[e.Address] > 0:
			fail("must be an address of its own (got %q, which line %d has)", e.Address, first[e.Address])
		default:
			first[e.Address] = n
			endpoints = append(endpoints, e)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return endpoints, nil
}

// parseLine is the endpoint in a line; ok is false where there is none.
func parseLine(line string) (e discovery.Endpoint, ok bool, err error) {
	// An address has no #, so that it begins a comment wherever it is.
	line, _, _ = strings.Cut(line, "#")
	words := strings.Fields(line)
	if len(words) == 0 {
		return e, false, nil
	}
	if len(words) > 2 {
		return e, false, fmt.Errorf("must be an address and possibly a weight (got %d words)", len(words))
	}
	e.Address = words[0]
	if err := discovery.CheckAddress(e.Address); err != nil {
		return e, false, err
	}
	if len(words) == 2 {
		weight, err := strconv.ParseUint(words[1], 10, 32)
		if err != nil || weight == 0 {
			return e, false, fmt.Errorf("weight must be from 1 to 4294967295 (got %q)", words[1])
		}
		e.Weight = uint32(weight)
	}
	return e, true, nil
}
