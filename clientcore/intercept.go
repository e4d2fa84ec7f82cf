package clientcore

import (
	"log/slog"
	"maps"
	"slices"

	"github.com/grpcbench/grpcbench/clientcore/interceptor"
)

// intercept puts interceptors around the Client's calls: those given to New
// outermost, then the log, then the metadata.
func (c *Client) intercept(cfg Config, o options) error {
	unary, stream := o.unary, o.stream
	add := func(i interceptor.Interceptor) {
		unary = append(slices.Clip(unary), i.Unary)
		stream = append(slices.Clip(stream), i.Stream)
	}
	level, err := interceptor.ParseLevel(cfg.Log)
	if err != nil {
		return err
	}
	if level != interceptor.Off {
		logger := o.logger
		if logger == nil {
			logger = slog.Default()
		}
		add(interceptor.Logging(logger, interceptor.LogOptions{Level: level}))
	}
	if len(cfg.Metadata) > 0 {
		var kv []string
		for _, key := range slices.Sorted(maps.Keys(cfg.Metadata)) {
			kv = append(kv, key, cfg.Metadata[key])
		}
		md, err := interceptor.Metadata(kv...)
		if err != nil {
			return err
		}
		add(md)
	}
	if len(unary) > 0 {
		c.unary = interceptor.Unary(c.invoke, unary...)
	}
	if len(stream) > 0 {
		c.stream = interceptor.Stream(c.newStream, stream...)
	}
	return nil
}
