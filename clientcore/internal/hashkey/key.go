package hashkey

import (
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// keyOf is the text of a request's field, or why there is none. The descriptor
// keeps its fields by name: a look-up is one map access.
func keyOf(request any, field string) (key, why string) {
	if field == "" {
		return "", "no field of the request is one"
	}
	message, ok := request.(protoreflect.ProtoMessage)
	if !ok {
		return "", fmt.Sprintf("the request is no protobuf message but %T", request)
	}
	m := message.ProtoReflect()
	fd := m.Descriptor().Fields().ByName(protoreflect.Name(field))
	if fd == nil {
		return "", fmt.Sprintf("%s has no field %s", m.Descriptor().FullName(), field)
	}
	if fd.IsList() || fd.IsMap() || fd.Message() != nil {
		return "", fmt.Sprintf("field %s of %s is no scalar", field, m.Descriptor().FullName())
	}
	if fd.HasPresence() && !m.Has(fd) {
		return "", fmt.Sprintf("field %s is not set", field)
	}
	if key = text(fd.Kind(), m.Get(fd)); key == "" {
		return "", fmt.Sprintf("field %s is empty", field)
	}
	return key, ""
}

// text is a scalar as text that metadata can carry: printable ASCII.
func text(kind protoreflect.Kind, v protoreflect.Value) string {
	switch kind {
	case protoreflect.StringKind:
		s := v.String()
		for i := range len(s) {
			// A space at an end would be lost on the wire.
			if s[i] <= ' ' || s[i] > '~' {
				return url.QueryEscape(s)
			}
		}
		return s
	case protoreflect.BytesKind:
		return hex.EncodeToString(v.Bytes())
	case protoreflect.EnumKind:
		return strconv.Itoa(int(v.Enum()))
	}
	return v.String()
}
