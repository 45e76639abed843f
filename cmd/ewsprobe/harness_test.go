package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe/config"
)

// The tests of this package run the whole program: arguments in, exit code and two
// streams out; most in the process of the tests, which costs a fifth. The test binary is
// the program when it is called by its name.
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
	for _, f := range []*cli.Flag{&cli.HelpFlag, &cli.VersionFlag, &cli.BashCompletionFlag} {
		*f = unshared{(*f).(*cli.BoolFlag)}
	}
	return t.M.Run()
}

// unshared is a flag of the library for runs beside each other: it writes into the flag.
type unshared struct{ *cli.BoolFlag }

func (u unshared) Apply(set *flag.FlagSet) error {
	own := *u.BoolFlag
	return own.Apply(set)
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

// program is one way to run the program.
type program struct {
	alone bool          // in a process of its own
	as    string        // the name by which the test binary is started, alone
	state string        // where refused passwords are remembered; "" is a new folder for each run
	stdin string        // never a terminal
	env   []string      // beside what every process needs
	watch func(pid int) // called over and over while it runs, alone
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
	if p.alone || p.as != "" || p.watch != nil {
		return p.process(tb, args)
	}
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	var out, complaints bytes.Buffer
	started := time.Now()
	exit := run(ctx, append([]string{"ewsprobe"}, args...), p.stdio(tb, &out, &complaints))
	if ctx.Err() != nil {
		tb.Fatalf("ewsprobe %s: %v\n%s", strings.Join(args, " "), ctx.Err(), complaints.String())
	}
	return outcome{exit: exit, out: out.String(), err: complaints.String(), took: time.Since(started)}
}

// stdio is that of a run in the process of the tests.
func (p program) stdio(tb testing.TB, out, complaints io.Writer) stdio {
	env := map[string]string{}
	for _, e := range p.environment(tb) {
		name, value, _ := strings.Cut(e, "=")
		env[name] = value
	}
	return stdio{in: strings.NewReader(p.stdin), out: out, err: complaints, inFD: -1, env: func(name string) string { return env[name] }}
}

func (p program) environment(tb testing.TB) []string {
	state := p.state
	if state == "" {
		state = tb.TempDir()
	}
	return append([]string{"XDG_STATE_HOME=" + state, "LOCALAPPDATA=" + state}, p.env...)
}

func (p program) process(tb testing.TB, args []string) outcome {
	tb.Helper()
	path := ""
	if p.as == "" {
		path = built()
	}
	if path == "" {
		var err error
		if path, err = os.Executable(); err != nil {
			tb.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, path, args...)
	c.Args[0] = cmp.Or(p.as, "ewsprobe")
	c.Env = append([]string{"SystemRoot=" + os.Getenv("SystemRoot"), "GORACE=" + promptly}, p.environment(tb)...)
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

// line is the command line of a check.
type line struct{ standin.Line }

func lineTo(s *standin.Server, c standin.Check) line { return line{s.Line(c)} }

// args are the command and its arguments, with the flags of a test.
func (l line) args(tb testing.TB, flags ...string) []string {
	tb.Helper()
	args, err := l.Arguments(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	return slices.Concat([]string{"check"}, args, flags)
}

// logons are the requests of a view that carried the credential, in the order
// in which they came.
func logons(v standin.View) []standin.Request {
	var list []standin.Request
	for _, q := range v.Requests {
		if isLogon(q) {
			list = append(list, q)
		}
	}
	return list
}

// isLogon says whether a request carried the credential of EWS: all do but these.
func isLogon(q standin.Request) bool {
	return !slices.Contains([]string{
		standin.MessageAnonymous, standin.MessageSignedIn, standin.MessageType1, standin.MessageEmptyBearer, standin.MessageBind, standin.MessageOther,
	}, q.Message)
}

const passwordEnv = config.PasswordVariable

const asJSON = "--format=json"

// Behaviours and checks that many tests start from.
var (
	everyScheme = standin.Behaviour{Negotiate: true, NTLM: true, Basic: true}
	windowsOnly = standin.Behaviour{Negotiate: true, NTLM: true}
	basicOnly   = standin.Behaviour{Basic: true}

	goodCheck  = standin.Check{User: standin.UPN, Password: standin.Password}
	wrongCheck = standin.Check{User: standin.UPN, Password: standin.WrongPassword}
)
