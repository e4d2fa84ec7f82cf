package result

import "slices"

// Snapshot is the result as it stands, for who keeps it while trials are
// added: a copy that shares the trials, which do not change any more.
func (r *Result) Snapshot() *Result {
	s := *r
	s.Variants = slices.Clone(r.Variants)
	for i := range s.Variants {
		s.Variants[i].Trials = slices.Clip(slices.Clone(r.Variants[i].Trials))
	}
	s.Validity.Reasons = slices.Clone(r.Validity.Reasons)
	return &s
}
