package balance

import "google.golang.org/grpc/balancer"

// picker counts the picks of a child's picker.
type picker struct{ child balancer.Picker }

func (p *picker) Pick(info balancer.PickInfo) (balancer.PickResult, error) {
	result, err := p.child.Pick(info)
	if err != nil {
		return result, err
	}
	sc, ok := result.SubConn.(*subConn)
	if !ok {
		return result, nil
	}
	result.SubConn = sc.SubConn
	c := sc.backend.cell(info.FullMethodName)
	c.picked.Add(1)
	observer, inner := ObserverOf(info.Ctx), result.Done
	if observer == nil && inner == nil {
		result.Done = c.done
		return result, nil
	}
	var token uint64
	if observer != nil {
		token = observer.Picked(sc.backend.address)
	}
	result.Done = func(info balancer.DoneInfo) {
		c.end(info)
		if observer != nil {
			observer.Ended(token, info.BytesSent, info.BytesReceived)
		}
		if inner != nil {
			inner(info)
		}
	}
	return result, nil
}

// failing is the picker of a channel that has no backends yet.
type failing struct{ err error }

func (f failing) Pick(balancer.PickInfo) (balancer.PickResult, error) {
	return balancer.PickResult{}, f.err
}
