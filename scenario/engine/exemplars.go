package engine

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

const (
	slowestKept  = 20 // over all entries of a trial
	perErrorKept = 3  // of each code of each entry
	maxErrorSets = 1000
)

// exemplars keeps calls worth looking at. A call that is not among them costs
// one compare, and one that is costs no allocation once the buffers have
// grown. Which calls are kept does not depend on the order of offers.
type exemplars struct {
	// atLeast is the response time in nanoseconds below which a call is not
	// among the slowest; 0 until there are enough of them.
	atLeast atomic.Int64

	mu      sync.Mutex
	slowest []keptCall
	least   int // the index in slowest of the one to replace next
	errors  map[errorSet]*[]keptCall
}

// errorSet is what the first few are kept of.
type errorSet struct {
	entry int
	code  string
}

// keptCall is a copy of a call.
type keptCall struct {
	id       callID
	entry    int
	due      time.Time
	done     time.Time
	response time.Duration
	wait     time.Duration
	code     string
	origin   result.Origin
	message  string
	attempts []result.Attempt
}

// faster orders by response time; among equals, the call that was due later
// counts as faster.
func faster(a, b *keptCall) int {
	return cmp.Or(cmp.Compare(a.response, b.response), -earlier(a, b))
}

// earlier orders by due time, and then by what is the same in every run.
func earlier(a, b *keptCall) int {
	return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.entry, b.entry),
		cmp.Compare(a.id.worker, b.id.worker), cmp.Compare(a.id.ordinal, b.id.ordinal))
}

// sooner orders by when the calls ended.
func sooner(a, b *keptCall) int { return cmp.Or(a.done.Compare(b.done), earlier(a, b)) }

// offer considers a call that has ended, response nanoseconds after it was due.
func (x *exemplars) offer(entry int, call *Call, response int64) {
	slow, failed := response >= x.atLeast.Load(), call.Code != codeNames[codeOK]
	if slow || failed {
		x.take(entry, call, time.Duration(response), slow, failed)
	}
}

func (x *exemplars) take(entry int, call *Call, response time.Duration, slow, failed bool) {
	k := keptCall{
		id: call.id(), entry: entry, due: call.Due, done: call.Done, response: response, wait: response,
		code: codeName(call.Code), origin: call.Origin, message: cut(call.Message), attempts: call.Attempts,
	}
	if !call.Sent.IsZero() {
		k.wait = call.Sent.Sub(call.Due)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if slow {
		x.offerSlow(&k)
	}
	if failed {
		x.offerError(&k)
	}
}

func (x *exemplars) offerSlow(k *keptCall) {
	if len(x.slowest) < slowestKept {
		x.slowest = append(x.slowest, keptCall{})
		x.slowest[len(x.slowest)-1].set(k)
		if len(x.slowest) < slowestKept {
			return
		}
	} else {
		if faster(k, &x.slowest[x.least]) < 0 {
			return
		}
		x.slowest[x.least].set(k)
	}
	x.least = 0
	for i := range x.slowest {
		if faster(&x.slowest[i], &x.slowest[x.least]) < 0 {
			x.least = i
		}
	}
	x.atLeast.Store(int64(x.slowest[x.least].response))
}

func (x *exemplars) offerError(k *keptCall) {
	set := errorSet{k.entry, k.code}
	list := x.errors[set]
	if list == nil {
		if len(x.errors) >= maxErrorSets {
			return
		}
		if x.errors == nil {
			x.errors = make(map[errorSet]*[]keptCall)
		}
		list = new([]keptCall)
		x.errors[set] = list
	}
	if len(*list) < perErrorKept {
		*list = append(*list, keptCall{})
		(*list)[len(*list)-1].set(k)
		return
	}
	last := 0
	for i := range *list {
		if sooner(&(*list)[i], &(*list)[last]) > 0 {
			last = i
		}
	}
	if sooner(k, &(*list)[last]) < 0 {
		(*list)[last].set(k)
	}
}

// set makes k a copy of from that shares nothing which the engine reuses.
func (k *keptCall) set(from *keptCall) {
	attempts := append(k.attempts[:0], from.attempts...)
	*k = *from
	k.attempts = attempts
}

func (x *exemplars) reset() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.atLeast.Store(0)
	x.slowest, x.least, x.errors = x.slowest[:0], 0, nil
}

// list is all of them: the slowest first, then errors by time.
func (x *exemplars) list(t0 time.Time) []result.Exemplar {
	x.mu.Lock()
	defer x.mu.Unlock()
	slowest := slices.Clone(x.slowest)
	slices.SortFunc(slowest, func(a, b keptCall) int { return faster(&b, &a) })
	var errors []keptCall
	for _, list := range x.errors {
		errors = append(errors, *list...)
	}
	slices.SortFunc(errors, func(a, b keptCall) int { return sooner(&a, &b) })
	list := make([]result.Exemplar, 0, len(slowest)+len(errors))
	for i := range slowest {
		list = append(list, slowest[i].exemplar(t0, "slowest"))
	}
	for i := range errors {
		list = append(list, errors[i].exemplar(t0, "error"))
	}
	return list
}

func (k *keptCall) exemplar(t0 time.Time, why string) result.Exemplar {
	return result.Exemplar{
		Series: k.id.entry.Name, Call: string(k.id.append(nil)), Why: why,
		Code: k.code, Origin: k.origin, Message: strings.Clone(k.message),
		DueNS: int64(k.due.Sub(t0)), ResponseNS: int64(k.response), WaitNS: int64(k.wait),
		Attempts: slices.Clone(k.attempts),
	}
}
