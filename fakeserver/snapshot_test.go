package fakeserver

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSnapshotSub(t *testing.T) {
	type counts = map[string]int64
	before := Snapshot{[]BackendSnapshot{{Name: "b0", Address: "x", Attempts: counts{"a": 1, "b": 2}, Codes: counts{"OK": 3},
		InFlight: 9, Refused: 1, ConnectionsOpened: 2, ConnectionsOpen: 2, Services: 3, Asked: 30, Actual: 31}}}
	now := Snapshot{[]BackendSnapshot{
		{Name: "b0", Address: "x", Attempts: counts{"a": 4, "b": 2, "c": 1}, Codes: counts{"OK": 5}, Faults: counts{"down": 1}, Rules: counts{"outage": 1},
			InFlight: 1, InService: 2, Queued: 3, Refused: 4, ConnectionsOpened: 5, ConnectionsOpen: 1, Services: 7, Asked: 70, Actual: 72},
		{Name: "b1", Codes: counts{"OK": 1}},
	}}
	want := Snapshot{[]BackendSnapshot{
		{Name: "b0", Address: "x", Attempts: counts{"a": 3, "c": 1}, Codes: counts{"OK": 2}, Faults: counts{"down": 1}, Rules: counts{"outage": 1},
			InFlight: 1, InService: 2, Queued: 3, Refused: 3, ConnectionsOpened: 3, ConnectionsOpen: 1, Services: 4, Asked: 40, Actual: 41},
		{Name: "b1", Attempts: counts{}, Codes: counts{"OK": 1}, Faults: counts{}, Rules: counts{}},
	}}
	if d := cmp.Diff(want, now.Sub(before)); d != "" {
		t.Error(d)
	}
	if now.Backends[0].Attempts["a"] != 4 || before.Backends[0].Attempts["a"] != 1 {
		t.Error("Sub changed its operands")
	}
}

func TestSnapshotCrosses(t *testing.T) {
	want := Snapshot{[]BackendSnapshot{
		{Name: "b0", Address: "x", Attempts: map[string]int64{"a": 1}, Codes: map[string]int64{"OK": 2}, Faults: map[string]int64{}, Rules: map[string]int64{"r": 12},
			InFlight: 3, InService: 4, Queued: 5, Refused: 6, ConnectionsOpened: 7, ConnectionsOpen: 8, Services: 9, Asked: 10, Actual: 11},
	}}
	if d := cmp.Diff(want, snapshotOf(want.proto())); d != "" {
		t.Error(d)
	}
}
