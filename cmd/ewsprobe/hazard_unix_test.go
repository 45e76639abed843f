//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// Promise 4: whatever a server does, a check ends within its timeout and a second,
// below 64 MiB, with a verdict. The program is the one that users have: the race
// detector would be measured too.

const (
	memoryLimit = 64 << 20
	slack       = time.Second
)

// endures holds a run against the promise, and returns the memory it took. A server
// that can hold a check up does so every time, a machine that has other things to do
// does not: what took too long is tried again.
func endures(t *testing.T, l line, timeout time.Duration) int64 {
	t.Helper()
	l.Timeout = timeout
	most := timeout + slack
	var used int64
	var got outcome
	for range 4 {
		got = program{watch: func(pid int) { used = max(used, highWater(pid)) }}.run(t, l.args(t, asJSON, "-vv")...)
		if got.took <= most {
			break
		}
		most = timeout + slack + 10*program{alone: true}.run(t, "version").took
	}
	r := got.report(t)
	hasShape(t, got.out)
	if r.Verdict.Code == "" || got.exit != exitCodes[r.Verdict.Status] {
		t.Errorf("no verdict: exit %d, %+v", got.exit, r.Verdict)
	}
	if got.took > most {
		t.Errorf("it took %s, at most %s is promised, or %s here and now", got.took, timeout+slack, most)
	}
	if used > memoryLimit {
		t.Errorf("it took %d MiB, at most 64 are promised", used>>20)
	}
	if strings.Contains(got.err, "goroutine ") {
		t.Errorf("it fell over:\n%s", got.err)
	}
	return used
}

// highWater is the most that a process had in memory so far, 0 where it cannot be
// told. The system's own account at the end (ru_maxrss) counts what the parent had
// when it forked.
func highWater(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kilobytes int64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kilobytes); n == 1 {
			return kilobytes << 10
		}
	}
	return 0
}

// fewAtOnce runs tests beside each other, but few: the time is part of the
// promise. It must be called from a test that is not parallel itself.
func fewAtOnce(t *testing.T, names []string, run func(t *testing.T, name string) (memory int64)) {
	t.Helper()
	if built() == "" {
		t.Skip("the program could not be built")
	}
	places := make(chan struct{}, 4)
	var all sync.WaitGroup
	var measured atomic.Bool
	for _, name := range names {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			t.Run(name, func(t *testing.T) {
				if run(t, name) > 0 {
					measured.Store(true)
				}
			})
		})
	}
	all.Wait()
	if runtime.GOOS == "linux" && !measured.Load() {
		t.Error("no memory was measured")
	}
}

func TestHazards(t *testing.T) {
	slow(t)
	hazards := []standin.Hazard{
		standin.HazardSlow, standin.HazardHang, standin.HazardHuge, standin.HazardEndlessHeaders, standin.HazardGarbage,
		standin.HazardReset, standin.HazardLyingLength, standin.HazardXMLBomb,
	}
	behaviours := map[string]standin.Behaviour{}
	var names []string
	for _, h := range hazards {
		for _, onLogon := range []bool{false, true} {
			for _, profile := range []string{"basic", "ntlm"} {
				name := fmt.Sprintf("%s/%s", h, profile)
				if onLogon {
					name = fmt.Sprintf("%s on logon/%s", h, profile)
				}
				b := everyScheme
				b.Hazard, b.HazardOnLogon = h, onLogon
				behaviours[name] = b
				names = append(names, name)
			}
		}
	}
	fewAtOnce(t, names, func(t *testing.T, name string) int64 {
		check := goodCheck
		check.ProfileAuth = name[strings.LastIndex(name, "/")+1:]
		return endures(t, lineTo(begin(t, behaviours[name], standin.Options{}), check), time.Second)
	})
}

// Servers worse than any scenario: they harm in the handshake of TLS, in the
// framing, in the number and size of things.
func TestWorseHazards(t *testing.T) {
	slow(t)
	forever := func(c net.Conn, start string, block string, pause time.Duration) {
		if _, err := io.WriteString(c, start); err != nil {
			return
		}
		for {
			if _, err := io.WriteString(c, block); err != nil {
				return
			}
			time.Sleep(pause)
		}
	}
	awaitRequest := func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)) }
	const head = "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"
	type server struct {
		plain bool
		serve func(net.Conn)
	}
	within := func(start, block string, pause time.Duration) server {
		return server{serve: func(c net.Conn) {
			awaitRequest(c)
			forever(c, start, block, pause)
		}}
	}
	megabyte := strings.Repeat("A", 1<<20)
	servers := map[string]server{
		"nothing, not even TLS":       {true, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }},
		"TLS byte by byte":            {true, func(c net.Conn) { forever(c, "\x16\x03\x03", "\x40", 300*time.Millisecond) }},
		"TLS records without end":     {true, func(c net.Conn) { forever(c, "", "\x16\x03\x03\x40\x00"+strings.Repeat("\x02", 0x4000), 0) }},
		"TLS alerts without end":      {true, func(c net.Conn) { forever(c, "", "\x15\x03\x03\x00\x02\x01\x00", 0) }},
		"closed at once":              {true, func(net.Conn) {}},
		"closed after the request":    {false, awaitRequest},
		"a status line without end":   within("HTTP/1.1 401 ", megabyte, 0),
		"a header line without end":   within("HTTP/1.1 401 No\r\nWWW-Authenticate: ", megabyte, 0),
		"header lines byte by byte":   within("HTTP/1.1 401 No\r\n", "X: 1\r\n", 200*time.Millisecond),
		"100 Continue without end":    within("", "HTTP/1.1 100 Continue\r\n\r\n", 0),
		"103 with headers, no end":    within("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 0),
		"chunks of a byte":            within(head+"Transfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n", 0),
		"a chunk of sixteen exabytes": within(head+"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", megabyte, 0),
		"chunk extensions, no end":    within(head+"Transfer-Encoding: chunked\r\n\r\n1;", megabyte, 0),
		"trailers without end":        within(head+"Transfer-Encoding: chunked\r\n\r\n0\r\n", "X: 1\r\n", 0),
		"a length of nine exabytes":   within(head+"Content-Length: 9223372036854775807\r\n\r\n", megabyte, 0),
		"a body byte by byte":         within(head+"Content-Length: 1000000\r\n\r\n", "<", 200*time.Millisecond),
		"a page without end":          within("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>", "<input ", 0),
		"a 401 without end":           within("HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n", megabyte, 0),
		"gzip that says so":           within(head+"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00", "\x00\x00\x00", 0),
		"elements without end":        within(head+"\r\n", strings.Repeat("<a>", 1000), 0),
		"attributes without end":      within(head+"\r\n<a", strings.Repeat(` a="b"`, 1000), 0),
		"renegotiating garbage": {false, func(c net.Conn) {
			awaitRequest(c)
			forever(c, "", string(bytes.Repeat([]byte{0, 0xff}, 1000)), 0)
		}},
	}
	offers := []byte("HTTP/1.1 401 No\r\n" + strings.Repeat("WWW-Authenticate: NTLM TlRMTVNTUAACAAAA, Basic realm=\"a\\\"b\", Negotiate\r\n", 1500) + "Content-Length: 0\r\n\r\n")
	deep := []byte(strings.Repeat("<a>", 300000))
	for name, reply := range map[string][]byte{
		"thousands of schemes":   offers,
		"quotes without an end":  http1("401 No", "", `WWW-Authenticate: Basic realm="`+strings.Repeat(`\`, 100000)),
		"a comma in every place": http1("401 No", "", "WWW-Authenticate: "+strings.Repeat(",", 100000)),
		"elements in elements":   http1("200 OK", string(deep), "Content-Type: text/xml"),
		"a megabyte of one word": http1("200 OK", `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>`+strings.Repeat("A", 1<<20-200), "Content-Type: text/xml"),
	} {
		servers[name] = server{serve: func(c net.Conn) {
			for {
				awaitRequest(c)
				if _, err := c.Write(reply); err != nil {
					return
				}
			}
		}}
	}
	names := make([]string, 0, len(servers))
	for name := range servers {
		names = append(names, name)
	}
	slices.Sort(names)
	fewAtOnce(t, names, func(t *testing.T, name string) int64 {
		config := asTold()
		if servers[name].plain {
			config = nil
		}
		return endures(t, listen(t, config, servers[name].serve).line(goodCheck), time.Second)
	})
}

// An interrupt ends the process that users have like the one above: exit 3, a
// report, and nothing left running.
func TestInterruptSignal(t *testing.T) {
	path := built()
	if path == "" {
		t.Skip("the program could not be built")
	}
	arrived := make(chan struct{}, 10)
	b := everyScheme
	b.Hazard, b.HazardOnLogon = standin.HazardHang, true
	s := begin(t, b, standin.Options{OnRequest: func(q standin.Request) {
		if q.Message == standin.MessageBasic {
			arrived <- struct{}{}
		}
	}})
	c := exec.CommandContext(t.Context(), path, lineTo(s, goodCheck).args(t, asJSON)...)
	c.Env = []string{"XDG_STATE_HOME=" + t.TempDir()}
	var out, complaints bytes.Buffer
	c.Stdout, c.Stderr = &out, &complaints
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	<-arrived
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	r := outcome{out: out.String(), err: complaints.String()}.report(t)
	if c.ProcessState.ExitCode() != 3 || r.Stopped != "interrupted" || r.Verdict.Status != "unknown" || len(r.Evidence) == 0 || complaints.Len() > 0 {
		t.Errorf("exit %d, stopped %q, %+v, standard error %q", c.ProcessState.ExitCode(), r.Stopped, r.Verdict, complaints.String())
	}
}
