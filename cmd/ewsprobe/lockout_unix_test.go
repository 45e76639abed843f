//go:build unix

package main

import (
	"bufio"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// Promise 1 across runs: one budget for each account, kept on disk.

// unwilling is a server in front of a stand-in that hangs up on whoever sends a
// credential, after it has let some through.
type unwilling struct {
	*rawServer
	behind    *standin.Server
	credited  atomic.Int32 // credentials that came
	letPass   int32
	forwarded http.Transport
}

func hangingUp(t *testing.T, b standin.Behaviour, letPass int32) *unwilling {
	b.Transport = standin.TransportPlain
	u := &unwilling{behind: begin(t, b, standin.Options{}), letPass: letPass}
	u.rawServer = listen(t, asTold(), func(c net.Conn) {
		for r := bufio.NewReader(c); ; {
			q, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			if strings.HasPrefix(q.Header.Get("Authorization"), "Basic ") {
				if u.credited.Add(1) > u.letPass {
					return
				}
			}
			q.URL.Scheme, q.URL.Host, q.RequestURI = "http", u.behind.Addresses()[0], ""
			answer, err := u.forwarded.RoundTrip(q)
			if err != nil {
				return
			}
			err = answer.Write(c)
			answer.Body.Close()
			if err != nil {
				return
			}
		}
	})
	t.Cleanup(u.forwarded.CloseIdleConnections)
	return u
}

// Ten runs whose logon gets no answer are two bad logons.
func TestLogonsWithoutAnAnswerAreRemembered(t *testing.T) {
	slow(t)
	t.Parallel()
	u := hangingUp(t, basicOnly, 0)
	p := program{state: t.TempDir()}
	for i := range 10 {
		l := u.line(goodCheck)
		if i%2 == 1 {
			l.User = standin.User // another form of the name
		}
		r := p.run(t, l.args(t, asJSON)...).report(t)
		if i < 2 {
			continue
		}
		for _, a := range r.Attempts {
			if a.Result != "skipped" || a.Counted || !strings.Contains(a.Why, "2 failed or unanswered logons of the account") || !strings.Contains(a.Why, "--max-rejections") {
				t.Errorf("run %d: %+v", i+1, a)
			}
		}
		if r.Verdict.Status != "unknown" || len(r.Attempts) == 0 {
			t.Errorf("run %d: %+v", i+1, r.Verdict)
		}
	}
	if n := u.credited.Load(); n != 2 {
		t.Errorf("%d logons came", n)
	}
}

// A run that is killed while its logon is under way counts too.
func TestKilledLogonsAreRemembered(t *testing.T) {
	slow(t)
	t.Parallel()
	path := built()
	if path == "" {
		t.Skip("the program could not be built")
	}
	arrived := make(chan struct{}, 10)
	b := basicOnly
	b.Hazard, b.HazardOnLogon = standin.HazardHang, true
	s := begin(t, b, standin.Options{OnRequest: func(q standin.Request) {
		if q.Message == standin.MessageBasic {
			arrived <- struct{}{}
		}
	}})
	state := t.TempDir()
	for range 2 {
		c := exec.CommandContext(t.Context(), path, lineTo(s, goodCheck).args(t, asJSON)...)
		c.Env = []string{"XDG_STATE_HOME=" + state}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		<-arrived
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait()
	}
	r := program{state: state}.run(t, lineTo(s, goodCheck).args(t, asJSON)...).report(t)
	if len(arrived) > 0 || len(r.sent()) > 0 {
		t.Errorf("after two kills another logon was sent: %+v", r.Attempts)
	}
}

// Checks that are started together send no more than one after the other would,
// and where the password is right they wait for each other.
func TestChecksAtTheSameTime(t *testing.T) {
	slow(t)
	for _, test := range []struct {
		name      string
		behaviour standin.Behaviour
		check     standin.Check
		code      string
		bad       int
	}{
		{"wrong password", everyScheme, wrongCheck, "credentials-rejected", 2},
		{"right password", everyScheme, goodCheck, "ok", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := begin(t, test.behaviour, standin.Options{OnRequest: func(q standin.Request) {
				if isLogon(q) {
					time.Sleep(50 * time.Millisecond) // the time in which another would come
				}
			}})
			p := program{alone: true, state: t.TempDir()}
			var all sync.WaitGroup
			var reached atomic.Int32
			for range 6 {
				all.Go(func() {
					r := p.run(t, lineTo(s, test.check).args(t, asJSON)...).report(t)
					// On a busy machine a run may give up waiting for the others: then
					// it has sent nothing and says so.
					if r.Verdict.Code == test.code {
						reached.Add(1)
					} else if r.Verdict.Code != "inconclusive" || len(r.sent()) > 0 {
						t.Errorf("%s: %s", r.Verdict.Code, r.Verdict.Summary)
					}
				})
			}
			all.Wait()
			if n := bad(s.View()); n != test.bad || reached.Load() == 0 {
				t.Errorf("%d bad logons, %d runs that came to %s", n, reached.Load(), test.code)
			}
		})
	}
}

// A password that stops being answered in the middle of a batch is not sent for
// each of its mailboxes.
func TestBatchWithoutAnswers(t *testing.T) {
	slow(t)
	t.Parallel()
	u := hangingUp(t, crowd(basicOnly, standin.Crowd{Mailboxes: 5000}), 40)
	l := u.line(goodCheck)
	p := rightPassword
	p.state = t.TempDir()
	args := []string{
		"batch", "--user", standin.UPN, "--impersonate", "--format", "json", "--ca-file", save(t, "ca.pem", l.CA), "--address", u.address,
		"--target", l.URL, "--timeout-per-mailbox", "2s",
	}
	o := p.run(t, append(args, batchFile(t, boxes(50)))...)
	rows, sum := results(t, o.out)
	if len(rows) != 50 || sum.ByCode["ok"] == 0 || o.exit != 3 {
		t.Errorf("%d rows, %v, exit %d\n%s", len(rows), sum.ByCode, o.exit, o.err)
	}
	const inFlight = 10 // --concurrency
	if n := u.credited.Load() - 40; n > inFlight+10 {
		t.Errorf("%d passwords came after the last that was answered", n)
	}
	// Whoever looks into it next does not go on.
	came := u.credited.Load()
	r := p.run(t, l.args(t, asJSON)...).report(t)
	if u.credited.Load() != came {
		t.Errorf("the check after it has sent the password: %+v", r.Attempts)
	}
}

// Whatever is in the place of a file of the state folder, a check is not held up
// by it for more than a second, sends no credential, and says why.
func TestPipesInTheStateFolder(t *testing.T) {
	slow(t)
	s := begin(t, everyScheme, standin.Options{})
	state := t.TempDir()
	program{state: state}.run(t, lineTo(s, wrongCheck).args(t, asJSON)...)
	files, err := filepath.Glob(filepath.Join(state, "ewsprobe", "*"))
	if err != nil || len(files) < 3 {
		t.Fatalf("%q, %v", files, err)
	}
	sent := len(logons(s.View()))
	for _, f := range files {
		t.Run(filepath.Ext(f), func(t *testing.T) {
			state := t.TempDir()
			place := filepath.Join(state, "ewsprobe", filepath.Base(f))
			if err := os.Mkdir(filepath.Dir(place), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Mkfifo(place, 0o600); err != nil {
				t.Fatal(err)
			}
			check := goodCheck
			check.Timeout = 5 * time.Second
			var o outcome
			var r told
			for range 4 { // the pipe holds it up every time, other work of the machine does not
				o = program{state: state}.run(t, lineTo(s, check).args(t, asJSON)...)
				if r = o.report(t); r.Duration <= 3000 {
					break
				}
			}
			if r.Duration > 3000 || len(r.sent()) > 0 || r.Verdict.Status != "unknown" || len(r.Attempts) == 0 {
				t.Errorf("%d ms, %+v, %+v", r.Duration, r.Verdict, r.Attempts)
			}
			for _, a := range r.Attempts {
				if a.Result != "skipped" || !strings.Contains(a.Why, "the count of refused logons cannot be saved") {
					t.Errorf("%+v", a)
				}
			}
			if strings.Count(o.err, "\n") != 1 {
				t.Errorf("standard error should be one line: %q", o.err)
			}
		})
	}
	if n := len(logons(s.View())); n != sent {
		t.Errorf("%d logons were sent", n-sent)
	}
}
