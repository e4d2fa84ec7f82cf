package clientcore_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/breaker"
)

// traps are the mistakes that code of this kind makes, and the tests that fail on
// each, by package folder.
var traps = []struct{ trap, folder, test string }{
	{"treating WaitForStateChange(ctx, CONNECTING) as ready", "pool", "TestTrapAChangeIsNotReady"},
	{"the round-robin cursor written under a read lock", "pool", "TestTrapRoundRobinCursor"},
	{"a mutex held over a dial or a call", "pool", "TestTrapNoLockOverDialOrCall"},
	{"a mutex held over a call", "breaker", "TestTrapNoLockOverACall"},
	{"a nil channel after a failed rebuild", "pool", "TestTrapFailedRebuildLeavesTheOld"},
	{"a health goroutine that nothing stops", "pool", "TestTrapNothingIsLeftAfterClose"},
	{"a health goroutine that nothing stops", ".", "TestTrapNothingIsLeftAfterClose"},
	{"a closed error channel spins a select and loses the stream's error", ".", "TestTrapStreamKeepsItsError"},
	{"Send's io.EOF hides the real status", ".", "TestSendEOFLeadsToTheStatus"},
	{"Send's io.EOF taken for the end where another attempt can follow", ".", "TestSenderRetries"},
	{"a status wrapped into a bare string", ".", "TestErrorsKeepTheirStatus"},
	{"a status wrapped into a bare string", ".", "TestErrorsOfEachLayer"},
	{"a watch drops the newest update when its channel is full", "discovery", "TestTrapNewestUpdateIsNeverLost"},
	{"a watch cannot be stopped", "discovery", "TestTrapWatchStops"},
	{"per-call options accepted and ignored", ".", "TestCallOptions"},
	{"per-call options accepted and ignored", ".", "TestTrapEachCallOptionIsTested"},
	{"grpc-go's per-call options accepted and ignored", ".", "TestTrapGRPCCallOptions"},
}

// TestTrapIndex: the tests of the table exist.
func TestTrapIndex(t *testing.T) {
	for _, trap := range traps {
		if !strings.Contains(sources(t, trap.folder, "_test.go"), "\nfunc "+trap.test+"(t *testing.T)") {
			t.Errorf("%s: there is no %s in %s", trap.trap, trap.test, trap.folder)
		}
	}
}

// sources is the text of the files of a folder whose names end in suffix.
func sources(t *testing.T, folder, suffix string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

// TestTrapEachCallOptionIsTested: no option of a call goes without a test that
// makes calls with it.
func TestTrapEachCallOptionIsTested(t *testing.T) {
	tests := sources(t, ".", "_test.go")
	found := regexp.MustCompile(`(?m)^func (Call\w+)\(`).FindAllStringSubmatch(sources(t, ".", "calloption.go"), -1)
	if len(found) < 6 {
		t.Errorf("only %d options were found", len(found))
	}
	for _, f := range found {
		if strings.Count(tests, "clientcore."+f[1]+"(") < 2 {
			t.Errorf("%s is hardly tested", f[1])
		}
	}
}

// TestTrapGRPCCallOptions: grpc-go's own options have their effect through all
// layers, for unary calls and streams, whose first attempt fails.
func TestTrapGRPCCallOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", func(attempt int, s grpc.ServerStream) error {
			if attempt%2 == 1 {
				return status.Error(codes.Unavailable, "once more")
			}
			if err := s.SetHeader(metadata.Pairs("place", "head")); err != nil {
				return err
			}
			s.SetTrailer(metadata.Pairs("place", "tail"))
			return echo(attempt, s)
		})
		c := n.client(t, config(), "b0")
		for kind, do := range map[string]func(request string, opts ...grpc.CallOption) (string, error){
			"unary": func(r string, opts ...grpc.CallOption) (string, error) { return call(t.Context(), c, r, opts...) },
			"stream": func(r string, opts ...grpc.CallOption) (string, error) {
				return collect(t.Context(), c, serverStream, serverMethod, r, opts...)
			},
		} {
			var header, trailer metadata.MD
			var from peer.Peer
			var ends []error
			got, err := do("x", grpc.Header(&header), grpc.Trailer(&trailer), grpc.Peer(&from),
				grpc.OnFinish(func(err error) { ends = append(ends, err) }), grpc.UseCompressor("gzip"),
				clientcore.CallMetadata("user", "seven"))
			if err != nil || got != "x" {
				t.Fatalf("%s: %q, %v", kind, got, err)
			}
			if header.Get("place") == nil || header.Get("place")[0] != "head" || trailer.Get("place") == nil || trailer.Get("place")[0] != "tail" {
				t.Errorf("%s: header %v, trailer %v", kind, header, trailer)
			}
			if from.Addr == nil {
				t.Errorf("%s: no peer", kind)
			}
			if len(ends) != 1 || ends[0] != nil {
				t.Errorf("%s: OnFinish was told %v", kind, ends)
			}
			last := len(b.metadata()) - 1
			if user := b.metadata()[last].Get("user"); len(user) != 1 || b.compressions()[last] != "gzip" {
				t.Errorf("%s: user %v, compression %q", kind, user, b.compressions()[last])
			}
			_, err = do("a request of some length", grpc.MaxCallSendMsgSize(5))
			wantCode(t, err, codes.ResourceExhausted)
			_, err = do("a request of some length", grpc.MaxCallRecvMsgSize(5))
			wantCode(t, err, codes.ResourceExhausted)
		}
	})
}

// TestTrapStreamKeepsItsError: the error of a stream is told each time that it is
// asked for, by RecvMsg after it and beside others, and an ended stream keeps
// nothing busy: in virtual time a goroutine that spins would stop the clock.
func TestTrapStreamKeepsItsError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.start(t, "b0", func(_ int, s grpc.ServerStream) error {
			_ = s.SendHeader(nil)
			time.Sleep(100 * ms)
			return status.Error(codes.DataLoss, "the disk is broken")
		})
		cfg := broken(breaker.Client)
		cfg.Retry = config().Retry
		cfg.Pool.MaxInFlight = 10
		c := n.client(t, cfg, "b0")
		for method, desc := range map[string]*grpc.StreamDesc{serverMethod: serverStream, clientMethod: clientStream, bidiMethod: bidiStream} {
			s, err := c.NewStream(t.Context(), desc, method)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.SendMsg(text("x")); err != nil {
				t.Fatal(err)
			}
			if err := s.RecvMsg(text("")); status.Code(err) != codes.DataLoss {
				t.Errorf("%s: %v", method, err)
			}
			time.Sleep(time.Hour)
			for range 3 {
				if err := s.RecvMsg(text("")); status.Code(err) != codes.DataLoss {
					t.Errorf("%s: asked again, it is %v", method, err)
				}
				if desc.ClientStreams {
					if err := s.SendMsg(text("x")); err != io.EOF && status.Code(err) != codes.DataLoss {
						t.Errorf("%s: SendMsg after the end: %v", method, err)
					}
				}
			}
		}
	})
}

// TestTrapNothingIsLeftAfterClose: a Client with everything on, in the middle of
// its work, leaves no goroutine: a bubble that has one does not end.
func TestTrapNothingIsLeftAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.start(t, "b0", always(codes.Unavailable))
		n.start(t, "b1", func(attempt int, s grpc.ServerStream) error {
			if method, _ := grpc.MethodFromServerStream(s); strings.HasPrefix(method, "/grpc.health.") {
				return status.Error(codes.Unimplemented, "no health")
			}
			return echo(attempt, s)
		})
		cfg := broken(breaker.Backend)
		cfg.Pool.Size, cfg.Pool.MaxAge, cfg.Pool.MaxIdle = 3, time.Second, 2*time.Second
		cfg.HealthCheck = "users"
		c, err := clientcore.New(cfg, clientcore.WithEndpoints("b0", "b1", "gone"), clientcore.WithDialer(n.dial))
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			_, _ = call(t.Context(), c, "x")
			time.Sleep(50 * ms)
		}
		ctx, cancel := context.WithCancel(t.Context())
		s, err := c.NewStream(ctx, bidiStream, bidiMethod)
		closed := make(chan error, 1)
		go func() { closed <- c.Close() }()
		if err := <-closed; err != nil {
			t.Errorf("Close: %v", err)
		}
		if err == nil {
			if err := s.RecvMsg(text("")); status.Code(err) != codes.Canceled && status.Code(err) != codes.Unavailable {
				t.Errorf("a stream that was open: %v", err)
			}
		}
		cancel()
		if _, err := call(t.Context(), c, "x"); status.Code(err) != codes.Canceled {
			t.Errorf("after Close: %v", err)
		}
		if err := c.WaitReady(t.Context()); errors.Is(err, context.Canceled) || err == nil {
			t.Errorf("WaitReady after Close: %v", err)
		}
	})
}
