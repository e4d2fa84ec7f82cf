package rpc

import "github.com/grpcbench/grpcbench/fakeserver/userpb"

type kind struct {
	method string
	driver func(*shared) Driver
}

// kinds lists the methods that can be called. A new one is one line here.
func kinds() []kind {
	return []kind{
		{userpb.UserService_CreateUser_FullMethodName[1:], func(s *shared) Driver { return newCreateUser(s) }},
		{userpb.UserService_GetUser_FullMethodName[1:], func(s *shared) Driver { return newGetUser(s) }},
		{userpb.UserService_ListUsers_FullMethodName[1:], func(s *shared) Driver { return &listUsers{shared: s} }},
		{userpb.UserService_BatchCreateUsers_FullMethodName[1:], func(s *shared) Driver { return &batchCreateUsers{shared: s} }},
		{userpb.UserService_SyncUsers_FullMethodName[1:], func(s *shared) Driver { return &syncUsers{shared: s} }},
	}
}
