package interceptor

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// maxErrorText is how many bytes of an error's text are logged. A server may
// send as much as a header list holds.
const maxErrorText = 1024

// LogOptions are the settings of Logging.
type LogOptions struct {
	// Level is which calls are logged; the zero Level is Off.
	Level Level
	// Attrs are more attributes for the line of a call that has ended with err,
	// nil for success. It may be nil. It must not block.
	Attrs func(ctx context.Context, err error) []slog.Attr
}

// Logging writes one line per call to l, at its end: "call" with the method, the
// kind (unary or stream), the code, the duration, and the error's text, cut to
// 1 KiB. A call that fails is logged as WARN; one that succeeds, or that its
// caller has cancelled, as INFO. Metadata and messages are never logged. A call
// that is not logged costs no allocation if it is unary.
//
// The end of a stream is that of grpc.OnFinish: a stream that its caller neither
// reads to the end nor cancels has none.
func Logging(l *slog.Logger, o LogOptions) Interceptor {
	log := &logging{to: l, options: o}
	return Interceptor{Unary: log.unary, Stream: log.stream}
}

type logging struct {
	to      *slog.Logger
	options LogOptions
}

func (l *logging) unary(ctx context.Context, method string, args, reply any, cc *grpc.ClientConn,
	invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if l.options.Level == Off {
		return invoke(ctx, method, args, reply, cc, opts...)
	}
	start := time.Now()
	err := invoke(ctx, method, args, reply, cc, opts...)
	l.end(ctx, "unary", method, start, err)
	return err
}

func (l *logging) stream(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string,
	open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	if l.options.Level == Off {
		return open(ctx, desc, cc, method, opts...)
	}
	start := time.Now()
	// A stream that does not open may be told of twice, by OnFinish and here.
	var ended atomic.Bool
	end := func(err error) {
		if !ended.Swap(true) {
			l.end(ctx, "stream", method, start, err)
		}
	}
	s, err := open(ctx, desc, cc, method, first(grpc.OnFinish(end), opts)...)
	if err != nil {
		end(err)
	}
	return s, err
}

func (l *logging) end(ctx context.Context, kind, method string, start time.Time, err error) {
	if err == nil && l.options.Level < Calls {
		return
	}
	level := slog.LevelInfo
	if err != nil && ctx.Err() != context.Canceled {
		level = slog.LevelWarn
	}
	if !l.to.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", method),
		slog.String("kind", kind),
		slog.String("code", codeName(status.Code(err))),
		slog.Duration("duration", time.Since(start)),
	}
	if err != nil {
		// A string, not the error: the handler escapes it, and it cannot bring
		// its own way to be logged.
		attrs = append(attrs, slog.String("error", cut(text(err))))
	}
	if l.options.Attrs != nil {
		attrs = append(attrs, l.options.Attrs(ctx, err)...)
	}
	l.to.LogAttrs(ctx, level, "call", attrs...)
}

// text is the status's message, without the code that has its own attribute.
func text(err error) string {
	if st, ok := status.FromError(err); ok {
		return st.Message()
	}
	return err.Error()
}

func cut(s string) string {
	if len(s) <= maxErrorText {
		return s
	}
	return strings.ToValidUTF8(s[:maxErrorText], "") + "…"
}

// codeName is the code as gRPC writes it, such as NOT_FOUND.
func codeName(c codes.Code) string {
	if c == codes.OK {
		return "OK"
	}
	if c == codes.Canceled {
		return "CANCELLED" // Go has its own spelling
	}
	var b strings.Builder
	for i, r := range c.String() {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToUpper(b.String())
}

// first is opts behind one more. Options of a call win over those before them.
func first(opt grpc.CallOption, opts []grpc.CallOption) []grpc.CallOption {
	return append(append(make([]grpc.CallOption, 0, 1+len(opts)), opt), opts...)
}
