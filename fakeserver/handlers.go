package fakeserver

import (
	"context"
	"errors"
	"io"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

// payload returns the payload that a request asks for.
func (s *service) payload(size int32) ([]byte, error) {
	if size < 0 || size > maxMessage {
		return nil, status.Errorf(codes.InvalidArgument, "response_bytes must be from 0 to %d (got %d)", maxMessage, size)
	}
	return s.payloads.of(int(size)), nil
}

func (s *service) createUser(ctx context.Context, c call, in *userpb.CreateUserRequest) (any, error) {
	payload, err := s.payload(in.GetResponseBytes())
	if err != nil {
		return nil, err
	}
	if err := s.serve(ctx, c); err != nil {
		return nil, err
	}
	return &userpb.CreateUserResponse{User: s.users.stored(in.GetUser(), payload)}, nil
}

func (s *service) getUser(ctx context.Context, c call, in *userpb.GetUserRequest) (any, error) {
	payload, err := s.payload(in.GetResponseBytes())
	if err != nil {
		return nil, err
	}
	if err := s.serve(ctx, c); err != nil {
		return nil, err
	}
	return &userpb.GetUserResponse{User: s.users.user(in.GetUserId(), payload)}, nil
}

func (s *service) listUsers(c call, ss grpc.ServerStream) error {
	in := new(userpb.ListUsersRequest)
	if err := ss.RecvMsg(in); err != nil {
		return err
	}
	payload, err := s.payload(in.GetResponseBytes())
	if err != nil {
		return err
	}
	if in.GetMessages() < 0 {
		return status.Errorf(codes.InvalidArgument, "messages must be >= 0 (got %d)", in.GetMessages())
	}
	if err := s.serve(ss.Context(), c); err != nil {
		return err
	}
	out := new(userpb.ListUsersResponse)
	gap := s.times[c.method].gap
	for i := range int(in.GetMessages()) {
		if i > 0 {
			if err := s.pause(ss.Context(), gap); err != nil {
				return err
			}
		}
		if err := s.message(ss.Context(), c, i+1); err != nil {
			return err
		}
		out.User = s.users.user(in.GetUserId()+"-"+strconv.Itoa(i+1), payload)
		if err := ss.SendMsg(out); err != nil {
			return err
		}
	}
	return nil
}

func (s *service) batchCreateUsers(c call, ss grpc.ServerStream) error {
	out := new(userpb.BatchCreateUsersResponse)
	for {
		in := new(userpb.BatchCreateUsersRequest)
		err := ss.RecvMsg(in)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if out.Created == 0 {
			if out.Payload, err = s.payload(in.GetResponseBytes()); err != nil {
				return err
			}
		}
		out.Created++
		if err := s.message(ss.Context(), c, int(out.Created)); err != nil {
			return err
		}
	}
	if err := s.serve(ss.Context(), c); err != nil {
		return err
	}
	return ss.SendMsg(out)
}

func (s *service) syncUsers(c call, ss grpc.ServerStream) error {
	out := new(userpb.SyncUsersResponse)
	for n := 1; ; n++ {
		in := new(userpb.SyncUsersRequest)
		err := ss.RecvMsg(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		payload, err := s.payload(in.GetResponseBytes())
		if err != nil {
			return err
		}
		if n == 1 {
			if err := s.serve(ss.Context(), c); err != nil {
				return err
			}
		}
		if err := s.message(ss.Context(), c, n); err != nil {
			return err
		}
		out.User = s.users.user(in.GetUserId(), payload)
		if err := ss.SendMsg(out); err != nil {
			return err
		}
	}
}
