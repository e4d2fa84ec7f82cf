package rpc

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/hedge"
	"github.com/grpcbench/grpcbench/clientcore/retry"
	"github.com/grpcbench/grpcbench/scenario/message"
)

// echoFile is a service of all four kinds that nobody has generated code for.
func echoFile(t testing.TB) protoreflect.FileDescriptor {
	t.Helper()
	field := func(name string, number int32, kind descriptorpb.FieldDescriptorProto_Type) *descriptorpb.FieldDescriptorProto {
		return &descriptorpb.FieldDescriptorProto{Name: &name, Number: &number, Type: &kind,
			Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()}
	}
	method := func(name string, client, server bool) *descriptorpb.MethodDescriptorProto {
		return &descriptorpb.MethodDescriptorProto{Name: &name, InputType: proto.String(".echo.Ping"), OutputType: proto.String(".echo.Pong"),
			ClientStreaming: &client, ServerStreaming: &server}
	}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("echo.proto"), Package: proto.String("echo"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{
			{Name: proto.String("Ping"), Field: []*descriptorpb.FieldDescriptorProto{
				field("text", 1, descriptorpb.FieldDescriptorProto_TYPE_STRING), field("count", 2, descriptorpb.FieldDescriptorProto_TYPE_INT32)}},
			{Name: proto.String("Pong"), Field: []*descriptorpb.FieldDescriptorProto{field("text", 1, descriptorpb.FieldDescriptorProto_TYPE_STRING)}},
		},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("Echo"), Method: []*descriptorpb.MethodDescriptorProto{
			method("One", false, false), method("Down", false, true), method("Up", true, false), method("Both", true, true)}}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// echo is that service: it answers every message that it takes with its text, in a
// stream down as often as the message's count says, 10 ms apart. An upload's answer
// is all the texts.
type echo struct {
	file protoreflect.FileDescriptor
	fail func(n int) error // asked before the n-th answer

	mu       sync.Mutex
	texts    []string
	came     []time.Time
	metadata []metadata.MD
}

func (e *echo) take(stream grpc.ServerStream) (text string, count int, err error) {
	ping := dynamicpb.NewMessage(e.file.Messages().ByName("Ping"))
	if err := stream.RecvMsg(ping); err != nil {
		return "", 0, err
	}
	fields := ping.Descriptor().Fields()
	text, count = ping.Get(fields.ByName("text")).String(), int(ping.Get(fields.ByName("count")).Int())
	e.mu.Lock()
	defer e.mu.Unlock()
	md, _ := metadata.FromIncomingContext(stream.Context())
	e.texts, e.came, e.metadata = append(e.texts, text), append(e.came, time.Now()), append(e.metadata, md)
	return text, count, nil
}

func (e *echo) answer(stream grpc.ServerStream, n int, text string) error {
	time.Sleep(10 * time.Millisecond)
	if e.fail != nil {
		if err := e.fail(n); err != nil {
			return err
		}
	}
	pong := dynamicpb.NewMessage(e.file.Messages().ByName("Pong"))
	pong.Set(pong.Descriptor().Fields().ByName("text"), protoreflect.ValueOfString(text))
	return stream.SendMsg(pong)
}

func (e *echo) handle(_ any, stream grpc.ServerStream) error {
	name, _ := grpc.MethodFromServerStream(stream)
	switch name {
	case "/echo.Echo/One":
		text, _, err := e.take(stream)
		if err != nil {
			return err
		}
		return e.answer(stream, 0, text)
	case "/echo.Echo/Down":
		text, count, err := e.take(stream)
		for n := 0; err == nil && n < count; n++ {
			err = e.answer(stream, n, text)
		}
		return err
	case "/echo.Echo/Up":
		var all []string
		for {
			text, _, err := e.take(stream)
			if errors.Is(err, io.EOF) {
				return e.answer(stream, 0, strings.Join(all, " "))
			}
			if err != nil {
				return err
			}
			all = append(all, text)
		}
	case "/echo.Echo/Both":
		for n := 0; ; n++ {
			text, _, err := e.take(stream)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err == nil {
				err = e.answer(stream, n, text)
			}
			if err != nil {
				return err
			}
		}
	}
	return status.Error(codes.Unimplemented, name)
}

// serve serves it; the connection is not a client of ours.
func (e *echo) serve(t testing.TB) (dial func(context.Context, string) (net.Conn, error)) {
	listener := bufconn.Listen(1 << 16)
	server := grpc.NewServer(grpc.UnknownServiceHandler(e.handle), grpc.WaitForHandlers(true))
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Stop(); <-done })
	return func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }
}

func (e *echo) connect(t testing.TB) grpc.ClientConnInterface {
	dial := e.serve(t)
	conn, err := grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithContextDialer(dial))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// client connects by the client under test.
func (e *echo) client(t testing.TB, cfg clientcore.Config) *clientcore.Client {
	client, err := clientcore.New(cfg, clientcore.WithTarget("passthrough:///x"), clientcore.WithDialer(e.serve(t)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// template is a message of JSON.
func template(t testing.TB, of protoreflect.MessageDescriptor, text string) *message.Template {
	t.Helper()
	m, err := message.Compile(of, message.Text{Name: "test", Line: 1, Column: 1, JSON: []byte(text)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (e *echo) spec(t testing.TB, method string, messages ...string) Spec {
	t.Helper()
	own := &Own{Method: e.file.Services().Get(0).Methods().ByName(protoreflect.Name(method))}
	for _, text := range messages {
		own.Messages = append(own.Messages, template(t, own.Method.Input(), text))
	}
	return Spec{Method: "echo.Echo/" + method, Own: own}
}

// answers notes the texts of answers.
type answers struct {
	of    protoreflect.MessageDescriptor // of encoded ones
	texts []string
}

func (a *answers) Add(m protoreflect.Message) {
	a.texts = append(a.texts, m.Get(m.Descriptor().Fields().ByName("text")).String())
}

func (a *answers) AddEncoded(answer []byte) {
	m := dynamicpb.NewMessage(a.of)
	if err := proto.Unmarshal(answer, m); err != nil {
		panic(err)
	}
	a.Add(m)
}

// driver is one worker's.
func driver(t testing.TB, s Spec) Driver {
	t.Helper()
	newDriver, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return newDriver()
}

func TestDynamicKinds(t *testing.T) {
	for method, test := range map[string]struct {
		messages []string
		answers  []string
		gaps     int
		streams  bool
	}{
		"One":  {[]string{`{"text": "a"}`}, []string{"a"}, 0, false},
		"Down": {[]string{`{"text": "a", "count": 3}`}, []string{"a", "a", "a"}, 2, true},
		"Up":   {[]string{`{"text": "a"}`, `{"text": "b"}`}, []string{"a b"}, 0, true},
		"Both": {[]string{`{"text": "a"}`, `{"text": "b"}`, `{"text": "c"}`}, []string{"a", "b", "c"}, 2, true},
	} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &echo{file: echoFile(t)}
				conn := e.connect(t)
				spec, got := e.spec(t, method, test.messages...), &answers{of: e.file.Messages().ByName("Pong")}
				c := &Call{Answers: got}
				if err := driver(t, spec).Do(t.Context(), conn, c); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(got.texts, test.answers) {
					t.Errorf("answers %v, want %v", got.texts, test.answers)
				}
				if len(c.Gaps) != test.gaps || c.First.IsZero() == test.streams {
					t.Errorf("%d gaps, first at %v", len(c.Gaps), c.First)
				}
				if kind := e.metadata[0].Get("content-type"); len(kind) != 1 || !strings.HasPrefix(kind[0], "application/grpc") {
					t.Errorf("content type %v", kind)
				}
			})
		})
	}
}

// Calls of one message take them in turn, by their number; streams send all.
func TestDynamicTurns(t *testing.T) {
	for method, want := range map[string][]string{
		"One":  {"a", "b", "c2", "a"},
		"Down": {"a", "b", "c2", "a"},
		"Up":   {"a", "b", "c0", "a", "a", "b", "c1", "a", "a", "b", "c2", "a", "a", "b", "c3", "a"},
		"Both": {"a", "b", "c0", "a", "a", "b", "c1", "a", "a", "b", "c2", "a", "a", "b", "c3", "a"},
	} {
		synctest.Test(t, func(t *testing.T) {
			e := &echo{file: echoFile(t)}
			conn := e.connect(t)
			spec := e.spec(t, method, `{"text": "a"}`, `{"text": "b"}`, `{"text": "c{{ .call }}"}`)
			spec.Messages = 4 // of a stream: cut, or as here begun again
			d := driver(t, spec)
			for n := range uint64(4) {
				if err := d.Do(t.Context(), conn, &Call{Number: n}); err != nil {
					t.Fatal(err)
				}
			}
			if !slices.Equal(e.texts, want) {
				t.Errorf("%s: sent %v, want %v", method, e.texts, want)
			}
		})
	}
}

// Paced messages are sent when they are due, whatever has been answered.
func TestDynamicPaced(t *testing.T) {
	const ms = time.Millisecond
	for _, method := range []string{"Up", "Both"} {
		synctest.Test(t, func(t *testing.T) {
			e := &echo{file: echoFile(t), fail: func(n int) error {
				if n == 1 {
					time.Sleep(100 * ms)
				}
				return nil
			}}
			conn := e.connect(t)
			spec := e.spec(t, method, `{"text": "a{{ .call }}"}`)
			spec.Messages, spec.Every = 4, 40*ms
			begin := time.Now()
			c := &Call{Due: begin.Add(-5 * ms)}
			if err := driver(t, spec).Do(t.Context(), conn, c); err != nil {
				t.Fatal(err)
			}
			if method == "Up" {
				for i, at := range e.came {
					if want := max(0, time.Duration(i)*40*ms-5*ms); at.Sub(begin) != want {
						t.Errorf("message %d came at %v, want %v", i, at.Sub(begin), want)
					}
				}
				return
			}
			// Due at −5, 35, 75, 115 ms; answered after 10, 110, 10, 10 ms, one by one.
			if want := []time.Duration{15 * ms, 110 * ms, 80 * ms, 50 * ms}; !slices.Equal(c.Responses, want) {
				t.Errorf("responses %v, want %v", c.Responses, want)
			}
		})
	}
}

// How late messages leave is told of a service of one's own as well.
func TestDynamicLag(t *testing.T) {
	const ms = time.Millisecond
	for _, method := range []string{"Up", "Both"} {
		synctest.Test(t, func(t *testing.T) {
			e := &echo{file: echoFile(t)}
			conn := e.connect(t)
			spec := e.spec(t, method, `{"text": "a{{ .call }}"}`)
			spec.Messages, spec.Every = 4, 40*ms
			begin := time.Now()
			spec.Sleep = func(_ context.Context, until time.Time) error {
				if until.Sub(begin) == 80*ms {
					until = until.Add(15 * ms)
				}
				time.Sleep(time.Until(until))
				return nil
			}
			c := &Call{Due: begin}
			if err := driver(t, spec).Do(t.Context(), conn, c); err != nil {
				t.Fatal(err)
			}
			if want := []time.Duration{0, 15 * ms, 0}; !slices.Equal(c.Lags, want) {
				t.Errorf("%s: lags %v, want %v", method, c.Lags, want)
			}
		})
	}
}

// A stream that never ends by itself ends well when there are enough answers, and
// one that ends before has failed.
func TestDynamicEnoughAnswers(t *testing.T) {
	for _, messages := range [][]string{{`{"text": "a"}`}, {`{"text": "a"}`, `{"text": "b"}`, `{"text": "c"}`}} {
		synctest.Test(t, func(t *testing.T) {
			e := &echo{file: echoFile(t)}
			conn := e.connect(t)
			spec, got := e.spec(t, "Both", messages...), &answers{of: e.file.Messages().ByName("Pong")}
			spec.Own.Answers = len(messages)
			if err := driver(t, spec).Do(t.Context(), conn, &Call{Answers: got}); err != nil || len(got.texts) != len(messages) {
				t.Errorf("%v after answers %v", err, got.texts)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		e := &echo{file: echoFile(t)}
		conn := e.connect(t)
		spec := e.spec(t, "Down", `{"text": "a", "count": 3}`)
		spec.Own.Answers = 2
		begin := time.Now()
		if err := driver(t, spec).Do(t.Context(), conn, &Call{}); err != nil || time.Since(begin) != 20*time.Millisecond {
			t.Errorf("%v after %v, want 20ms", err, time.Since(begin))
		}
		spec.Own.Answers = 4
		if err := driver(t, spec).Do(t.Context(), conn, &Call{}); status.Code(err) != codes.DataLoss {
			t.Errorf("%v, want DATA_LOSS", err)
		}
	})
}

func TestDynamicStatusSurvives(t *testing.T) {
	for _, method := range []string{"One", "Down", "Up", "Both"} {
		synctest.Test(t, func(t *testing.T) {
			e := &echo{file: echoFile(t), fail: func(n int) error {
				if n == 1 || method == "One" || method == "Up" {
					return status.Error(codes.ResourceExhausted, "enough")
				}
				return nil
			}}
			conn := e.connect(t)
			spec := e.spec(t, method, `{"text": "a", "count": 50}`)
			spec.Messages = 50
			err := driver(t, spec).Do(t.Context(), conn, &Call{})
			if s := status.Convert(err); s.Code() != codes.ResourceExhausted || s.Message() != "enough" {
				t.Errorf("%s: %v", method, err)
			}
		})
	}
}

// A request that cannot be made fails its call, and leaves nothing behind.
func TestDynamicRequestThatCannotBeMade(t *testing.T) {
	for method, every := range map[string]time.Duration{"One": 0, "Up": 0, "Both": 10 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			e := &echo{file: echoFile(t)}
			conn := e.connect(t)
			messages := []string{`{"text": "a"}`, `{"text": "b"}`, `{"count": "{{ .row.n }}"}`}
			if method == "One" {
				messages = messages[2:]
			}
			spec := e.spec(t, method, messages...) // there is no row
			spec.Every = every
			err := driver(t, spec).Do(t.Context(), conn, &Call{})
			var origin interface{ Origin() string }
			if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "there is no row") || !errors.As(err, &origin) || origin.Origin() != "client" {
				t.Errorf("%s: %v", method, err)
			}
		})
	}
}

func TestDynamicRowsAndMetadata(t *testing.T) {
	feed, err := message.ReadFeed("rows.csv", []byte("name,n\nann,1\nbob,2\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"rendered": "{{ .row.name }}-{{ .call }}", "static": "blue"} {
		synctest.Test(t, func(t *testing.T) {
			e := &echo{file: echoFile(t)}
			conn := e.connect(t)
			spec := e.spec(t, "One", `{"text": "{{ .row.name }}", "count": "{{ .row.n }}"}`)
			spec.Own.Row = func(call *Call) message.Row {
				row, _ := feed.Row(message.Sequential, call.Number, call.Seed)
				return row
			}
			for key, value := range map[string]string{"tenant": value, "always": "yes"} {
				m, err := message.CompileMetadata(key, value)
				if err != nil {
					t.Fatal(err)
				}
				spec.Own.Metadata = append(spec.Own.Metadata, m)
			}
			d := driver(t, spec)
			for n := range uint64(3) {
				if err := d.Do(t.Context(), conn, &Call{Number: n}); err != nil {
					t.Fatal(err)
				}
			}
			if want := []string{"ann", "bob", "ann"}; !slices.Equal(e.texts, want) {
				t.Errorf("texts %v, want %v", e.texts, want)
			}
			for n, got := range e.metadata {
				want := value
				if name == "rendered" {
					want = []string{"ann-0", "bob-1", "ann-2"}[n]
				}
				if tenant := got.Get("tenant"); !slices.Equal(tenant, []string{want}) || got.Get("always")[0] != "yes" {
					t.Errorf("%s: tenant %v, want %s", name, tenant, want)
				}
			}
		})
	}
}

// The layers that send a call more than once send the same bytes, and hand over the
// answer that counts.
func TestDynamicUnderPolicies(t *testing.T) {
	retried, hedged := clientcore.Default(), clientcore.Default()
	retried.Retry = retry.Default()
	retried.Retry.Attempts, retried.Retry.Base, retried.Retry.Max = 3, 10*time.Millisecond, 20*time.Millisecond
	hedged.Retry = retry.Policy{Off: true}
	hedged.Hedge = &hedge.Policy{After: hedge.After{Delay: 100 * time.Millisecond}, Attempts: 2, Codes: retry.DefaultCodes()}
	for name, cfg := range map[string]clientcore.Config{"retried": retried, "hedged": hedged} {
		for _, method := range []string{"One", "Down", "Up", "Both"} {
			t.Run(name+" "+method, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var calls atomic.Int64
					e := &echo{file: echoFile(t), fail: func(int) error {
						switch {
						case calls.Add(1) > 1:
						case name == "retried":
							return status.Error(codes.Unavailable, "the first time")
						default:
							time.Sleep(500 * time.Millisecond)
						}
						return nil
					}}
					conn := e.client(t, cfg)
					spec, got := e.spec(t, method, `{"text": "a{{ .call }}", "count": 1}`), &answers{of: e.file.Messages().ByName("Pong")}
					want := "a7"
					if spec.Own.Method.IsStreamingClient() {
						spec.Messages, want = 2, "a7 a7"
					}
					begin := time.Now()
					if err := driver(t, spec).Do(t.Context(), conn, &Call{Number: 7, Answers: got}); err != nil {
						t.Fatal(err)
					}
					if all := strings.Join(got.texts, " "); all != want {
						t.Errorf("answers %s, want %s", all, want)
					}
					again := name == "retried" || method == "One" || method == "Down"
					if again && (len(e.texts) <= spec.Messages || time.Since(begin) > 400*time.Millisecond) {
						t.Errorf("the server took %v in %v", e.texts, time.Since(begin))
					}
				})
			})
		}
	}
}

// A balancer finds its key in the request's field.
func TestDynamicShowsFields(t *testing.T) {
	e := &echo{file: echoFile(t)}
	spec := e.spec(t, "One", `{"text": "a{{ .call }}"}`, `{"text": "b"}`)
	spec.Own.ShowsFields = true
	d := driver(t, spec).(rendering)
	for n, want := range []string{"a0", "b", "a2"} {
		d.Prepare(&Call{Number: uint64(n)})
		m, ok := d.messages[0].(proto.Message)
		if !ok {
			t.Fatalf("%T is no message", d.messages[0])
		}
		r := m.ProtoReflect()
		if got := r.Get(r.Descriptor().Fields().ByName("text")).String(); got != want {
			t.Errorf("the field is %q, want %q", got, want)
		}
	}
}
