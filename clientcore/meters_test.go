package clientcore_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// A channel that was to be replaced, and is not, since the one in its place does not
// connect either, has its connection counted when it has one again.
func TestConnectionsOfAChannelThatStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", echo)
		cfg := config()
		cfg.Pool.MaxAge = 10 * time.Minute
		cfg.Pool.StuckFor = 0
		c := n.client(t, cfg, "b0")
		connections := func(want int) {
			t.Helper()
			synctest.Wait()
			if got := c.Stats().Connections; got != want {
				t.Errorf("%d connections, want %d", got, want)
			}
		}
		connections(1)
		b.down()
		connections(0)
		time.Sleep(12 * time.Minute) // replacements were tried, and given up
		connections(0)
		b.up()
		time.Sleep(10 * time.Second)
		connections(1)
		if got := c.Stats().Pool.Recycles; got != 0 {
			t.Fatal("it was replaced: the test shows nothing")
		}
		time.Sleep(12 * time.Minute)
		connections(1)
		if got := c.Stats().Pool.Recycles; got == 0 {
			t.Error("it was never replaced")
		}
	})
}
