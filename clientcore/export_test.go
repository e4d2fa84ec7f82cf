package clientcore

import "github.com/grpcbench/grpcbench/clientcore/pool"

// WithChannels makes channels by dial in place of grpc.NewClient.
func WithChannels(dial pool.Dial) Option { return func(o *options) { o.channels = dial } }
