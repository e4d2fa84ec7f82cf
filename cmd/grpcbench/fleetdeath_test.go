package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/grpcbench/grpcbench/fakeserver"
	"github.com/grpcbench/grpcbench/reports/result"
)

// deadly starts fleets in processes of their own, and kills one at the moment at
// which it is sent the n-th configuration, over all fleets, for each n of kills.
type deadly struct {
	kills []int

	mu         sync.Mutex
	pids       map[string]int // of fleets, by the address of their control
	configured int
	folder     string // in which several processes count together; "" is this one alone
}

// deadlyFolder is an environment variable: the processes of builds that run trials
// are deadly to the fleet, and count in the folder that it names. Its file "kills" has
// which configurations kill.
const deadlyFolder = "GRPCBENCH_TEST_DEADLY"

// deadlyToSiblings is what deadlyFolder asks for, nil where it is not set.
func deadlyToSiblings() *deadly {
	folder := os.Getenv(deadlyFolder)
	if folder == "" {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(folder, "kills"))
	if err != nil {
		return nil
	}
	d := &deadly{folder: folder}
	for _, word := range strings.Fields(string(text)) {
		n, _ := strconv.Atoi(word) // the test has written it
		d.kills = append(d.kills, n)
	}
	return d
}

// count counts one more configuration. Only one process at a time sends any.
func (d *deadly) count() int {
	d.configured++
	if d.folder == "" {
		return d.configured
	}
	for n := 1; ; n++ {
		f, err := os.OpenFile(filepath.Join(d.folder, strconv.Itoa(n)), os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			_ = f.Close()
			return n
		}
		if !errors.Is(err, fs.ErrExist) {
			return 0
		}
	}
}

// fleet is the process with its control at address, 0 where none has.
func (d *deadly) fleet(address string) int {
	if d.folder == "" {
		return d.pids[address]
	}
	for _, pid := range children(os.Getppid(), fleetCommandName) {
		return pid
	}
	return 0
}

// marker is in every configuration, and in nothing else that a fleet is sent.
const marker = "marker-of-a-configuration"

func (d *deadly) spawn(ctx context.Context) (*fakeserver.Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, fleetCommandName)
	process, err := fakeserver.Spawn(ctx, cmd)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pids == nil {
		d.pids = map[string]int{}
	}
	d.pids[process.Address()] = cmd.Process.Pid
	return process, nil
}

func (d *deadly) dial(ctx context.Context, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &deadlyConn{Conn: conn, deadly: d, address: address}, nil
}

// deadlyConn is a connection to a fleet.
type deadlyConn struct {
	net.Conn
	deadly  *deadly
	address string
}

func (c *deadlyConn) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(marker)) {
		c.deadly.sent(c.address)
	}
	return c.Conn.Write(b)
}

// sent kills the fleet with its control at address, if it is time.
func (d *deadly) sent(address string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	pid := d.fleet(address)
	if pid != 0 && slices.Contains(d.kills, d.count()) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		for alive(pid) { // it is killed before it can answer
		}
	}
}

// TestFleetThatDiesOfItsConfiguration: one fresh fleet is tried, as for one that dies
// in a trial. When that dies, too, the run ends with the error, and what was measured
// is kept.
func TestFleetThatDiesOfItsConfiguration(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("needs /proc to see other processes")
	}
	// Two trials whose fleets differ: two configurations.
	const scenario = `
name: deadly
fleet: {service_time: {fixed: 1ms}, faults: [{name: ` + marker + `, at: 1h, for: 1s, where: {backends: [0]}, inject: down}]}
load: [{name: reads, call: GetUser, workers: 1}] # whose validity hangs on no pacing
compare: {fleet.backends: [1, 2]}
trials: 1
warmup: 50ms
measure: 200ms
`
	for name, test := range map[string]struct {
		kills    []int
		fleets   int
		measured int // trials
		code     int
	}{
		"none":                          {nil, 1, 2, exitOK},
		"before the first trial":        {[]int{1}, 2, 2, exitOK},
		"between trials":                {[]int{2}, 2, 2, exitOK},
		"each time":                     {[]int{1, 3}, 3, 2, exitOK},
		"twice before the first trial":  {[]int{1, 2}, 2, 0, exitInternal},
		"twice before the second trial": {[]int{2, 3}, 2, 1, exitInternal},
	} {
		t.Run(name, func(t *testing.T) {
			d := &deadly{kills: test.kills}
			out := t.TempDir()
			var stdout, stderr bytes.Buffer
			code := runWith(t.Context(), []string{"run", write(t, "deadly.yaml", scenario), "--out", out}, &stdout, &stderr, deps{Spawn: d.spawn, Dial: d.dial})
			if code != test.code || len(d.pids) != test.fleets {
				t.Fatalf("exit code %d with %d fleets, want %d with %d\n%s", code, len(d.pids), test.code, test.fleets, stderr.String())
			}
			if failed := code == exitInternal; failed != strings.Contains(stderr.String(), "the fleet died before the trial, and so did the one in its place: configuring the fleet: ") {
				t.Errorf("it says\n%s", stderr.String())
			}
			file := filepath.Join(out, resultName)
			if test.measured == 0 {
				if _, err := os.Stat(file); err == nil {
					t.Error("there is a result of nothing")
				}
				return
			}
			r := readJSON(t, file)
			measured := 0
			for _, v := range r.Variants {
				for _, trial := range v.Trials {
					if measured++; trial.Partial || trial.Validity.Verdict == result.Invalid || trial.Series[0].OK() == 0 {
						t.Errorf("%s: %+v, partial %v, %d calls OK", v.Name, trial.Validity, trial.Partial, trial.Series[0].OK())
					}
				}
			}
			if measured != test.measured || r.Partial != (code != exitOK) {
				t.Errorf("%d trials, partial %v; want %d", measured, r.Partial, test.measured)
			}
		})
	}
}

// TestFleetThatDiesOfABuildsConfiguration is the same for trials that builds run, each
// of which configures the fleet for itself.
func TestFleetThatDiesOfABuildsConfiguration(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("needs /proc to see other processes")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const scenario = `
name: deadly
fleet: {backends: 1, service_time: {fixed: 1ms}, faults: [{name: ` + marker + `, at: 1h, for: 1s, where: {backends: [0]}, inject: down}]}
load: [{name: reads, call: GetUser, workers: 1}]
trials: 1
warmup: 50ms
measure: 200ms
`
	for kills, test := range map[string]struct {
		measured, configured int
		ok                   bool
	}{
		"1":   {2, 3, true},
		"2":   {2, 3, true},
		"1 3": {2, 4, true},
		"1 2": {0, 2, false},
		"2 3": {1, 3, false},
	} {
		t.Run(kills, func(t *testing.T) {
			t.Parallel()
			folder, out := t.TempDir(), t.TempDir()
			if err := os.WriteFile(filepath.Join(folder, "kills"), []byte(kills), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(self, asCommand, "run", write(t, "deadly.yaml", scenario), "--out", out, "--against", self, "--against-name", "old")
			cmd.Env = append(os.Environ(), deadlyFolder+"="+folder)
			said, err := cmd.CombinedOutput()
			exit, _ := errors.AsType[*exec.ExitError](err)
			if err != nil && exit == nil {
				t.Fatal(err)
			}
			// Whether the generator keeps up is no matter here.
			internal := exit != nil && exit.ExitCode() == exitInternal
			if internal == test.ok || internal != strings.Contains(string(said), "the fleet died before the trial, and so did the one in its place: ") {
				t.Errorf("ended with %v\n%s", err, said)
			}
			if _, err := os.Stat(filepath.Join(folder, strconv.Itoa(test.configured))); err != nil {
				t.Errorf("fewer than %d configurations", test.configured)
			}
			if _, err := os.Stat(filepath.Join(folder, strconv.Itoa(test.configured+1))); err == nil {
				t.Errorf("more than %d configurations", test.configured)
			}
			measured := 0
			if test.measured > 0 {
				r := readJSON(t, filepath.Join(out, resultName))
				for _, v := range r.Variants {
					for _, trial := range v.Trials {
						if measured++; trial.Partial || len(trial.Series) == 0 || trial.Series[0].OK() == 0 {
							t.Errorf("%s: %+v", v.Name, trial.Validity)
						}
					}
				}
				if r.Partial == test.ok {
					t.Errorf("partial: %v", r.Partial)
				}
			}
			if measured != test.measured {
				t.Errorf("%d trials, want %d\n%s", measured, test.measured, said)
			}
		})
	}
}
