package reports

import (
	"io"

	"github.com/grpcbench/grpcbench/reports/result"
)

// JSON writes the result as result.json holds it.
func JSON(w io.Writer, r *result.Result) error { return result.Write(w, r) }
