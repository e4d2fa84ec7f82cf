// Package breaker is a circuit breaker: it stops calls to what keeps failing, so
// that callers fail fast and the backend is left in peace, and tries again
// later with a few probes.
//
//	         enough failures               reset time is over
//	closed ──────────────────────▶ open ──────────────────────▶ half-open
//	   ▲                            ▲                              │  │
//	   │                            └────────── a probe failed ────┘  │
//	   └───────────────────────────────── enough probes succeeded ────┘
//
// A Breaker is the state machine alone. A Layer puts one around all calls of a
// client, or one around each method's. A Set holds one for each backend, for a
// balancer, which then leaves out the backends whose breaker is open.
//
// No lock is held over a call: a call is admitted with a Ticket, and reports its
// Outcome with it. The outcome of a call that was admitted in an earlier state
// is ignored: it speaks of what has been acted on already.
package breaker
