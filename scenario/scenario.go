// Package scenario turns a scenario document into a plan: decoding, defaults,
// validation, and the expansion of `compare` into variants. It measures
// nothing.
package scenario

import (
	"fmt"
	"time"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/fakeserver"
	"github.com/grpcbench/grpcbench/scenario/descriptor"
	"github.com/grpcbench/grpcbench/scenario/expect"
	"github.com/grpcbench/grpcbench/scenario/load"
	"github.com/grpcbench/grpcbench/scenario/secret"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

// Scenario is one variant, fully resolved. The yaml tags are the keys of the document, the doc tags what
// `grpcbench schema` says of them.
type Scenario struct {
	Name  string `yaml:"name" doc:"name in tables and results; the file's name when left out"`
	About string `yaml:"about" doc:"the question that the scenario answers"`
	// Seed is what everything random follows from.
	Seed   uint64 `yaml:"seed" doc:"what everything random follows from; 1 when left out"`
	Fleet  *Fleet `yaml:"fleet" doc:"fake servers to run against; either this or target"`
	Target string `yaml:"target" doc:"a server of your own, such as dns:///payments.internal:443; either this or fleet"`
	// Descriptors is of the target.
	Descriptors descriptor.Source `yaml:"descriptors" doc:"where the methods of a target and their messages are described: reflection (the server is asked; when left out), proto or protoset"`
	Client      Client            `yaml:"client" doc:"the client under test"`
	Load        []Load            `yaml:"load" doc:"the calls that are made; all entries at once"`
	// MaxRate is 0 when the document leaves it out.
	MaxRate float64 `yaml:"max_rate" unit:"rate" doc:"most calls per second that a run may offer, all load entries together at their peaks, such as 500/s: more is an error, and closed loops are held to what is left; no limit when left out"`
	// Churn is in the document's order.
	Churn []Churn `yaml:"churn" doc:"backends that join and leave the endpoints that clients are told of"`
	// Compare and Baseline are the document's own text of them: a Plan's
	// Dimensions say what they mean. Both are nil in a variant.
	Compare  *strict.Node `yaml:"compare" doc:"what is compared: dotted paths with a list of values, or names with a map of overlays"`
	Baseline *strict.Node `yaml:"baseline" doc:"value of each dimension that the others are compared with; the first of each when left out"`
	// Trials is 0 when the document leaves it out; Plan.Trials is what it
	// comes to.
	Trials Trials `yaml:"trials" doc:"timed runs of each variant; as many as the comparisons need when left out, 1 when nothing is compared; auto for as many as precision takes"`
	// Precision and MaxTrials are for AutoTrials; 0 is the default.
	Precision float64 `yaml:"precision" unit:"share" doc:"trials: auto adds trials until the intervals are narrower than this, either way; 5% when left out"`
	MaxTrials int     `yaml:"max_trials" doc:"most trials that trials: auto makes; 30 when left out"`

	// Gates is the document's own text; Plan.Gates says what it means.
	Gates []string `yaml:"gates" doc:"what the result must meet, such as p99{load=reads} < 20ms or p99 <= baseline + 5%: decides the exit code"`
	// AbortWhen likewise.
	AbortWhen []string `yaml:"abort_when" doc:"what makes the run hopeless, such as errors > 50%: it stops once that holds for a trial so far, of 3 s at least"`

	Warmup  time.Duration `yaml:"warmup" doc:"load before the measurement, not measured; 2s when left out"`
	Measure time.Duration `yaml:"measure" or:"MeasureUntil" doc:"length of the measurement; 10s when left out; or {until: recovered + 10s, max: 5m}"`
	// MeasureUntil is nil where the length is fixed; Measure is then its Max.
	MeasureUntil *Until        `yaml:"-"`
	Drain        time.Duration `yaml:"drain" doc:"time for calls in flight to end after warm-up and measurement; 5s when left out"`
}

// Fleet is the fake servers of a run.
type Fleet struct {
	fakeserver.Config `yaml:",inline"`
	// Isolation is Process or InProcess, or Remote where a plan is made.
	Isolation string `yaml:"isolation" doc:"process: one OS process of its own for the fleet (when left out); inprocess: inside the load generator"`
	// Remote is where fleets on other machines serve control: backend i is in
	// the one numbered i modulo their number.
	Remote []string `yaml:"remote" doc:"control addresses, host:port, of fleets that grpcbench serve runs on other machines, over which the backends are spread in turn"`
	// Token is what the fleets at Remote ask for.
	Token secret.Reference `yaml:"token" doc:"${NAME} or ${file:PATH}: the environment variable or the file that has the token of the remote fleets"`
}

// Where a fleet runs.
const (
	Process   = "process"
	InProcess = "inprocess"
	// Remote is what a fleet with Fleet.Remote is; it is not to be written.
	Remote = "remote"
)

func isolations() []string { return []string{Process, InProcess} }

// SetDefaults implements the decoder's hook.
func (f *Fleet) SetDefaults() {
	f.Config = fakeserver.Default()
	f.Isolation = Process
}

// Load is one load entry. An open loop has a Rate, a closed loop Workers.
type Load struct {
	Name string `yaml:"name" doc:"name in tables and results; the method's, in lower case, when left out"`
	Call string `yaml:"call" doc:"the method that is called; either this or mix"`
	// Mix is nil but in a document: complete makes an entry of each of its
	// methods, each with its Part.
	Mix  map[string]float64 `yaml:"mix" doc:"open loop: methods and their shares of the calls, such as {GetUser: 80, ListUsers: 20}; either this or call"`
	Part *Part              `yaml:"-"`
	// place is its number in the document; that of the mix, for a part of one.
	place int

	// Open loop.
	Arrivals load.Arrivals `yaml:"arrivals" doc:"open loop: how calls are spread over time; poisson when left out"`
	Rate     float64       `yaml:"rate" unit:"rate" or:"Share" doc:"open loop: calls per second, such as 900/s (/ms, /m too), or a share of what the fleet can serve, such as 60%"`
	// Share is the rate as it is written where that is a share of the fleet's
	// nominal capacity; Rate is what it comes to.
	Share float64 `yaml:"-" unit:"percent"`
	// MaxInFlight bounds the calls under way at once; an arrival beyond it is
	// dropped and counted.
	MaxInFlight int `yaml:"max_in_flight" doc:"open loop: most calls at once (sessions, where there are some), an arrival beyond it is dropped and counted; 10000 when left out"`
	// Sessions is nil where each arrival makes one call.
	Sessions *Sessions `yaml:"sessions" doc:"open loop: users arrive at the rate, and each makes calls one after the other"`
	// Shape is how rate or workers change over the measurement.
	Shape load.Shape `yaml:"shape" doc:"how rate or workers change over the measurement, as a factor on them; constant when left out"`

	// Closed loop.
	Workers int           `yaml:"workers" doc:"closed loop: workers that each make one call after the other"`
	Think   time.Duration `yaml:"think" doc:"closed loop: wait between the end of a call and the worker's next"`

	// SLO is 0 when none is set.
	SLO      time.Duration `yaml:"slo" doc:"response time within which a call counts as good; the timeout when left out"`
	Messages int           `yaml:"messages" or:"Pace" doc:"messages per stream; 10 when left out; not for unary calls; or {count: 600, every: 50ms}"`
	// Pace is set where messages are sent at their times, and Messages follows
	// from it.
	Pace *Pace `yaml:"-"`
	// Answers is 0 where streams are read to their end.
	Answers int `yaml:"answers" doc:"own service: messages of the server after which a stream has ended well and is closed; it is read to its end when left out"`
	// Request and Response are the largest sizes where they are distributed.
	Request      int64      `yaml:"request" unit:"bytes" or:"RequestSizes" tree:"Body" doc:"payload of each request message; 0 when left out; or a distribution; of an own service: a message, a list of them, or @FILE.json or @FILE.jsonl"`
	RequestSizes load.Sizes `yaml:"-"`
	// Body is the messages of a method of the user's own service.
	Body          *strict.Node      `yaml:"-"`
	Metadata      map[string]string `yaml:"metadata" doc:"own service: sent with every call of the entry, besides client.metadata; may have templates and secrets, as ${NAME} or ${file:PATH}"`
	Feed          *Feed             `yaml:"feed" doc:"own service: a file of rows that templates take values from"`
	Response      int64             `yaml:"response" unit:"bytes" or:"ResponseSizes" doc:"payload of each response message; 0 when left out; or a distribution"`
	ResponseSizes load.Sizes        `yaml:"-"`
	// Expect is nil where any answer will do that is OK.
	Expect *expect.Expect `yaml:"expect" doc:"what calls must be answered with; a miss is a failed call, of origin expectation"`
	Keys   load.Keys      `yaml:"keys" doc:"how calls are spread over users; uniform when left out"`

	// own is a method of the user's own service, and bound what it comes to once its
	// descriptor is known.
	own   bool
	bound *Own
	rows  int // of its feed
}

// Pace is messages that are sent at their times.
type Pace struct {
	Count int           `yaml:"count" doc:"messages per stream; 10 when left out"`
	Every time.Duration `yaml:"every" doc:"time from one message that the client sends to the next; each counts from when it is due"`
}

// SetDefaults implements the decoder's hook.
func (p *Pace) SetDefaults() { p.Count = defaultMessages }

// Word is how explain writes it.
func (p Pace) Word() string { return fmt.Sprintf("{count: %d, every: %v}", p.Count, p.Every) }

// Sessions is a partly open load: users come as they please, and each makes a
// chain of calls.
type Sessions struct {
	Calls int           `yaml:"calls" doc:"calls that each user makes; 5 when left out"`
	Think time.Duration `yaml:"think" doc:"wait between the end of a call and the user's next; 1s when left out"`
}

// SetDefaults implements the decoder's hook.
func (s *Sessions) SetDefaults() { s.Calls, s.Think = 5, time.Second }

// Word is how explain writes it.
func (s Sessions) Word() string { return fmt.Sprintf("{calls: %d, think: %v}", s.Calls, s.Think) }

// Part is what makes a load entry one method of a mix.
type Part struct {
	// Of is the mix's name, and Rate the rate of all of it.
	Of   string
	Rate float64
	// Weights are the shares of its methods, Kind the index of this one.
	Weights []float64
	Kind    int
}

// Defaults of the document that are not those of a part.
const (
	defaultSeed        = 1
	defaultWarmup      = 2 * time.Second
	defaultMeasure     = 10 * time.Second
	defaultDrain       = 5 * time.Second
	defaultMaxInFlight = 10_000
	defaultMessages    = 10
)

// defaults is what a document is decoded into. A fleet permits keepalive
// pings, a stranger's server may answer them with too_many_pings.
func defaults(fleet bool) Scenario {
	s := Scenario{
		Seed:    defaultSeed,
		Client:  Client{Count: 1, Config: clientcore.Default()},
		Warmup:  defaultWarmup,
		Measure: defaultMeasure,
		Drain:   defaultDrain,
	}
	if fleet {
		s.Fleet = new(Fleet)
		s.Fleet.SetDefaults()
		s.Client.Keepalive = clientcore.FleetKeepalive()
	}
	return s
}

// complete fills in the defaults that depend on other settings. The document
// is valid by now.
func (s *Scenario) complete() {
	if s.Fleet != nil {
		s.completeFleet()
	}
	if s.MeasureUntil != nil {
		s.Measure = s.MeasureUntil.Max
	}
	for i := range s.Load {
		l := &s.Load[i]
		l.place = i
		if l.Name == "" {
			l.Name = l.defaultName()
		}
		l.written(s.Measure)
		if l.Share > 0 {
			capacity, _ := s.capacity(*l)
			if l.Sessions != nil {
				capacity /= float64(l.Sessions.Calls) // the rate is of users
			}
			l.Rate = l.Share * capacity
		}
		if l.Open() {
			if l.Arrivals.Process() == nil {
				l.Arrivals.Poisson = new(load.Poisson)
			}
			if l.MaxInFlight == 0 {
				l.MaxInFlight = defaultMaxInFlight
			}
		}
		if m, ok := methodNamed(l.Call); ok && !l.own && m.streams() && l.Messages == 0 {
			l.Messages = defaultMessages
		}
	}
	s.Load = unmixed(s.Load)
}

// completeFleet gives the fleet what the client's balancing cannot do without,
// so that the bare name of a policy works. Nobody else pays for it.
func (s *Scenario) completeFleet() {
	if len(s.Fleet.Remote) > 0 {
		s.Fleet.Isolation = Remote
	}
	perCall, _ := s.Client.Balance.ReadsLoadReports()
	if s.Fleet.LoadReport == nil && (perCall || s.Client.ServiceConfig != "") {
		// A service config may ask for weighted_round_robin as well.
		s.Fleet.LoadReport = new(fakeserver.LoadReport)
		s.Fleet.LoadReport.SetDefaults()
	}
	if s.Fleet.Lookaside == nil && s.Client.Balance.NeedsLookaside() {
		s.Fleet.Lookaside = new(fakeserver.Lookaside)
	}
}

// CallTimeout is the client's timeout for calls of a method, written as
// user.v1.UserService/GetUser or GetUser; 0 is none.
func (s *Scenario) CallTimeout(method string) time.Duration {
	if own := s.methodSettings(method).Timeout; own != nil {
		return *own
	}
	return s.Client.Timeout
}

// isName reports whether s can name a load entry, a dimension or an overlay:
// letters, digits, _, . and - only, so that it can stand in a variant's name.
func isName(s string) bool {
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '.', r == '-':
		default:
			return false
		}
	}
	return s != ""
}

const nameRule = "letters, digits, _, . and - only"
