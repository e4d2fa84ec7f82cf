package run

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario/engine"
	"github.com/grpcbench/grpcbench/scenario/expect"
	"github.com/grpcbench/grpcbench/scenario/rpc"
	"github.com/grpcbench/grpcbench/scenario/secret"
)

// caller joins one worker of the engine to a driver and the client under test.
type caller struct {
	clients *clients
	driver  rpc.Driver
	sendID  bool
	names   map[string]string // backend address → name; read only

	// trace is reused by unary calls. Of a stream, grpc-go may still be at
	// work when its caller has the end: each has a Trace of its own.
	trace  *clientcore.Trace
	stream bool
	call   rpc.Call
	// answer is what the call was answered with; nil where that is not judged.
	answer *expect.Answer

	// timeout is the client's for calls of the load entry; 0 is none.
	timeout time.Duration
	// phase is the context of the phase that cutoff or, of streams, traced is for.
	phase  context.Context
	cutoff *cutoff
	traced context.Context
}

func (c *caller) Call(ctx context.Context, call *engine.Call) {
	if c.stream || c.phase != ctx {
		c.follow(ctx)
	}
	within := c.traced
	if c.cutoff != nil {
		var deadline time.Time
		if c.timeout > 0 {
			deadline = call.Dispatch.Add(c.timeout)
		}
		within = c.cutoff.begin(deadline)
		defer c.cutoff.done()
	}
	c.trace.Reset()
	c.call.Seed, c.call.Due, c.call.First = call.Seed, call.Due, call.First
	c.call.Gaps, c.call.Responses, c.call.Lags = call.Gaps[:0], call.Responses[:0], call.Lags[:0]
	c.call.Number, c.call.Warmup = call.Number(), call.Warmup
	if c.sendID {
		c.call.ID = call.ID()
	}
	if c.answer != nil {
		c.answer.Reset()
	}
	err := c.driver.Do(within, c.clients.of(call), &c.call)
	if c.answer != nil {
		call.Done = time.Now() // judging it is no part of the call
	}

	c.trace.Close(err)
	call.Sent, call.First = c.trace.Sent, c.call.First
	call.Gaps, call.Responses, call.Lags = c.call.Gaps, c.call.Responses, c.call.Lags
	call.Picks = c.trace.Picks
	call.Code, call.Origin, call.Message = "OK", "", ""
	if err != nil {
		s := status.Convert(err)
		call.Code, call.Message = engine.CodeName(uint32(s.Code())), secret.Mask(s.Message(), c.clients.secrets)
		call.Origin = result.Origin(c.trace.Origin)
		var own interface{ Origin() string }
		if call.Origin == "" && errors.As(err, &own) {
			call.Origin = result.Origin(own.Origin()) // it was never sent
		}
		if call.Origin == "" {
			// The call ended well for the client, and the driver found fault
			// with what the server had sent.
			call.Origin = result.OriginServer
		}
	}
	if c.answer != nil {
		c.judge(call, status.Code(err))
	}
	for i, a := range c.trace.Attempts {
		// A hedge that runs beside the attempt before it is no backoff after it.
		if i > 0 && !a.Start.Before(c.trace.Attempts[i-1].End) {
			call.Attempts[i-1].DelayNS = int64(a.Delay)
		}
		call.Attempts = append(call.Attempts, result.Attempt{
			Backend:    c.name(a.Backend),
			Code:       engine.CodeName(uint32(a.Code)),
			StartNS:    int64(a.Start.Sub(call.Due)),
			DurationNS: int64(a.End.Sub(a.Start)),
		})
	}
}

// follow makes the trace, and what calls have their contexts from, for a phase.
func (c *caller) follow(phase context.Context) {
	c.phase, c.trace = phase, new(clientcore.Trace)
	if c.stream {
		c.traced = clientcore.WithTrace(phase, c.trace)
	} else {
		trace := c.trace
		c.cutoff = newCutoff(phase, func(call context.Context) context.Context { return clientcore.WithTrace(call, trace) })
	}
}

// judge makes of a call what its load entry expects. A call that was answered as
// that says has gone well: it counts as OK, whatever the code was. One that the
// server answered otherwise has failed: under the code it was answered with, or,
// where that is OK, DATA_LOSS, as a stream that ended before it should. What no
// server answered (a connection that broke, a deadline, an open breaker) stays what
// it is.
func (c *caller) judge(call *engine.Call, code codes.Code) {
	miss := c.answer.Miss(code)
	switch {
	case miss == "":
		call.Code, call.Origin, call.Message = "OK", "", ""
	case code == codes.OK:
		call.Code, call.Origin, call.Message = engine.CodeName(uint32(codes.DataLoss)), result.OriginExpectation, secret.Mask(miss, c.clients.secrets)
	case call.Origin == result.OriginServer && c.answer.ExpectsFailure():
		call.Origin, call.Message = result.OriginExpectation, secret.Mask(miss, c.clients.secrets)+": "+call.Message
	}
}

func (c *caller) name(address string) string {
	if name, ok := c.names[address]; ok {
		return name
	}
	return address
}
