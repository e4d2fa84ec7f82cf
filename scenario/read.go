package scenario

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

// Options change a document before it is read.
type Options struct {
	// Set are settings written path=value, where value is YAML. A dimension of
	// `compare` is named whole: compare.client.pool.size=[1, 2].
	Set []string
	// Trials and Measure replace the document's where they are not 0.
	Trials  int
	Measure time.Duration
	// Gates are conditions beside the document's.
	Gates []string
	// Builds makes a plan that compares two builds of grpcbench; nil is one.
	Builds *Builds
	// Only keeps the variants that are named; see Plan.
	Only []string
	// FleetOnly is that nothing but the fleet is of interest: a document may be
	// without load.
	FleetOnly bool
}

// Read makes a plan of a document. file is its name in messages. The error is
// strict.Errors: everything that is wrong, in the order of the document; but for
// mistakes in Options.Gates, which have a text of their own.
func Read(file string, text []byte, opts Options) (*Plan, error) {
	doc, parsed := strict.Parse(file, text)
	if doc == nil {
		return nil, strict.Join(parsed)
	}
	document := string(text)
	if err := opts.apply(doc); err != nil {
		return nil, strict.Join(parsed, err)
	} else if opts.changes() {
		document = strict.Print(doc.Root)
	}

	p := &problems{doc: doc, root: doc.Root, fleetOnly: opts.FleetOnly, sources: newSources()}
	base := without(doc.Root, "compare", "baseline")
	dims := dimensions(p, base)
	baseline := baselineOf(p, dims)
	p.errs = append(p.errs, opts.overridden(p, base, dims)...)
	variants := expand(p, base, usable(p, dims))
	gates, aborts := parseGates(p, gatesKey), parseGates(p, abortKey)
	if err := strict.Join(parsed, p.err()); err != nil {
		return nil, err
	}

	plan := newPlan(doc, file, document, dims, baseline, variants)
	plan.doc, plan.sources = doc, p.sources
	plan.Gates, plan.AbortWhen = gates, aborts
	checkGates(p, gatesKey, gates, plan.Subject())
	checkGates(p, abortKey, aborts, plan.Subject())
	if err := strict.Join(p.err()); err != nil {
		return nil, err
	}
	if err := plan.only(opts.Only); err != nil {
		return nil, strict.Join(err)
	}
	plan.keepGates()
	if opts.Builds != nil {
		if err := plan.compareBuilds(*opts.Builds); err != nil {
			return nil, strict.Join(err)
		}
	}
	given, err := opts.gatesGiven(plan.Subject())
	if err != nil {
		return nil, err
	}
	plan.Gates = append(plan.Gates, given...)
	plan.settle()
	return plan, nil
}

func newPlan(doc *strict.Document, file, document string, dims []dimension, baseline map[string]string, variants []Variant) *Plan {
	sum := sha256.Sum256([]byte(document))
	base := variants[0].Scenario
	plan := &Plan{
		File: file, Document: document, SHA256: hex.EncodeToString(sum[:]), WorkloadSHA256: workloadSum(doc.Root),
		Base: base, Variants: variants,
		Seed: base.Seed, Warmup: base.Warmup, Measure: base.Measure, Drain: base.Drain,
	}
	for _, d := range dims {
		plan.Dimensions = append(plan.Dimensions, Dimension{Name: d.name, Values: d.texts(), Baseline: baseline[d.name]})
	}
	for _, v := range variants {
		if v.Scenario.Name == "" {
			v.Scenario.Name = strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		}
	}
	return plan
}

// workloadSum is the hex digest of what is measured: of the document without the
// number of trials, gates, words and comments, however it is laid out.
func workloadSum(root *strict.Node) string {
	sum := sha256.Sum256([]byte(strict.Print(without(root, "name", "about", "trials", "precision", "max_trials", gatesKey, abortKey))))
	return hex.EncodeToString(sum[:])
}

// settle decides the number of trials and collects the warnings.
func (p *Plan) settle() {
	p.settleTrials()
	p.Warnings = append(p.Warnings, p.doubts(func(s *Scenario) []string { return append(s.doubts(), s.overload()...) })...)
}

// changes reports whether the document that is run is not the file's.
func (o Options) changes() bool { return len(o.Set) > 0 || o.Trials != 0 || o.Measure != 0 }

// apply puts the options into the document.
func (o Options) apply(doc *strict.Document) error {
	if trials := doc.Root.Key("trials"); o.Trials != 0 && trials != nil && trials.Text == "auto" {
		// They are of `auto`, in whose place a number is put.
		doc.Root = without(doc.Root, "precision", "max_trials")
	}
	var errs []error
	for _, text := range o.sets() {
		path, value, ok := strings.Cut(text, "=")
		if !ok || path == "" {
			errs = append(errs, fmt.Errorf("--set %s: must be path=value, such as client.pool.size=4", text))
			continue
		}
		errs = append(errs, doc.Set(path, value, scenarioType()))
	}
	return strict.Join(errs...)
}

// sets is --set with the options that stand for one.
func (o Options) sets() []string {
	sets := slices.Clone(o.Set)
	if o.Trials != 0 {
		sets = append(sets, fmt.Sprintf("trials=%d", o.Trials))
	}
	if o.Measure != 0 {
		sets = append(sets, fmt.Sprintf("measure=%v", o.Measure))
	}
	return sets
}

// overridden reports settings that every variant would override: --set would
// be accepted and do nothing.
func (o Options) overridden(p *problems, base *strict.Node, dims []dimension) strict.Errors {
	var errs strict.Errors
	for _, text := range o.Set {
		path, _, _ := strings.Cut(text, "=")
		if strings.HasPrefix(path, "compare") {
			continue
		}
		for _, d := range dims {
			if d.overrides(base, path) {
				at := base.Get(path)
				errs = append(errs, p.doc.Errorf(at, path, "is compared, so that setting it does nothing: set compare.%s instead, or choose with --only", d.key))
			}
		}
	}
	return errs
}

// overrides reports whether every value of the dimension replaces what is at
// path.
func (d dimension) overrides(base *strict.Node, path string) bool {
	path = strict.Canonical(base, resolve(base, path))
	for _, c := range d.values {
		if !slices.ContainsFunc(c.edits, func(e edit) bool { return within(path, strict.Canonical(base, e.path)) }) {
			return false
		}
	}
	return len(d.values) > 0
}

// without is a map without some of its keys.
func without(root *strict.Node, keys ...string) *strict.Node {
	rest := *root
	rest.Entries = slices.DeleteFunc(slices.Clone(root.Entries), func(e strict.Entry) bool { return slices.Contains(keys, e.Key) })
	return &rest
}

// usable are the dimensions to look for further mistakes with, when there are
// some already.
func usable(p *problems, dims []dimension) []dimension {
	if len(p.errs) == 0 {
		return dims
	}
	var some []dimension
	product := 1
	for _, d := range dims {
		if len(d.values) == 0 {
			continue
		}
		if product*len(d.values) > maxVariants {
			d.values = d.values[:1]
		}
		product *= len(d.values)
		some = append(some, d)
	}
	return some
}

// plural is "1 thing" or "3 things".
func plural(n int, one, many string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, one)
	}
	return fmt.Sprintf("%d %s", n, many)
}
