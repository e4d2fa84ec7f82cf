package balance_test

import (
	"encoding/json"
	"fmt"

	"github.com/grpcbench/grpcbench/clientcore/balance"
)

// A policy that others have, too, can be said to clients in any language.
func Example() {
	policy := balance.Policy{LeastRequest: &balance.LeastRequest{Choices: 3}}
	fmt.Println(policy.Name(), policy.Validate())
	config, err := policy.ServiceConfig()
	text, _ := json.Marshal(map[string]any{"loadBalancingConfig": config})
	fmt.Println(string(text), err)

	policy.PickFirst = &balance.PickFirst{}
	fmt.Println(policy.Validate())
	// Output:
	// least_request <nil>
	// {"loadBalancingConfig":[{"least_request_experimental":{"choiceCount":3}}]} <nil>
	// must be one of round_robin, pick_first, weighted_round_robin, least_request, p2c_ewma, consistent_hash, random_subsetting, outlier_detection, grpclb (got 2 of them)
}
