package fault

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// Detail is the choice of a detail of a status: exactly one field is set.
type Detail struct {
	RetryInfo *RetryInfo  `yaml:"retry_info" json:",omitempty" doc:"google.rpc.RetryInfo: when to retry" example:"{retry_info: 1s}"`
	ErrorInfo *ErrorInfo  `yaml:"error_info" json:",omitempty" doc:"google.rpc.ErrorInfo: the cause, for machines" example:"{error_info: {reason: QUOTA_EXCEEDED, domain: example.com}}"`
	Message   *JSONDetail `yaml:"message" json:",omitempty" doc:"any message of google.rpc, as JSON" example:"{message: {type: google.rpc.DebugInfo, json: '{\"detail\":\"x\"}'}}"`
	Raw       *RawDetail  `yaml:"raw" json:",omitempty" doc:"any message at all, in base64" example:"{raw: {type: example.v1.Reason, base64: CAE=}}"`
}

// RetryInfo is google.rpc.RetryInfo.
type RetryInfo struct {
	Delay time.Duration `yaml:",value" doc:"how long to wait before a retry"`
}

// ErrorInfo is google.rpc.ErrorInfo.
type ErrorInfo struct {
	Reason   string            `yaml:"reason" doc:"the cause, in upper case: QUOTA_EXCEEDED"`
	Domain   string            `yaml:"domain" doc:"what the cause is one of, such as a service's name"`
	Metadata map[string]string `yaml:"metadata" doc:"more about it"`
}

// JSONDetail is a message of a type that this program knows.
type JSONDetail struct {
	Type string `yaml:"type" doc:"name of the message, such as google.rpc.BadRequest"`
	JSON string `yaml:"json" doc:"the message as protobuf's JSON; an empty one when left out"`
}

// RawDetail is a message of any type.
type RawDetail struct {
	Type   string `yaml:"type" doc:"name of the message, such as example.v1.Reason"`
	Base64 string `yaml:"base64" doc:"the message in base64; an empty one when left out"`
}

// typePrefix comes before a message's name in the URL of its type.
const typePrefix = "type.googleapis.com/"

// encoder is what each kind of detail is.
type encoder interface {
	encode() (*anypb.Any, error)
}

func (d *RetryInfo) encode() (*anypb.Any, error) {
	if d.Delay < 0 {
		return nil, field.New("", "must be >= 0 (got %v)", d.Delay)
	}
	return anypb.New(&errdetails.RetryInfo{RetryDelay: durationpb.New(d.Delay)})
}

func (d *ErrorInfo) encode() (*anypb.Any, error) {
	if d.Reason == "" {
		return nil, field.New("reason", "must be given, such as QUOTA_EXCEEDED")
	}
	return anypb.New(&errdetails.ErrorInfo{Reason: d.Reason, Domain: d.Domain, Metadata: d.Metadata})
}

func (d *JSONDetail) encode() (*anypb.Any, error) {
	t, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(d.Type))
	if err != nil {
		return nil, field.New("type", "must be a message of google.rpc, such as google.rpc.BadRequest (got %q): others can be given raw", d.Type)
	}
	m := t.New().Interface()
	if d.JSON != "" {
		if err := protojson.Unmarshal([]byte(d.JSON), m); err != nil {
			// Protobuf puts one sort of space or the other behind this, on purpose.
			why := strings.TrimLeft(strings.TrimPrefix(err.Error(), "proto:"), " \u00a0")
			return nil, field.New("json", "must be a %s as JSON: %s", d.Type, why)
		}
	}
	return anypb.New(m)
}

func (d *RawDetail) encode() (*anypb.Any, error) {
	if !protoreflect.FullName(d.Type).IsValid() {
		return nil, field.New("type", "must be the name of a message, such as example.v1.Reason (got %q)", d.Type)
	}
	value, err := base64.StdEncoding.DecodeString(d.Base64)
	if err != nil {
		return nil, field.New("base64", "must be base64: %v", err)
	}
	return &anypb.Any{TypeUrl: typePrefix + d.Type, Value: value}, nil
}

// chosen is the kind that is set and its name; the number of those set is 1
// in a valid Detail.
func (d Detail) chosen() (name string, e encoder, set int) {
	for f, v := range reflect.ValueOf(d).Fields() {
		if !v.IsNil() {
			name, _, _ = strings.Cut(f.Tag.Get("yaml"), ",")
			e = v.Interface().(encoder)
			set++
		}
	}
	return name, e, set
}

func (d Detail) encode() (*anypb.Any, error) {
	_, e, set := d.chosen()
	if set != 1 {
		return nil, fmt.Errorf("must be one detail (got %d)", set)
	}
	return e.encode()
}

func (d Detail) validate() error {
	name, e, set := d.chosen()
	if set != 1 {
		return field.New("", "must be one detail (got %d)", set)
	}
	_, err := e.encode()
	return field.Under(name, err)
}
