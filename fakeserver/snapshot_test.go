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

func TestSeriesSub(t *testing.T) {
	type counts = map[string]int64
	one := func(method string, attempt int, received, abandoned int64, codes counts) AttemptsSnapshot {
		return AttemptsSnapshot{Method: method, Kind: "unary", Attempt: attempt, Received: received, Abandoned: abandoned, Codes: codes, Rules: counts{}}
	}
	before := Snapshot{[]BackendSnapshot{{Name: "b0", Wasted: 1, WastedTime: 10, WastedSeconds: []WastedSecond{{BeforeStart, 6}, {2, 4}}, Orphans: 7, ConnectionsKilled: 1,
		Series:    []AttemptsSnapshot{one("a", 1, 5, 1, counts{"OK": 4}), one("a", 2, 3, 0, counts{"OK": 3})},
		QueueWait: Histogram{{0, 4}, {15, 2}}, QueueLength: Histogram{{3, 1}}}}}
	now := Snapshot{[]BackendSnapshot{{Name: "b0", Wasted: 3, WastedTime: 35, WastedSeconds: []WastedSecond{{BeforeStart, 6}, {1, 8}, {2, 5}, {7, 16}}, Orphans: 2, ConnectionsKilled: 4,
		Series:    []AttemptsSnapshot{one("a", 1, 9, 2, counts{"OK": 6, "CANCELLED": 2}), one("a", 2, 3, 0, counts{"OK": 3}), one("b", 1, 1, 0, counts{})},
		QueueWait: Histogram{{0, 4}, {7, 1}, {15, 5}}, QueueLength: Histogram{{3, 1}}}}}
	want := BackendSnapshot{Name: "b0", Attempts: counts{}, Codes: counts{}, Faults: counts{}, Rules: counts{},
		Wasted: 2, WastedTime: 25, WastedSeconds: []WastedSecond{{1, 8}, {2, 1}, {7, 16}}, Orphans: 2, ConnectionsKilled: 3,
		Series:    []AttemptsSnapshot{one("a", 1, 4, 1, counts{"OK": 2, "CANCELLED": 2}), one("b", 1, 1, 0, counts{})},
		QueueWait: Histogram{{7, 1}, {15, 3}}}
	if d := cmp.Diff(want, now.Sub(before).Backends[0]); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(now.Backends[0].Series, snapshotOf(now.proto()).Backends[0].Series); d != "" {
		t.Error(d)
	}
	if crossed := snapshotOf(now.proto()).Backends[0]; crossed.Wasted != 3 || crossed.WastedTime != 35 || crossed.Orphans != 2 ||
		!cmp.Equal(crossed.WastedSeconds, now.Backends[0].WastedSeconds) || crossed.ConnectionsKilled != 4 || !cmp.Equal(crossed.QueueWait, now.Backends[0].QueueWait) || !cmp.Equal(crossed.QueueLength, now.Backends[0].QueueLength) {
		t.Errorf("%+v", crossed)
	}
}
