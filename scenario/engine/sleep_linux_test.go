package engine

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// timerFiles counts the timerfds that the process has open.
func timerFiles(t *testing.T) (n int) {
	t.Helper()
	files, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if to, err := os.Readlink(f); err == nil && to == "anon_inode:[timerfd]" {
			n++
		}
	}
	return n
}

// Of those who wait for long nobody has a file: thousands of sessions that think,
// and of streams between two messages, are no more than that of arrivals.
func TestLongWaitsHoldNoFiles(t *testing.T) {
	const waiting = 300
	if err := SleepUntil(t.Context(), time.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if timerFiles(t) == 0 {
		t.Skip("no timerfd to be seen in /proc")
	}
	before := timerFiles(t)
	ctx, cancel := context.WithCancel(t.Context())
	var begun, ended sync.WaitGroup
	begun.Add(waiting)
	for range waiting {
		ended.Go(func() {
			begun.Done()
			_ = SleepUntil(ctx, time.Now().Add(time.Hour))
		})
	}
	begun.Wait()
	time.Sleep(50 * time.Millisecond) // and most of them wait by now
	if n := timerFiles(t) - before; n > waiting/10 {
		t.Errorf("%d files for %d that wait", n, waiting)
	}
	cancel()
	ended.Wait()
}
