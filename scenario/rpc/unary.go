package rpc

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

// getUser calls UserService.GetUser. Request and reply are reused: nothing is
// allocated here per call.
type getUser struct {
	*shared
	request userpb.GetUserRequest
	reply   userpb.GetUserResponse
}

func newGetUser(s *shared) *getUser {
	return &getUser{shared: s}
}

func (d *getUser) Do(ctx context.Context, conn grpc.ClientConnInterface, call *Call) error {
	d.request.UserId, d.request.Payload, d.request.ResponseBytes = d.user(call), d.shared.request(call, 0), d.response(call, 0)
	return invoke(d.context(ctx, call), conn, userpb.UserService_GetUser_FullMethodName, call, &d.request, &d.reply)
}

// createUser calls UserService.CreateUser.
type createUser struct {
	*shared
	request userpb.CreateUserRequest
	reply   userpb.CreateUserResponse
}

func newCreateUser(s *shared) *createUser {
	d := &createUser{shared: s}
	d.request.User = newUser(s)
	return d
}

func (d *createUser) Do(ctx context.Context, conn grpc.ClientConnInterface, call *Call) error {
	setUser(d.request.User, d.user(call))
	d.request.User.Payload, d.request.ResponseBytes = d.shared.request(call, 0), d.response(call, 0)
	return invoke(d.keyedContext(ctx, call), conn, userpb.UserService_CreateUser_FullMethodName, call, &d.request, &d.reply)
}

// invoke makes a unary call.
func invoke(ctx context.Context, conn grpc.ClientConnInterface, method string, call *Call, request, reply proto.Message) error {
	if err := conn.Invoke(ctx, method, request, reply); err != nil {
		return err
	}
	call.answered(reply)
	return nil
}

// newUser is a user to be created, with the payload of the spec.
func newUser(s *shared) *userpb.User {
	return &userpb.User{Email: "user@example.com", FullName: "Example User", Payload: s.payload}
}

func setUser(u *userpb.User, id string) { u.Id, u.Username = id, id }
