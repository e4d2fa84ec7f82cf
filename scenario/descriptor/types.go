package descriptor

import (
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

// Types finds message types and extensions: the set's own first, then those
// that grpcbench is linked with, such as google.protobuf.Duration and
// google.rpc.ErrorInfo in an Any. It serves several goroutines at once.
type Types struct{ own *dynamicpb.Types }

// first is what one of two lookups finds.
func first[T any](found T, err error, otherwise func() (T, error)) (T, error) {
	if err == nil {
		return found, nil
	}
	return otherwise()
}

// FindMessageByName implements protoregistry.MessageTypeResolver.
func (t *Types) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	found, err := t.own.FindMessageByName(name)
	return first(found, err, func() (protoreflect.MessageType, error) {
		return protoregistry.GlobalTypes.FindMessageByName(name)
	})
}

// FindMessageByURL implements protoregistry.MessageTypeResolver.
func (t *Types) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	found, err := t.own.FindMessageByURL(url)
	return first(found, err, func() (protoreflect.MessageType, error) {
		return protoregistry.GlobalTypes.FindMessageByURL(url)
	})
}

// FindExtensionByName implements protoregistry.ExtensionTypeResolver.
func (t *Types) FindExtensionByName(name protoreflect.FullName) (protoreflect.ExtensionType, error) {
	found, err := t.own.FindExtensionByName(name)
	return first(found, err, func() (protoreflect.ExtensionType, error) {
		return protoregistry.GlobalTypes.FindExtensionByName(name)
	})
}

// FindExtensionByNumber implements protoregistry.ExtensionTypeResolver.
func (t *Types) FindExtensionByNumber(message protoreflect.FullName, field protoreflect.FieldNumber) (protoreflect.ExtensionType, error) {
	found, err := t.own.FindExtensionByNumber(message, field)
	return first(found, err, func() (protoreflect.ExtensionType, error) {
		return protoregistry.GlobalTypes.FindExtensionByNumber(message, field)
	})
}
