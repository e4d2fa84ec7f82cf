package scenario

import (
	"strings"
	"testing"
)

// A run has one fleet, in one place, or targets: variants that would have others are
// refused, and not measured at the first one's.
func TestOnePlace(t *testing.T) {
	const load = "load: [{name: reads, call: GetUser, rate: 10/s}]\n"
	for name, c := range map[string]struct{ text, want string }{
		"isolation": {"fleet: {backends: 1}\ncompare: {fleet.isolation: [process, inprocess]}\n",
			"x.yaml:3:11: compare.fleet.isolation: sets fleet.isolation, which cannot be compared: a run has one fleet for all variants, in one place"},
		"isolation in overlays": {"fleet: {backends: 1}\ncompare: {where: {here: {fleet: {isolation: inprocess}}, there: {}}}\n",
			"compare.where: sets fleet.isolation, which cannot be compared"},
		"machines": {"fleet: {backends: 2, token: '${TOKEN}', remote: ['a:1']}\ncompare: {fleet.remote: [['a:1'], ['b:1']]}\n",
			"compare.fleet.remote: sets fleet.remote, which cannot be compared"},
		"tokens": {"fleet: {backends: 2, token: '${TOKEN}', remote: ['a:1']}\ncompare: {fleet.token: ['${TOKEN}', '${OTHER}']}\n",
			"compare.fleet.token: sets fleet.token, which cannot be compared"},
		"a target first": {"compare: {where: {own: {target: 'localhost:1'}, fake: {fleet.backends: 1}}}\n",
			"compare.where: gives variant where=own a target and variant where=fake a fleet: a run has either a fleet or targets"},
		"a fleet first": {"compare: {where: {fake: {fleet.backends: 1}, own: {target: 'localhost:1'}}}\n",
			"compare.where: gives variant where=fake a fleet and variant where=own a target: a run has either a fleet or targets"},
		"the rest of a fleet": {"fleet: {isolation: inprocess}\ncompare: {where: {one: {fleet.backends: 1}, two: {fleet: {backends: 2, isolation: inprocess}}}}\n", ""},
		"targets":             {"compare: {target: ['localhost:1', 'localhost:2']}\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			switch _, err := Read("x.yaml", []byte(load+c.text), Options{}); {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
