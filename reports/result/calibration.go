package result

// Calibration is what the harness itself takes for a call, measured on the spot,
// before the first trial, with calls that do nothing.
type Calibration struct {
	// RatePerS is that of an open loop of such calls: the plan's, so far as it is
	// known. Their lag is how late the generator took them, their response how
	// long after they were due they were over: what it adds to each response.
	RatePerS      float64 `json:"rate_per_s"`
	Calls         int64   `json:"calls"`
	LagP50NS      int64   `json:"lag_p50_ns"`
	LagP99NS      int64   `json:"lag_p99_ns"`
	ResponseP50NS int64   `json:"response_p50_ns"`
	ResponseP99NS int64   `json:"response_p99_ns"`
	// CallNS is the time from one such call to the next in a closed loop of one
	// worker.
	CallNS float64 `json:"call_ns"`
	// ClockNS is the smallest step by which the clock was seen to go on.
	ClockNS int64 `json:"clock_ns"`
}

// AddsNS is how much of a call's response p50 may be the harness's own.
func (c *Calibration) AddsNS(loop Loop) int64 {
	if loop == Open {
		return c.ResponseP50NS
	}
	return int64(c.CallNS)
}
