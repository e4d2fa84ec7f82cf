package http2conn_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/fakeserver/http2conn"
	"github.com/grpcbench/grpcbench/fakeserver/memnet"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

// refuser resets every call, with ENHANCE_YOUR_CALM.
type refuser struct {
	userpb.UnimplementedUserServiceServer
	t *testing.T
}

func (r *refuser) GetUser(ctx context.Context, _ *userpb.GetUserRequest) (*userpb.GetUserResponse, error) {
	if !http2conn.Reset(ctx, 0xb, 0) {
		r.t.Error("the connection is not followed")
		return &userpb.GetUserResponse{}, nil
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

// A handler can reset its call, with TLS too, and whatever the client says its
// stream is.
func TestHandlerResetsItsCall(t *testing.T) {
	server, client := selfSigned(t)
	for name, pair := range map[string]struct {
		server, client credentials.TransportCredentials
	}{
		"plain": {insecure.NewCredentials(), insecure.NewCredentials()},
		"TLS":   {server, client},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := memnet.New()
				l, err := network.Listen("", "")
				if err != nil {
					t.Fatal(err)
				}
				creds := http2conn.Credentials(pair.server)
				if creds.Clone().Info() != pair.server.Info() {
					t.Errorf("Info() = %+v", creds.Clone().Info())
				}
				s := grpc.NewServer(grpc.Creds(creds))
				userpb.RegisterUserServiceServer(s, &refuser{t: t})
				go func() { _ = s.Serve(l) }()
				defer s.Stop()
				cc, err := grpc.NewClient("passthrough:///"+l.Addr().String(), grpc.WithTransportCredentials(pair.client), grpc.WithContextDialer(network.Dial))
				if err != nil {
					t.Fatal(err)
				}
				defer cc.Close()
				for range 3 {
					ctx := metadata.AppendToOutgoingContext(t.Context(), http2conn.StreamKey, "77")
					if _, err := userpb.NewUserServiceClient(cc).GetUser(ctx, &userpb.GetUserRequest{}); status.Code(err) != codes.ResourceExhausted {
						t.Errorf("the call: %v", err)
					}
				}
			})
		})
	}
}

func TestNotFollowed(t *testing.T) {
	if http2conn.FromContext(t.Context()) != nil || http2conn.Reset(t.Context(), 0, 0) {
		t.Error("a context without a connection has one")
	}
}

// selfSigned makes the credentials of a server and of clients that trust it.
func selfSigned(t *testing.T) (server, client credentials.TransportCredentials) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"fleet"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Now().AddDate(100, 0, 0), // virtual time is long ago
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS13, NextProtos: []string{"h2"}}),
		credentials.NewClientTLSFromCert(pool, "fleet")
}
