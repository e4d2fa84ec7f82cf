package run

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/clientyaml"
	"github.com/grpcbench/grpcbench/scenario/descriptor"
	"github.com/grpcbench/grpcbench/scenario/dial"
	"github.com/grpcbench/grpcbench/scenario/engine"
	"github.com/grpcbench/grpcbench/scenario/message"
	"github.com/grpcbench/grpcbench/scenario/rpc"
)

// describePatience is how long a server may take to say what methods it has.
const describePatience = 10 * time.Second

// Bind asks the targets of the plan for the descriptors that only they have, and
// checks what is to be sent to them: what is wrong is told before the first call.
// The error is strict.Errors, with places in the document, or ctx's. A plan that
// needs no target is left as it is.
func Bind(ctx context.Context, plan *scenario.Plan, deps Deps) error {
	type answer struct {
		set *descriptor.Set
		err error
	}
	known := map[string]answer{} // by how the target is asked
	err := plan.Bind(func(s *scenario.Scenario) (*descriptor.Set, error) {
		way := fmt.Sprintf("%q %q %+v %q %+v", s.Target, s.Client.Authority, s.Client.TLS, s.Client.Metadata, s.Descriptors.Reflection)
		if s.Client.TLS != nil {
			way += fmt.Sprintf(" %+v", *s.Client.TLS)
		}
		a, asked := known[way]
		if !asked {
			a.set, a.err = describeTarget(ctx, s, deps)
			known[way] = a
		}
		return a.set, a.err
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// describeTarget asks one target, as the client under test connects to it and with
// its metadata, but for its policies.
func describeTarget(ctx context.Context, s *scenario.Scenario, deps Deps) (*descriptor.Set, error) {
	ctx, cancel := context.WithTimeout(ctx, describePatience)
	defer cancel()
	target, resolvers, err := s.DialTarget()
	if err != nil {
		return nil, err
	}
	cfg, _, err := clientyaml.Reveal(s.Client.Config)
	if err != nil {
		return nil, fmt.Errorf("client.%w", err)
	}
	conn, err := dial.Open(ctx, dial.Config{
		Target: s.Target, Dial: target, Resolvers: resolvers, TLS: s.Client.TLS, Authority: s.Client.Authority, Connect: deps.Dial,
	})
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	for key, value := range cfg.Metadata {
		ctx = metadata.AppendToOutgoingContext(ctx, key, value)
	}
	return s.Descriptors.Load(ctx, conn)
}

// own is what calls of a method of the user's own send. The secrets in it join
// those that nobody is to see.
func (t *trial) own(s *scenario.Scenario, l *scenario.Load) (*rpc.Own, error) {
	o := l.Own()
	if o == nil {
		return nil, nil
	}
	values, secrets, err := o.Metadata()
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", l.Name, err)
	}
	t.clients.secrets = append(t.clients.secrets, secrets...)
	out := &rpc.Own{
		Method: o.Method, Messages: o.Messages, Metadata: values, Answers: l.Answers, ShowsFields: s.ShowsFields(),
	}
	if o.Feed != nil {
		out.Row = rows(o.Feed, l.Feed.Order)
	}
	return out, nil
}

// rows finds the row of a call. Where each is used once, the warm-up begins at the
// end of the file.
func rows(feed *message.Feed, order message.Order) func(*rpc.Call) message.Row {
	last := uint64(feed.Len() - 1)
	return func(call *rpc.Call) message.Row {
		number := call.Number
		if order == message.Once && call.Warmup {
			number = last - min(number, last)
		}
		row, _ := feed.Row(order, number, call.Seed)
		return row
	}
}

// mostCalls is the most calls that an entry makes in a phase, 0 without a limit.
func mostCalls(l *scenario.Load) uint64 {
	if o := l.Own(); o != nil && o.Feed != nil && l.Feed.Order == message.Once {
		return uint64(o.Feed.Len())
	}
	return 0
}

// preparing is a caller whose driver makes ready what it sends.
type preparing struct {
	*caller
	driver rpc.Preparer
}

// Prepare implements engine.Preparer.
func (p *preparing) Prepare(call *engine.Call) {
	c := &p.caller.call
	c.Seed, c.Number, c.Warmup = call.Seed, call.Number(), call.Warmup
	p.driver.Prepare(c)
}
