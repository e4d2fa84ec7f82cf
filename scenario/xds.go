package scenario

// grpc-go keeps outlier_detection together with xDS: with this import a scenario
// can use both.
import _ "github.com/grpcbench/grpcbench/clientcore/xds"
