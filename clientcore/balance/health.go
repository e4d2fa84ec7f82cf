package balance

// With health's import, healthCheckConfig.serviceName in a service config has
// effect: a backend whose health service does not say SERVING gets no calls.
// pick_first alone does not look at it, nor does grpclb.
import _ "google.golang.org/grpc/health"
