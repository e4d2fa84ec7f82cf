package clientcore

import (
	"fmt"

	"google.golang.org/grpc/codes"
)

// Explain is what a status code says, as a sentence for people. For an error,
// use Explain(status.Code(err)).
func Explain(code codes.Code) string {
	switch code {
	case codes.OK:
		return "The call succeeded."
	case codes.Canceled:
		return "The caller gave the call up, or the client was closed."
	case codes.Unknown:
		return "The server failed in a way that it did not name."
	case codes.InvalidArgument:
		return "The request is not valid, whatever the state of the server."
	case codes.DeadlineExceeded:
		return "The time for the call ran out before it was done; it may have taken effect all the same."
	case codes.NotFound:
		return "What the request names does not exist."
	case codes.AlreadyExists:
		return "What the request would create exists already."
	case codes.PermissionDenied:
		return "The caller is known, and may not do this."
	case codes.ResourceExhausted:
		return "Something is used up: a quota, the server's queue, or the allowed size of a message."
	case codes.FailedPrecondition:
		return "The server is not in the state that the request needs; repeating it does not help until that is put right."
	case codes.Aborted:
		return "The request ran into another one, as two transactions do; the whole sequence may be tried again."
	case codes.OutOfRange:
		return "The request reaches past the end of what there is."
	case codes.Unimplemented:
		return "The server does not have this method."
	case codes.Internal:
		return "The server, or the connection to it, broke a rule that it relies on."
	case codes.Unavailable:
		return "The server could not be reached, or does not take calls now; trying again later may help."
	case codes.DataLoss:
		return "Data is lost or damaged for good."
	case codes.Unauthenticated:
		return "The caller did not prove who it is."
	}
	return fmt.Sprintf("The server answered with the number %d, which is no code of gRPC.", uint32(code))
}
