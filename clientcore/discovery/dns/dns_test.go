package dns_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mdns "github.com/miekg/dns"
	"go.uber.org/goleak"

	"github.com/grpcbench/grpcbench/clientcore/discovery"
	"github.com/grpcbench/grpcbench/clientcore/discovery/dns"
	"github.com/grpcbench/grpcbench/clientcore/discovery/internal/churntest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// zone is a DNS server on loopback. A name that it does not have does not exist.
type zone struct {
	address string
	asked   atomic.Int64 // questions for A records

	mu      sync.Mutex
	records []mdns.RR
	failing map[uint16]bool // types of records whose questions fail
}

func newZone(t *testing.T, records ...string) *zone {
	t.Helper()
	z := &zone{failing: map[uint16]bool{}}
	z.set(t, records...)
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	z.address = conn.LocalAddr().String()
	server := &mdns.Server{PacketConn: conn, Handler: mdns.HandlerFunc(z.answer)}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = server.ActivateAndServe()
	}()
	t.Cleanup(func() {
		_ = conn.Close() // ends the server, started or not
		<-stopped
	})
	return z
}

// set replaces all records.
func (z *zone) set(t *testing.T, records ...string) {
	t.Helper()
	var all []mdns.RR
	for _, record := range records {
		rr, err := mdns.NewRR(record)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rr)
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	z.records = all
}

func (z *zone) fail(types ...uint16) {
	z.mu.Lock()
	defer z.mu.Unlock()
	clear(z.failing)
	for _, t := range types {
		z.failing[t] = true
	}
}

func (z *zone) answer(w mdns.ResponseWriter, q *mdns.Msg) {
	z.mu.Lock()
	defer z.mu.Unlock()
	question := q.Question[0]
	if question.Qtype == mdns.TypeA {
		z.asked.Add(1)
	}
	reply := new(mdns.Msg).SetReply(q)
	reply.Authoritative = true
	reply.Rcode = mdns.RcodeNameError
	for _, rr := range z.records {
		if strings.EqualFold(rr.Header().Name, question.Name) {
			reply.Rcode = mdns.RcodeSuccess
			if rr.Header().Rrtype == question.Qtype {
				reply.Answer = append(reply.Answer, rr)
			}
		}
	}
	if z.failing[question.Qtype] {
		reply.Answer, reply.Rcode = nil, mdns.RcodeServerFailure
	}
	_ = w.WriteMsg(reply)
}

func TestDiscover(t *testing.T) {
	weighted := func(address string, weight uint32) discovery.Endpoint {
		return discovery.Endpoint{Address: address, Weight: weight}
	}
	for _, test := range []struct {
		title   string
		config  dns.Config
		records []string
		fail    []uint16
		want    []discovery.Endpoint
		err     string
	}{
		{title: "A and AAAA", config: dns.Config{Name: "users.test.:443"},
			records: []string{"users.test. A 10.0.0.2", "users.test. A 10.0.0.1", "users.test. AAAA fd00::1", "other.test. A 10.0.0.3"},
			want:    discovery.Addresses("10.0.0.1:443", "10.0.0.2:443", "[fd00::1]:443")},
		{title: "A only, as there is", config: dns.Config{Name: "users.test.:443"}, records: []string{"users.test. A 10.0.0.1"}, want: discovery.Addresses("10.0.0.1:443")},
		{title: "A only, as asked for", config: dns.Config{Name: "users.test.:443", Network: "ip4"}, fail: []uint16{mdns.TypeAAAA},
			records: []string{"users.test. A 10.0.0.1", "users.test. AAAA fd00::1"}, want: discovery.Addresses("10.0.0.1:443")},
		{title: "half an answer is none", config: dns.Config{Name: "users.test.:443"}, fail: []uint16{mdns.TypeAAAA},
			records: []string{"users.test. A 10.0.0.1", "users.test. AAAA fd00::1"}, err: "server misbehaving"},
		{title: "an address is not looked up", config: dns.Config{Name: "10.0.0.7:443"}, fail: []uint16{mdns.TypeA, mdns.TypeAAAA}, want: discovery.Addresses("10.0.0.7:443")},
		{title: "no such name", config: dns.Config{Name: "users.test.:443"}, err: "no such host"},
		{title: "SRV: the lowest priority, with weights", config: dns.Config{Name: "_grpc._tcp.users.test."},
			records: []string{"_grpc._tcp.users.test. SRV 10 3 81 b.test.", "_grpc._tcp.users.test. SRV 10 0 80 a.test.", "_grpc._tcp.users.test. SRV 20 1 82 c.test.",
				"a.test. A 10.0.0.1", "b.test. A 10.0.0.2", "b.test. AAAA fd00::2", "c.test. A 10.0.0.3"},
			want: []discovery.Endpoint{weighted("10.0.0.1:80", 1), weighted("10.0.0.2:81", 3), weighted("[fd00::2]:81", 3)}},
		{title: "SRV: a host that is missing", config: dns.Config{Name: "_grpc._tcp.users.test."},
			records: []string{"_grpc._tcp.users.test. SRV 1 1 80 a.test.", "_grpc._tcp.users.test. SRV 1 1 80 gone.test.", "a.test. A 10.0.0.1"}, err: "gone.test"},
		{title: "SRV: the service is not there on purpose", config: dns.Config{Name: "_grpc._tcp.users.test."}, records: []string{"_grpc._tcp.users.test. SRV 0 0 0 ."}},
	} {
		t.Run(test.title, func(t *testing.T) {
			z := newZone(t, test.records...)
			z.fail(test.fail...)
			test.config.Server = z.address
			r, err := dns.New(test.config)
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.Discover(t.Context())
			if failed := new(net.DNSError); errors.As(err, &failed) && failed.Server != "" && failed.Server != z.address {
				t.Errorf("error %v names another server than %s", err, z.address)
			}
			if (err != nil) != (test.err != "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("error %v, want %q", err, test.err)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestNew(t *testing.T) {
	for _, test := range []struct {
		config dns.Config
		want   string
	}{
		{dns.Config{}, `dns: Name must be host:port (got "")`},
		{dns.Config{Name: "users.test"}, `dns: Name must be host:port (got "users.test")`},
		{dns.Config{Name: "_grpc._tcp.users.test:1"}, `dns: Name must be a service without a port, which its SRV records have (got "_grpc._tcp.users.test:1")`},
		{dns.Config{Name: "_grpc.users.test"}, `dns: Name must be host:port, or a service such as _grpc._tcp.users.internal (got "_grpc.users.test")`},
		{dns.Config{Name: "a:1", Server: "8.8.8.8"}, `dns: Server must be host:port (got "8.8.8.8")`},
		{dns.Config{Name: "a:1", Every: time.Second, Floor: time.Minute}, "dns: Floor must be at most Every, 1s (got 1m0s)"},
		{dns.Config{Name: "a:1", Every: -1, Floor: -2, Timeout: -3, Network: "tcp"},
			"dns: Every must be > 0, or 0 for 30s (got -1ns)\ndns: Floor must be > 0, or 0 for 5s (got -2ns)\ndns: Timeout must be > 0, or 0 for 10s (got -3ns)\n" +
				`dns: Network must be ip, ip4 or ip6 (got "tcp")`},
		{dns.Config{Name: "a:1", Every: time.Second}, ""},
	} {
		if _, err := dns.New(test.config); err == nil && test.want != "" || err != nil && err.Error() != test.want {
			t.Errorf("%+v: error %v, want %s", test.config, err, test.want)
		}
	}
}

// heard passes on what a watch tells.
type heard struct {
	updates chan []discovery.Endpoint
	errs    chan error
}

func (h heard) Update(endpoints []discovery.Endpoint) { h.updates <- endpoints }

func (h heard) Error(err error) {
	select {
	case h.errs <- err:
	default: // errors repeat
	}
}

func watch(t *testing.T, r discovery.Registry) heard {
	ctx, cancel := context.WithCancel(context.Background())
	h := heard{make(chan []discovery.Endpoint, 100), make(chan error, 100)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Watch(ctx, h)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return h
}

func TestWatchAsksAgain(t *testing.T) {
	z := newZone(t, "users.test. A 10.0.0.1")
	r, err := dns.New(dns.Config{Name: "users.test.:443", Server: z.address, Every: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	h := watch(t, r)
	want := func(addresses ...string) {
		t.Helper()
		if got := <-h.updates; !slices.Equal(got, discovery.Addresses(addresses...)) {
			t.Errorf("got %v, want %v", got, addresses)
		}
	}
	want("10.0.0.1:443")
	z.set(t, "users.test. A 10.0.0.1", "users.test. A 10.0.0.2")
	want("10.0.0.1:443", "10.0.0.2:443")
	z.set(t)
	var notFound *net.DNSError
	if err := <-h.errs; !errors.As(err, &notFound) || !notFound.IsNotFound {
		t.Errorf("error %v, want that there is no such name", err)
	}
	z.set(t, "users.test. A 10.0.0.2")
	want("10.0.0.2:443")
}

// TestRefreshHasAFloor: a failing connection makes the registry look again, a
// hundred of them do not make it look a hundred times.
func TestRefreshHasAFloor(t *testing.T) {
	z := newZone(t, "users.test. A 10.0.0.1")
	r, err := dns.New(dns.Config{Name: "users.test.:443", Server: z.address, Every: time.Hour, Floor: 50 * time.Millisecond, Network: "ip4"})
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	h := watch(t, r)
	<-h.updates
	z.set(t, "users.test. A 10.0.0.2")
	for {
		select {
		case <-h.updates: // without Refresh it would be seen in an hour
			// Looks begin a floor apart, the first of them after begin.
			if asked, most := z.asked.Load(), 1+int64(time.Since(begin)/(50*time.Millisecond)); asked > most {
				t.Errorf("asked %d times in %v", asked, time.Since(begin))
			}
			return
		default:
			r.Refresh()
			time.Sleep(time.Millisecond)
		}
	}
}

func TestChurn(t *testing.T) {
	b := churntest.Loopback(t, 3)
	_, port, err := net.SplitHostPort(b.Addresses()[0])
	if err != nil {
		t.Fatal(err)
	}
	z := newZone(t)
	r, err := dns.New(dns.Config{Name: "users.test.:" + port, Server: z.address, Every: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	churntest.Run(t, b, b.Dial(t, r), func(addresses []string) {
		z.set(t, records(t, "A", addresses)...)
	})
}

// TestServiceChurn is TestChurn by SRV records.
func TestServiceChurn(t *testing.T) {
	b := churntest.Loopback(t, 3)
	z := newZone(t)
	r, err := dns.New(dns.Config{Name: "_grpc._tcp.users.test.", Server: z.address, Every: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	churntest.Run(t, b, b.Dial(t, r), func(addresses []string) {
		z.set(t, records(t, "SRV", addresses)...)
	})
}

// records is addresses as one name has them in DNS.
func records(t *testing.T, kind string, addresses []string) []string {
	t.Helper()
	var all []string
	for i, address := range addresses {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		if kind == "A" {
			all = append(all, "users.test. A "+host)
			continue
		}
		name := "b" + strconv.Itoa(i) + ".test."
		all = append(all, "_grpc._tcp.users.test. SRV 1 1 "+port+" "+name, name+" A "+host)
	}
	return all
}

func TestTrapNewestUpdateIsNeverLost(t *testing.T) {
	z := newZone(t)
	r, err := dns.New(dns.Config{Name: "users.test.:443", Server: z.address, Every: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	churntest.Newest(t, r, func(address string) { z.set(t, records(t, "A", []string{address})...) })
}

// TestTrapWatchStops ends a watch while a server does not answer: goleak finds
// any goroutine that is left.
func TestTrapWatchStops(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	before := goleak.IgnoreCurrent()
	r, err := dns.New(dns.Config{Name: "users.test.:443", Server: silent.LocalAddr().String()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Watch(ctx, heard{make(chan []discovery.Endpoint, 1), make(chan error, 1)})
	}()
	if _, _, err := silent.ReadFrom(make([]byte, 1<<10)); err != nil { // the question is there
		t.Fatal(err)
	}
	cancel()
	<-done
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
}
