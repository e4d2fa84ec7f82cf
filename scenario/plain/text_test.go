package plain

import "testing"

func TestText(t *testing.T) {
	if got, want := Text("a\x1b[2Jb\nc\x7f\u009bdé"), "a\ufffd[2Jb\ufffdc\ufffd\ufffddé"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
