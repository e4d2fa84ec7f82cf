package fakeserver

import (
	"strings"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

// method is the number of a method of the user service.
type method int

// The methods, in the order of methods.
const (
	createUser method = iota
	getUser
	listUsers
	batchCreateUsers
	syncUsers

	methodCount
)

// methods are the full names, without the leading slash.
var methods = [methodCount]string{
	createUser:       userpb.UserService_CreateUser_FullMethodName[1:],
	getUser:          userpb.UserService_GetUser_FullMethodName[1:],
	listUsers:        userpb.UserService_ListUsers_FullMethodName[1:],
	batchCreateUsers: userpb.UserService_BatchCreateUsers_FullMethodName[1:],
	syncUsers:        userpb.UserService_SyncUsers_FullMethodName[1:],
}

// short is the name without the service.
func (m method) short() string {
	return methods[m][strings.LastIndexByte(methods[m], '/')+1:]
}

// kind is the kind of the method's calls.
func (m method) kind() fault.RPCKind {
	switch m {
	case listUsers:
		return fault.ServerStream
	case batchCreateUsers:
		return fault.ClientStream
	case syncUsers:
		return fault.BidiStream
	default:
		return fault.Unary
	}
}

// named reports whether the method has this name, with the service or without.
func (m method) named(name string) bool { return name == methods[m] || name == m.short() }

// findMethod finds a method by its name, GetUser or user.v1.UserService/GetUser.
func findMethod(name string) (method, bool) {
	for m := range methodCount {
		if m.named(name) {
			return m, true
		}
	}
	return 0, false
}

// methodNames lists the short names for an error message.
func methodNames() string {
	names := make([]string, methodCount)
	for m := range methodCount {
		names[m] = m.short()
	}
	return strings.Join(names, ", ")
}
