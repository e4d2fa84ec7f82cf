package fakeserver

import (
	"fmt"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	orcapb "github.com/cncf/xds/go/xds/data/orca/v3"
	orcaservice "github.com/cncf/xds/go/xds/service/orca/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

// A busy time of a known shape gives the load of exactly the last window, however
// rarely the meter is asked.
func TestLoadMeter(t *testing.T) {
	for _, c := range []struct {
		name    string
		events  []int64 // calls that begin (positive) or end each 100 ms
		asked   time.Duration
		want    load
		between time.Duration
	}{
		{"nothing", nil, 3 * sec, load{}, 0},
		{"one call, under way from the start", []int64{1}, 2 * sec, load{utilisation: 0.25}, 0},
		// 200 ms × 2 calls, of which the window of 1 s has everything.
		{"over within the window", []int64{2, 0, -2}, sec, load{utilisation: 0.1, callsPerSecond: 2}, 0},
		{"before there is a window", []int64{2, 0, -2}, 400 * ms, load{utilisation: 0.25, callsPerSecond: 5}, 0},
		{"out of the window", []int64{2, 0, -2}, 10 * sec, load{}, 0},
		// Of 0 to 200 ms the window from 100 ms on has the second half.
		{"half out of the window", []int64{2, 0, -2}, 1100 * ms, load{utilisation: 0.05, callsPerSecond: 2}, 0},
		{"a long time between events", []int64{4}, time.Hour, load{utilisation: 1}, 0},
		{"asked often", []int64{4}, 2 * sec, load{utilisation: 1}, 3 * ms},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var underWay atomic.Int64
				m := newLoadMeter(LoadReport{Window: sec}, 4, underWay.Load)
				m.changed() // nobody watches: nothing happens
				m.watch()
				defer m.unwatch()
				began := time.Now()
				for _, n := range c.events {
					for ; n > 0; n-- {
						underWay.Add(1)
						m.changed()
					}
					for ; n < 0; n++ {
						underWay.Add(-1)
						m.ended(false)
					}
					time.Sleep(100 * ms)
				}
				for c.between > 0 && time.Until(began.Add(c.asked)) > c.between {
					time.Sleep(c.between)
					m.now()
				}
				time.Sleep(time.Until(began.Add(c.asked)))
				if got := m.now(); math.Abs(got.utilisation-c.want.utilisation) > 1e-9 || math.Abs(got.callsPerSecond-c.want.callsPerSecond) > 1e-9 {
					t.Errorf("%+v, want %+v", got, c.want)
				}
			})
		})
	}
}

// reportOf is the report in a trailer; nil where there is none.
func reportOf(t *testing.T, trailer metadata.MD) *orcapb.OrcaLoadReport {
	t.Helper()
	values := trailer.Get(trailerKey)
	if len(values) == 0 {
		return nil
	}
	out := new(orcapb.OrcaLoadReport)
	must(t, proto.Unmarshal([]byte(values[0]), out))
	return out
}

// With each answer, of either kind of call, comes what the backend measured.
func TestLoadReportPerCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 1, ServiceTime: fixed(10 * ms), Concurrency: 4,
			LoadReport: &LoadReport{PerCall: true, Window: sec},
			Faults:     []fault.Rule{{At: 5 * sec, Inject: unavailable()}}})
		t0 := time.Now()
		r.Start(t0, true)
		var last metadata.MD
		// 50 calls a second, one after the other: busy half of the time.
		for range 100 {
			_, err := r.clients[0].GetUser(t.Context(), &userpb.GetUserRequest{}, grpc.Trailer(&last))
			must(t, err)
			time.Sleep(10 * ms)
		}
		want := func(what string, md metadata.MD, calls, errors, utilisation float64) {
			t.Helper()
			got := reportOf(t, md)
			// The window moves in tenths, and the report is up to a hundredth old.
			if got == nil || math.Abs(got.RpsFractional-calls) > 1 || math.Abs(got.Eps-errors) > 1 ||
				math.Abs(got.ApplicationUtilization-utilisation) > 0.005 {
				t.Errorf("%s: %v, want %v calls/s, %v errors/s, utilisation %v", what, got, calls, errors, utilisation)
			}
		}
		want("unary", last, 50, 0, 0.125)
		ss, err := r.clients[0].ListUsers(t.Context(), &userpb.ListUsersRequest{Messages: 1})
		must(t, err)
		for err == nil {
			_, err = ss.Recv()
		}
		want("stream", ss.Trailer(), 50, 0, 0.125)
		sleepTo(t0, 6*sec)
		for range 100 {
			_, err := r.clients[0].GetUser(t.Context(), &userpb.GetUserRequest{}, grpc.Trailer(&last))
			wantCode(t, "failing", err, codes.Unavailable)
			time.Sleep(20 * ms)
		}
		want("failing", last, 50, 50, 0)
	})
}

// A client that did not ask for it gets no trailer.
func TestNoLoadReportUnasked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, report := range []*LoadReport{nil, {OutOfBand: true, Window: sec}} {
			r := newRig(t, Config{Backends: 1, LoadReport: report})
			var trailer metadata.MD
			_, err := r.clients[0].GetUser(t.Context(), &userpb.GetUserRequest{}, grpc.Trailer(&trailer))
			must(t, err)
			if got := reportOf(t, trailer); got != nil {
				t.Errorf("%+v: %v", report, got)
			}
		}
		r := newRig(t, Config{Backends: 1, LoadReport: &LoadReport{Window: sec}})
		stream, err := orcaservice.NewOpenRcaServiceClient(r.conns[0]).StreamCoreMetrics(t.Context(), &orcaservice.OrcaLoadReportRequest{})
		must(t, err)
		_, err = stream.Recv()
		wantCode(t, "out of band where there is none", err, codes.Unimplemented)
	})
}

// Out of band a report comes as often as was asked for, but not more often than
// every 100 ms.
func TestLoadReportOutOfBand(t *testing.T) {
	for _, c := range []struct{ asked, want time.Duration }{{0, minReportInterval}, {-sec, minReportInterval}, {250 * ms, 250 * ms}, {3 * sec, 3 * sec}} {
		t.Run(fmt.Sprint(c.asked), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, Config{Backends: 1, ServiceTime: fixed(sec), Concurrency: 2})
				go func() { _ = get(t.Context(), r.clients[0], "under way before anybody asked", "") }()
				time.Sleep(500 * ms)
				stream, err := orcaservice.NewOpenRcaServiceClient(r.conns[0]).StreamCoreMetrics(t.Context(),
					&orcaservice.OrcaLoadReportRequest{ReportInterval: durationpb.New(c.asked)})
				must(t, err)
				began := time.Now()
				for i := range 4 {
					out, err := stream.Recv()
					must(t, err)
					if at := time.Since(began); at != time.Duration(i)*c.want {
						t.Errorf("report %d after %v, want %v", i, at, time.Duration(i)*c.want)
					}
					if i == 1 && time.Since(began) < 500*ms && out.ApplicationUtilization != 0.5 {
						t.Errorf("one of two slots is busy: %v", out)
					}
				}
			})
		})
	}
}

// A report that nobody asked for costs next to nothing; the trailer its price.
func BenchmarkLoadMeter(b *testing.B) {
	for name, report := range map[string]LoadReport{"unasked": {OutOfBand: true, Window: sec}, "per call": {PerCall: true, Window: sec}} {
		b.Run(name, func(b *testing.B) {
			var underWay atomic.Int64
			m := newLoadMeter(report, 4, underWay.Load)
			b.ReportAllocs()
			for b.Loop() {
				underWay.Add(1)
				m.changed()
				underWay.Add(-1)
				m.ended(false)
			}
		})
	}
}
