// Package cause tells apart errors to which grpc-go gives the same code. Where
// they have no other mark it goes by grpc-go's own texts, which a test holds against
// the version in use.
package cause

import (
	"errors"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Client reports whether err was made by this process because the call cannot
// be done as asked: a message that cannot be encoded, is too large, or a
// compression that is not there. Another attempt would end the same way.
func Client(err error) bool {
	st, ok := status.FromError(err)
	if !ok {
		return false
	}
	switch st.Code() {
	case codes.Internal, codes.ResourceExhausted, codes.InvalidArgument:
		return hasPrefix(st.Message(),
			"trying to send message larger than max",
			"grpc: message too large",
			"grpc: error while marshaling",
			"grpc: error while compressing",
			"grpc: Compressor is not installed",
			"grpc: received message larger than max",
			"grpc: message after decompression larger than max",
			"grpc: received message after decompression larger than max",
			"grpc: failed to unmarshal the received message",
			"grpc: Decompressor is not installed",
			"no codec registered for content-subtype",
			"header key ",
			"header list size to send violates the maximum size",
		)
	}
	return false
}

// Dropped reports whether a balancer ended the attempt on purpose: the error says so
// itself, see balance.DroppedError.
func Dropped(err error) bool {
	var own interface{ Dropped() bool }
	return errors.As(err, &own) && own.Dropped()
}

// ConnectionLost reports whether err says that a connection broke under the
// call: the server did not choose its code.
func ConnectionLost(err error) bool {
	st, ok := status.FromError(err)
	return ok && st.Code() == codes.Unavailable && hasPrefix(st.Message(),
		"connection error: desc = ",
		"closing transport due to: ",
		"error reading from server: ",
		"the connection is draining",
		"the stream is rejected because server is draining the connection",
	)
}

func hasPrefix(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}
