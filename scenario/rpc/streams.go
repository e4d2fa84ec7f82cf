package rpc

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

// listUsers calls UserService.ListUsers and reads the stream to its end.
type listUsers struct{ *shared }

func (d *listUsers) Do(ctx context.Context, conn grpc.ClientConnInterface, call *Call) error {
	stream, err := userpb.NewUserServiceClient(conn).ListUsers(d.context(ctx, call), &userpb.ListUsersRequest{
		UserId: d.user(call), Messages: int32(d.Messages), ResponseBytes: int32(d.ResponseBytes), Payload: d.payload,
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
	request := userpb.BatchCreateUsersRequest{User: newUser(d.shared), ResponseBytes: int32(d.ResponseBytes)}
	for i := range d.Messages {
		setUser(request.User, d.users[(call.Seed+uint64(i))%userCount])
		if err := stream.Send(&request); err != nil {
			if errors.Is(err, io.EOF) {
				break // the stream has ended: CloseAndRecv has its status
			}
			return err
		}
	}
	reply, err := stream.CloseAndRecv()
	if err != nil {
		return err
	}
	call.First = time.Now()
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
	request := userpb.SyncUsersRequest{UserId: d.user(call), ResponseBytes: int32(d.ResponseBytes), Payload: d.payload}
	var last time.Time
	for i := range d.Messages {
		// A Send on an ended stream says io.EOF; Recv has the status.
		if err := stream.Send(&request); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if _, err := stream.Recv(); errors.Is(err, io.EOF) {
			return complete(i, d.Messages)
		} else if err != nil {
			return err
		}
		call.received(&last)
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return readAll(stream, 0, call, last)
}

// readAll reads a stream to its end and wants exactly n more messages of it;
// last is when the one before them came.
func readAll[M any](stream interface{ Recv() (*M, error) }, n int, call *Call, last time.Time) error {
	for got := 0; ; got++ {
		_, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return complete(got, n)
		}
		if err != nil {
			return err
		}
		call.received(&last)
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
