package clientcore

import (
	"time"

	"github.com/grpcbench/grpcbench/clientcore/balance"
	"github.com/grpcbench/grpcbench/clientcore/breaker"
	"github.com/grpcbench/grpcbench/clientcore/hedge"
	"github.com/grpcbench/grpcbench/clientcore/pool"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

// Config is every setting of a Client. Begin with Default and change what you
// need; the zero Config is not valid. The yaml tags are the names that a
// scenario uses below `client`, the doc tags what `grpcbench schema` says.
type Config struct {
	Pool    pool.Config    `yaml:"pool" doc:"the channels that calls are spread over"`
	Balance balance.Policy `yaml:"balance" doc:"how each channel spreads calls over backends"`
	// Timeout bounds a call from start to end, all attempts and waits
	// included; 0 is none.
	Timeout time.Duration `yaml:"timeout" doc:"bound on a whole call, attempts and waits included; 0 is none"`
	Retry   retry.Policy  `yaml:"retry" doc:"none, or when and how often a failed attempt is tried again"`
	// Hedge sends a call again when it is not answered in time, instead of
	// Retry, which must then be off. Nil is none.
	Hedge *hedge.Policy `yaml:"hedge" doc:"instead of retry: none, or when another attempt is sent while the first has no answer; unary calls and server streams"`
	// Breaker stops calls to what keeps failing. Nil is none.
	Breaker *breaker.Policy `yaml:"breaker" doc:"none, or when calls are refused because others have failed"`
	// WaitForReady makes calls wait for a connection instead of failing while
	// there is none.
	WaitForReady bool   `yaml:"wait_for_ready" doc:"calls wait for a connection instead of failing at once"`
	Compression  string `yaml:"compression" doc:"gzip, or none"`
	// Metadata is sent with every call, besides what the call's context carries.
	Metadata map[string]string `yaml:"metadata" doc:"sent with every call"`
	// Log is what is logged: off, failures or calls. See WithLogger.
	Log string `yaml:"log" doc:"off, failures (a line for each call that failed) or calls (for every call)"`
	// TLS secures connections. Nil is plain text.
	TLS *TLS `yaml:"tls" doc:"TLS, and a certificate for mTLS; plain text when left out"`
	// Authority is sent as the calls' :authority, by which proxies route and
	// servers tell their names apart. Over TLS the server's certificate must be
	// for it. "" is the target's host.
	Authority string `yaml:"authority" doc:"the :authority of calls, which over TLS the server's certificate must be for; the target's host when left out"`
	// HealthCheck is the service whose health backends are asked for, by the
	// standard health protocol; a backend that says it does not serve gets no
	// calls. "" asks nothing.
	HealthCheck string     `yaml:"health_check" doc:"service whose health backends are asked for; one that is not serving gets no calls; nothing is asked when left out"`
	Keepalive   *Keepalive `yaml:"keepalive" doc:"HTTP/2 pings that find dead connections"`
	Messages    Messages   `yaml:"messages" doc:"message size limits"`
	Windows     Windows    `yaml:"windows" doc:"HTTP/2 flow control windows; left out they adapt to the connection"`
	Connect     Connect    `yaml:"connect" doc:"reconnection of a broken connection"`
	// ServiceConfig is a file with a gRPC service config, as clients in other
	// languages read it. It says how calls are balanced, retried and checked for
	// health, so Balance and HealthCheck must then be unset and Retry none.
	ServiceConfig string `yaml:"service_config" doc:"file with a gRPC service config that decides over balancing, retries and health checks, in place of the keys for them"`
	// Methods overrides settings by method name: GetUser, or
	// user.v1.UserService/GetUser.
	Methods map[string]Method `yaml:"methods" doc:"settings by method name"`
}

// Method overrides a Config for one method. Nil means as in the Config.
type Method struct {
	Timeout *time.Duration `yaml:"timeout" doc:"bound on a whole call; 0 is none"`
	Retry   *retry.Policy  `yaml:"retry" doc:"none, or when and how often a failed attempt is tried again"`
	// Hedge stands in for the Config's Retry and Hedge, as Retry does for its
	// Hedge; set one of them. A method whose client sends a stream of messages is
	// never hedged: its calls are made as if Hedge were not there.
	Hedge        *hedge.Policy `yaml:"hedge" doc:"instead of retry: none, or when another attempt is sent while the first has no answer"`
	WaitForReady *bool         `yaml:"wait_for_ready" doc:"calls wait for a connection instead of failing at once"`
	Compression  *string       `yaml:"compression" doc:"gzip, or none"`
}

// Keepalive is HTTP/2 pings on each connection. A server that does not permit
// them closes the connection (too_many_pings).
type Keepalive struct {
	Time           time.Duration `yaml:"time" doc:"ping after this long without activity (grpc-go's floor is 10s)"`
	Timeout        time.Duration `yaml:"timeout" doc:"close the connection when a ping is not answered in this time"`
	WithoutStreams bool          `yaml:"without_streams" doc:"ping even when no call is in flight"`
}

// Messages limits message sizes, in bytes. They hold for every call: grpc-go's
// MaxCallSendMsgSize and MaxCallRecvMsgSize can lower them for one, not raise
// them.
type Messages struct {
	MaxReceive int64 `yaml:"max_receive" unit:"bytes" doc:"largest message that is accepted"`
	MaxSend    int64 `yaml:"max_send" unit:"bytes" doc:"largest message that is sent"`
}

// Windows are the static HTTP/2 flow control windows, in bytes. Set both or
// neither: either one alone turns grpc-go's dynamic window off for both. Zero
// is dynamic.
type Windows struct {
	Stream     int64 `yaml:"stream" unit:"bytes" doc:"window of one stream; 0 is dynamic"`
	Connection int64 `yaml:"connection" unit:"bytes" doc:"window of one connection; 0 is dynamic"`
}

// Connect is how a broken connection is dialled again.
type Connect struct {
	Base       time.Duration `yaml:"base" doc:"wait before the first reconnection"`
	Max        time.Duration `yaml:"max" doc:"longest wait between reconnections"`
	Multiplier float64       `yaml:"multiplier" doc:"growth of the wait"`
	Jitter     float64       `yaml:"jitter" unit:"share" doc:"random part of the wait, either way"`
	Timeout    time.Duration `yaml:"timeout" doc:"how long one connection attempt may take"`
}
