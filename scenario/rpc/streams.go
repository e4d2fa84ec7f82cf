package rpc

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

// listUsers calls UserService.ListUsers and reads the stream to its end.
type listUsers struct{ *shared }

func (d *listUsers) Do(ctx context.Context, conn grpc.ClientConnInterface, call *Call) error {
	stream, err := userpb.NewUserServiceClient(conn).ListUsers(d.context(ctx, call), &userpb.ListUsersRequest{
		UserId: d.user(call), Messages: int32(d.Messages), ResponseBytes: d.response(call, 0), Payload: d.request(call, 0),
	})
	if err != nil {
		return err
	}
	return readAll(stream, d.Messages, call, time.Time{})
}

// batchCreateUsers calls UserService.BatchCreateUsers with all its messages.
type batchCreateUsers struct{ *shared }

func (d *batchCreateUsers) Do(ctx context.Context, conn grpc.ClientConnInterface, call *Call) error {
	stream, err := userpb.NewUserServiceClient(conn).BatchCreateUsers(d.keyedContext(ctx, call))
	if err != nil {
		return err
	}
	request := userpb.BatchCreateUsersRequest{User: newUser(d.shared), ResponseBytes: d.response(call, 0)}
	pace := d.pace(call)
	for i := range d.Messages {
		// A stream that ended early wakes it; CloseAndRecv then has the status.
		if d.Every > 0 && pace.wait(stream.Context(), i) != nil {
			break
		}
		setUser(request.User, d.name(d.User(call.Seed+uint64(i))))
		request.User.Payload = d.shared.request(call, i)
		if err := stream.Send(&request); err != nil {
			if errors.Is(err, io.EOF) {
				break // the stream has ended: CloseAndRecv has its status
			}
			return err
		}
		pace.sent()
	}
	reply, err := stream.CloseAndRecv()
	if err != nil {
		return err
	}
	call.First = time.Now()
	call.answered(reply)
	return complete(int(reply.GetCreated()), d.Messages)
}

// syncUsers calls UserService.SyncUsers: each message is answered before the
// next is sent.
type syncUsers struct{ *shared }

func (d *syncUsers) Do(ctx context.Context, conn grpc.ClientConnInterface, call *Call) error {
	stream, err := userpb.NewUserServiceClient(conn).SyncUsers(d.keyedContext(ctx, call))
	if err != nil {
		return err
	}
	if d.Every > 0 {
		return d.paced(stream, call)
	}
	request := userpb.SyncUsersRequest{UserId: d.user(call)}
	var last time.Time
	for i := range d.Messages {
		request.Payload, request.ResponseBytes = d.shared.request(call, i), d.response(call, i)
		// A Send on an ended stream says io.EOF; Recv has the status.
		if err := stream.Send(&request); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		reply, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return complete(i, d.Messages)
		} else if err != nil {
			return err
		}
		call.received(&last)
		call.answered(reply)
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return readAll(stream, 0, call, last)
}

// paced sends each message when it is due, answered or not: a slow answer is
// measured and does not hold up the next message.
func (d *syncUsers) paced(stream grpc.BidiStreamingClient[userpb.SyncUsersRequest, userpb.SyncUsersResponse], call *Call) error {
	// The sender stops when the answers do.
	ctx, cancel := context.WithCancel(stream.Context())
	sent := make(chan struct{})
	defer func() { cancel(); <-sent }()
	go func() {
		defer close(sent)
		request := userpb.SyncUsersRequest{UserId: d.user(call)}
		pace := d.pace(call)
		for i := range d.Messages {
			if pace.wait(ctx, i) != nil {
				return
			}
			request.Payload, request.ResponseBytes = d.shared.request(call, i), d.response(call, i)
			if stream.Send(&request) != nil {
				return // the stream has ended, or cannot go on: Recv has the status
			}
			pace.sent()
		}
		_ = stream.CloseSend()
	}()
	var last time.Time
	for i := 0; ; i++ {
		reply, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return complete(i, d.Messages)
		}
		if err != nil {
			return err
		}
		call.received(&last)
		call.answered(reply)
		call.Responses = append(call.Responses, last.Sub(d.due(call, i)))
	}
}

// readAll reads a stream to its end and wants exactly n more messages of it;
// last is when the one before them came.
func readAll[M proto.Message](stream interface{ Recv() (M, error) }, n int, call *Call, last time.Time) error {
	for got := 0; ; got++ {
		reply, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return complete(got, n)
		}
		if err != nil {
			return err
		}
		call.received(&last)
		call.answered(reply)
	}
}

// complete turns a stream that ended OK with the wrong number of messages into
// a failed call.
func complete(got, want int) error {
	if got == want {
		return nil
	}
	return status.Errorf(codes.DataLoss, "stream ended OK after %d messages, not %d", got, want)
}
