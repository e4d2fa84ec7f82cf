package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/grpcbench/grpcbench/reports/result"
)

// What is wrong is told in a sentence with its place, before the first call.
func TestLoadMistakes(t *testing.T) {
	interop := newInterop(t)
	etcd, _ := newEtcd(t)
	for name, c := range map[string]struct{ target, load, want string }{
		"no reflection":  {etcd, "{call: etcdserverpb.KV/Range, rate: 1/s}", "reflection"},
		"nobody there":   {"127.0.0.1:1", "{call: a.B/C, rate: 1/s}", "refused"},
		"method":         {interop, "{call: grpc.testing.TestService/UnaryCal, rate: 1/s}", "did you mean UnaryCall?"},
		"request":        {interop, "{call: grpc.testing.TestService/UnaryCall, rate: 1/s, request: {response_sise: 1}}", "did you mean responseSize?"},
		"expected field": {interop, "{call: grpc.health.v1.Health/Check, rate: 1/s, expect: {fields: {statsu: SERVING}}}", "did you mean status?"},
		"expected value": {interop, "{call: grpc.health.v1.Health/Check, rate: 1/s, expect: {fields: {status: SERVNG}}}", "did you mean SERVING?"},
		"stream":         {interop, "{call: grpc.health.v1.Health/Check, rate: 1/s, expect: {messages: 2}}", "there is one response"},
	} {
		t.Run(name, func(t *testing.T) {
			file := write(t, "x.yaml", fmt.Sprintf("target: %s\nload:\n  - %s\n", c.target, c.load))
			code, stdout, stderr := grpcbench(t, "run", file, "--quiet", "--trials", "1", "--out", t.TempDir())
			if code != exitUsage || stdout != "" || !strings.Contains(stderr, c.want) {
				t.Errorf("exit code %d: %s%s", code, stdout, stderr)
			}
		})
	}
}

// A server that stops in the middle of a run is a finding: the result is whole, its
// books are exact, and it says since when nobody answered.
func TestServerStops(t *testing.T) {
	var calls atomic.Int64
	var server *grpc.Server
	stop := make(chan struct{})
	address := serve(t, func(s *grpc.Server) {
		server = s
		interopOn(s)
	}, grpc.UnaryInterceptor(func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
		if calls.Add(1) == 100 {
			close(stop)
		}
		return handle(ctx, request)
	}))
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-stop:
			server.Stop()
		case <-t.Context().Done():
		}
	}()
	r := mustRun(t, write(t, "stops.yaml", fmt.Sprintf(`
target: %s
client: {pool: {size: 1}, retry: none, timeout: 1s}
load: [{name: empty, call: grpc.testing.TestService/EmptyCall, rate: 50/s}]
trials: 1
warmup: 0s
measure: 6s
`, address)))
	<-stopped
	trial := r.Variants[0].Trials[0]
	s := trial.Series[0]
	// How many are under way when it stops, and fail, is up to the machine.
	if s.OK() == 0 || s.OK() > 100 || s.Codes["UNAVAILABLE"] == 0 {
		t.Errorf("%v", s.Codes)
	}
	if !slices.ContainsFunc(trial.Validity.Reasons, func(r result.Reason) bool { return r.Code == "target_lost" }) {
		t.Errorf("%+v", trial.Validity)
	}
}

// A certificate that has expired is one sentence, before the first call.
func TestExpiredCertificate(t *testing.T) {
	cert, key, ca := certificate(t, time.Now().Add(-time.Hour))
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	address := newInterop(t, grpc.Creds(credentials.NewServerTLSFromCert(&pair)))
	file := write(t, "tls.yaml", fmt.Sprintf(`
target: %s
client: {tls: {ca: %q}}
load: [{call: grpc.testing.TestService/EmptyCall, rate: 50/s}]
`, address, ca))
	for _, args := range [][]string{
		{"run", file, "--quiet", "--out", t.TempDir()},
		{"call", "--target", address, "--cacert", ca, "--call", "grpc.testing.TestService/EmptyCall"},
	} {
		code, _, stderr := grpcbench(t, args...)
		if code != exitUsage || !strings.Contains(stderr, "expired at") {
			t.Errorf("exit code %d: %s", code, stderr)
		}
	}
}

// certificate writes one for 127.0.0.1 that signs itself.
func certificate(t *testing.T, until time.Time) (cert, key, ca string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "e2e"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true,
		BasicConstraintsValid: true, NotBefore: until.Add(-time.Hour), NotAfter: until, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, bytes []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}))
	}
	cert = write(t, "cert.pem", block("CERTIFICATE", der))
	return cert, write(t, "key.pem", block("PRIVATE KEY", encoded)), cert
}
