package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"

	"github.com/grpcbench/grpcbench/scenario/plain"
)

// callWatch notes when the phases of one call end, from grpc-go's own events.
type callWatch struct {
	mu    sync.Mutex
	began time.Time
	callTimes
}

// callTimes are times since the call began, as far as they came to pass.
type callTimes struct {
	sent            time.Duration // the last message that the client sent
	sentMessages    int
	headers         time.Duration // 0 where there was only a trailer
	first, last     time.Duration // messages of the answer
	messages        int
	total           time.Duration
	header, trailer metadata.MD
}

// watchedKey marks the context of the call that is watched: others, such as
// those of reflection, run over the same channel.
type watchedKey struct{}

func (w *callWatch) on(ctx context.Context) context.Context {
	return context.WithValue(ctx, watchedKey{}, w)
}

func (w *callWatch) seen() callTimes {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.callTimes
}

// HandleRPC implements stats.Handler.
func (w *callWatch) HandleRPC(ctx context.Context, event stats.RPCStats) {
	if ctx.Value(watchedKey{}) == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := event.(type) {
	case *stats.Begin:
		w.began = e.BeginTime
	case *stats.OutPayload:
		w.sent = e.SentTime.Sub(w.began)
		w.sentMessages++
	case *stats.InHeader:
		w.headers, w.header = time.Since(w.began), e.Header
	case *stats.InPayload:
		w.last = e.RecvTime.Sub(w.began)
		if w.messages == 0 {
			w.first = w.last
		}
		w.messages++
	case *stats.InTrailer:
		w.trailer = e.Trailer
	case *stats.End:
		w.total = e.EndTime.Sub(w.began)
	}
}

// TagRPC implements stats.Handler.
func (*callWatch) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// TagConn implements stats.Handler.
func (*callWatch) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn implements stats.Handler.
func (*callWatch) HandleConn(context.Context, stats.ConnStats) {}

// securityText is what TLS agreed on.
func securityText(s *credentials.TLSInfo, unverified bool) string {
	text := tls.VersionName(s.State.Version)
	if chain := s.State.PeerCertificates; len(chain) > 0 {
		whom := chain[0].Subject.CommonName
		if len(chain[0].DNSNames) > 0 {
			whom = chain[0].DNSNames[0]
		}
		text += fmt.Sprintf(", certificate of %s until %s", plain.Text(whom), chain[0].NotAfter.UTC().Format(time.DateOnly))
	}
	if unverified {
		text += ", NOT VERIFIED"
	}
	return text
}
