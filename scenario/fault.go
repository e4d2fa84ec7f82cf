package scenario

import (
	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

// ReadFault reads one fault as a scenario's list of them has it. file is its name
// in messages. Whether the fleet has what it speaks of is the fleet's to say. The
// error is strict.Errors.
func ReadFault(file string, text []byte) (fault.Rule, error) {
	var rule fault.Rule
	doc, parsed := strict.Parse(file, text)
	if doc == nil {
		return rule, strict.Join(parsed)
	}
	return rule, strict.Join(parsed, strict.Decode(doc, nil, &rule))
}
