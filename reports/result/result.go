// Package result is the data model of everything a run measured: the only
// thing that passes from running to reporting. Its JSON form, result.json, is
// a published format: add fields, never change what one means without raising
// SchemaVersion.
//
// Units are in the names: _ns is nanoseconds, _per_s is per second of the
// measurement window. Codes are written as gRPC writes them (UNAVAILABLE).
package result

import (
	"strings"
	"time"
)

// SchemaVersion is the version of the format that this package writes.
const SchemaVersion = 1

// Result is one run: every trial of every variant of one scenario.
type Result struct {
	SchemaVersion int `json:"schema_version"`
	// Partial is set when the run was interrupted before its plan was done.
	Partial bool `json:"partial"`
	// Aborted says which condition of the scenario's abort_when stopped the run,
	// which is then partial, and of what it held.
	Aborted string `json:"aborted,omitempty"`
	// Started is when the first trial began; Elapsed how long all took.
	Started     time.Time         `json:"started"`
	ElapsedNS   int64             `json:"elapsed_ns"`
	Seed        uint64            `json:"seed"`
	Note        string            `json:"note"`
	Labels      map[string]string `json:"labels"`
	Scenario    Scenario          `json:"scenario"`
	Environment Environment       `json:"environment"`
	// Builds is the builds of grpcbench that ran the trials, where several were
	// compared; the variants' setting build names them.
	Builds []Build `json:"builds,omitempty"`
	// Calibration is nil where none was made.
	Calibration *Calibration `json:"calibration,omitempty"`
	// Validity is the worst of the trials'.
	Validity Validity `json:"validity"`
	// Gates is the conditions that the result was judged by, in their order.
	Gates []Gate `json:"gates,omitempty"`
	// Capacity is nil but in results of `grpcbench capacity`.
	Capacity *Capacity `json:"capacity,omitempty"`
	Variants []Variant `json:"variants"`
}

// Scenario is the question that the run asked.
type Scenario struct {
	Name string `json:"name"`
	// File is the base name of the file it was read from.
	File  string `json:"file,omitempty"`
	About string `json:"about,omitempty"`
	// SHA256 is the hex digest of Document. WorkloadSHA256 is that of what was
	// measured alone, without the number of trials, gates and words: results that
	// share it can be compared. It is empty in results of old.
	SHA256         string `json:"sha256"`
	WorkloadSHA256 string `json:"workload_sha256,omitempty"`
	// Document is the scenario as it was run, --set applied, secrets masked.
	Document string `json:"document"`
	// Dimensions are the compared dimensions in the document's order; empty
	// when one variant was run.
	Dimensions []Dimension `json:"dimensions,omitempty"`
	// Trials, WarmupNS, MeasureNS and DrainNS are the plan's. Where trials were
	// added until the intervals were narrow enough, Precision is how narrow, as
	// a share, Reached how narrow the widest came to be (nil: not known), and
	// Trials how many it took.
	Trials    int      `json:"trials"`
	Precision float64  `json:"precision,omitempty"`
	Reached   *float64 `json:"precision_reached,omitempty"`
	// Until is what a measurement ended with, as a document writes it, and
	// MeasureNS then the longest; each trial has its own length.
	Until     string `json:"measure_until,omitempty"`
	WarmupNS  int64  `json:"warmup_ns"`
	MeasureNS int64  `json:"measure_ns"`
	DrainNS   int64  `json:"drain_ns"`
	// Isolation is process, inprocess, remote or target.
	Isolation string `json:"isolation"`
	// Target is the target of all variants; empty where they differ, and each has
	// its own.
	Target string `json:"target,omitempty"`
	// Unverified is that a variant accepted any certificate of the target's.
	Unverified bool `json:"tls_unverified,omitempty"`
	// MaxRatePerS is the most calls per second that the run was allowed to offer; 0
	// is no limit.
	MaxRatePerS float64 `json:"max_rate_per_s,omitempty"`
}

// Dimension is one compared setting.
type Dimension struct {
	// Name is the dotted path, or the name of a set of overlays.
	Name   string   `json:"name"`
	Values []string `json:"values"`
	// Baseline is the value that others are compared with; empty when the
	// dimension is a condition: a table and a baseline per value.
	Baseline string `json:"baseline,omitempty"`
}

// Load is one load entry, as a heading would describe it.
type Load struct {
	Name   string `json:"name"`
	Method string `json:"method"`
	Kind   Kind   `json:"kind"`
	Loop   Loop   `json:"loop"`
	// Arrivals is the arrival process of an open loop: constant, poisson.
	Arrivals string `json:"arrivals,omitempty"`
	// Shape is how rate or workers change over the measurement, as a document
	// writes it; empty where they do not.
	Shape string `json:"shape,omitempty"`
	// SessionCalls is how many calls each arrival makes, ThinkNS apart; 0 where
	// it is one. The rate is of arrivals.
	SessionCalls int     `json:"session_calls,omitempty"`
	RatePerS     float64 `json:"rate_per_s,omitempty"`
	Workers      int     `json:"workers,omitempty"`
	ThinkNS      int64   `json:"think_ns,omitempty"`
	SLONS        int64   `json:"slo_ns,omitempty"`
	TimeoutNS    int64   `json:"timeout_ns,omitempty"`
	Messages     int     `json:"messages,omitempty"`
	// MessageEveryNS is the time between messages that are sent at their times.
	MessageEveryNS int64 `json:"message_every_ns,omitempty"`
	// RequestB and ResponseB are means where RequestSizes or ResponseSizes name
	// a distribution.
	RequestB      int64  `json:"request_bytes,omitempty"`
	ResponseB     int64  `json:"response_bytes,omitempty"`
	RequestSizes  string `json:"request_sizes,omitempty"`
	ResponseSizes string `json:"response_sizes,omitempty"`
	// Keys is how calls are spread over users; empty is uniform.
	Keys        string `json:"keys,omitempty"`
	MaxInFlight int    `json:"max_in_flight,omitempty"`
	// Expect is what calls had to be answered with, as a document writes it: those
	// that were count as OK, whatever their code.
	Expect string `json:"expect,omitempty"`
}

// Lasts is whether the fault goes on to the end of the trial once it has begun.
func (f *FaultWindow) Lasts() bool { return f.ForNS == 0 && !f.Moment }

// Touches is whether the fault can touch calls of a method.
func (f *FaultWindow) Touches(method string) bool {
	where, method := strings.TrimPrefix(f.Method, "/"), strings.TrimPrefix(method, "/")
	return where == "" || where == method || where == method[strings.LastIndexByte(method, '/')+1:]
}

// FaultWindow is one scheduled fault. Times count from t0.
type FaultWindow struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"`
	AtNS  int64  `json:"at_ns"`
	ForNS int64  `json:"for_ns,omitempty"` // 0: to the end of the trial, unless Moment
	// Moment is that it happens at AtNS and is over.
	Moment bool `json:"moment,omitempty"`
	// EveryNS is the period with which it repeats; 0: it does not.
	EveryNS int64 `json:"every_ns,omitempty"`
	// Method and Backends narrow it, as written; empty is all.
	Method   string `json:"method,omitempty"`
	Backends []int  `json:"backends,omitempty"`
}

// Churn is one change of the endpoints that clients were told of. Members are
// the numbers of the backends from then on.
type Churn struct {
	AtNS    int64 `json:"at_ns"`
	Members []int `json:"members"`
}

// Environment is where the run took place.
type Environment struct {
	Go         string `json:"go"`
	OS         string `json:"os"`
	Arch       string `json:"arch"`
	CPUs       int    `json:"cpus"`
	CPUModel   string `json:"cpu_model"`
	GOMAXPROCS int    `json:"gomaxprocs"`
	GRPC       string `json:"grpc"`
	Grpcbench  string `json:"grpcbench"`
	// GOGC and MemoryLimit are the garbage collector's settings in force; HeapFloor
	// is how large the heap may grow whatever lives.
	GOGC        int   `json:"gogc,omitempty"`
	HeapFloor   int64 `json:"heap_floor_bytes,omitempty"`
	MemoryLimit int64 `json:"memory_limit_bytes,omitempty"`
}

// Build is one of the builds of grpcbench that a run compared.
type Build struct {
	Name        string      `json:"name"`
	Environment Environment `json:"environment"`
}

// Kind is one of gRPC's four RPC kinds.
type Kind string

// The four RPC kinds.
const (
	Unary        Kind = "unary"
	ServerStream Kind = "server_stream"
	ClientStream Kind = "client_stream"
	BidiStream   Kind = "bidi_stream"
)

// Loop says who decides when a call is made.
type Loop string

// Open: calls are due at times drawn beforehand. Closed: each worker makes its
// next call when its last has ended.
const (
	Open   Loop = "open"
	Closed Loop = "closed"
)

// Origin says where a failed call's failure came from.
type Origin string

// The origins of failure.
const (
	OriginServer    Origin = "server"    // the server answered with the code
	OriginTransport Origin = "transport" // the connection failed or refused
	OriginDeadline  Origin = "deadline"  // the call's own time ran out
	OriginBreaker   Origin = "breaker"
	OriginBudget    Origin = "budget"
	OriginPool      Origin = "pool"
	OriginBalancer  Origin = "balancer" // no backend could be picked
	OriginClient    Origin = "client"   // the request could not be sent as asked
	// OriginExpectation: the server answered, and not as the load entry's `expect`
	// asks for.
	OriginExpectation Origin = "expectation"
)

// Variant is one combination of the compared settings and its trials.
type Variant struct {
	// Name is pool.size=4,backoff=fixed; "default" where nothing is compared.
	Name     string            `json:"name"`
	Settings map[string]string `json:"settings"`
	// Target is what the variant's clients called, where variants differ in it.
	Target string `json:"target,omitempty"`
	// Loads describes the load entries, in the document's order; Faults the
	// scheduled faults. Variants may differ in both.
	Loads  []Load        `json:"loads"`
	Faults []FaultWindow `json:"faults"`
	// Churn is the changes of the endpoints that clients were told of.
	Churn  []Churn `json:"churn,omitempty"`
	Trials []Trial `json:"trials"`
}

// Trial is one timed run of one variant: fresh client, reset fleet, warm-up,
// measurement.
type Trial struct {
	// Index numbers the variant's trials from 0; Block is the block it ran in.
	Index int `json:"index"`
	Block int `json:"block"`
	// Partial is set when the trial was interrupted during its measurement.
	Partial bool `json:"partial,omitempty"`
	// Started is t0; MeasuredNS how long the measurement lasted.
	Started    time.Time `json:"started"`
	MeasuredNS int64     `json:"measured_ns"`
	Validity   Validity  `json:"validity"`
	State      State     `json:"state"`
	// RecoveryNS is how long after the last fault's end goodput of all load
	// entries was back, at a whole second of the measurement; null where it was
	// not, or there was no fault.
	RecoveryNS *int64     `json:"recovery_ns,omitempty"`
	Series     []Series   `json:"series"`
	Intervals  []Interval `json:"intervals"`
	// BreakersAtT0 is the circuit breakers that were not closed at t0: of each the
	// change before t0 that brought it into the state it was in then.
	BreakersAtT0 []BreakerChange `json:"breakers_at_t0,omitempty"`
	Exemplars    []Exemplar      `json:"exemplars"`
	Fleet        *Fleet          `json:"fleet,omitempty"`
	Client       Client          `json:"client"`
}

// Verdict says whether a measurement is fit to act on.
type Verdict string

// The verdicts, from best to worst.
const (
	Valid   Verdict = "VALID"
	Suspect Verdict = "SUSPECT"
	Invalid Verdict = "INVALID"
)

// Validity is a verdict with its reasons.
type Validity struct {
	Verdict Verdict  `json:"verdict"`
	Reasons []Reason `json:"reasons"`
}

// Reason is one finding against a measurement. Figure and Limit are in the
// unit that Code implies; Detail is a sentence for people.
type Reason struct {
	Code    string  `json:"code"`
	Verdict Verdict `json:"verdict"`
	Figure  float64 `json:"figure"`
	Limit   float64 `json:"limit"`
	Detail  string  `json:"detail,omitempty"`
}

// State is what the system under test was doing: a finding, never a fault of
// the measurement.
type State string

// The states.
const (
	Steady       State = "steady"
	Drifting     State = "drifting"  // responses grew or shrank throughout
	Saturated    State = "saturated" // in flight grew to the end
	InFault      State = "in fault"  // a fault, not on throughout, was open when measurement ended, or until less than two seconds before
	Recovered    State = "recovered"
	NotRecovered State = "not recovered" // within what the measurement had left
	Metastable   State = "metastable"    // nor in ten times the fault's length, a minute at least
)

// Series is the measurements of one load entry in one trial. Its books hold:
// Planned = Calls + Dropped and Calls = Σ Codes + Unfinished.
type Series struct {
	Name   string `json:"name"`
	Method string `json:"method"`
	Kind   Kind   `json:"kind"`
	Loop   Loop   `json:"loop"`
	// OfferedPerS is the planned rate of an open loop, or the achieved one of
	// a closed loop.
	OfferedPerS float64 `json:"offered_per_s"`
	// AchievedPerS is calls that ended OK before the measurement's length had
	// passed, per second: what ended in the drain does not count.
	AchievedPerS float64 `json:"achieved_per_s"`
	Planned      int64   `json:"planned"`
	Dropped      int64   `json:"dropped"`
	Calls        int64   `json:"calls"`
	Unfinished   int64   `json:"unfinished"`
	// Held is the calls of a closed loop that waited, HeldNS together, so as not
	// to be above the scenario's max_rate. They are due when that is over.
	Held   int64 `json:"held,omitempty"`
	HeldNS int64 `json:"held_ns,omitempty"`
	// Attempts is the attempts that the client's balancers picked for.
	Attempts int64            `json:"attempts"`
	Codes    map[string]int64 `json:"codes"`
	Origins  map[Origin]int64 `json:"origins"`
	Errors   []ErrorCount     `json:"errors,omitempty"`
	// GoodputPerS is planned calls that ended OK within the SLO (the timeout
	// where none is set), per second of the measurement, whenever they ended;
	// InSLO the same as a share of planned calls.
	GoodputPerS float64             `json:"goodput_per_s"`
	InSLO       float64             `json:"in_slo"`
	Latency     map[Measure]Summary `json:"latency"`
}

// OK is the number of calls that ended OK.
func (s *Series) OK() int64 { return s.Codes["OK"] }

// Failed is the number of planned calls that did not end OK: failed,
// unfinished and dropped ones.
func (s *Series) Failed() int64 { return s.Planned - s.OK() }

// ErrorCount counts one error message. Message is text from a server: escape
// it wherever it is shown.
type ErrorCount struct {
	Code    string `json:"code"`
	Origin  Origin `json:"origin"`
	Message string `json:"message"`
	Count   int64  `json:"count"`
}

// Measure names one of the latencies that are kept.
type Measure string

// The measures; docs/measurement.md defines each.
const (
	Response       Measure = "response"        // done − due, OK calls
	ResponseFailed Measure = "response_failed" // done − due, failed calls
	Service        Measure = "service"         // done − sent, OK calls
	Wait           Measure = "wait"            // sent − due; done − due when never sent
	Lag            Measure = "lag"             // dispatched − due; how late paced messages left
	AttemptTime    Measure = "attempt"         // one attempt, start to end
	FirstMessage   Measure = "first_message"   // first − sent
	MessageGap     Measure = "message_gap"     // between response messages
	// MessageResponse is that of each paced message: response − when it was due.
	MessageResponse Measure = "message_response"
)

// Measures lists every measure in the order of display.
func Measures() []Measure {
	return []Measure{Response, ResponseFailed, Service, Wait, Lag, AttemptTime, FirstMessage, MessageGap, MessageResponse}
}

// Interval is one second of one trial. Time series and live views consume
// only these.
type Interval struct {
	// Second counts from t0; negative during warm-up.
	Second int              `json:"second"`
	Series []IntervalSeries `json:"series"`
	// Breakers are the changes of circuit breakers in this second, in order.
	Breakers []BreakerChange `json:"breakers,omitempty"`
	// BreakerStates is how the clients' circuit breakers stood when the interval
	// ended; nil where there was none.
	BreakerStates *BreakerStates `json:"breaker_states,omitempty"`
	// Pool is how the clients' channels stood when the interval ended.
	Pool *PoolStates `json:"pool,omitempty"`
}

// BreakerStates is how many circuit breakers of all clients were in each state at
// one moment: one of each client, of each method that it called, or of each backend
// that it has known.
type BreakerStates struct {
	Closed   int `json:"closed"`
	Open     int `json:"open"`
	HalfOpen int `json:"half_open"`
}

// PoolStates is the channels of all clients at one moment.
type PoolStates struct {
	// Channels is how many were in each state, as gRPC writes it (READY); a
	// state that none was in is left out.
	Channels map[string]int `json:"channels"`
	// Connections is how many were READY, over all channels.
	Connections int `json:"connections"`
}

// IntervalSeries is one load entry's second. A call counts as planned and
// dropped in the second it was due, as dispatched in the one it left in, the
// rest in the second it ended.
type IntervalSeries struct {
	Name    string `json:"name"`
	Planned int64  `json:"planned"`
	Dropped int64  `json:"dropped"`
	// Dispatched is the calls that left in this second.
	Dispatched int64            `json:"dispatched"`
	OK         int64            `json:"ok"`
	InSLO      int64            `json:"in_slo"`
	Failed     int64            `json:"failed"`
	Codes      map[string]int64 `json:"codes,omitempty"`
	Attempts   int64            `json:"attempts"`
	// InFlight is the calls under way when the interval ended.
	InFlight int64 `json:"in_flight"`
	// P50NS and P99NS are of the responses of OK calls; 0 when there was none.
	P50NS int64 `json:"p50_ns"`
	P99NS int64 `json:"p99_ns"`
	// Spread is how these responses were spread; nil when there was none.
	Spread *Spread `json:"spread,omitempty"`
	// Responses is these responses in full. It is of the engine, which counts
	// the next second with it: it is there for who is told of the second as it
	// ends, until they return, and nil ever after and when there was none.
	Responses *Histogram `json:"-"`
}

// BreakerChange is one change of one circuit breaker. Times are from t0, negative
// before.
type BreakerChange struct {
	AtNS int64 `json:"at_ns"`
	// Client numbers the client from 0; Name is what the breaker is for: the
	// client, a method, or a backend.
	Client int    `json:"client"`
	Name   string `json:"name"`
	From   string `json:"from"` // closed, open, half_open
	To     string `json:"to"`
}

// Exemplar is one call worth looking at: one of the slowest, or one of the
// first of an error. Times are from t0.
type Exemplar struct {
	Series     string    `json:"series"`
	Call       string    `json:"call"`
	Why        string    `json:"why"` // slowest | error
	Code       string    `json:"code"`
	Origin     Origin    `json:"origin,omitempty"`
	Message    string    `json:"message,omitempty"`
	DueNS      int64     `json:"due_ns"`
	ResponseNS int64     `json:"response_ns"`
	WaitNS     int64     `json:"wait_ns"`
	Attempts   []Attempt `json:"attempts,omitempty"`
}

// Attempt is one try of a call on the wire. StartNS is from the call's due.
type Attempt struct {
	// Backend is b0, b1, … for a fleet, the address for a target, empty when
	// none was picked.
	Backend    string `json:"backend"`
	Code       string `json:"code"`
	StartNS    int64  `json:"start_ns"`
	DurationNS int64  `json:"duration_ns"`
	// DelayNS is the backoff that followed. The attempts of a hedged call run
	// side by side, in the order of their start: StartNS and DurationNS say how.
	DelayNS int64 `json:"delay_ns,omitempty"`
}

// Fleet is what the fleet counted during the measurement window.
type Fleet struct {
	Backends []Backend `json:"backends"`
	// ActualOverAsked is Σ actual ÷ Σ asked service time; 0 when none was
	// asked for.
	ActualOverAsked float64 `json:"actual_over_asked,omitempty"`
	// Remotes is the machines of a fleet that is not on this one.
	Remotes []Remote `json:"remotes,omitempty"`
}

// Remote is one machine that backends of the fleet were on.
type Remote struct {
	Address string `json:"address"` // of its control service
	// ClockAheadNS is what its clock was ahead of this machine's, which start
	// times were corrected by, with an error of at most half of RoundTripNS.
	ClockAheadNS int64 `json:"clock_ahead_ns"`
	RoundTripNS  int64 `json:"round_trip_ns"`
}

// Backend is one fake server's account.
type Backend struct {
	Name     string           `json:"name"`
	Address  string           `json:"address"`
	Attempts map[string]int64 `json:"attempts"`
	Codes    map[string]int64 `json:"codes,omitempty"`
	// Faults is the attempts and windows that met a fault, by its kind; Rules
	// the same by the rule's name.
	Faults  map[string]int64 `json:"faults,omitempty"`
	Rules   map[string]int64 `json:"rules,omitempty"`
	Refused int64            `json:"refused,omitempty"`
	// InFlight is the calls in a handler when the account was closed.
	InFlight int64 `json:"in_flight,omitempty"`
	// Series is the attempts by method and number.
	Series []AttemptSeries `json:"series,omitempty"`
	// Wasted is the services, finished or not, for callers that were gone when
	// they ended; WastedNS what these took.
	Wasted      int64            `json:"wasted,omitempty"`
	WastedNS    int64            `json:"wasted_ns,omitempty"`
	Connections FleetConnections `json:"connections"`
	// WastedSeconds is WastedNS by the second in which a service ended: those in
	// which one did, in order. Their sum is WastedNS. Results of old have none.
	WastedSeconds []WastedSecond `json:"wasted_seconds,omitempty"`
	// QueueLength is how many waited when a call asked for a slot, QueueWaitNS
	// how long those waited that got one: where concurrency is limited.
	QueueLength []Bucket `json:"queue_length,omitempty"`
	QueueWaitNS []Bucket `json:"queue_wait_ns,omitempty"`
}

// WastedSecond is what the services took that ended in one second for callers that
// were gone.
type WastedSecond struct {
	// Second counts from t0 on the fleet's clock. -1 is what ended before it, when
	// the books had just been opened; seconds after the measurement are of the drain.
	Second int   `json:"second"`
	NS     int64 `json:"ns"`
}

// AttemptSeries is the attempts of one number at one method of a backend.
type AttemptSeries struct {
	Method string `json:"method"`
	Kind   string `json:"kind,omitempty"`
	// Attempt is 1 for calls that were not tried before; 8 is the eighth and all
	// after it.
	Attempt  int              `json:"attempt"`
	Received int64            `json:"received"`
	Codes    map[string]int64 `json:"codes,omitempty"`
	Rules    map[string]int64 `json:"rules,omitempty"`
	// Abandoned is those of Codes whose caller, or connection, was gone.
	Abandoned int64 `json:"abandoned,omitempty"`
}

// FleetConnections is the connections of one backend: opened and closed during
// the measurement, those of the closed that a fault has closed, and those open
// at its end.
type FleetConnections struct {
	Opened int64 `json:"opened"`
	Closed int64 `json:"closed"`
	Killed int64 `json:"killed,omitempty"`
	Open   int64 `json:"open"`
}

// Bucket is the values up to Max that are in no bucket before.
type Bucket struct {
	Max   int64 `json:"max"`
	Count int64 `json:"count"`
}

// Client is what the client's side counted during the measurement window.
type Client struct {
	// Clients is how many independent clients the calls were dealt to; what
	// follows is the sum over them.
	Clients  int `json:"clients"`
	Channels int `json:"channels"`
	// Connections is the subchannels that were READY when measurement ended.
	Connections int   `json:"connections"`
	CPUNS       int64 `json:"cpu_ns"`
	// Attempts by method and backend: picked, answered (header or trailer
	// seen), unknown.
	Attempts []AttemptCount `json:"attempts"`
	// AllocsPerCall is the heap objects that the whole process allocated, by call.
	AllocsPerCall float64 `json:"allocs_per_call,omitempty"`
	// Picks is the attempts that each backend was picked for, all methods
	// together, in the order of the backends; a backend that was never picked
	// has 0. Imbalance is the busiest one's share of them over an even share:
	// 1 is perfectly even, 3 is all on one of three. It is 0 when nothing was
	// picked, and for a target, where only those that were picked are known,
	// it is against these.
	Picks     []Picks `json:"picks,omitempty"`
	Imbalance float64 `json:"imbalance,omitempty"`
	Pool      Pool    `json:"pool"`
	// Breaker, Retry and Hedge are 0 without one.
	Breaker Breaker `json:"breaker"`
	Retry   Retry   `json:"retry"`
	Hedge   Hedge   `json:"hedge"`
}

// Picks is how often one backend was picked.
type Picks struct {
	Backend string `json:"backend"`
	Picks   int64  `json:"picks"`
}

// Pool is what the pools' channels went through.
type Pool struct {
	// Rebuilds are channels replaced because they were stuck, Recycles because
	// of their age, Idled because nobody used them.
	Rebuilds int64 `json:"rebuilds,omitempty"`
	Recycles int64 `json:"recycles,omitempty"`
	Idled    int64 `json:"idled,omitempty"`
	// Waits are calls that waited for a channel to have room, WaitedNS their
	// time together.
	Waits    int64 `json:"waits,omitempty"`
	WaitedNS int64 `json:"waited_ns,omitempty"`
}

// Breaker is what the circuit breakers did.
type Breaker struct {
	Opened   int64 `json:"opened,omitempty"`
	Rejected int64 `json:"rejected,omitempty"` // attempts that were not sent
}

// Retry is what the budget of retries, or of hedges, did.
type Retry struct {
	Refused int64 `json:"refused,omitempty"` // attempts that the budget did not allow
}

// Hedge is what hedging did.
type Hedge struct {
	// Sent is the further attempts of hedged calls: because there was no answer
	// in time, or because the attempt before had failed.
	Sent int64 `json:"sent,omitempty"`
	// Won is how many of these answered first.
	Won int64 `json:"won,omitempty"`
}

// AttemptCount is the client's count of attempts for one method on one backend.
type AttemptCount struct {
	Method   string `json:"method"`
	Backend  string `json:"backend"`
	Picked   int64  `json:"picked"`
	Answered int64  `json:"answered"`
	Unknown  int64  `json:"unknown"`
}
