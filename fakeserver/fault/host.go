package fault

import "time"

// Host is what faults can do to a backend. Several faults may do so at once:
// what each has done stays until that fault undoes it. A fault that has settings
// is told from others by its address. One that has none cannot be, since Go may
// give all values without a size the same address: what it does nests.
type Host interface {
	// Shut resets the backend's connections and refuses new ones. Calls nest: a
	// backend is open again when it was opened as often as it was shut.
	Shut()
	// Open listens again. On an error the backend is as it was.
	Open() error
	// Drain is Shut for a backend that leaves in good order: it refuses new
	// connections and tells clients with GOAWAY; calls in flight may end until
	// Open, which cancels those that are left.
	Drain()
	// Freeze stops all work. Calls nest: it goes on when it was thawed as often.
	Freeze()
	// Thaw takes that back.
	Thaw()
	// SetSpeed multiplies the backend's speed by what ramp says, from now on.
	SetSpeed(by Fault, ramp Ramp)
	// UnsetSpeed takes back what by has set.
	UnsetSpeed(by Fault)
	// SetSlots leaves a share of the backend's slots, at least one.
	SetSlots(by Fault, share float64)
	// UnsetSlots takes back what by has set.
	UnsetSlots(by Fault)

	// Disconnect closes all connections, once: with a FIN after what was
	// written, or else with a RST.
	Disconnect(fin bool)
	// GoAway sends GOAWAY on all connections, once: one that lets calls in
	// flight end, or else, with refuse, one that gives them back.
	GoAway(refuse bool)
	// Hush holds back every byte of all connections, both ways. Calls nest as
	// those of Freeze.
	Hush()
	// Unhush takes that back.
	Unhush()
	// SetMaxAge sends connections away at an age and closes them when grace
	// has passed, too.
	SetMaxAge(by Fault, age, grace time.Duration)
	// UnsetMaxAge takes that back.
	UnsetMaxAge(by Fault)
	// SetMaxStreams lets a connection carry so many calls at once.
	SetMaxStreams(by Fault, n int)
	// UnsetMaxStreams takes that back.
	UnsetMaxStreams(by Fault)
	// ShowBad shows a bad certificate to new connections.
	ShowBad(by Fault, certificate BadCertificate)
	// ShowGood takes that back.
	ShowGood(by Fault)

	// Sicken makes the backend say NOT_SERVING by the health protocol. Calls
	// nest: it is well when it was healed as often.
	Sicken()
	// Heal takes that back.
	Heal()
}

// OnFrames is an OnBackend that speaks HTTP/2: with one configured, backends
// follow the frames of their connections, which costs some speed.
type OnFrames interface {
	OnBackend
	OnFrames()
}

// Ramp is a factor that goes from From to To in a straight line. Over 0 is at
// To at once.
type Ramp struct {
	From, To float64
	Over     time.Duration
}

// windowed is a fault that is particular about its window.
type windowed interface {
	validateWindow(Rule) error
}

func validateWindow(r Rule, f Fault) error {
	if w, ok := f.(windowed); ok {
		return w.validateWindow(r)
	}
	return nil
}

// Momentary is an OnBackend that is over as soon as it has begun: End is never
// called.
type Momentary interface {
	OnBackend
	Momentary()
}
