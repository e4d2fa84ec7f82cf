package fakeserver

import (
	"maps"
	"slices"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/controlpb"
)

// Address is where one backend listens, or the front of all.
type Address struct {
	Name    string // b0, b1, …, or front
	Address string // 127.0.0.1:4711
	// Authority is the PEM of whom clients are to trust for TLSName; "" is
	// plain text.
	Authority string
}

// Snapshot is what a fleet counted since its last Reset.
type Snapshot struct {
	Backends []BackendSnapshot
}

// BackendSnapshot is what one backend counted since the last Reset.
//
// An attempt is counted in Attempts when its headers arrive and in Codes when
// it ends, before the answer leaves: a client that holds the answer finds both
// counted. Attempts = Σ Codes + InFlight once the headers that have arrived
// have found their handler, which takes microseconds, but for attempts in a
// compression other than gzip: grpc-go answers those itself.
type BackendSnapshot struct {
	Name, Address string
	// Attempts is by full method name without the leading slash. Attempts at
	// methods that the fleet does not have are together under "unknown".
	Attempts map[string]int64
	// Codes is the answers by code name (OK, UNAVAILABLE, …). An attempt whose
	// connection died, whose caller left, whose deadline passed or that a fault
	// reset counts as CANCELLED.
	Codes map[string]int64
	// Faults is, by kind, the attempts that met a fault on calls and the
	// windows of a fault on the backend: those to which it happened. Rules is
	// the same by rule, as fault.Labels has them.
	Faults, Rules map[string]int64
	// InFlight is the calls in a handler now, InService those that hold a
	// slot, Queued those that wait for one.
	InFlight, InService, Queued int64
	// Refused is the calls that found the queue full.
	Refused int64
	// ConnectionsOpened is the connections accepted, ConnectionsOpen those that
	// are still open.
	ConnectionsOpened, ConnectionsOpen int64
	// Services is the services that were finished, Asked the sum of their
	// service times as drawn, Actual as they really took.
	Services      int64
	Asked, Actual time.Duration
	// Series is the attempts by method and number, in the order of both.
	Series []AttemptsSnapshot
	// ConnectionsKilled is those of the connections that are not open any more
	// that a fault has closed.
	ConnectionsKilled int64
	// Wasted is the services, finished or not, for callers that were gone when
	// they ended, WastedTime what these took: where the backend is slow or frozen,
	// as long as they had their slots. Orphans is such services now.
	Wasted, Orphans int64
	WastedTime      time.Duration
	// WastedSeconds is WastedTime by the second of the fleet's clock in which a
	// service ended, in order; their sum is always WastedTime.
	WastedSeconds []WastedSecond
	// QueueLength is how many waited when a call asked for a slot, QueueWait how
	// long those waited, in nanoseconds, that got one. Both are empty where
	// nothing limits the calls.
	QueueLength, QueueWait Histogram
}

// AttemptsSnapshot is the attempts of one number at one method: 1 is calls that
// were not tried before, 8 is the eighth attempt and all after it.
type AttemptsSnapshot struct {
	Method  string // full, without the leading slash, or unknown
	Kind    string // unary, …; "" of unknown
	Attempt int
	// Received counts headers that arrived; Codes and Rules are as those of a
	// BackendSnapshot. Abandoned is those of Codes whose caller was gone, or
	// whose connection.
	Received, Abandoned int64
	Codes, Rules        map[string]int64
}

func (a AttemptsSnapshot) empty() bool {
	return a.Received == 0 && len(a.Codes) == 0 && len(a.Rules) == 0
}

func emptySnapshot() BackendSnapshot {
	return BackendSnapshot{Attempts: map[string]int64{}, Codes: map[string]int64{}, Faults: map[string]int64{}, Rules: map[string]int64{}}
}

// Sub returns what was counted since earlier, a snapshot of the same fleet
// with no Reset between. What is a state rather than a count (InFlight,
// InService, Orphans, Queued, ConnectionsOpen) is as in s. A name whose count did not
// change is left out of its map.
func (s Snapshot) Sub(earlier Snapshot) Snapshot {
	before := make(map[string]BackendSnapshot, len(earlier.Backends))
	for _, b := range earlier.Backends {
		before[b.Name] = b
	}
	out := Snapshot{Backends: make([]BackendSnapshot, len(s.Backends))}
	for i, b := range s.Backends {
		e := before[b.Name]
		b.Attempts = subtract(b.Attempts, e.Attempts)
		b.Codes = subtract(b.Codes, e.Codes)
		b.Faults = subtract(b.Faults, e.Faults)
		b.Rules = subtract(b.Rules, e.Rules)
		b.Refused -= e.Refused
		b.ConnectionsOpened -= e.ConnectionsOpened
		b.Services -= e.Services
		b.Asked -= e.Asked
		b.Actual -= e.Actual
		b.Series = subtractSeries(b.Series, e.Series)
		b.ConnectionsKilled -= e.ConnectionsKilled
		b.Wasted -= e.Wasted
		b.WastedTime -= e.WastedTime
		b.WastedSeconds = subtractSeconds(b.WastedSeconds, e.WastedSeconds)
		b.QueueLength = b.QueueLength.sub(e.QueueLength)
		b.QueueWait = b.QueueWait.sub(e.QueueWait)
		out.Backends[i] = b
	}
	return out
}

func subtractSeries(now, before []AttemptsSnapshot) []AttemptsSnapshot {
	var out []AttemptsSnapshot
	for _, a := range now {
		i := slices.IndexFunc(before, func(e AttemptsSnapshot) bool { return e.Method == a.Method && e.Attempt == a.Attempt })
		e := AttemptsSnapshot{}
		if i >= 0 {
			e = before[i]
		}
		a.Received -= e.Received
		a.Abandoned -= e.Abandoned
		a.Codes, a.Rules = subtract(a.Codes, e.Codes), subtract(a.Rules, e.Rules)
		if !a.empty() {
			out = append(out, a)
		}
	}
	return out
}

func subtract(now, before map[string]int64) map[string]int64 {
	out := make(map[string]int64, len(now))
	for k, v := range now {
		if d := v - before[k]; d != 0 {
			out[k] = d
		}
	}
	return out
}

func (s Snapshot) proto() *controlpb.SnapshotResponse {
	out := &controlpb.SnapshotResponse{}
	for _, b := range s.Backends {
		out.Backends = append(out.Backends, &controlpb.Backend{
			Name:              b.Name,
			Address:           b.Address,
			Attempts:          b.Attempts,
			Codes:             b.Codes,
			Faults:            b.Faults,
			Rules:             b.Rules,
			InFlight:          b.InFlight,
			InService:         b.InService,
			Queued:            b.Queued,
			Refused:           b.Refused,
			ConnectionsOpened: b.ConnectionsOpened,
			ConnectionsOpen:   b.ConnectionsOpen,
			AskedNanos:        int64(b.Asked),
			ActualNanos:       int64(b.Actual),
			Services:          b.Services,
			Series:            protoSeries(b.Series),
			ConnectionsKilled: b.ConnectionsKilled,
			Wasted:            b.Wasted,
			Orphans:           b.Orphans,
			WastedNanos:       int64(b.WastedTime),
			WastedSeconds:     protoSeconds(b.WastedSeconds),
			QueueLength:       b.QueueLength.proto(),
			QueueWait:         b.QueueWait.proto(),
		})
	}
	return out
}

func protoSeries(all []AttemptsSnapshot) []*controlpb.Attempts {
	var out []*controlpb.Attempts
	for _, a := range all {
		out = append(out, &controlpb.Attempts{Method: a.Method, Kind: a.Kind, Attempt: int32(a.Attempt),
			Received: a.Received, Abandoned: a.Abandoned, Codes: a.Codes, Rules: a.Rules})
	}
	return out
}

func (h Histogram) proto() []*controlpb.Bucket {
	var out []*controlpb.Bucket
	for _, b := range h {
		out = append(out, &controlpb.Bucket{Max: b.Max, Count: b.Count})
	}
	return out
}

func protoSeconds(all []WastedSecond) []*controlpb.WastedSecond {
	var out []*controlpb.WastedSecond
	for _, s := range all {
		out = append(out, &controlpb.WastedSecond{Second: int64(s.Second), Nanos: int64(s.Time)})
	}
	return out
}

func secondsOf(in []*controlpb.WastedSecond) []WastedSecond {
	var out []WastedSecond
	for _, s := range in {
		out = append(out, WastedSecond{Second: int(s.GetSecond()), Time: time.Duration(s.GetNanos())})
	}
	return out
}

func seriesOf(in []*controlpb.Attempts) []AttemptsSnapshot {
	var out []AttemptsSnapshot
	for _, a := range in {
		out = append(out, AttemptsSnapshot{Method: a.GetMethod(), Kind: a.GetKind(), Attempt: int(a.GetAttempt()),
			Received: a.GetReceived(), Abandoned: a.GetAbandoned(), Codes: present(a.GetCodes()), Rules: present(a.GetRules())})
	}
	return out
}

func histogramOf(in []*controlpb.Bucket) Histogram {
	var out Histogram
	for _, b := range in {
		out = append(out, Bucket{Max: b.GetMax(), Count: b.GetCount()})
	}
	return out
}

func snapshotOf(in *controlpb.SnapshotResponse) Snapshot {
	var out Snapshot
	for _, b := range in.GetBackends() {
		out.Backends = append(out.Backends, BackendSnapshot{
			Name:              b.GetName(),
			Address:           b.GetAddress(),
			Attempts:          present(b.GetAttempts()),
			Codes:             present(b.GetCodes()),
			Faults:            present(b.GetFaults()),
			Rules:             present(b.GetRules()),
			InFlight:          b.GetInFlight(),
			InService:         b.GetInService(),
			Queued:            b.GetQueued(),
			Refused:           b.GetRefused(),
			ConnectionsOpened: b.GetConnectionsOpened(),
			ConnectionsOpen:   b.GetConnectionsOpen(),
			Asked:             time.Duration(b.GetAskedNanos()),
			Actual:            time.Duration(b.GetActualNanos()),
			Services:          b.GetServices(),
			Series:            seriesOf(b.GetSeries()),
			ConnectionsKilled: b.GetConnectionsKilled(),
			Wasted:            b.GetWasted(),
			Orphans:           b.GetOrphans(),
			WastedTime:        time.Duration(b.GetWastedNanos()),
			WastedSeconds:     secondsOf(b.GetWastedSeconds()),
			QueueLength:       histogramOf(b.GetQueueLength()),
			QueueWait:         histogramOf(b.GetQueueWait()),
		})
	}
	return out
}

// present undoes protobuf's habit of dropping an empty map.
func present(m map[string]int64) map[string]int64 {
	if m == nil {
		return map[string]int64{}
	}
	return maps.Clone(m)
}
