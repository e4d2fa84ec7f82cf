package clientcore_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/grpcbench/grpcbench/clientcore"
)

// HTTP/2, as far as the tests read it: RFC 9113 §6.
const (
	prefaceBytes     = 24
	frameHeaderBytes = 9

	frameSettings     = 4
	framePing         = 6
	frameWindowUpdate = 8

	settingInitialWindow = 4
)

// frame is the next HTTP/2 frame's type and payload.
func frame(t *testing.T, r io.Reader) (kind byte, payload []byte, err error) {
	t.Helper()
	var head [frameHeaderBytes]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	payload = make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
	_, err = io.ReadFull(r, payload)
	return head[3], payload, err
}

func TestWindowsAndKeepaliveOnTheWire(t *testing.T) {
	for name, set := range map[string]bool{"defaults": false, "set": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := config()
				if set {
					cfg.Windows = clientcore.Windows{Stream: 100_000, Connection: 200_000}
					cfg.Keepalive = &clientcore.Keepalive{Time: 12 * time.Second, Timeout: 3 * time.Second, WithoutStreams: true}
				}
				accepted := make(chan net.Conn, 1)
				c, err := clientcore.New(cfg, clientcore.WithEndpoints("b0"), clientcore.WithDialer(
					func(context.Context, string) (net.Conn, error) {
						ours, theirs := net.Pipe()
						select {
						case accepted <- theirs:
							return ours, nil
						default:
							return nil, errors.New("one connection is enough")
						}
					}))
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				server := <-accepted
				defer server.Close()
				go func() { _, _ = server.Write([]byte{0, 0, 0, frameSettings, 0, 0, 0, 0, 0}) }()
				if _, err := io.ReadFull(server, make([]byte, prefaceBytes)); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				var stream, connection uint32
				var pinged, cut time.Duration
				_ = server.SetReadDeadline(start.Add(time.Minute))
				for {
					kind, payload, err := frame(t, server)
					if err != nil {
						cut = time.Since(start)
						break
					}
					switch kind {
					case frameSettings:
						for ; len(payload) >= 6; payload = payload[6:] {
							if binary.BigEndian.Uint16(payload) == settingInitialWindow {
								stream = binary.BigEndian.Uint32(payload[2:])
							}
						}
					case frameWindowUpdate:
						connection = binary.BigEndian.Uint32(payload)
					case framePing:
						pinged = time.Since(start)
					}
				}
				if !set {
					if stream != 0 || connection != 0 || pinged != 0 {
						t.Errorf("windows %d and +%d, ping after %v; nothing was asked for", stream, connection, pinged)
					}
					return
				}
				if stream != 100_000 || connection != 200_000-65_535 {
					t.Errorf("windows %d and +%d", stream, connection)
				}
				if pinged != 12*time.Second || cut != 15*time.Second {
					t.Errorf("ping after %v and cut after %v, want 12s and 15s", pinged, cut)
				}
			})
		})
	}
}

// A lost backend is dialled again by Connect.
func TestReconnectionTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Connect.Jitter = 0
		cfg.Connect.Max = 200 * ms
		start := time.Now()
		var dials []time.Duration
		c, err := clientcore.New(cfg, clientcore.WithEndpoints("b0"), clientcore.WithDialer(
			func(context.Context, string) (net.Conn, error) {
				dials = append(dials, time.Since(start))
				return nil, errors.New("refused")
			}))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(700 * ms)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		want := []time.Duration{0, 100 * ms, 260 * ms, 460 * ms, 660 * ms}
		if diff := cmp.Diff(want, dials); diff != "" {
			t.Errorf("dials (-want +got):\n%s", diff)
		}
	})
}

func TestConnectTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Connect.Timeout = 3 * time.Second
		start := time.Now()
		took := make(chan time.Duration, 100)
		c, err := clientcore.New(cfg, clientcore.WithEndpoints("b0"), clientcore.WithDialer(
			func(ctx context.Context, _ string) (net.Conn, error) {
				<-ctx.Done()
				took <- time.Since(start)
				return nil, ctx.Err()
			}))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if got := <-took; got != 3*time.Second {
			t.Errorf("gave up after %v, want 3s", got)
		}
	})
}

// What this process finds wrong with a call is not tried again, whatever code
// grpc-go gives it.
func TestCallsThatCannotBeSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.start(t, "b0", echo)
		c := n.client(t, config(), "b0")
		for name, opts := range map[string][]grpc.CallOption{
			"compression":     {grpc.UseCompressor("zip")},
			"content-subtype": {grpc.CallContentSubtype("yaml")},
			"metadata":        {clientcore.CallMetadata("not a key", "")},
		} {
			for _, kind := range []string{"unary", "stream"} {
				var trace clientcore.Trace
				ctx := clientcore.WithTrace(t.Context(), &trace)
				var err error
				if kind == "unary" {
					_, err = call(ctx, c, "", opts...)
				} else {
					_, err = collect(ctx, c, bidiStream, bidiMethod, "", opts...)
				}
				wantCode(t, err, codes.Internal)
				if len(trace.Attempts) != 1 || trace.Origin != clientcore.OriginClient {
					t.Errorf("%s, %s: %d attempts, origin %q (%v)", name, kind, len(trace.Attempts), trace.Origin, err)
				}
			}
		}
	})
}
