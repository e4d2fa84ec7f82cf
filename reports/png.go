package reports

import (
	"github.com/grpcbench/grpcbench/reports/plot"
	"github.com/grpcbench/grpcbench/reports/result"
)

// PNG is each plot that SVG has, as a picture for where no SVG is taken: 1,800
// pixels wide, in the light colours.
func PNG(r *result.Result, _ Options) ([]Part, error) { return plotFiles(r, plot.PNG), nil }
