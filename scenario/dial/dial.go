// Package dial makes one connection to a server, the way the client under test
// would, and says how long each step took or, in a sentence, why there is none.
// It measures nothing under load: it is for a single call, for asking a server
// what it has, and for finding out before a run whether there is anybody to call.
package dial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/grpcbench/grpcbench/clientcore"
)

// Patience is how long a server may take to be reached where nobody says
// otherwise: one that is just being started is up by then.
const Patience = 5 * time.Second

// Config is whom to connect to, and how.
type Config struct {
	// Target is for messages, Dial what grpc-go dials for it and Resolvers those
	// that it takes: see targets.Target.
	Target    string
	Dial      string
	Resolvers []resolver.Builder
	TLS       *clientcore.TLS // nil is plain text
	Authority string          // "" is the target's host
	Patience  time.Duration   // 0 is Patience
	// Connect makes connections in place of grpc-go, which then knows no proxy.
	Connect func(ctx context.Context, address string) (net.Conn, error)
	// Options are dial options besides.
	Options []grpc.DialOption
}

// Conn is a channel that has been READY. It must be closed.
type Conn struct {
	*grpc.ClientConn
	// Steps is how it came about.
	Steps Steps
}

// UnreachableError is that no connection came about.
type UnreachableError struct {
	Target string
	// Reason is what was in the way, last of all.
	Reason string
	// Tried is how long it was tried; 0 where trying again would be of no use.
	Tried time.Duration
}

// Error is one sentence.
func (e *UnreachableError) Error() string {
	text := fmt.Sprintf("cannot reach %s: %s", e.Target, e.Reason)
	if e.Tried > 0 {
		text += fmt.Sprintf(" (tried for %v)", e.Tried.Round(100*time.Millisecond))
	}
	return text
}

// Open connects. It tries again until it is out of patience, but for a server
// that another try would not find changed: one whose certificate is wrong. The
// error is ctx's, an *UnreachableError, or about settings.
func Open(ctx context.Context, cfg Config) (*Conn, error) {
	w := newWatch()
	secure := credentials.TransportCredentials(insecure.NewCredentials())
	if cfg.TLS != nil {
		var err error
		if secure, err = cfg.TLS.Credentials(); err != nil {
			return nil, err
		}
	}
	target := cfg.Dial
	opts := []grpc.DialOption{
		grpc.WithTransportCredentials(watchedCredentials{secure, w}),
		grpc.WithDisableRetry(),
		grpc.WithIdleTimeout(0),
	}
	for _, b := range watchedResolvers(target, cfg.Resolvers, w) {
		opts = append(opts, grpc.WithResolvers(b))
	}
	if !strings.HasPrefix(target, "xds:") {
		opts = append(opts, grpc.WithDisableServiceConfig()) // a resolver's
	}
	if cfg.Authority != "" {
		opts = append(opts, grpc.WithAuthority(cfg.Authority))
	}
	if cfg.Connect != nil {
		opts = append(opts, grpc.WithContextDialer(cfg.Connect))
	}
	cc, err := grpc.NewClient(target, append(opts, cfg.Options...)...)
	if err != nil {
		return nil, fmt.Errorf("target %s: %w", cfg.Target, err)
	}
	patience := cfg.Patience
	if patience == 0 {
		patience = Patience
	}
	if err := w.connect(ctx, cc, patience); err != nil {
		_ = cc.Close()
		if unreachable, ok := errors.AsType[*UnreachableError](err); ok {
			unreachable.Target = cfg.Target
		}
		return nil, err
	}
	return &Conn{ClientConn: cc, Steps: w.steps(cfg.TLS != nil)}, nil
}

// connect waits until the channel is READY.
func (w *watch) connect(ctx context.Context, cc *grpc.ClientConn, patience time.Duration) error {
	began := time.Now()
	w.begin(began)
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	reason := ""
	for {
		state := cc.GetState()
		switch state {
		case connectivity.Ready:
			w.ready(time.Now())
			return nil
		case connectivity.Idle:
			cc.Connect()
		case connectivity.TransientFailure:
			// Nothing but a call is told why. It fails at once, for the channel has
			// no connection, and so no server sees it.
			err := cc.Invoke(waiting, "/grpc.health.v1.Health/Check", &emptypb.Empty{}, &emptypb.Empty{})
			if status.Code(err) != codes.Unavailable {
				break // connected in between, or out of time: the state says so
			}
			var final bool
			if reason, final = w.because(status.Convert(err).Message()); final {
				return &UnreachableError{Reason: reason}
			}
		}
		if cc.WaitForStateChange(waiting, state) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if reason == "" {
			reason = "nobody answers"
		}
		return &UnreachableError{Reason: reason, Tried: time.Since(began)}
	}
}
