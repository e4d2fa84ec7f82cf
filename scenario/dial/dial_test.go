package dial_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/fakeserver/memnet"
	"github.com/grpcbench/grpcbench/scenario/dial"
)

// serve is a server with the health service on l.
func serve(t *testing.T, l net.Listener, opts ...grpc.ServerOption) {
	t.Helper()
	server := grpc.NewServer(opts...)
	healthpb.RegisterHealthServer(server, health.NewServer())
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { server.Stop(); <-done })
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// certified is a certificate that signs itself, for names and for a time from
// now, with its files.
type certified struct {
	pair      tls.Certificate
	cert, key string
}

func certify(t *testing.T, valid time.Duration, names ...string) certified {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "self"}, DNSNames: names,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(valid),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if valid > 0 && len(names) > 0 && names[0] == "later" {
		template.NotBefore = time.Now().Add(time.Hour)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, bytes []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	c := certified{cert: write("cert.pem", "CERTIFICATE", der), key: write("key.pem", "PRIVATE KEY", secret)}
	if c.pair, err = tls.LoadX509KeyPair(c.cert, c.key); err != nil {
		t.Fatal(err)
	}
	return c
}

// secured is the address of a server with the certificate.
func secured(t *testing.T, c certified, auth tls.ClientAuthType) string {
	t.Helper()
	l := listen(t)
	serve(t, l, grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{c.pair}, ClientAuth: auth})))
	return l.Addr().String()
}

func open(t *testing.T, cfg dial.Config) (*dial.Conn, error) {
	t.Helper()
	cfg.Dial = "passthrough:///" + cfg.Target
	return dial.Open(t.Context(), cfg)
}

// TestSteps: each step takes its time, one after the other, and the channel can be
// used.
func TestSteps(t *testing.T) {
	server := certify(t, time.Hour, "localhost")
	address := secured(t, server, tls.NoClientCert)
	before := time.Now()
	c, err := open(t, dial.Config{Target: address, TLS: &clientcore.TLS{CA: server.cert, ServerName: "localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(before)
	defer c.Close()
	s := c.Steps
	if s.Connect <= 0 || s.TLS <= 0 || s.HTTP2 <= 0 || s.Total() > took || s.Address != address || s.Failed != 0 || s.Security == nil {
		t.Errorf("steps %+v, within %v", s, took)
	}
	if _, err := healthpb.NewHealthClient(c).Check(t.Context(), &healthpb.HealthCheckRequest{}); err != nil {
		t.Error(err)
	}
}

// In virtual time the steps are exact.
func TestStepsAreExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		l, err := network.Listen("tcp", "users:1")
		if err != nil {
			t.Fatal(err)
		}
		serve(t, l)
		const far = 30 * time.Millisecond
		c, err := open(t, dial.Config{Target: "users:1", Connect: func(ctx context.Context, address string) (net.Conn, error) {
			time.Sleep(far)
			return network.Dial(ctx, address)
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if s := c.Steps; s.Connect != far || s.Total() != far || s.Security != nil {
			t.Errorf("steps %+v, want %v of connecting alone", s, far)
		}
	})
}

// TestTriesAgain: a server that is just being started is waited for, one that
// never comes is not, and the error says for how long.
func TestTriesAgain(t *testing.T) {
	for up, patience := range map[time.Duration]time.Duration{2 * time.Second: 0, 20 * time.Second: 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			network := memnet.New()
			time.AfterFunc(up, func() {
				if l, err := network.Listen("tcp", "users:1"); err == nil {
					serve(t, l)
				}
			})
			c, err := open(t, dial.Config{Target: "users:1", Patience: patience,
				Connect: func(ctx context.Context, address string) (net.Conn, error) { return network.Dial(ctx, address) }})
			if patience == 0 {
				if err != nil {
					t.Fatal(err)
				}
				_ = c.Close()
				return
			}
			var unreachable *dial.UnreachableError
			if !errors.As(err, &unreachable) || unreachable.Tried != patience {
				t.Fatalf("got %v, want an error after %v", err, patience)
			}
			if text := err.Error(); !strings.HasPrefix(text, "cannot reach users:1: ") || !strings.Contains(text, "refused") || !strings.HasSuffix(text, " (tried for 3s)") {
				t.Error(text)
			}
			time.Sleep(up)
		})
	}
}

func TestEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := dial.Open(ctx, dial.Config{Target: "127.0.0.1:1", Dial: "passthrough:///127.0.0.1:1"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestSentences: what is wrong with a server, in a sentence each. Of what would be
// the same the next time no more is tried.
func TestSentences(t *testing.T) {
	good, old, later := certify(t, time.Hour, "localhost", "users.internal"), certify(t, -time.Hour, "localhost"), certify(t, 48*time.Hour, "later")
	plain := listen(t)
	serve(t, plain)
	for name, test := range map[string]struct {
		target string
		tls    *clientcore.TLS
		want   []string
		again  bool
	}{
		"expired": {secured(t, old, tls.NoClientCert), &clientcore.TLS{CA: old.cert, ServerName: "localhost"},
			[]string{"its certificate for localhost expired at ", " UTC"}, false},
		"not yet": {secured(t, later, tls.NoClientCert), &clientcore.TLS{CA: later.cert, ServerName: "later"},
			[]string{"its certificate for later is not valid before "}, false},
		"another name": {secured(t, good, tls.NoClientCert), &clientcore.TLS{CA: good.cert, ServerName: "orders"},
			[]string{"its certificate is for localhost, users.internal, not for orders", "--servername"}, false},
		"unknown CA": {secured(t, good, tls.NoClientCert), &clientcore.TLS{CA: old.cert, ServerName: "localhost"},
			[]string{"is signed by CN=self, which is not trusted", "--cacert"}, false},
		"no TLS": {plain.Addr().String(), &clientcore.TLS{CA: good.cert, ServerName: "localhost"}, []string{"it does not speak TLS", "--tls"}, false},
		"TLS":    {secured(t, good, tls.NoClientCert), nil, []string{"if it speaks TLS, say so", "--tls"}, true},
		"wants a certificate": {secured(t, good, tls.RequireAnyClientCert), &clientcore.TLS{CA: good.cert, ServerName: "localhost"},
			[]string{"certificate", "--cert and --key"}, true},
		"nobody": {"127.0.0.1:1", nil, []string{"refused"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := open(t, dial.Config{Target: test.target, TLS: test.tls, Patience: 500 * time.Millisecond})
			var unreachable *dial.UnreachableError
			if !errors.As(err, &unreachable) {
				if err == nil {
					_ = c.Close()
				}
				t.Fatalf("got %v, want that it is unreachable", err)
			}
			text := err.Error()
			for _, want := range append(test.want, "cannot reach "+test.target+": ") {
				if !strings.Contains(text, want) {
					t.Errorf("%q lacks %q", text, want)
				}
			}
			// A server that ends the connection may have said why, or not come to it.
			if again := unreachable.Tried > 0; again != test.again && name != "wants a certificate" {
				t.Errorf("%q: tried again is %t, want %t", text, again, test.again)
			}
			if strings.Contains(text, "\n") || strings.Contains(text, "desc =") {
				t.Errorf("%q is no sentence", text)
			}
		})
	}
}

func TestFilesThatAreWrong(t *testing.T) {
	if _, err := open(t, dial.Config{Target: "127.0.0.1:1", TLS: &clientcore.TLS{CA: "nowhere.pem"}}); err == nil || !strings.Contains(err.Error(), "nowhere.pem does not") {
		t.Errorf("got %v", err)
	}
}
