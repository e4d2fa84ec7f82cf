package descriptor

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// What a server says is shown to people, whose terminals must not obey it.
func TestSentenceIsPlain(t *testing.T) {
	for code, want := range map[codes.Code]string{
		codes.Unavailable:      "the server cannot be reached: \ufffd[2J",
		codes.PermissionDenied: "the server does not let its reflection be used: \ufffd[2J",
		codes.Internal:         "the server's reflection failed: \ufffd[2J",
	} {
		if got := sentence(status.Error(code, "\x1b[2J")).Error(); got != want {
			t.Errorf("%v: %q, want %q", code, got, want)
		}
	}
}
