package scenario

import (
	"time"

	"github.com/grpcbench/grpcbench/reports/gate"
	"github.com/grpcbench/grpcbench/reports/stats"
	"github.com/grpcbench/grpcbench/scenario/load"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

// Plan is what a document comes to: every variant, how often and how long each
// is run.
type Plan struct {
	// File is the document's file as it was named.
	File string
	// Document is the scenario as it is run, options applied, and SHA256 the
	// hex digest of it; WorkloadSHA256 that of what is measured alone.
	Document       string
	SHA256         string
	WorkloadSHA256 string
	// Base is the first variant's scenario: what is the same in all of them
	// (name, about, seed, phases) can be read from it.
	Base       *Scenario
	Dimensions []Dimension
	Variants   []Variant
	// Trials is the number of blocks: timed runs of each variant. With
	// MaxTrials > 0 it is the fewest: blocks are added until the intervals reach
	// no further than Precision, a share, from what they are around, or there
	// are MaxTrials.
	Trials, MaxTrials      int
	Precision              float64
	Seed                   uint64
	Warmup, Measure, Drain time.Duration
	// Gates is what the result must meet: the document's, then the options'.
	Gates []gate.Gate
	// AbortWhen is what stops the run early, once it holds for a trial so far.
	AbortWhen []gate.Gate
	// Warnings are sentences for the user: the plan can be run as it is.
	Warnings []string

	doc     *strict.Document
	sources *sources
}

// Dimension is one compared setting.
type Dimension struct {
	// Name is the dotted path, without a leading client., or the name of a set
	// of overlays.
	Name   string
	Values []string
	// Baseline is the value that others are compared with; empty when the
	// dimension is a condition: a table and a baseline per value.
	Baseline string
}

// Variant is one combination of the compared settings.
type Variant struct {
	// Name is pool.size=4,backoff=fixed, or default where nothing is compared.
	Name string
	// Settings is the value of each dimension by its name.
	Settings map[string]string
	Scenario *Scenario
	// Node is the document's tree of it.
	Node *strict.Node
	// Build is which of two builds of grpcbench runs it, where a plan compares
	// them, and Own its name without that.
	Build Build
	Own   string
}

// CallTimeout is the client's timeout for calls of a method, written as
// user.v1.UserService/GetUser or GetUser; 0 is none.
func (v *Variant) CallTimeout(method string) time.Duration { return v.Scenario.CallTimeout(method) }

// Blocks are the trials in the order in which they are run: each block is one
// trial of every variant, as indices of Variants, in an order drawn from the
// seed. Drift of the machine then meets all variants alike.
func (p *Plan) Blocks() [][]int {
	blocks := make([][]int, p.Trials)
	for b := range blocks {
		blocks[b] = p.Block(b)
	}
	return blocks
}

// Block is the b-th block, counted from 0, whether or not it is planned.
func (p *Plan) Block(b int) []int {
	order := make([]int, len(p.Variants))
	for i := range order {
		// Fisher and Yates, from the inside out. The bias of the remainder is
		// below 2⁻⁵⁶.
		j := int(load.Mix(p.Seed, blockOrder, uint64(b), uint64(i)) % uint64(i+1))
		order[i] = order[j]
		order[j] = i
	}
	return order
}

// blockOrder keeps the draws of Blocks apart from all others of the seed.
const blockOrder = 0x626c6f636b73 // "blocks"

// Comparisons is the number of comparisons with the baseline within one table,
// the largest where tables differ; 0 when nothing is compared.
func (p *Plan) Comparisons() int {
	rows, base := make(map[string]int), make(map[string]bool)
	for _, v := range p.Variants {
		table := p.table(v)
		rows[table]++
		if p.isBaseline(v) {
			base[table] = true
		}
	}
	most := 0
	for table, n := range rows {
		if base[table] {
			most = max(most, n-1)
		}
	}
	return most
}

// table names the table that a variant is in: the values of the conditions.
func (p *Plan) table(v Variant) string {
	name := ""
	for _, d := range p.Dimensions {
		if d.Baseline == "" {
			if name != "" {
				name += ","
			}
			name += d.Name + "=" + v.Settings[d.Name]
		}
	}
	return name
}

// isBaseline reports whether others in its table are compared with v.
func (p *Plan) isBaseline(v Variant) bool {
	compared := false
	for _, d := range p.Dimensions {
		if d.Baseline == "" {
			continue
		}
		compared = true
		if v.Settings[d.Name] != d.Baseline {
			return false
		}
	}
	return compared
}

// TrialsNeeded is the trials with which m simultaneous comparisons can tell
// anything apart at all: k = ⌈1 + log₂(m/0.05)⌉, below which the widest signed
// rank interval has less than the level 1 − 0.05/m. It is 1 without
// comparisons.
func TrialsNeeded(m int) int { return stats.TrialsNeeded(m) }

// OpenEnded is whether the run may be over before Duration: what it measures decides
// how many trials there are, or how long they are.
func (p *Plan) OpenEnded() bool { return p.MaxTrials > p.Trials || p.Base.MeasureUntil != nil }

// Duration is how long warm-ups and measurements of all trials take, at most.
func (p *Plan) Duration() time.Duration {
	return time.Duration(len(p.Variants)*p.MostTrials()) * (p.Warmup + p.Measure)
}
