package bench

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

const connections = 10

// batch runs ewsprobe batch over the first rows mailboxes.
func (m *machine) batch(s *server, rows int, more ...string) (used, error) {
	file, err := m.file(rows)
	if err != nil {
		return used{}, err
	}
	_, port, _ := net.SplitHostPort(s.Address)
	args := append([]string{
		"batch", "--user", standin.UPN, "--impersonate", "--format", "json", "--ca-file", s.CA, "--address", s.Address,
		"--target", "https://" + net.JoinHostPort(standin.Host, port) + "/EWS/Exchange.asmx", "--concurrency", fmt.Sprint(connections),
	}, more...)
	u, err := m.run([]string{"EWSPROBE_PASSWORD=" + standin.Password}, m.program, append(args, file)...)
	if err != nil {
		return u, err
	}
	if n := bytes.Count(u.out, []byte(`"schema":"ewsprobe/row/1"`)); n != rows {
		return u, fmt.Errorf("%d rows were reported of %d", n, rows)
	}
	if !bytes.Contains(u.out, []byte(`"code":"ok"`)) {
		return u, fmt.Errorf("no mailbox was asked: %.500s", u.out)
	}
	return u, nil
}

//go:embed findfolder.py
var findFolder string

// exchangelib asks with python3-exchangelib, as the system has it, and returns how
// long it took without its start; false where it is not installed.
func (m *machine) exchangelib(s *server, scheme string, rows int) (time.Duration, bool, error) {
	const python = "/usr/bin/python3" // Debian's packages are this one's
	if exec.Command(python, "-c", "import exchangelib").Run() != nil {
		return 0, false, nil
	}
	u, err := m.run(nil, python, "-c", findFolder, "https://"+s.Address+"/EWS/Exchange.asmx",
		standin.UPN, standin.Password, scheme, strconv.Itoa(rows), strconv.Itoa(connections))
	if err != nil {
		return 0, true, err
	}
	took, err := strconv.ParseFloat(strings.TrimSpace(string(u.out)), 64)
	return time.Duration(took * float64(time.Second)), true, err
}

// throughput compares turn and turn about: others use this machine too, and what
// disturbs one of a pair mostly disturbs the other.
func (m *machine) throughput() error {
	const pairs = 5
	fmt.Printf("(b) mailboxes per second, %d connections; each figure is the median of %d pairs\n", connections, pairs)
	for _, c := range []struct {
		delay string
		rows  int
	}{{"0s", 30000}, {"10ms", 3000}} {
		s, err := m.start("-schemes", "basic", "-delay", c.delay)
		if err != nil {
			return err
		}
		var ratios, loops, own, cpu []float64
		for range pairs {
			loop, err := m.run(nil, m.self, "bare", s.Address, s.CA, strconv.Itoa(c.rows))
			if err != nil {
				return err
			}
			u, err := m.batch(s, c.rows)
			if err != nil {
				return err
			}
			ratios = append(ratios, loop.wall.Seconds()/u.wall.Seconds())
			loops = append(loops, float64(c.rows)/loop.wall.Seconds())
			own = append(own, float64(c.rows)/u.wall.Seconds())
			cpu = append(cpu, float64(u.cpu.Microseconds())/float64(c.rows))
		}
		fmt.Printf("  Basic, a call takes the server %-5s bare loop %6.0f/s   ewsprobe %6.0f/s   "+
			"ratio %.2f (%.2f to %.2f)   CPU per mailbox %.0f µs\n",
			c.delay, median(loops), median(own), median(ratios), slices.Min(ratios), slices.Max(ratios), median(cpu))
		if err := s.end(); err != nil {
			return err
		}
	}
	for _, scheme := range []string{"basic", "ntlm"} {
		const rows, few = 10000, 500
		s, err := m.start("-schemes", scheme)
		if err != nil {
			return err
		}
		var ratios []float64
		for range 3 {
			took, there, err := m.exchangelib(s, scheme, few)
			if err != nil {
				return err
			}
			if !there {
				fmt.Println("  exchangelib is not installed here (apt-get install python3-exchangelib): not compared")
				break
			}
			u, err := m.batch(s, rows, "--profile-auth", scheme)
			if err != nil {
				return err
			}
			ratios = append(ratios, float64(rows)/u.wall.Seconds()/(few/took.Seconds()))
		}
		if len(ratios) > 0 {
			fmt.Printf("  %-5s  ewsprobe, with its start, is %.0f times as fast as exchangelib without (%.0f to %.0f)\n",
				scheme, median(ratios), slices.Min(ratios), slices.Max(ratios))
		}
		if err := s.end(); err != nil {
			return err
		}
	}
	return nil
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

func (m *machine) memory() error {
	fmt.Println("(c) memory (largest resident set)")
	s, err := m.start("-schemes", "basic", "-denied", "10")
	if err != nil {
		return err
	}
	page, xml := filepath.Join(m.dir, "results.html"), filepath.Join(m.dir, "results.xml")
	for _, rows := range []int{1000, 10000, 100000} {
		if _, err := m.file(rows); err != nil {
			return err
		}
		var took [3]used
		var failed [3]error
		var all sync.WaitGroup
		for i, more := range [][]string{nil, {"--save", page, "--save", xml}, {"--redact", "--save", page + ".html"}} {
			all.Go(func() { took[i], failed[i] = m.batch(s, rows, more...) })
		}
		all.Wait()
		if err := errors.Join(failed[:]...); err != nil {
			return err
		}
		mib := func(u used) float64 { return float64(u.memory) / 1024 }
		fmt.Printf("  %7d rows  %5.1f MiB   with HTML and JUnit saved %5.1f MiB   with HTML saved and --redact %5.1f MiB\n",
			rows, mib(took[0]), mib(took[1]), mib(took[2]))
	}
	return s.end()
}

// told is what the summary of a run says, and what the server has seen of it.
type told struct {
	DurationMS float64 `json:"duration_ms"`
	Reported   int     `json:"reported"`
	served
}

func (t told) String() string {
	return fmt.Sprintf("%d complaints, %d calls in spite of one, %d mailboxes reported, %d answered, %d bad logons",
		t.Throttled, t.Early, t.Reported, t.Mailboxes, t.BadLogons)
}

// against runs a batch against a server of its own.
func (m *machine) against(rows int, args ...string) (t told, err error) {
	s, err := m.start(append([]string{"-schemes", "basic"}, args...)...)
	if err != nil {
		return t, err
	}
	u, err := m.batch(s, rows)
	if err != nil && !errors.Is(err, errStopped) {
		return t, err
	}
	lines := bytes.Split(bytes.TrimSpace(u.out), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], &t); err != nil {
		return t, err
	}
	err = s.end()
	t.served = s.served
	return t, err
}

// busy has some mailboxes that are busy once, and then a server that pauses once.
// What is allowed is the time of the run without them, and one pause.
func (m *machine) busy() error {
	const rows, pause = 3000, time.Second
	fmt.Printf("(e) mailboxes that are busy once, and a server that pauses once; %d mailboxes\n", rows)
	at := func(t told) float64 { return t.DurationMS / 1000 }
	undisturbed := func(delay string, rows int) (float64, error) {
		var all []float64
		for range 3 {
			t, err := m.against(rows, "-delay", delay)
			if err != nil {
				return 0, err
			}
			all = append(all, at(t))
		}
		return median(all), nil
	}
	plain, err := undisturbed("0s", rows)
	if err != nil {
		return err
	}
	for _, every := range []int{100, 20} {
		for _, backOff := range []time.Duration{20 * time.Millisecond, 200 * time.Millisecond, 5 * time.Second} {
			t, err := m.against(rows, "-busy-every", fmt.Sprint(every), "-busy-for", backOff.String())
			if err != nil {
				return err
			}
			fmt.Printf("  %d %% busy, BackOff %-6s %6.0f/s, %.2f of what is allowed; %s\n",
				100/every, backOff, rows/at(t), (plain+backOff.Seconds())/at(t), t)
		}
	}
	const slow = 8000
	plain, err = undisturbed("10ms", slow)
	if err != nil {
		return err
	}
	for _, how := range []string{"", "retry-after"} {
		t, err := m.against(slow, "-delay", "10ms", "-pause-after", "2000", "-pause", pause.String(), "-how", how)
		if err != nil {
			return err
		}
		fmt.Printf("  one pause of %s, %q, %d mailboxes of 10 ms: %.2f of what is allowed; %s\n",
			pause, how, slow, (plain+pause.Seconds())/at(t), t)
	}
	return nil
}

// throttled runs all cases at the same time: each is mostly waiting.
func (m *machine) throttled() error {
	const rate, rows = 200, 8000
	fmt.Printf("(d) a server that allows %d calls a second, %d mailboxes; all cases at the same time\n", rate, rows)
	cases := []struct {
		what string
		args []string
	}{
		{"ErrorServerBusy, 0.5 s, burst 100", []string{"-burst", "100", "-pause", "500ms"}},
		{"ErrorServerBusy, 0.5 s, burst 20", []string{"-burst", "20", "-pause", "500ms"}},
		{"ErrorServerBusy, 0.5 s, burst 5", []string{"-burst", "5", "-pause", "500ms"}},
		{"ErrorServerBusy, 0.5 s, no burst", []string{"-burst", "1", "-pause", "500ms"}},
		{"503 with Retry-After 1 s, burst 200", []string{"-burst", "200", "-pause", "1s", "-how", "retry-after"}},
		{"503 with Retry-After 1 s, burst 20", []string{"-burst", "20", "-pause", "1s", "-how", "retry-after"}},
	}
	if _, err := m.file(rows); err != nil {
		return err
	}
	lines, failed := make([]string, len(cases)), make([]error, len(cases))
	var all sync.WaitGroup
	for i, c := range cases {
		all.Go(func() { lines[i], failed[i] = m.throttledBy(rate, rows, c.what, c.args) })
	}
	all.Wait()
	for _, line := range lines {
		fmt.Println(line)
	}
	return errors.Join(failed...)
}

func (m *machine) throttledBy(rate float64, rows int, what string, args []string) (string, error) {
	t, err := m.against(rows, append([]string{"-rate", fmt.Sprint(rate)}, args...)...)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("  %-42s %5.1f %% of what it allows; %s", what, float64(t.Reported)/rate/(t.DurationMS/1000)*100, t), nil
}
