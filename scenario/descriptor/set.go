package descriptor

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

// Set is the methods and message types that a source has. It does not change.
type Set struct {
	origin   string // "the server's reflection", "pay.binpb": for messages
	services map[string]protoreflect.ServiceDescriptor
	// broken is services that the source names and cannot describe.
	broken map[string]error
	types  *Types
	// missing is the files that others import and the source does not have.
	missing map[string]missing
}

// missing is where an import leads to nothing.
type missing struct{ by, why string }

// newSet is a set of all services of the files.
func newSet(origin string, files *protoregistry.Files, lost map[string]missing) *Set {
	s := &Set{
		origin: origin, services: map[string]protoreflect.ServiceDescriptor{}, broken: map[string]error{},
		types: &Types{own: dynamicpb.NewTypes(files)}, missing: lost,
	}
	files.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			service := f.Services().Get(i)
			s.services[string(service.FullName())] = service
		}
		return true
	})
	return s
}

// Services lists the services, sorted by name. One that the source names and
// cannot describe is not among them: see Broken.
func (s *Set) Services() []protoreflect.ServiceDescriptor {
	var all []protoreflect.ServiceDescriptor
	for _, name := range s.names() {
		if service := s.services[name]; service != nil {
			all = append(all, service)
		}
	}
	return all
}

// Broken is the services that the source names and cannot describe, each with
// the reason.
func (s *Set) Broken() map[string]error { return s.broken }

// names lists the services, those that cannot be described too, sorted.
func (s *Set) names() []string {
	var all []string
	for name := range s.services {
		all = append(all, name)
	}
	for name := range s.broken {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// Resolver finds message types, for google.protobuf.Any, and extensions.
func (s *Set) Resolver() *Types { return s.types }

// Method finds a method by its full name: pay.v1.Payments/Charge, also written
// with a leading slash or, as grpcurl has it, with a dot. The error says what
// there is.
func (s *Set) Method(name string) (protoreflect.MethodDescriptor, error) {
	serviceName, methodName, err := s.split(name)
	if err != nil {
		return nil, err
	}
	if err := s.broken[serviceName]; err != nil {
		return nil, fmt.Errorf("%s cannot be described: %w", serviceName, err)
	}
	service := s.services[serviceName]
	if service == nil {
		return nil, fmt.Errorf("no service %q in %s%s", serviceName, s.origin, hint(serviceName, s.called(), "services"))
	}
	method := service.Methods().ByName(protoreflect.Name(methodName))
	if method == nil {
		var names []string
		for i := range service.Methods().Len() {
			names = append(names, string(service.Methods().Get(i).Name()))
		}
		return nil, fmt.Errorf("no method %q in %s%s", methodName, serviceName, hint(methodName, names, "methods"))
	}
	for _, message := range []protoreflect.MessageDescriptor{method.Input(), method.Output()} {
		if err := s.complete(message); err != nil {
			return nil, fmt.Errorf("%s cannot be called: %w", FullName(method), err)
		}
	}
	return method, nil
}

// FullName is the method as a scenario names it: pay.v1.Payments/Charge.
func FullName(m protoreflect.MethodDescriptor) string {
	return string(m.Parent().FullName()) + "/" + string(m.Name())
}

// called is the services that a load would call: not those that gRPC servers
// have beside their own.
func (s *Set) called() []string {
	own := slices.DeleteFunc(s.names(), func(name string) bool { return strings.HasPrefix(name, "grpc.reflection.") })
	if len(own) == 0 {
		return s.names()
	}
	return own
}

// split takes a method's name apart.
func (s *Set) split(name string) (service, method string, err error) {
	name = strings.TrimPrefix(name, "/")
	at := strings.LastIndexByte(name, '/')
	if at < 0 {
		at = strings.LastIndexByte(name, '.')
	}
	if at <= 0 || at == len(name)-1 {
		return "", "", fmt.Errorf("must be a method's full name, such as %s (got %q)", s.example(), name)
	}
	return name[:at], name[at+1:], nil
}

// example is a method that there is.
func (s *Set) example() string {
	for _, name := range s.called() {
		if service := s.services[name]; service != nil && service.Methods().Len() > 0 {
			return FullName(service.Methods().Get(0))
		}
	}
	return "pkg.Service/Method"
}

// mostNames is how many names a message lists.
const mostNames = 12

// hint is what the name may have been meant to be, or what there is.
func hint(name string, among []string, what string) string {
	if near := nearest(name, among); near != "" {
		return fmt.Sprintf(", did you mean %s?", near)
	}
	if len(among) == 0 {
		return fmt.Sprintf(", which has no %s", what)
	}
	more := ""
	if len(among) > mostNames {
		more = fmt.Sprintf(" and %d more", len(among)-mostNames)
		among = among[:mostNames]
	}
	return fmt.Sprintf(": there are %s%s", strings.Join(among, ", "), more)
}

// nearest is the name that was probably meant. A service named without its
// package is the one that has that name, if only one has.
func nearest(name string, among []string) string {
	last := func(s string) string { return s[strings.LastIndexByte(s, '.')+1:] }
	var same []string
	for _, candidate := range among {
		if strings.EqualFold(last(candidate), last(name)) {
			same = append(same, candidate)
		}
	}
	if len(same) == 1 {
		return same[0]
	}
	return strict.Suggest(name, among)
}

// complete finds a type, anywhere below a message, that nothing describes.
func (s *Set) complete(message protoreflect.MessageDescriptor) error {
	seen := map[protoreflect.FullName]bool{}
	var walk func(protoreflect.MessageDescriptor, string) error
	walk = func(m protoreflect.MessageDescriptor, at string) error {
		if m.IsPlaceholder() {
			return s.undescribed(m, at)
		}
		if seen[m.FullName()] {
			return nil
		}
		seen[m.FullName()] = true
		for i := range m.Fields().Len() {
			f := m.Fields().Get(i)
			at := string(f.FullName())
			if e := f.Enum(); e != nil && e.IsPlaceholder() {
				return s.undescribed(e, at)
			}
			if inner := f.Message(); inner != nil {
				if err := walk(inner, at); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return walk(message, "")
}

// undescribed is the error about a type that nothing describes.
func (s *Set) undescribed(d protoreflect.Descriptor, at string) error {
	of := ""
	if at != "" {
		of = " of the field " + at
	}
	name := strings.TrimPrefix(string(d.FullName()), "*.")
	for _, file := range slices.Sorted(maps.Keys(s.missing)) {
		lost := s.missing[file]
		return fmt.Errorf("the type %s%s is not described: %s imports %s, which %s", name, of, lost.by, file, lost.why)
	}
	return fmt.Errorf("the type %s%s is not described in %s", name, of, s.origin)
}
