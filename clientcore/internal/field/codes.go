package field

import (
	"fmt"

	"google.golang.org/grpc/codes"
)

// Codes finds what is wrong with the setting codes, a list of failures. instead is
// what to write for none at all, refused what is wrong with codes that cannot be in
// it.
func Codes(list []codes.Code, instead string, refused map[codes.Code]string) []error {
	var errs []error
	if len(list) == 0 {
		errs = append(errs, Errorf("codes", "must name at least one code; %s", instead))
	}
	seen := map[codes.Code]bool{}
	for i, code := range list {
		at := fmt.Sprintf("codes[%d]", i)
		switch why := refused[code]; {
		case code == codes.OK || code > codes.Unauthenticated:
			errs = append(errs, Errorf(at, "must be a code of a failure (got %v)", code))
		case why != "":
			errs = append(errs, Errorf(at, "%s", why))
		case seen[code]:
			errs = append(errs, Errorf(at, "names %v a second time", code))
		}
		seen[code] = true
	}
	return errs
}
