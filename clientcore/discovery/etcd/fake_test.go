package etcd_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"
)

// server is as much of etcd as a watch needs, in memory: keys with revisions, ranges by prefix, watches from a revision on, compaction.
// `make e2e` has a real one.
type server struct {
	etcdserverpb.UnimplementedKVServer
	etcdserverpb.UnimplementedWatchServer

	mu        sync.Mutex
	listener  *bufconn.Listener // nil while the server is down
	grpc      *grpc.Server
	revision  int64
	compacted int64
	history   []*mvccpb.Event
	changed   chan struct{} // closed by the next change
	ranges    int
	watches   []int64 // the first revision of each watch
	// inRange is called before a range is answered, which already has its state.
	inRange func()
}

func newServer(t *testing.T) *server {
	s := &server{revision: 1, changed: make(chan struct{})}
	s.up()
	t.Cleanup(s.down)
	return s
}

func (s *server) up() {
	s.mu.Lock()
	defer s.mu.Unlock()
	listener, g := bufconn.Listen(1<<16), grpc.NewServer()
	etcdserverpb.RegisterKVServer(g, s)
	etcdserverpb.RegisterWatchServer(g, s)
	s.listener, s.grpc = listener, g
	go func() { _ = g.Serve(listener) }()
}

func (s *server) down() {
	s.mu.Lock()
	g := s.grpc
	s.listener = nil
	s.mu.Unlock()
	g.Stop()
}

func (s *server) dial(ctx context.Context, _ string) (net.Conn, error) {
	s.mu.Lock()
	listener := s.listener
	s.mu.Unlock()
	if listener == nil {
		return nil, fmt.Errorf("nobody listens")
	}
	return listener.DialContext(ctx)
}

// config is a client of the server.
func (s *server) config() clientv3.Config {
	return clientv3.Config{Endpoints: []string{"http://etcd:2379"}, Logger: zap.NewNop(), DialOptions: []grpc.DialOption{grpc.WithContextDialer(s.dial)}}
}

// put sets keys and deletes those whose value is empty, as one revision.
func (s *server) put(pairs ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revision++
	for i := 0; i < len(pairs); i += 2 {
		event := &mvccpb.Event{Type: mvccpb.Event_PUT, Kv: &mvccpb.KeyValue{Key: []byte(pairs[i]), Value: []byte(pairs[i+1]), ModRevision: s.revision}}
		if pairs[i+1] == "" {
			event.Type = mvccpb.Event_DELETE
		}
		s.history = append(s.history, event)
	}
	s.news()
}

// compact forgets all history below the newest revision.
func (s *server) compact() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.compacted = s.revision
}

func (s *server) news() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *server) Range(_ context.Context, r *etcdserverpb.RangeRequest) (*etcdserverpb.RangeResponse, error) {
	s.mu.Lock()
	s.ranges++
	now := map[string]*mvccpb.KeyValue{}
	for _, event := range s.history {
		if key := string(event.Kv.Key); key >= string(r.Key) && key < string(r.RangeEnd) {
			now[key] = event.Kv
			if event.Type == mvccpb.Event_DELETE {
				delete(now, key)
			}
		}
	}
	response := &etcdserverpb.RangeResponse{Header: &etcdserverpb.ResponseHeader{Revision: s.revision}}
	for _, kv := range now {
		response.Kvs = append(response.Kvs, kv)
	}
	before := s.inRange
	s.inRange = nil
	s.mu.Unlock()
	if before != nil {
		before()
	}
	return response, nil
}

func (s *server) Watch(stream grpc.BidiStreamingServer[etcdserverpb.WatchRequest, etcdserverpb.WatchResponse]) error {
	// A stream outlives the watches that are cancelled: the next may come by it.
	for id := int64(0); ; id++ {
		request, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		create := request.GetCreateRequest()
		if create == nil {
			continue
		}
		from := create.StartRevision
		s.mu.Lock()
		s.watches = append(s.watches, from)
		first, compacted := &etcdserverpb.WatchResponse{Header: &etcdserverpb.ResponseHeader{Revision: s.revision}, WatchId: id, Created: true}, s.compacted
		s.mu.Unlock()
		if err := stream.Send(first); err != nil {
			return err
		}
		if from >= compacted {
			return s.tell(stream, create, id)
		}
		if err := stream.Send(&etcdserverpb.WatchResponse{Header: first.Header, WatchId: id, Canceled: true, CompactRevision: compacted}); err != nil {
			return err
		}
	}
}

// tell tells of what happened to the keys of a watch, until its stream ends.
func (s *server) tell(stream grpc.BidiStreamingServer[etcdserverpb.WatchRequest, etcdserverpb.WatchResponse], create *etcdserverpb.WatchCreateRequest, id int64) error {
	from := create.StartRevision
	for {
		s.mu.Lock()
		var events []*mvccpb.Event
		for _, event := range s.history {
			if event.Kv.ModRevision >= from && strings.HasPrefix(string(event.Kv.Key), string(create.Key)) {
				events = append(events, event)
			}
		}
		from = s.revision + 1
		response, changed := &etcdserverpb.WatchResponse{Header: &etcdserverpb.ResponseHeader{Revision: s.revision}, WatchId: id, Events: events}, s.changed
		s.mu.Unlock()
		if len(events) > 0 {
			if err := stream.Send(response); err != nil {
				return err
			}
		}
		select {
		case <-stream.Context().Done():
			return stream.Context().Err()
		case <-changed:
		}
	}
}
