package reports

import "github.com/grpcbench/grpcbench/reports/result"

// mood is how good a verdict is, for a colour or a mark.
type mood string

const (
	good  mood = "good"
	doubt mood = "doubt"
	bad   mood = "bad"
)

// judged is the result's verdict in a word or two, clean, and its mood. Of
// nothing measured, nothing good can be said. A verdict that this version does
// not know is as bad as INVALID.
func judged(r *result.Result) (string, mood) {
	switch v := r.Validity.Verdict; {
	case v == "":
		return "not judged", doubt
	case v == result.Valid && !measured(r):
		return "nothing measured", doubt
	case v == result.Valid:
		return string(v), good
	case v == result.Suspect:
		return string(v), doubt
	default:
		return clean(string(v)), bad
	}
}
