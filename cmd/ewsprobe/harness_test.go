package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// The tests of this package run the real program: arguments in, exit code and
// two streams out. The test binary is the program when it is called by its name.
func TestMain(m *testing.M) {
	testscript.Main(tests{m}, map[string]func(){"ewsprobe": main, "field": field, "steady": steady})
}

// tests runs the tests in a world of their own: no password is remembered
// outside of it.
type tests struct{ *testing.M }

func (t tests) Run() int {
	dir, err := os.MkdirTemp("", "ewsprobe-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	world = dir
	for _, name := range []string{"XDG_STATE_HOME", "LOCALAPPDATA"} {
		os.Setenv(name, filepath.Join(dir, "state"))
	}
	os.Setenv("GORACE", promptly)
	return t.M.Run()
}

// slow leaves a test out of make test-short.
func slow(tb testing.TB) {
	tb.Helper()
	if testing.Short() {
		tb.Skip("left out with -short: it takes seconds")
	}
}

// some is a list, or with -short every tenth of it.
func some[T any](list []T) []T {
	if !testing.Short() {
		return list
	}
	var few []T
	for i := 0; i < len(list); i += 10 {
		few = append(few, list[i])
	}
	return few
}

var world string

// built is the program as a user has it, without the race detector. Where there
// is no Go to build it with, the test binary takes its place.
var built = sync.OnceValue(func() string {
	file := filepath.Join(world, "ewsprobe")
	if runtime.GOOS == "windows" {
		file += ".exe"
	}
	if out, err := exec.Command("go", "build", "-o", file, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return ""
	}
	return file
})

// program is one way to run the program, in a process of its own.
type program struct {
	race  bool          // with the race detector, if the tests have it
	state string        // where refused passwords are remembered; "" is a new folder for each run
	stdin string        // never a terminal
	env   []string      // beside what every process needs
	watch func(pid int) // called over and over while it runs
}

// outcome is a finished run.
type outcome struct {
	exit     int
	out, err string
	took     time.Duration
}

// patience ends a run that hangs: far above what any of them may take.
const patience = 8 * time.Minute

// promptly lets a process that was built with the race detector end at once.
const promptly = "atexit_sleep_ms=0"

func (p program) run(tb testing.TB, args ...string) outcome {
	tb.Helper()
	path := ""
	if !p.race {
		path = built()
	}
	if path == "" {
		var err error
		if path, err = os.Executable(); err != nil {
			tb.Fatal(err)
		}
	}
	if p.state == "" {
		p.state = tb.TempDir()
	}
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, path, args...)
	c.Args[0] = "ewsprobe"
	c.Env = append([]string{"XDG_STATE_HOME=" + p.state, "LOCALAPPDATA=" + p.state, "SystemRoot=" + os.Getenv("SystemRoot"), "GORACE=" + promptly}, p.env...)
	c.Stdin = strings.NewReader(p.stdin)
	var out, complaints bytes.Buffer
	c.Stdout, c.Stderr = &out, &complaints
	started := time.Now()
	err := c.Start()
	if err == nil {
		ended := make(chan struct{})
		var watching sync.WaitGroup
		if p.watch != nil {
			watching.Go(func() { watch(p.watch, c.Process.Pid, ended) })
		}
		err = c.Wait()
		close(ended)
		watching.Wait()
	}
	took := time.Since(started)
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) || ctx.Err() != nil {
		tb.Fatalf("ewsprobe %s: %v\n%s", strings.Join(args, " "), err, complaints.String())
	}
	return outcome{exit: c.ProcessState.ExitCode(), out: out.String(), err: complaints.String(), took: took}
}

func watch(look func(pid int), pid int, ended <-chan struct{}) {
	for pace := time.NewTicker(2 * time.Millisecond); ; {
		look(pid)
		select {
		case <-ended:
			pace.Stop()
			return
		case <-pace.C:
		}
	}
}

// report reads the JSON report of a run.
func (o outcome) report(tb testing.TB) told {
	tb.Helper()
	var r told
	if err := json.Unmarshal([]byte(o.out), &r); err != nil {
		tb.Fatalf("standard output is no JSON object (%v):\n%s\nstandard error:\n%s", err, o.out, o.err)
	}
	return r
}

// told is the report as the contract describes it, seen from outside.
type told struct {
	Schema  string  `json:"schema"`
	Verdict verdict `json:"verdict"`
	Causes  []struct {
		Number   int      `json:"number"`
		Status   string   `json:"status"`
		Why      string   `json:"why"`
		Evidence []string `json:"evidence"`
	} `json:"causes"`
	Findings []struct {
		Code       string   `json:"code"`
		Status     string   `json:"status"`
		Confidence string   `json:"confidence"`
		Evidence   []string `json:"evidence"`
	} `json:"findings"`
	Schemes []struct {
		Name string `json:"name"`
	} `json:"schemes"`
	Server   serverTold `json:"server"`
	Attempts []attempt  `json:"attempts"`
	Evidence []item     `json:"evidence"`
	Stopped  string     `json:"stopped"`
	Duration int64      `json:"duration_ms"`
}

type verdict struct {
	Code       string `json:"code"`
	Status     string `json:"status"`
	Cause      int    `json:"cause"` // 0 is null
	Confidence string `json:"confidence"`
	Summary    string `json:"summary"`
	Reason     string `json:"reason"`
}

type serverTold struct {
	Product, Version   string
	FrontEnd           string `json:"front_end"`
	NetBIOSDomain      string `json:"netbios_domain"`
	DNSDomain          string `json:"dns_domain"`
	DNSHost            string `json:"dns_host"`
	OSBuild            string `json:"os_build"`
	Tenant             string `json:"tenant"`
	InFront            string `json:"in_front"`
	ExtendedProtection string `json:"extended_protection"`
}

// attempt is one use of the credential, made or not made.
type attempt struct {
	Scheme  string `json:"scheme"`
	Account string `json:"account"`
	Address string `json:"address"`
	Result  string `json:"result"`
	Status  int    `json:"status"`
	Binding string `json:"channel_binding"`
	Counted bool   `json:"counted"`
	Why     string `json:"why"`
	ID      string `json:"evidence"`
}

// item is what these tests need of a piece of evidence.
type item struct {
	ID         string `json:"id"`
	Step       string `json:"step"`
	Connection int    `json:"connection"`
	EWS        *struct {
		Code string `json:"code"`
	} `json:"ews"`
	NTLM *struct {
		Problem string `json:"problem"`
	} `json:"ntlm"`
	Logon *struct {
		Comparison bool `json:"comparison"`
	} `json:"logon"`
}

func (r told) item(id string) item {
	for _, i := range r.Evidence {
		if i.ID == id {
			return i
		}
	}
	return item{}
}

// sent are the attempts that reached the wire: the others say why they did not.
func (r told) sent() []attempt {
	var list []attempt
	for _, a := range r.Attempts {
		if step := r.item(a.ID).Step; step == "logon" || step == "autodiscover-logon" {
			list = append(list, a)
		}
	}
	return list
}

func counted(attempts []attempt) int {
	n := 0
	for _, a := range attempts {
		if a.Counted {
			n++
		}
	}
	return n
}

var exitCodes = map[string]int{"ok": 0, "warning": 1, "critical": 2, "unknown": 3}

// begin starts a stand-in for the length of a test.
func begin(tb testing.TB, b standin.Behaviour, o standin.Options) *standin.Server {
	tb.Helper()
	s, err := standin.Start(b, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

// save writes a file for a test.
func save(tb testing.TB, name string, content []byte) string {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		tb.Fatal(err)
	}
	return file
}

// line is the command line of a check: the flags that all of them have, those
// of this one, and where it goes.
type line struct {
	url       string
	discovery string // the Autodiscover endpoint
	addresses []string
	dc        string
	ca        []byte
	check     standin.Check
	cloud     string // where its cloud is
}

func (l line) args(tb testing.TB, flags ...string) []string {
	tb.Helper()
	args := []string{"check"}
	give := func(name, value string) {
		if value != "" {
			args = append(args, "--"+name, value)
		}
	}
	c := l.check
	if !c.NoCA && !c.PlainHTTP {
		give("ca-file", save(tb, "ca.pem", l.ca))
	}
	if c.Insecure {
		args = append(args, "--insecure")
	}
	switch {
	case c.HMA == standin.HMAToken:
		give("hma-token-file", save(tb, "hma-token.txt", []byte(c.HMA.File())))
	case c.HMA != "":
		if !c.ReadDynamics { // else the profile says it
			give("hma-client-id", standin.HMAApplicationID)
			give("tenant", cmp.Or(c.Tenant, standin.Tenant))
			give("entra-url", l.cloud)
		}
		flag := "hma-certificate"
		if c.HMA == standin.HMAClientSecret || c.HMA == standin.HMAWrongSecret {
			flag = "hma-client-secret-file"
		}
		give(flag, save(tb, "hma-proof", []byte(c.HMA.File())))
	case c.User == "":
		args = append(args, "--no-credentials")
	default:
		give("user", c.User)
		give("password-file", save(tb, "password.txt", []byte(c.Password+"\n")))
	}
	if c.Explain {
		args = append(args, "--explain-rejection", "--dc", l.dc, "--domain", standin.Domain)
	}
	if c.Profile != "" {
		give("profile", save(tb, "profile.txt", []byte(c.Profile)))
	}
	give("hma-resource", c.HMAResource)
	give("profile-auth", c.ProfileAuth)
	give("view", c.View)
	if c.Autodiscover {
		give("autodiscover", l.discovery)
	}
	target := l.url
	if c.ByAddress {
		target = c.Mailbox
	} else {
		give("mailbox", c.Mailbox)
	}
	if c.Impersonate {
		args = append(args, "--impersonate")
	}
	if c.Timeout != 0 {
		give("timeout", c.Timeout.String())
	}
	if c.Cloud {
		args = append(args, "--cloud")
		for _, base := range []string{"entra-url", "exchange-online-url", "graph-url"} {
			give(base, l.cloud)
		}
		if c.Dynamics || c.ReadDynamics {
			give("dynamics-url", l.cloud)
		}
		if c.ReadDynamics {
			give("dynamics-token-file", save(tb, "dynamics-token.txt", []byte(standin.DataverseToken)))
		}
		give("tenant", c.Tenant)
		if c.Token != "" {
			give("token-file", save(tb, "token.txt", []byte(c.Token+"\n")))
		}
		if c.Secret != "" {
			give("client-id", standin.ApplicationID)
			give("client-secret-file", save(tb, "secret.txt", []byte(c.Secret+"\r\n")))
		}
	}
	for _, a := range l.addresses {
		give("address", a)
	}
	args = append(args, flags...)
	if c.ReadDynamics {
		return args // the profile names the server
	}
	return append(args, target)
}

// lineTo is the check c against s, at every node if the check wants it.
func lineTo(s *standin.Server, c standin.Check) line {
	addresses := s.Addresses()
	if !c.EachNode {
		addresses = addresses[:1]
	}
	return line{url: s.URL(), discovery: s.AutodiscoverURL(), addresses: addresses, dc: s.Controller(), ca: s.CA(), check: c, cloud: s.CloudURL()}
}

// logons are the requests of a view that carried the credential, in the order
// in which they came.
func logons(v standin.View) []standin.Request {
	var list []standin.Request
	for _, q := range v.Requests {
		if q.Message == standin.MessageBasic || q.Message == standin.MessageType3 || q.Message == standin.MessageBearer {
			list = append(list, q)
		}
	}
	return list
}

const asJSON = "--format=json"

// Behaviours and checks that many tests start from.
var (
	everyScheme = standin.Behaviour{Negotiate: true, NTLM: true, Basic: true}
	windowsOnly = standin.Behaviour{Negotiate: true, NTLM: true}
	basicOnly   = standin.Behaviour{Basic: true}

	goodCheck  = standin.Check{User: standin.UPN, Password: standin.Password}
	wrongCheck = standin.Check{User: standin.UPN, Password: standin.WrongPassword}
)
