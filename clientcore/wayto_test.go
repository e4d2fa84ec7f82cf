package clientcore_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/grpcbench/grpcbench/clientcore"
)

// reporting is a server on l that answers with the authority of the call.
func reporting(t *testing.T, l net.Listener) {
	t.Helper()
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, s grpc.ServerStream) error {
		if err := s.RecvMsg(text("")); err != nil {
			return err
		}
		md, _ := metadata.FromIncomingContext(s.Context())
		return s.SendMsg(text(strings.Join(md[":authority"], ",")))
	}))
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
}

func TestAuthority(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	reporting(t, l)
	for given, want := range map[string]string{"": l.Addr().String(), "users.internal:443": "users.internal:443"} {
		cfg := config()
		cfg.Authority = given
		c, err := clientcore.New(cfg, clientcore.WithTarget(l.Addr().String()))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := call(t.Context(), c, "whom?"); err != nil || got != want {
			t.Errorf("authority %q: called %q (%v), want %q", given, got, err, want)
		}
		_ = c.Close()
	}
}

// Over TLS the authority is the name that the certificate must have.
func TestAuthorityIsChecked(t *testing.T) {
	a := newAuthority(t, "ca")
	cert, key := a.issue("users.internal", time.Hour)
	dial := secure(t, a, cert, key, 0)
	for given, want := range map[string]string{"users.internal": "nobody at users.internal", "orders.internal": ""} {
		cfg := tlsConfig(clientcore.TLS{CA: a.ca})
		cfg.Authority = given
		c, err := clientcore.New(cfg, clientcore.WithEndpoints("b0"), clientcore.WithDialer(dial))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := call(t.Context(), c, "whom?"); got != want || (err == nil) != (want != "") {
			t.Errorf("authority %q: %q, %v; want %q", given, got, err, want)
		}
		_ = c.Close()
	}
}

func TestAuthorityIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		authority, server, says string
	}{
		"a URL":           {"https://users", "", "must be a host, or host:port"},
		"a space":         {"users internal", "", "must be a host, or host:port"},
		"another name":    {"users", "orders", "tls.server_name is sent as :authority already"},
		"that name again": {"users", "users", ""},
	} {
		cfg := tlsConfig(clientcore.TLS{ServerName: test.server})
		cfg.Authority = test.authority
		if err := cfg.Validate(); (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %v, want %q", name, err, test.says)
		}
	}
}

// TestUnixSockets: grpc-go's own two schemes for them work, attempts counted.
func TestUnixSockets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.sock")
	abstract := fmt.Sprintf("grpcbench-test-%d", os.Getpid())
	for target, address := range map[string]string{"unix://" + path: path, "unix:" + path + "2": path + "2", "unix-abstract:" + abstract: "@" + abstract} {
		l, err := net.Listen("unix", address)
		if err != nil {
			if address[0] == '@' {
				continue // an abstract socket is Linux's own
			}
			t.Fatal(err)
		}
		reporting(t, l)
		c, err := clientcore.New(config(), clientcore.WithTarget(target))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := call(t.Context(), c, "whom?"); err != nil || got != "localhost" {
			t.Errorf("%s: called %q (%v), want localhost", target, got, err)
		}
		if attempts := c.Stats().Attempts; len(attempts) != 1 || attempts[0].Answered != 1 {
			t.Errorf("%s: counted %+v, want one attempt", target, attempts)
		}
		_ = c.Close()
	}
}

// throughProxy has the target that the process which a test starts, with a proxy
// in its environment, is to call.
const throughProxy = "GRPCBENCH_TEST_THROUGH_PROXY"

// TestThroughProxy is about HTTPS_PROXY and NO_PROXY, which Go reads once in a
// process: it starts others. A proxy is left to grpc-go, and its attempts and
// states are told all the same.
func TestThroughProxy(t *testing.T) {
	if target := os.Getenv(throughProxy); target != "" {
		callOnce(t, target)
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	reporting(t, l)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for name, test := range map[string]struct {
		target, without string
		asked           string // of the proxy
	}{
		"no scheme":       {"users.test:" + port, "", "users.test:" + port},
		"dns":             {"dns:///users.test:" + port, "", "users.test:" + port},
		"passthrough":     {"passthrough:///users.test:" + port, "", "users.test:" + port},
		"NO_PROXY":        {"passthrough:///0.0.0.0:" + port, "0.0.0.0", ""},
		"loopback itself": {"127.0.0.1:" + port, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			proxy := newProxy(t, l.Addr().String())
			cmd := exec.Command(os.Args[0], "-test.run=^TestThroughProxy$", "-test.v")
			cmd.Env = append(os.Environ(), throughProxy+"="+test.target, "HTTPS_PROXY=http://"+proxy.address, "NO_PROXY="+test.without)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			asked, _ := proxy.asked.Load().(string)
			if asked != test.asked {
				t.Errorf("the proxy was asked for %q, want %q", asked, test.asked)
			}
		})
	}
}

// callOnce makes a call and sees to it that it is counted.
func callOnce(t *testing.T, target string) {
	c, err := clientcore.New(config(), clientcore.WithTarget(target))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := c.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	want := strings.TrimPrefix(strings.TrimPrefix(target, "dns:///"), "passthrough:///")
	if got, err := call(ctx, c, "whom?"); err != nil || got != want {
		t.Errorf("called %q (%v), want %q", got, err, want)
	}
	s := c.Stats()
	if len(s.Attempts) != 1 || s.Attempts[0].Answered != 1 || s.Connections != 1 {
		t.Errorf("counted %+v, want one attempt over one connection", s)
	}
}

// proxy is an HTTP proxy that connects to one address, whatever it is asked for.
type proxy struct {
	address string
	asked   atomic.Value // string
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	p := &proxy{address: l.Addr().String()}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(conn, to)
		}
	}()
	return p
}

func (p *proxy) serve(conn net.Conn, to string) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	r, err := http.ReadRequest(in)
	if err != nil || r.Method != http.MethodConnect {
		return
	}
	p.asked.Store(r.Host)
	out, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer out.Close()
	if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(conn, out)
	}()
	_, _ = io.Copy(out, in)
	_ = out.Close()
	<-done
}
