package balance

import (
	"google.golang.org/grpc/balancer/leastrequest"

	"github.com/grpcbench/grpcbench/clientcore/internal/field"
)

// LeastRequest sends each call to the backend with the fewest calls of this
// channel in flight, of Choices drawn at random, with repetition (gRFC A48).
type LeastRequest struct {
	Choices int `yaml:"choices" doc:"how many backends are drawn for each call: 2 to 10"`
}

// SetDefaults is 2 choices.
func (l *LeastRequest) SetDefaults() { l.Choices = 2 }

func (l *LeastRequest) child(uint64) (string, any) {
	return leastrequest.Name, map[string]any{"choiceCount": l.Choices}
}

func (l *LeastRequest) validate() error {
	if l.Choices < 2 || l.Choices > 10 {
		return field.Errorf("choices", "must be between 2 and 10 (got %d)", l.Choices)
	}
	return nil
}
