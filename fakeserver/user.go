package fakeserver

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

const (
	namePrefix   = "User "
	domainSuffix = "@example.com"
	// createdAt is when every user was created: 2024-01-01T00:00:00Z.
	createdAt = 1704067200
)

// users invents users: the same user for the same id, always.
type users struct {
	// created is shared by all answers. Marshalling only reads it.
	created *timestamppb.Timestamp
}

func newUsers() users {
	return users{created: &timestamppb.Timestamp{Seconds: createdAt}}
}

// user invents the user with an id. Its texts share one allocation.
func (u users) user(id string, payload []byte) *userpb.User {
	all := namePrefix + id + domainSuffix
	return &userpb.User{
		Id:        id,
		Username:  id,
		Email:     all[len(namePrefix):],
		FullName:  all[:len(namePrefix)+len(id)],
		CreatedAt: u.created,
		Payload:   payload,
	}
}

// stored is the user as it is after being created: what was given, and the
// rest invented.
func (u users) stored(given *userpb.User, payload []byte) *userpb.User {
	id := given.GetId()
	if id == "" {
		id = "new"
	}
	user := u.user(id, payload)
	if name := given.GetUsername(); name != "" {
		user.Username = name
	}
	if email := given.GetEmail(); email != "" {
		user.Email = email
	}
	if name := given.GetFullName(); name != "" {
		user.FullName = name
	}
	return user
}
