package fakeserver

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corepb "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointpb "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	discoverypb "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
)

// endpoints are the lists of endpoints that the control plane told of, by the
// backends' names, each with its time after t0.
func endpoints(t *testing.T, r *rig, t0 time.Time) <-chan string {
	t.Helper()
	stream, err := discoverypb.NewAggregatedDiscoveryServiceClient(dial(t, r.ControlPlane(), r.network.Dial)).StreamAggregatedResources(t.Context())
	must(t, err)
	ask := &discoverypb.DiscoveryRequest{Node: &corepb.Node{Id: XDSNode}, TypeUrl: resource.EndpointType, ResourceNames: []string{XDSService}}
	must(t, stream.Send(ask))
	told := make(chan string, 100)
	go func() {
		for {
			out, err := stream.Recv()
			if err != nil {
				return
			}
			var list endpointpb.ClusterLoadAssignment
			if err := out.Resources[0].UnmarshalTo(&list); err != nil {
				t.Error(err)
			}
			var names []string
			for _, e := range list.Endpoints[0].LbEndpoints {
				at := e.GetEndpoint().Address.GetSocketAddress()
				i := slices.IndexFunc(r.addresses, func(a Address) bool { return a.Address == fmt.Sprintf("%s:%d", at.Address, at.GetPortValue()) })
				names = append(names, fmt.Sprintf("b%d", i))
			}
			told <- strings.Join(names, " ") + " at " + time.Since(t0).Round(ms).String()
			ask.VersionInfo, ask.ResponseNonce = out.VersionInfo, out.Nonce
			if stream.Send(ask) != nil {
				return
			}
		}
	}()
	return told
}

// The control plane tells of the endpoints as the fleet's clock goes; Reset goes
// back to the first list.
func TestControlPlane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 3, XDS: &XDS{Changes: []RosterChange{{At: sec, Backends: []int{2}}, {At: 2 * sec, Backends: []int{2, 0}}}}})
		address := r.ControlPlane()
		t0 := time.Now().Add(10 * sec)
		told := endpoints(t, r, t0)
		time.Sleep(5 * sec)
		r.Start(t0, true)
		sleepTo(t0, 5*sec)
		synctest.Wait()
		var got []string
		for len(told) > 0 {
			got = append(got, <-told)
		}
		if want := []string{"b0 b1 b2 at -10s", "b2 at 1s", "b2 b0 at 2s"}; !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
		must(t, r.Reset(1, 0))
		if got := <-endpoints(t, r, time.Now()); got != "b0 b1 b2 at 0s" || r.ControlPlane() != address {
			t.Errorf("after Reset at %s: %s", r.ControlPlane(), got)
		}
		_, err := r.Configure(Default())
		must(t, err)
		if r.ControlPlane() != "" {
			t.Errorf("a fleet without one has it at %s", r.ControlPlane())
		}
	})
}

func TestValidateXDS(t *testing.T) {
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{Backends: 2, XDS: &XDS{Backends: []int{0, 0}, Changes: []RosterChange{{Backends: []int{1, 4, 1}}}}},
			"xds.changes[0].backends[1]: must be from 0 to 1 (got 4)\n" +
				"xds.backends[1]: must not be there twice: clients refuse such a list (got 0)\n" +
				"xds.changes[0].backends[2]: must not be there twice: clients refuse such a list (got 1)"},
		{Config{Backends: 2, XDS: &XDS{}, Front: L4}, "xds: must be left out with front: clients see one address, and none of a backend"},
		{Config{Backends: 2, XDS: &XDS{}, TLS: SelfSigned}, "xds: must be left out with tls: its clients connect in plain text"},
		{Config{Backends: 2, XDS: &XDS{}, Part: Part{Number: 1, Of: 2}}, "xds: must be left out where the fleet is spread: it knows the backends of its own part"},
		{Config{Backends: 2, Part: Part{Number: 2, Of: 3}}, "part: must be one that has backends (got 2 of 3, of 2 backends)"},
	} {
		if got := render(c.config.Validate()); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}
