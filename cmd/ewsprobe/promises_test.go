package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// Promise 1: at --max-rejections nothing more is sent for the account.

// bad are the logons that the server counted as bad, or would have if there were
// such an account or it were not locked.
func bad(v standin.View) int {
	n := 0
	for _, q := range logons(v) {
		if q.Outcome != standin.OutcomeAccepted {
			n++
		}
	}
	return n
}

func TestBudget(t *testing.T) {
	slow(t)
	farm := func(first, second standin.Behaviour) standin.Behaviour {
		first.SecondNode = &second
		return first
	}
	unknown := standin.Check{User: "svc-nosuch@contoso.com", Password: standin.Password}
	locked := standin.Check{User: standin.LockedUser, Password: standin.Password}
	domain := standin.Check{User: standin.User, Password: standin.WrongPassword}
	bare := standin.Check{User: "svc-crm", Password: standin.WrongPassword}
	negotiate := standin.Behaviour{Negotiate: true}
	discovering, beside := everyScheme, wrongCheck
	discovering.Autodiscover, beside.Autodiscover = standin.AutodiscoverSettings, true
	byAddress := beside
	byAddress.Mailbox, byAddress.ByAddress = standin.Mailbox, true
	for _, test := range []struct {
		name      string
		behaviour standin.Behaviour
		profile   string
		check     standin.Check
		refused   [3]int // with --max-rejections 1, 2, 3
	}{
		{"every scheme", everyScheme, "basic", wrongCheck, [3]int{1, 2, 2}},
		{"every scheme, DOMAIN\\user", everyScheme, "basic", domain, [3]int{1, 2, 2}},
		{"every scheme, bare name", everyScheme, "basic", bare, [3]int{1, 2, 2}},
		{"every scheme, auto", everyScheme, "auto", wrongCheck, [3]int{1, 2, 2}},
		{"every scheme, ntlm", everyScheme, "ntlm", wrongCheck, [3]int{1, 2, 2}},
		{"every scheme, negotiate", everyScheme, "negotiate", wrongCheck, [3]int{1, 2, 2}},
		{"Basic off", windowsOnly, "basic", wrongCheck, [3]int{1, 2, 2}}, // with the binding and without
		{"Basic off, ntlm", windowsOnly, "ntlm", wrongCheck, [3]int{1, 2, 2}},
		{"Basic off, auto", windowsOnly, "auto", wrongCheck, [3]int{1, 2, 2}},
		{"Negotiate only", negotiate, "negotiate", wrongCheck, [3]int{1, 2, 2}},
		{"Basic only", basicOnly, "basic", wrongCheck, [3]int{1, 1, 1}},
		{"Basic only, ntlm", basicOnly, "ntlm", wrongCheck, [3]int{0, 0, 0}}, // not offered: nothing is sent
		{"unknown user", everyScheme, "basic", unknown, [3]int{1, 2, 2}},
		{"locked", everyScheme, "basic", locked, [3]int{1, 2, 2}},
		{"two nodes", farm(everyScheme, everyScheme), "basic", wrongCheck, [3]int{1, 2, 2}},
		{"two nodes, ntlm", farm(windowsOnly, windowsOnly), "ntlm", wrongCheck, [3]int{1, 2, 2}},
		{"two nodes, Basic only at the first", farm(basicOnly, windowsOnly), "basic", wrongCheck, [3]int{1, 1, 1}}, // the first refusal ends it
		{"Autodiscover beside", discovering, "basic", beside, [3]int{1, 2, 3}},                                     // between the schemes of EWS
		{"Autodiscover first", discovering, "basic", byAddress, [3]int{1, 1, 1}},
		{"two nodes, nothing at the first", farm(standin.Behaviour{}, everyScheme), "basic", wrongCheck, [3]int{1, 2, 2}},
	} {
		for i, want := range test.refused {
			t.Run(fmt.Sprintf("%s/%d", test.name, i+1), func(t *testing.T) {
				t.Parallel()
				s := begin(t, test.behaviour, standin.Options{})
				check := test.check
				check.ProfileAuth, check.EachNode = test.profile, true
				got := program{}.run(t, lineTo(s, check).args(t, asJSON, fmt.Sprint("--max-rejections=", i+1))...)
				r, view := got.report(t), s.View()
				if n := bad(view); n != want {
					t.Errorf("%d refused logons, want %d: %+v", n, want, logons(view))
				}
				if n := counted(r.Attempts); n != want {
					t.Errorf("%d counted, want %d: %+v", n, want, r.Attempts)
				}
				agrees(t, r, view)
			})
		}
	}
}

// Until a logon was accepted, only one is in flight, over all schemes and nodes.
// The server answers none before it knows whether another came meanwhile.
func TestOneLogonAtATime(t *testing.T) {
	slow(t)
	everywhere := everyScheme
	everywhere.SecondNode = &everyScheme
	for _, test := range []struct {
		name      string
		behaviour standin.Behaviour
		check     standin.Check
	}{
		{"wrong password", everywhere, wrongCheck},
		{"right password", everywhere, goodCheck},
		{"Basic refuses", standin.Behaviour{Negotiate: true, NTLM: true, Basic: true, BasicRefuses: true}, goodCheck},
		{"NTLM", windowsOnly, wrongCheck},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			inFlight, most, accepted := 0, 0, false
			s := begin(t, test.behaviour, standin.Options{OnRequest: func(q standin.Request) {
				if !isLogon(q) {
					return
				}
				mu.Lock()
				inFlight++
				if !accepted {
					most = max(most, inFlight)
				}
				mu.Unlock()
				time.Sleep(100 * time.Millisecond) // the time in which another would come
				mu.Lock()
				inFlight--
				accepted = accepted || q.Outcome == standin.OutcomeAccepted
				mu.Unlock()
			}})
			check := test.check
			check.EachNode = true
			program{}.run(t, lineTo(s, check).args(t, asJSON, "--max-rejections=3")...)
			mu.Lock()
			defer mu.Unlock()
			if most != 1 {
				t.Errorf("%d logons in flight before one was accepted, want 1", most)
			}
		})
	}
}

// A refused password is remembered across runs, per account (all name forms) and
// endpoint, for an hour; the budget of an account is one for all of them.
func TestMemory(t *testing.T) {
	slow(t)
	t.Parallel()
	s := begin(t, everyScheme, standin.Options{})
	state := t.TempDir()
	memory := func() string {
		var all bytes.Buffer
		walkFiles(t, state, func(name string, content []byte) { all.WriteString(name + "\n" + string(content) + "\n") })
		return all.String()
	}
	anHourAgo := func() {
		walkFiles(t, state, func(name string, content []byte) {
			if filepath.Ext(name) == ".lock" {
				return
			}
			at := regexp.MustCompile(`"at":"[^"]*"`)
			old := at.ReplaceAll(content, []byte(`"at":"`+time.Now().Add(-61*time.Minute).UTC().Format(time.RFC3339)+`"`))
			if bytes.Equal(old, content) {
				t.Fatalf("%s holds no time: %s", name, content)
			}
			if err := os.WriteFile(name, old, 0o600); err != nil {
				t.Fatal(err)
			}
		})
	}
	as := func(user, password string) standin.Check { return standin.Check{User: user, Password: password} }
	const wrong, other, another = standin.WrongPassword, "Passw0rd!other", "https://" + standin.Host + ":8443/EWS/Exchange.asmx"
	for _, run := range []struct {
		what   string
		before func()
		check  standin.Check
		flag   string
		url    string
		sent   int
		code   string
	}{
		{"the first time it is sent", nil, as(standin.UPN, wrong), "", "", 2, "credentials-rejected"},
		{"the second time it is not", nil, as(standin.UPN, wrong), "", "", 0, "credentials-rejected"},
		{"nor under another form of the name", nil, as(standin.User, wrong), "", "", 0, "credentials-rejected"},
		{"nor under the bare name", nil, as("SVC-CRM", wrong), "", "", 0, "credentials-rejected"},
		{"nor for another profile", nil, standin.Check{User: standin.UPN, Password: wrong, ProfileAuth: "ntlm"}, "", "", 0, "credentials-rejected"},
		{"unless the user insists", nil, as(standin.UPN, wrong), "--retry-refused", "", 2, "credentials-rejected"},
		{"another password is not sent beyond the limit", nil, as(standin.UPN, other), "", "", 0, "inconclusive"},
		{"nor is the right one", nil, as(standin.UPN, standin.Password), "", "", 0, "inconclusive"},
		{"within another limit it is", nil, as(standin.UPN, other), "--max-rejections=6", "", 2, "credentials-rejected"},
		{"and remembered too", nil, as(standin.UPN, other), "", "", 0, "credentials-rejected"},
		{"beside the first", nil, as(standin.UPN, wrong), "", "", 0, "credentials-rejected"},
		{"at another endpoint the limit is the same", nil, as(standin.UPN, wrong), "", another, 0, "inconclusive"},
		{"within it, it is sent there", nil, as(standin.UPN, wrong), "--max-rejections=8", another, 2, "credentials-rejected"},
		{"where it is remembered by itself", nil, as(standin.UPN, wrong), "", another, 0, "credentials-rejected"},
		{"another account is another account", nil, as("svc-other@contoso.com", wrong), "", "", 2, "credentials-rejected"},
		{"the right password is sent, and accepted", nil, as(standin.UPN, standin.Password), "--retry-refused", "", 2, "ok"},
		{"which begins the count again", nil, as(standin.UPN, "Passw0rd!third"), "", "", 2, "credentials-rejected"},
		{"but the refused password is still not sent", nil, as(standin.UPN, wrong), "", "", 0, "credentials-rejected"},
		{"after an hour it is sent again", anHourAgo, as(standin.UPN, wrong), "", "", 2, "credentials-rejected"},
	} {
		if run.before != nil {
			run.before()
		}
		before := len(logons(s.View()))
		l := lineTo(s, run.check)
		if run.url != "" {
			l.URL = run.url
		}
		flags := []string{asJSON}
		if run.flag != "" {
			flags = append(flags, run.flag)
		}
		r := program{state: state}.run(t, l.args(t, flags...)...).report(t)
		if sent := len(logons(s.View())) - before; sent != run.sent {
			t.Errorf("%s: %d logons reached the server, want %d", run.what, sent, run.sent)
		}
		if r.Verdict.Code != run.code {
			t.Errorf("%s: got %s, want %s: %s", run.what, r.Verdict.Code, run.code, r.Verdict.Summary)
		}
		if run.sent > 0 {
			continue
		}
		for _, a := range r.Attempts {
			if a.Result != "skipped" || a.Counted || !regexp.MustCompile(`\d\d:\d\d`).MatchString(a.Why) || !strings.Contains(a.Why, "--retry-refused") {
				t.Errorf("%s: a skipped attempt says when the password was refused and what to do: %+v", run.what, a)
			}
		}
		if len(r.Attempts) == 0 {
			t.Errorf("%s: no attempt is told of", run.what)
		}
	}
	// What is stored gives nothing back: no name, no host, no password in any
	// spelling, and a check value of 16 bits at most.
	stored := memory()
	for name, secret := range spellings(wrong) {
		if strings.Contains(strings.ToLower(stored), strings.ToLower(secret)) {
			t.Errorf("the memory holds the password (%s)", name)
		}
	}
	for _, word := range []string{"svc-crm", "contoso"} { // no digits: those of times and hashes are by chance
		if strings.Contains(stored, word) {
			t.Errorf("the memory holds %q", word)
		}
	}
	values := regexp.MustCompile(`"check":(\d+)`).FindAllStringSubmatch(stored, -1)
	if len(values) == 0 {
		t.Fatalf("no check value in %s", stored)
	}
	for _, v := range values {
		if len(v[1]) > 5 {
			t.Errorf("a check value of more than 16 bits: %s", v[0])
		}
	}
	if runtime.GOOS == "windows" {
		return
	}
	err := filepath.WalkDir(state, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == state {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s can be read by others: %s", name, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// Where the count cannot be written nothing is sent, and the report comes all the
// same: it says what is wrong, and so does standard error.
func TestMemoryThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	s := begin(t, basicOnly, standin.Options{})
	state := save(t, "state", []byte("a file where a folder should be"))
	got := program{state: state}.run(t, lineTo(s, wrongCheck).args(t, asJSON)...)
	r := got.report(t)
	if r.Verdict.Code != "inconclusive" || got.exit != 3 || len(logons(s.View())) != 0 {
		t.Errorf("got %s, exit %d, %d logons", r.Verdict.Code, got.exit, len(logons(s.View())))
	}
	for _, a := range r.Attempts {
		if a.Result != "skipped" || !strings.Contains(a.Why, ", so no credential is sent") {
			t.Errorf("%+v", a)
		}
	}
	if strings.Count(got.err, "\n") != 1 {
		t.Errorf("standard error should be one line: %q", got.err)
	}
}

// walkFiles hands every file below dir to see.
func walkFiles(t *testing.T, dir string, see func(name string, content []byte)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		if err == nil {
			see(name, content)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// reading are the operations that a check may send. All of them only read.
var reading = map[string]bool{"FindFolder": true, "GetFolder": true, "ResolveNames": true}

// Promise 3: nothing but operations that read reaches a server, in every
// scenario that is about Exchange and not about TLS. That the scenarios make the
// check send each of them is part of the test.
func TestReadOnly(t *testing.T) {
	slow(t)
	var mu sync.Mutex
	seen := map[string]bool{}
	t.Cleanup(func() {
		for name := range reading {
			if !seen[name] {
				t.Errorf("no scenario made the check send %s", name)
			}
		}
	})
	operation := regexp.MustCompile(`<(?:\w+:)?Body\b[^>]*>\s*<(?:\w+:)?(\w+)`)
	for _, s := range standin.Scenarios() {
		if s.Behaviour.Transport != "" || s.Behaviour.Hazard != "" || s.Behaviour.SecondNode != nil || s.Check.ReadDynamics {
			continue // the profile in Dynamics names the server itself, not the one in front that reads along
		}
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			front := tapped(t, s.Behaviour)
			check := s.Check
			check.NoCA, check.Insecure = false, false
			to := front.line(check)
			to.DC, to.CA, to.CloudURL = front.behind.Controller(), slices.Concat(to.CA, front.behind.CA()), front.behind.CloudURL()
			o := program{}.run(t, to.args(t, asJSON)...)
			requests := front.requests()
			if len(requests) == 0 {
				t.Fatalf("nothing was sent: %s", o.err)
			}
			for _, q := range requests {
				switch found := operation.FindAllStringSubmatch(q.body, -1); {
				case q.body == "" && (q.is("NTLM", 1) || q.is("Negotiate", 1)):
				case q.body == "" && strings.HasPrefix(q.line, "GET /autodiscover/"):
				case strings.HasPrefix(q.line, "POST /autodiscover/autodiscover.xml ") && strings.Contains(q.body, "<EMailAddress>"):
				case strings.HasPrefix(q.line, "POST /autodiscover/autodiscover.svc ") && len(found) == 1 && found[0][1] == "GetUserSettingsRequestMessage":
				case len(found) != 1 || !reading[found[0][1]]:
					t.Errorf("%q was sent with the body %s", q.authorization, q.body)
				}
			}
			for _, q := range front.behind.View().Requests {
				if q.Operation != "" && q.Operation != "Autodiscover" && !reading[q.Operation] {
					t.Errorf("the operation %s reached the server", q.Operation)
				}
				mu.Lock()
				seen[q.Operation] = true
				mu.Unlock()
			}
		})
	}
}

// Promise 6: five steps on the critical path. The structure is held, not the
// time: a server that answers none of the three anonymous requests until all
// have come, and neither the NTLM logon nor the question to the address book
// until both have, shows that these do not wait for each other; and its view
// shows which message rides on which connection.
func TestFewRoundTrips(t *testing.T) {
	anonymous, last := meeting(3), meeting(2)
	var basics atomic.Int32
	s := begin(t, everyScheme, standin.Options{OnRequest: func(q standin.Request) {
		all := last
		switch q.Message {
		case standin.MessageAnonymous, standin.MessageEmptyBearer, standin.MessageType1:
			all = anonymous
		case standin.MessageBasic:
			if basics.Add(1) == 1 {
				return // the logon, which the last two wait for
			}
		}
		if !all() {
			t.Errorf("%s waits for an answer to another request", q.Message)
		}
	}})
	check := goodCheck
	check.Mailbox, check.Impersonate = standin.Mailbox, true
	r := program{}.run(t, lineTo(s, check).args(t, asJSON)...).report(t)
	if r.Verdict.Code != "ok" {
		t.Fatalf("got %s: %s", r.Verdict.Code, r.Verdict.Summary)
	}
	view := s.View()
	if view.Connections != 3 {
		t.Errorf("%d connections, want 3", view.Connections)
	}
	sent, on := map[string]int{}, map[string]int{}
	for _, q := range view.Requests {
		if sent[q.Message]++; sent[q.Message] > 1 && on[q.Message] != q.Connection {
			t.Errorf("%s was sent on two connections", q.Message)
		}
		on[q.Message] = q.Connection
	}
	want := map[string]int{standin.MessageAnonymous: 1, standin.MessageEmptyBearer: 1, standin.MessageType1: 1, standin.MessageBasic: 2, standin.MessageType3: 1}
	if d := cmp.Diff(want, sent); d != "" {
		t.Errorf("requests: -want +got\n%s", d)
	}
	if on[standin.MessageBasic] != on[standin.MessageAnonymous] || on[standin.MessageType3] != on[standin.MessageType1] {
		t.Errorf("want Basic on the connection of the anonymous one and type 3 on that of type 1: %v", on)
	}
	// So the longest chain is TCP, TLS 1.3, the list of schemes, the logon by
	// Basic, and the last two beside each other: five.
}

// meeting lets nobody go on until n have come; false: some never came.
func meeting(n int32) func() bool {
	var come atomic.Int32
	all := make(chan struct{})
	return func() bool {
		if come.Add(1) == n {
			close(all)
		}
		select {
		case <-all:
			return true
		case <-time.After(10 * time.Second):
			return false
		}
	}
}

// Ctrl-C: exit 3, and a report of what was found so far.
func TestInterrupted(t *testing.T) {
	hanging := standin.Behaviour{Negotiate: true, NTLM: true, Basic: true, Hazard: standin.HazardHang, HazardOnLogon: true}
	silent := standin.Behaviour{Hazard: standin.HazardHang}
	for _, test := range []struct {
		name      string
		behaviour standin.Behaviour
		at        string // the message at which the user loses patience
		format    string
		want      []string
	}{
		{"during the logon, json", hanging, standin.MessageBasic, "json", []string{`"status": "unknown"`, `"stopped": "interrupted"`, `"Negotiate"`, `"result": "unfinished"`, `"counted": true`}},
		{"during the logon, text", hanging, standin.MessageBasic, "text", []string{"UNKNOWN", "401", "Negotiate, NTLM, Basic"}},
		{"before any answer, json", silent, standin.MessageAnonymous, "json", []string{`"status": "unknown"`, `"stopped": "interrupted"`, `"interrupted"`}},
		{"before any answer, text", silent, standin.MessageAnonymous, "text", []string{"UNKNOWN"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			s := begin(t, test.behaviour, standin.Options{OnRequest: func(q standin.Request) {
				if q.Message == test.at {
					interrupt()
				}
			}})
			var out, complaints bytes.Buffer
			exit := run(ctx, append([]string{"ewsprobe"}, lineTo(s, goodCheck).args(t, "--format", test.format)...), program{}.stdio(t, &out, &complaints))
			if exit != 3 || complaints.Len() > 0 {
				t.Errorf("exit %d, standard error %q", exit, complaints.String())
			}
			for _, w := range test.want {
				if !strings.Contains(out.String(), w) {
					t.Errorf("no %q in\n%s", w, out.String())
				}
			}
			if test.format == "json" {
				hasShape(t, out.String())
				judgedAgain(t, outcome{exit: exit, out: out.String()})
			}
		})
	}
}
