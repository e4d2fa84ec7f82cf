package message

import "github.com/grpcbench/grpcbench/scenario/strict"

// maxProblems bounds the mistakes that are collected: more are no help, and a file
// may have one in each of a million lines.
const maxProblems = 100

// problems collects mistakes.
type problems struct {
	errs strict.Errors
	full bool
}

func (p *problems) add(e *strict.Error) {
	if !p.full {
		p.errs = append(p.errs, e)
		p.full = len(p.errs) >= maxProblems
	}
}

// err is all of them, in the order of the text; nil when there are none.
func (p *problems) err() error {
	if len(p.errs) == 0 {
		return nil
	}
	return strict.Join(p.errs)
}
