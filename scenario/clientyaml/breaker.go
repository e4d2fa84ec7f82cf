package clientyaml

import (
	"fmt"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/breaker"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

// CheckBreaker is what is wrong with a breaker only because it was written: its
// settings alone do not tell a zero that somebody wrote from one that stands for the
// default. path is that of the setting, "" where nothing is wrong. cfg was decoded
// from written, its breaker without an error.
func CheckBreaker(cfg clientcore.Config, written *strict.Node) (path, message string) {
	if b := cfg.Breaker; b == nil || b.Off || b.Failures != 0 || b.Rate != 0 {
		return "", ""
	}
	const failures = "breaker.failures"
	if written.Get(failures) == nil {
		return "", ""
	}
	return failures, fmt.Sprintf("must be >= 1 without a rate, for 0 is never and nothing would open the breaker (got 0); "+
		"left out it is %d, and for no breaker write breaker: none", breaker.DefaultFailures)
}
