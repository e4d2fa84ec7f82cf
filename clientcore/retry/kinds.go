package retry

// Backoff is the choice of how the wait grows: exactly one field is set. Its
// settings (base, max, multiplier) are the Policy's.
// A new backoff is one file and one line here.
type Backoff struct {
	Exponential *Exponential `yaml:"exponential" doc:"min(base·multiplier^(n−1), max)" example:"exponential"`
	Linear      *Linear      `yaml:"linear" doc:"min(base·n, max)" example:"linear"`
	Fixed       *Fixed       `yaml:"fixed" doc:"base, every time" example:"fixed"`
	Immediate   *Immediate   `yaml:"immediate" doc:"no wait at all" example:"immediate"`
}

// Jitter is the choice of how a wait b is spread: exactly one field is set.
type Jitter struct {
	None    *NoJitter `yaml:"none" doc:"b itself" example:"none"`
	Equal   *Equal    `yaml:"equal" doc:"uniform in b/2 to b" example:"equal"`
	Full    *Full     `yaml:"full" doc:"uniform in 0 to b" example:"full"`
	Percent *Percent  `yaml:"percent" doc:"uniform in b·(1 ± p/100)" example:"{percent: 10}"`
}
