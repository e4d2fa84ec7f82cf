package balance

import (
	"google.golang.org/grpc/balancer"

	"github.com/grpcbench/grpcbench/clientcore/breaker"
	"github.com/grpcbench/grpcbench/clientcore/internal/pick"
)

// picker counts the picks of a child's picker.
type picker struct {
	child    balancer.Picker
	guard    *breaker.Set // nil without
	balancer *metered
	// hashHeader is as in config.
	hashHeader string
}

func (p *picker) Pick(info balancer.PickInfo) (balancer.PickResult, error) {
	var result balancer.PickResult
	var err error
	if p.guard == nil {
		result, err = p.child.Pick(info)
	} else {
		result, err = p.admitted(info)
	}
	if err != nil {
		return result, marked(err)
	}
	sc, ok := result.SubConn.(*subConn)
	if !ok {
		return result, nil
	}
	result.SubConn = sc.SubConn
	c := sc.backend.cell(info.FullMethodName)
	c.picked.Add(1)
	if inner := result.Done; inner == nil {
		result.Done = c.done
	} else {
		result.Done = func(info balancer.DoneInfo) {
			c.end(info)
			inner(info)
		}
	}
	if observer := pick.ObserverOf(info.Ctx); observer != nil {
		result.Done = observer.Picked(sc.address, result.Done)
	}
	return result, nil
}

// failing is the picker of a channel that has no backends yet.
type failing struct{ err error }

func (f failing) Pick(balancer.PickInfo) (balancer.PickResult, error) {
	return balancer.PickResult{}, marked(f.err)
}
