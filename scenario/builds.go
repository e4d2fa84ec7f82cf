package scenario

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/grpcbench/grpcbench/reports/gate"
)

// Builds names two builds of grpcbench that run the same plan, so that they can
// be compared block by block.
type Builds struct {
	This string
	// Other is the baseline.
	Other string
}

// Build is one of the two.
type Build int

// The builds. Where a plan compares none, there is ThisBuild alone.
const (
	ThisBuild Build = iota
	OtherBuild
)

// buildDimension is what tells the builds apart in names and tables.
const buildDimension = "build"

// compareBuilds makes the plan compare the builds: every variant is run by both.
// What the document compares becomes a condition, a table for each of its
// variants with the other build as the baseline.
func (p *Plan) compareBuilds(b Builds) error {
	for i := range p.Dimensions {
		if p.Dimensions[i].Name == buildDimension {
			return fmt.Errorf("--against: the document compares something that it calls %s: rename that", buildDimension)
		}
		p.Dimensions[i].Baseline = ""
	}
	p.Dimensions = append(p.Dimensions, Dimension{Name: buildDimension, Values: []string{b.Other, b.This}, Baseline: b.Other})
	var both []Variant
	for _, v := range p.Variants {
		if v.Scenario.Fleet != nil && v.Scenario.Fleet.Isolation == InProcess {
			return errors.New("--against: fleet.isolation must be process: an inprocess fleet would be a part of each build")
		}
		v.Own = v.Name
		for _, build := range []Build{OtherBuild, ThisBuild} {
			v.Build = build
			v.Settings = maps.Clone(v.Settings)
			v.Settings[buildDimension] = b.name(build)
			v.Name = buildDimension + "=" + b.name(build)
			if len(p.Dimensions) > 1 {
				v.Name = v.Own + "," + v.Name
			}
			both = append(both, v)
		}
	}
	p.Variants = both
	p.Gates = slices.DeleteFunc(p.Gates, func(g gate.Gate) bool {
		if g.Bound.Reference == "" {
			return false
		}
		p.Warnings = append(p.Warnings, fmt.Sprintf("the gate %s is left out: with --against the other build is the baseline; ask for it with --gate", g))
		return true
	})
	for i := range p.Gates {
		if err := b.gate(&p.Gates[i]); err != nil {
			return err
		}
	}
	return nil
}

// ComparesBuilds is whether the plan compares two builds of grpcbench.
func (p *Plan) ComparesBuilds() bool {
	return slices.ContainsFunc(p.Variants, func(v Variant) bool { return v.Build == OtherBuild })
}

func (b Builds) name(build Build) string {
	if build == OtherBuild {
		return b.Other
	}
	return b.This
}

// gate makes a gate one of the comparison of builds: it is about this build
// unless it selects one.
func (b Builds) gate(g *gate.Gate) error {
	if g.Stored() {
		return fmt.Errorf("compares with a stored result, and --against with the other build: write %s", gate.BaselineReference)
	}
	if _, selects := g.Select.Settings[buildDimension]; selects || g.Bound.Reference != "" {
		return nil
	}
	settings := maps.Clone(g.Select.Settings)
	if settings == nil {
		settings = map[string]string{}
	}
	settings[buildDimension] = b.This
	g.Select.Settings = settings
	return nil
}
