package hedge

import (
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/grpcbench/grpcbench/clientcore/internal/frame"
	"github.com/grpcbench/grpcbench/clientcore/internal/further"
)

// options is the call options of one call, taken apart: what every attempt has,
// and the targets that only the attempt which decides may write to.
type options struct {
	common    []grpc.CallOption
	headers   []*metadata.MD
	trailers  []*metadata.MD
	peers     []*peer.Peer
	finishers []func(error)
}

func newOptions(opts []grpc.CallOption, codec *frame.Codec) options {
	var o options
	opts, o.finishers = further.Split(opts)
	o.common = make([]grpc.CallOption, 0, len(opts)+1)
	for _, opt := range opts {
		switch opt := opt.(type) {
		case grpc.HeaderCallOption:
			o.headers = append(o.headers, opt.HeaderAddr)
		case grpc.TrailerCallOption:
			o.trailers = append(o.trailers, opt.TrailerAddr)
		case grpc.PeerCallOption:
			o.peers = append(o.peers, opt.PeerAddr)
		default:
			o.common = append(o.common, opt)
		}
	}
	o.common = append(o.common, grpc.ForceCodecV2(codec))
	return o
}

// attemptOptions is the targets of one attempt.
type attemptOptions struct {
	header  metadata.MD
	trailer metadata.MD // always asked for: it may have a pushback
	peer    peer.Peer
}

// with is the options of an attempt, whose targets are own, and more.
func (o *options) with(own *attemptOptions, more ...grpc.CallOption) []grpc.CallOption {
	all := make([]grpc.CallOption, 0, len(o.common)+3+len(more))
	all = append(append(all, o.common...), grpc.Trailer(&own.trailer))
	if o.headers != nil {
		all = append(all, grpc.Header(&own.header))
	}
	if o.peers != nil {
		all = append(all, grpc.Peer(&own.peer))
	}
	return append(all, more...)
}

// copy gives the caller what the attempt that decides has got. Its metadata are
// nobody else's.
func (o *options) copy(own *attemptOptions) {
	for _, to := range o.headers {
		*to = own.header
	}
	for _, to := range o.trailers {
		*to = own.trailer
	}
	for _, to := range o.peers {
		*to = own.peer
	}
}

func (o *options) finish(err error) {
	for _, finish := range o.finishers {
		finish(err)
	}
}
