package run_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/grpcbench/grpcbench/fakeserver/userpb"
	"github.com/grpcbench/grpcbench/reports"
	"github.com/grpcbench/grpcbench/reports/result"
)

// taking answers each call after the same time.
type taking struct {
	userpb.UnimplementedUserServiceServer
	time.Duration
}

func (s taking) GetUser(ctx context.Context, r *userpb.GetUserRequest) (*userpb.GetUserResponse, error) {
	select {
	case <-time.After(s.Duration):
		return &userpb.GetUserResponse{User: &userpb.User{Id: r.GetUserId()}}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// table is what a run prints.
func table(t *testing.T, r *result.Result) string {
	t.Helper()
	for _, f := range reports.Formats() {
		if f.Name != "markdown" {
			continue
		}
		var text strings.Builder
		if err := f.Render(&text, r, reports.Options{}); err != nil {
			t.Fatal(err)
		}
		return text.String()
	}
	t.Fatal("no markdown")
	return ""
}

// Two servers are compared as any two settings are: in blocks, under the same
// arrivals. The one that is slower by 30 ms is, in the result and in the headline.
func TestComparedTargets(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve("old:443", taking{Duration: 20 * time.Millisecond})
		w.serve("new:443", taking{Duration: 50 * time.Millisecond})
		r := w.run(w.plan(`
name: targets
target: "old:443"
client: {pool: {size: 1}, retry: none}
load: [{name: reads, call: GetUser, rate: 100/s}]
compare: {target: ["passthrough:///old:443", "passthrough:///new:443"]}
trials: 6
warmup: 0s
measure: 6s
`))
		mustBeExact(t, r)
		for i, want := range []int64{20, 50} {
			v := r.Variants[i]
			if len(v.Trials) != 6 || v.Target != v.Settings["target"] || r.Scenario.Target != "" {
				t.Errorf("%s: %d trials of target %q, all %q", v.Name, len(v.Trials), v.Target, r.Scenario.Target)
			}
			for _, trial := range v.Trials {
				if got := *trial.Series[0].Latency[result.Response].P50NS; got < want*1e6 || got > want*1e6+1e6 {
					t.Errorf("%s: p50 %v, want %d ms", v.Name, time.Duration(got), want)
				}
			}
		}
		for b, planned := range r.Variants[0].Trials {
			if other := r.Variants[1].Trials[b]; other.Block != planned.Block || other.Series[0].Planned != planned.Series[0].Planned {
				t.Errorf("block %d: %d and %d calls planned", b, planned.Series[0].Planned, other.Series[0].Planned)
			}
		}
		text := table(t, r)
		for _, want := range []string{"new:443", "+150 % (150 – 150)", "targets passthrough:///old:443, passthrough:///new:443"} {
			if !strings.Contains(text, want) {
				t.Errorf("it lacks %q:\n%s", want, text)
			}
		}
	})
}

// An overlay can set the target together with what it needs: TLS on one side.
func TestComparedTargetsWithTLS(t *testing.T) {
	inWorld(t, func(w *world) {
		pair, ca := selfSigned(t, "new.internal")
		w.serve("old:1", taking{Duration: time.Millisecond})
		w.serve("new:1", taking{Duration: time.Millisecond}, grpc.Creds(credentials.NewServerTLSFromCert(&pair)))
		r := w.run(w.plan(`
name: sides
target: passthrough:///old:1
client: {pool: {size: 1}, retry: none}
load: [{name: reads, call: GetUser, arrivals: constant, rate: 100/s}]
compare:
  side:
    before: {}
    after: {target: "passthrough:///new:1", client.tls: {ca: %s, server_name: new.internal}}
    wrong: {target: "passthrough:///new:1"}
trials: 1
warmup: 0s
measure: 1s
`, ca))
		for i, want := range []int64{100, 100, 0} {
			if got := r.Variants[i].Trials[0].Series[0].OK(); got != want {
				t.Errorf("%s: %d calls OK, want %d", r.Variants[i].Name, got, want)
			}
		}
		if text, want := table(t, r), "targets passthrough:///old:1 (before), passthrough:///new:1 (after, wrong)"; !strings.Contains(text, want) {
			t.Errorf("it lacks %q:\n%s", want, text)
		}
	})
}

// A closed loop beside an open one gets what max_rate leaves, and the result says
// that it was held back.
func TestMaxRateHoldsClosedLoops(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve("a:1", taking{Duration: 10 * time.Millisecond})
		r := w.run(w.plan(`
name: held
target: passthrough:///a:1
max_rate: 150/s
client: {pool: {size: 1}, retry: none}
load:
  - {name: reads, call: GetUser, arrivals: constant, rate: 50/s}
  - {name: crew, call: GetUser, workers: 4}
trials: 1
warmup: 1s
measure: 2s
`))
		mustBeExact(t, r)
		reads, crew := r.Variants[0].Trials[0].Series[0], r.Variants[0].Trials[0].Series[1]
		// Four workers alone would make 400 calls a second.
		if reads.Calls != 100 || crew.Calls != 200 || crew.Held != 199 || reads.Held != 0 {
			t.Errorf("%d and %d calls, %d held", reads.Calls, crew.Calls, crew.Held)
		}
		if text, want := table(t, r), "max_rate 150/s held back 199 of 200 calls of crew, by 29.8 ms each"; !strings.Contains(text, want) {
			t.Errorf("it lacks %q:\n%s", want, text)
		}
	})
}

// selfSigned is a certificate for a name, and the file that has it.
func selfSigned(t *testing.T, name string) (tls.Certificate, string) {
	t.Helper()
	return certified(t, name, time.Now().Add(time.Hour))
}

func certified(t *testing.T, name string, until time.Time) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: until.Add(-2 * time.Hour), NotAfter: until, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}
