package scenario

import (
	"fmt"
	"path/filepath"

	"github.com/grpcbench/grpcbench/scenario/clientyaml"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

// expand makes the variants: every combination of the dimensions' values, the
// last dimension changing fastest. What is wrong in all of them is reported
// once, what is wrong in some with the name of the first.
func expand(p *problems, base *strict.Node, dims []dimension) []Variant {
	var variants []Variant
	found := newFindings()
	combinations(dims, func(chosen []choice) {
		v := Variant{Name: variantName(dims, chosen), Settings: make(map[string]string, len(dims)), Node: base}
		mine := &problems{doc: p.doc, fleetOnly: p.fleetOnly, sources: p.sources}
		for i, c := range chosen {
			v.Settings[dims[i].name] = c.text
			for _, e := range c.edits {
				v.Node = apply(mine, v.Node, e)
			}
		}
		mine.root = v.Node
		v.Scenario = decode(mine)
		found.add(v.Name, mine.errs)
		variants = append(variants, v)
	})
	p.errs = append(p.errs, found.all(len(variants))...)
	if len(p.errs) == 0 {
		checkOnePlace(p, dims, variants)
	}
	return variants
}

// combinations calls yield with one value of each dimension.
func combinations(dims []dimension, yield func([]choice)) {
	chosen := make([]choice, len(dims))
	var pick func(int)
	pick = func(i int) {
		if i == len(dims) {
			yield(chosen)
			return
		}
		for _, c := range dims[i].values {
			chosen[i] = c
			pick(i + 1)
		}
	}
	pick(0)
}

// apply makes one edit.
func apply(p *problems, root *strict.Node, e edit) *strict.Node {
	edited, err := strict.SetPath(root, e.path, e.node, scenarioType())
	if err != nil {
		for _, e2 := range asErrors(p.doc, e.node, err) {
			p.failAt(e.node, e.path, "%s", e2.Message)
		}
		return root
	}
	return edited
}

// decode reads one variant's tree.
func decode(p *problems) *Scenario {
	s := defaults(p.root.Get("fleet") != nil)
	clientyaml.StandIns(&s.Client.Config, p.root.Get("client"))
	p.decoded(strict.Decode(p.doc, p.root, &s))
	s.markOwn()
	s.check(p)
	if len(p.errs) == 0 {
		folder := filepath.Dir(p.doc.File())
		s.Client.checkFiles(p, folder)
		if s.Fleet != nil {
			s.Fleet.checkFiles(p, folder)
		}
	}
	if len(p.errs) == 0 {
		s.readArrivals(p, filepath.Dir(p.doc.File()))
	}
	if len(p.errs) == 0 {
		s.complete()
		s.checkRates(p)
		s.checkMaxRate(p)
		s.bindFiles(p, filepath.Dir(p.doc.File()))
	}
	return &s
}

// findings counts in how many variants each error was found.
type findings struct {
	order []strict.Error
	where map[strict.Error][]string
}

func newFindings() *findings { return &findings{where: make(map[strict.Error][]string)} }

func (f *findings) add(variant string, errs strict.Errors) {
	for _, e := range errs {
		names := f.where[*e]
		switch {
		case names == nil:
			f.order = append(f.order, *e)
		case names[len(names)-1] == variant:
			continue
		}
		f.where[*e] = append(names, variant)
	}
}

func (f *findings) all(variants int) strict.Errors {
	var errs strict.Errors
	for _, e := range f.order {
		names := f.where[e]
		switch more := len(names) - 1; {
		case len(names) == variants:
		case more == 0:
			e.Message += fmt.Sprintf(" (in variant %s)", names[0])
		default:
			e.Message += fmt.Sprintf(" (in variant %s and %d more)", names[0], more)
		}
		errs = append(errs, &e)
	}
	return errs
}
