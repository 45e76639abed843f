// Package bench measures ewsprobe beside what it is compared with, on this
// machine and in this run, and prints a table. Nothing here passes or fails:
// figures are for people. The server is a process of its own, played by package
// standin; what it costs is in every figure alike.
package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain is this program, the server or the bare loop.
func TestMain(m *testing.M) {
	var err error
	switch {
	case len(os.Args) > 1 && os.Args[1] == "serve":
		err = serve(os.Args[2:])
	case len(os.Args) > 1 && os.Args[1] == "bare":
		err = bare(os.Args[2:])
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// machine is where everything runs.
type machine struct {
	dir           string
	program, self string // ewsprobe, and this one
}

// TestMeasure runs all parts, or those whose letters follow -args.
func TestMeasure(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{dir: t.TempDir(), self: self}
	m.program = filepath.Join(m.dir, "ewsprobe")
	if out, err := exec.Command("go", "build", "-o", m.program, "../../cmd/ewsprobe").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	fmt.Printf("%s/%s, %d CPUs, %s\n\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	wanted := strings.Join(flag.Args(), "")
	for i, part := range []func() error{m.latency, m.throughput, m.memory, m.throttled, m.busy} {
		if wanted != "" && !strings.Contains(wanted, string(rune('a'+i))) {
			continue
		}
		if err := part(); err != nil {
			t.Fatal(err)
		}
		fmt.Println()
	}
}

// server is a running stand-in.
type server struct {
	served
	cmd *exec.Cmd
	out *bufio.Reader
}

func (m *machine) start(args ...string) (*server, error) {
	s := &server{cmd: exec.Command(m.self, append([]string{"serve", "-dir", m.dir}, args...)...)}
	pipe, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	s.out = bufio.NewReader(pipe)
	return s, s.told()
}

func (s *server) told() error {
	line, err := s.out.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, &s.served)
}

// end stops it; it then has told what it has seen.
func (s *server) end() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := s.told(); err != nil {
		return err
	}
	return s.cmd.Wait()
}

// used is what a run took.
type used struct {
	wall, cpu time.Duration
	memory    int64 // KiB at most
	out       []byte
}

// longest is how long a run may take until it is stopped and counts as it is.
const longest = 2 * time.Minute

var errStopped = errors.New("stopped after two minutes")

func (m *machine) run(env []string, name string, args ...string) (used, error) {
	c := exec.Command(name, args...)
	c.Env = append(append(os.Environ(), "XDG_STATE_HOME="+filepath.Join(m.dir, "state")), env...)
	var out, complaints bytes.Buffer
	c.Stdout, c.Stderr = &out, &complaints
	began := time.Now()
	if err := c.Start(); err != nil {
		return used{}, err
	}
	stop := time.AfterFunc(longest, func() { _ = c.Process.Signal(os.Interrupt) }) // it may have ended
	ended := make(chan struct{})
	memory := make(chan int64)
	go func() { memory <- largest(c.Process.Pid, ended) }()
	err := c.Wait()
	u := used{wall: time.Since(began), out: out.Bytes()}
	stopped := !stop.Stop()
	close(ended)
	u.memory = <-memory
	u.cpu = c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	if stopped {
		return u, errStopped
	}
	if err != nil && c.ProcessState.ExitCode() > 3 {
		return u, fmt.Errorf("%s: %w: %s", name, err, complaints.String())
	}
	return u, nil
}

// largest is the largest resident set of a process in KiB, 0 where there is no
// /proc. (What wait4 says includes the parent, from before exec.)
func largest(pid int, ended <-chan struct{}) (most int64) {
	for {
		raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		for line := range strings.Lines(string(raw)) {
			var kib int64
			if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
				most = max(most, kib)
			}
		}
		select {
		case <-ended:
			return most
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (m *machine) file(rows int) (string, error) {
	var b strings.Builder
	b.WriteString("emailaddress\n")
	for i := 1; i <= rows; i++ {
		fmt.Fprintf(&b, "box%d@contoso.com\n", i)
	}
	name := filepath.Join(m.dir, fmt.Sprintf("%d.csv", rows))
	if _, err := os.Stat(name); err == nil {
		return name, nil
	}
	return name, os.WriteFile(name, []byte(b.String()), 0o600)
}
