package clientcore_test

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
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

// authority is a CA that lives as long as the test.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	ca   string // its file
}

func newAuthority(t *testing.T, name string) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	a.key = newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.ca = a.write("ca.pem", pemBlock("CERTIFICATE", der))
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func pemBlock(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func (a *authority) write(name string, text []byte) string {
	a.t.Helper()
	file := filepath.Join(a.dir, name)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		a.t.Fatal(err)
	}
	return file
}

// issue writes a certificate of name and its key, valid for a time from now,
// which may be negative.
func (a *authority) issue(name string, valid time.Duration) (cert, key string) {
	a.t.Helper()
	own := newKey(a.t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(valid),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &own.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.write(name+".pem", pemBlock("CERTIFICATE", der)), a.write(name+".key", pemBlock("PRIVATE KEY", keyDER))
}

// secure is a server with TLS that answers with the name in its client's
// certificate and the call's authority.
func secure(t *testing.T, a *authority, cert, key string, auth tls.ClientAuthType) func(context.Context, string) (net.Conn, error) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	clients := x509.NewCertPool()
	clients.AddCert(a.cert)
	lis := bufconn.Listen(1 << 16)
	server := grpc.NewServer(
		grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: auth, ClientCAs: clients})),
		grpc.UnknownServiceHandler(func(_ any, s grpc.ServerStream) error {
			if err := s.RecvMsg(text("")); err != nil {
				return err
			}
			p, _ := peer.FromContext(s.Context())
			md, _ := metadata.FromIncomingContext(s.Context())
			who := "nobody"
			if chain := p.AuthInfo.(credentials.TLSInfo).State.PeerCertificates; len(chain) > 0 {
				who = chain[0].Subject.CommonName
			}
			return s.SendMsg(text(who + " at " + strings.Join(md[":authority"], ",")))
		}))
	go func() { _ = server.Serve(lis) }()
	t.Cleanup(server.Stop)
	return func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }
}

func tlsConfig(s clientcore.TLS) clientcore.Config {
	cfg := config()
	cfg.Retry = retry.Policy{Off: true}
	cfg.Timeout = 10 * time.Second
	cfg.TLS = &s
	return cfg
}

// TestTLS: plain TLS and mTLS, the server's name, and what each side refuses.
func TestTLS(t *testing.T) {
	good, other := newAuthority(t, "good"), newAuthority(t, "other")
	serverCert, serverKey := good.issue("users.internal", time.Hour)
	clientCert, clientKey := good.issue("client-7", time.Hour)
	oldCert, oldKey := good.issue("old.internal", -time.Hour)
	strangeCert, strangeKey := other.issue("stranger", time.Hour)
	for name, test := range map[string]struct {
		server, key string
		auth        tls.ClientAuthType
		tls         clientcore.TLS
		want, fails string
	}{
		"server name": {serverCert, serverKey, tls.NoClientCert, clientcore.TLS{CA: good.ca, ServerName: "users.internal"},
			"nobody at users.internal", ""},
		"mTLS": {serverCert, serverKey, tls.RequireAndVerifyClientCert,
			clientcore.TLS{CA: good.ca, Cert: clientCert, Key: clientKey, ServerName: "users.internal"}, "client-7 at users.internal", ""},
		"any server": {strangeCert, strangeKey, tls.NoClientCert, clientcore.TLS{InsecureSkipVerify: true}, "nobody at b0", ""},
		"wrong name": {serverCert, serverKey, tls.NoClientCert, clientcore.TLS{CA: good.ca, ServerName: "orders.internal"},
			"", "certificate is valid for users.internal, not orders.internal"},
		"the target's name": {serverCert, serverKey, tls.NoClientCert, clientcore.TLS{CA: good.ca}, "", "not b0"},
		"wrong CA": {serverCert, serverKey, tls.NoClientCert, clientcore.TLS{CA: other.ca, ServerName: "users.internal"},
			"", "certificate signed by unknown authority"},
		"the system's CAs": {serverCert, serverKey, tls.NoClientCert, clientcore.TLS{ServerName: "users.internal"},
			"", "certificate signed by unknown authority"},
		"expired": {oldCert, oldKey, tls.NoClientCert, clientcore.TLS{CA: good.ca, ServerName: "old.internal"}, "", "expired"},
		"no client certificate": {serverCert, serverKey, tls.RequireAndVerifyClientCert, clientcore.TLS{CA: good.ca, ServerName: "users.internal"},
			"", ""},
		"a client certificate of another CA": {serverCert, serverKey, tls.RequireAndVerifyClientCert,
			clientcore.TLS{CA: good.ca, Cert: strangeCert, Key: strangeKey, ServerName: "users.internal"}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dial := secure(t, good, test.server, test.key, test.auth)
			c, err := clientcore.New(tlsConfig(test.tls), clientcore.WithEndpoints("b0"), clientcore.WithDialer(dial))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			got, err := call(t.Context(), c, "who am I?")
			if test.want != "" {
				if err != nil || got != test.want {
					t.Errorf("got %q, %v; want %q", got, err, test.want)
				}
				return
			}
			if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), test.fails) {
				t.Errorf("got %q, %v; want UNAVAILABLE with %q", got, err, test.fails)
			}
		})
	}
}

// TestTLSFiles: what New says of files that cannot be used, by the setting's path.
func TestTLSFiles(t *testing.T) {
	a := newAuthority(t, "ca")
	cert, key := a.issue("client", time.Hour)
	_, otherKey := a.issue("other", time.Hour)
	empty := a.write("empty.pem", nil)
	broken := a.write("broken.pem", pemBlock("CERTIFICATE", []byte("no certificate")))
	locked := a.write("locked.key", pemBlock("ENCRYPTED PRIVATE KEY", []byte("x")))
	gone := filepath.Join(a.dir, "gone.pem")
	for name, test := range map[string]struct {
		tls         clientcore.TLS
		field, says string
	}{
		"no ca":             {clientcore.TLS{CA: gone}, "tls.ca", "must be a file that exists (" + gone + " does not)"},
		"ca is a folder":    {clientcore.TLS{CA: a.dir}, "tls.ca", "must be a file that can be read"},
		"empty ca":          {clientcore.TLS{CA: empty}, "tls.ca", "must be a file with a PEM certificate"},
		"ca is a key":       {clientcore.TLS{CA: key}, "tls.ca", "must be a file with a PEM certificate"},
		"broken ca":         {clientcore.TLS{CA: broken}, "tls.ca", "number 1 in " + broken + " is broken"},
		"no cert":           {clientcore.TLS{Cert: gone, Key: key}, "tls.cert", "must be a file that exists"},
		"no key":            {clientcore.TLS{Cert: cert, Key: gone}, "tls.key", "must be a file that exists"},
		"key of another":    {clientcore.TLS{Cert: cert, Key: otherKey}, "tls.key", "must be the private key of " + cert},
		"key is a cert":     {clientcore.TLS{Cert: cert, Key: cert}, "tls.key", "must be a file with a private key"},
		"encrypted key":     {clientcore.TLS{Cert: cert, Key: locked}, "tls.key", "is encrypted"},
		"cert without key":  {clientcore.TLS{Cert: cert}, "tls.key", "must be set as well, because cert is"},
		"key without cert":  {clientcore.TLS{Key: key}, "tls.cert", "must be set as well, because key is"},
		"name with a port":  {clientcore.TLS{ServerName: "users:443"}, "tls.server_name", "without a port"},
		"ca that is unused": {clientcore.TLS{CA: a.ca, InsecureSkipVerify: true}, "tls.ca", "must be left out"},
	} {
		cfg := tlsConfig(test.tls)
		var one interface{ Field() string }
		_, err := clientcore.New(cfg, clientcore.WithEndpoints("b0"))
		if !errors.As(err, &one) || one.Field() != test.field || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %v, want %s: %s", name, err, test.field, test.says)
		}
		if err := errors.Join(cfg.Validate(), cfg.ValidateFiles()); !errors.As(err, &one) || one.Field() != test.field {
			t.Errorf("%s: ValidateFiles says %v", name, err)
		}
	}
}

// TestClientCertificateIsRenewed: new files are used for the next connection, and
// files that cannot be used leave the old certificate in place.
func TestClientCertificateIsRenewed(t *testing.T) {
	a := newAuthority(t, "ca")
	serverCert, serverKey := a.issue("b0", time.Hour)
	dial := secure(t, a, serverCert, serverKey, tls.RequireAndVerifyClientCert)
	replace := func(name, cert, key string) {
		// The size or the time of the files changes, as with a renewal.
		for from, to := range map[string]string{cert: "client.pem", key: "client.key"} {
			text, err := os.ReadFile(from)
			if err != nil {
				t.Fatal(err)
			}
			a.write(to, text)
			at := time.Now().Add(time.Duration(len(name)) * time.Minute)
			if err := os.Chtimes(filepath.Join(a.dir, to), at, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	firstCert, firstKey := a.issue("one", time.Hour)
	replace("1", firstCert, firstKey)
	cfg := tlsConfig(clientcore.TLS{CA: a.ca, Cert: filepath.Join(a.dir, "client.pem"), Key: filepath.Join(a.dir, "client.key")})
	conns := make(chan net.Conn, 10)
	reconnect := func(ctx context.Context, address string) (net.Conn, error) {
		conn, err := dial(ctx, address)
		conns <- conn
		return conn, err
	}
	cfg.Connect.Base = time.Millisecond
	cfg.WaitForReady = true
	c, err := clientcore.New(cfg, clientcore.WithEndpoints("b0"), clientcore.WithDialer(reconnect))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	who := func(want string) {
		t.Helper()
		if got, err := call(t.Context(), c, ""); err != nil || got != want+" at b0" {
			t.Errorf("got %q, %v; want %s", got, err, want)
		}
	}
	again := func() {
		_ = (<-conns).Close()
		for len(conns) == 0 {
			time.Sleep(time.Millisecond)
		}
		if err := c.WaitReady(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	who("one")
	secondCert, secondKey := a.issue("two", time.Hour)
	replace("12", secondCert, secondKey)
	who("one") // the connection that is up keeps its own
	again()
	who("two")
	a.write("client.pem", []byte("in the middle of being written"))
	again()
	who("two")
}
