package balance

import (
	"strconv"
	"testing"
)

// TestMethodsAreBounded: names from outside, as in a proxy, do not grow the
// memory, and no attempt goes uncounted.
func TestMethodsAreBounded(t *testing.T) {
	m := NewMeter(nil)
	b := m.backend("b")
	const names = 3 * maxMethods
	for i := range names {
		b.cell("/s/" + strconv.Itoa(i)).picked.Add(1)
	}
	var methods, picked, others int64
	m.Each(func(a Attempts) {
		methods++
		picked += a.Picked
		if a.Method == OtherMethods {
			others = a.Picked
		}
	})
	if methods != maxMethods+1 || picked != names || others != names-maxMethods {
		t.Errorf("%d methods, %d picked, %d of others", methods, picked, others)
	}
}
