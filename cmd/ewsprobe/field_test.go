package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"
)

const fieldFolder = "../../testdata/field"

var (
	unmark     = flag.Bool("unmark", false, "take fails_today out of the cases of testdata/field that are right")
	fieldTable = flag.String("fieldtable", "", "write a line for each case of testdata/field into this `file`")
)

// fieldCase is one report from the field: what was run, what the other side
// answered, and what must and must not be concluded. README.md beside the cases
// says how to write one.
type fieldCase struct {
	ID         string               `yaml:"id"`
	Title      string               `yaml:"title"`
	Part       string               `yaml:"part"`
	Source     string               `yaml:"source"`
	FailsToday string               `yaml:"fails_today"`
	Before     [][]string           `yaml:"before"` // what was run before, by the same user
	Run        []string             `yaml:"run"`
	Password   *string              `yaml:"password"`
	Stdin      string               `yaml:"stdin"`
	Files      map[string]fieldFile `yaml:"files"`
	Env        map[string]string    `yaml:"env"`
	Names      map[string][]string  `yaml:"names"`
	Servers    []fieldServer        `yaml:"servers"`
	Expect     fieldExpect          `yaml:"expect"`
}

// fieldExpect is what is right. In every string "a | b" wants one of the two.
type fieldExpect struct {
	Exit     *int              `yaml:"exit"`
	Verdict  string            `yaml:"verdict"`   // status code cause confidence; a dash, or nothing, is any
	Reason   string            `yaml:"reason"`    // of the verdict
	Causes   map[int]string    `yaml:"causes"`    // the status of a cause
	Findings []string          `yaml:"findings"`  // codes that must be among the findings
	Not      []string          `yaml:"not"`       // codes that must be neither finding nor verdict
	Says     []string          `yaml:"says"`      // facts that the output outside its evidence holds
	First    string            `yaml:"first"`     // what the first thing to do holds
	Evidence []string          `yaml:"evidence"`  // facts that the evidence holds
	Never    []string          `yaml:"never"`     // what is said nowhere outside the evidence
	Rows     map[string]string `yaml:"rows"`      // of a batch: a mailbox and its verdict, or none
	Logons   *int              `yaml:"logons"`    // the most that may reach the servers
	NoLookup []string          `yaml:"no_lookup"` // what no name that is looked up may hold
}

// fieldParts are the parts of the program that the cases try.
var fieldParts = []string{"answer", "tls", "signin", "farm", "autodiscover", "mailbox", "alert", "input", "kerberos"}

// fieldRequests are the requests that an answer can be to.
var fieldRequests = []string{"anonymous", "bearer", "ntlm1", "ntlm3", "basic", "logon", "token", "negotiate", "any"}

func readFieldCases(tb testing.TB) []fieldCase {
	tb.Helper()
	files, err := filepath.Glob(fieldFolder + "/*.yaml")
	if err != nil || len(files) == 0 {
		tb.Fatalf("no cases in %s: %v", fieldFolder, err)
	}
	var cases []fieldCase
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		var c fieldCase
		d := yaml.NewDecoder(bytes.NewReader(raw))
		d.KnownFields(true)
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		switch err := d.Decode(&c); {
		case err != nil:
			tb.Fatalf("%s: %v", file, err)
		case c.ID != name:
			tb.Fatalf("%s: the id is %q, which has to be the name of the file", file, c.ID)
		case !slices.Contains(fieldParts, c.Part):
			tb.Fatalf("%s: the part is %q; take one of %s", file, c.Part, strings.Join(fieldParts, ", "))
		case c.Title == "" || c.Source == "" || len(c.Run) == 0:
			tb.Fatalf("%s: title, source and run are needed", file)
		case c.Expect.empty():
			tb.Fatalf("%s: nothing is expected", file)
		}
		for _, server := range c.Servers {
			for _, a := range slices.Concat(append(server.Nodes, server.Answers)...) {
				if len(a.To) == 0 || slices.ContainsFunc(a.To, func(to string) bool { return !slices.Contains(fieldRequests, to) }) {
					tb.Fatalf("%s: an answer is to %q; take some of %s", file, a.To, strings.Join(fieldRequests, ", "))
				}
			}
		}
		cases = append(cases, c)
	}
	return cases
}

func (e fieldExpect) empty() bool {
	return e.Exit == nil && e.Logons == nil && e.Verdict == "" &&
		len(e.Findings)+len(e.Not)+len(e.Says)+len(e.Never)+len(e.NoLookup)+len(e.Rows) == 0
}

// TestField replays every case of testdata/field through the program. A case with
// fails_today is known to be wrong; once it is right the test says so (with -v), and
// -unmark takes the line out, and from then on the case has to stay right.
func TestField(t *testing.T) {
	var table sync.Mutex
	var lines []string
	t.Cleanup(func() {
		if *fieldTable != "" {
			slices.Sort(lines)
			if err := os.WriteFile(*fieldTable, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
				t.Error(err)
			}
		}
	})
	for _, c := range some(readFieldCases(t)) {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			got := c.play(t)
			wrong := c.Expect.compare(got)
			table.Lock()
			lines = append(lines, fmt.Sprintf("%s\t%s\t%t\t%s\t%s", c.Part, c.ID, len(wrong) == 0, got.verdictLine(), strings.Join(wrong, "; ")))
			table.Unlock()
			switch {
			case c.FailsToday == "" && len(wrong) > 0:
				t.Errorf("%s\n%s\ngot %s\n%s%s", c.Title, strings.Join(wrong, "\n"), got.verdictLine(), got.err, got.unanswered())
			case c.FailsToday != "" && len(wrong) > 0:
				t.Skipf("known: %s", c.FailsToday)
			case c.FailsToday != "" && *unmark:
				c.unmark(t)
			case c.FailsToday != "":
				t.Logf("%s is right now: take fails_today out of the case, or run with -unmark", c.ID)
			}
		})
	}
}

func (c fieldCase) unmark(tb testing.TB) {
	file := filepath.Join(fieldFolder, c.ID+".yaml")
	raw, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	raw = regexp.MustCompile(`(?m)^fails_today:.*\n`).ReplaceAll(raw, nil)
	if err := os.WriteFile(file, raw, 0o644); err != nil {
		tb.Fatal(err)
	}
}

// fieldOutcome is what came out of a case.
type fieldOutcome struct {
	exit      int
	out, err  string
	report    told
	rows      map[string]verdict
	text      string // what is said outside the evidence, on one line and in lower case
	evidence  string
	logons    int
	strangers []string // requests that the case has no answer to
	lookups   []string // names that were looked up
}

func (o fieldOutcome) verdictLine() string {
	switch {
	case o.report.Verdict.Code != "":
		return judged(o.report.Verdict) + ": " + o.report.Verdict.Summary
	case len(o.rows) > 0:
		return fmt.Sprintf("%d rows, exit %d", len(o.rows), o.exit)
	}
	text := []rune(oneLine(o.out + " " + o.err))
	return fmt.Sprintf("exit %d: %s", o.exit, string(text[:min(len(text), 160)]))
}

func (o fieldOutcome) unanswered() string {
	if len(o.strangers) == 0 {
		return ""
	}
	return "\nrequests that no answer names: " + strings.Join(o.strangers, ", ")
}

// play runs the program against the servers of the case.
func (c fieldCase) play(t *testing.T) fieldOutcome {
	if len(c.Names) > 0 && runtime.GOOS != "linux" {
		t.Skip("needs more than one loopback address")
	}
	dir, err := os.MkdirTemp("", "") // the name of t.TempDir has the case's words, which says would find in a path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	stage := openStage(t, c)
	write := func(name string, content []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("ca.pem", stage.trusted)
	password := "Right-Passw0rd"
	if c.Password != nil {
		password = *c.Password
	}
	write("password.txt", []byte(password+"\n"))
	write("krb5.conf", []byte("[libdefaults]\n")) // not that of this machine
	for name, file := range c.Files {
		write(name, file.bytes(t, stage.replace))
	}
	for _, earlier := range c.Before {
		c.execute(t, stage, dir, earlier)
	}
	o := c.execute(t, stage, dir, c.Run)
	o.logons, o.strangers, o.lookups = stage.seen()
	o.read(t)
	return o
}

// execute runs the program once.
func (c fieldCase) execute(t *testing.T, stage *stage, dir string, args []string) fieldOutcome {
	p := program{state: dir, stdin: c.Stdin, env: []string{"HOME=" + dir, "KRB5_CONFIG=" + filepath.Join(dir, "krb5.conf")}}
	if len(c.Names) > 0 { // a process looks all names up in the same place
		p.as, p.env = "field", append(p.env, "FIELD_DNS="+stage.dns)
	}
	for name, value := range c.Env {
		p.env = append(p.env, name+"="+stage.replace.Replace(value))
	}
	args = c.arguments(stage, args)
	for i, a := range args {
		kind, name := "", a
		if strings.HasPrefix(a, "FILE:") { // of a Kerberos cache
			kind, name = a[:5], a[5:]
		}
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			args[i] = kind + file
		}
	}
	o := p.run(t, args...)
	return fieldOutcome{exit: o.exit, out: o.out, err: o.err}
}

// arguments are a command line of the case, with what every one of its kind has
// put in.
func (c fieldCase) arguments(s *stage, line []string) []string {
	var args []string
	for _, a := range line {
		args = append(args, s.replace.Replace(a))
	}
	has := func(names ...string) bool {
		return slices.ContainsFunc(args, func(a string) bool { return slices.Contains(names, a) })
	}
	var more []string
	switch args[0] {
	case "check", "batch":
		if !has("--format") {
			more = append(more, "--format", "json")
		}
		if !has("--ca-file") {
			more = append(more, "--ca-file", "ca.pem")
		}
		if has("--user", "--profile") && !has("--password-file", "--no-credentials", "--keytab", "--ccache") {
			more = append(more, "--password-file", "password.txt")
		}
		if !has("--user", "--profile", "--no-credentials", "--keytab", "--ccache", "--hma-token-file", "--hma-client-id") && len(c.Servers) > 0 {
			more = append(more, "--no-credentials")
		}
		if len(c.Names) == 0 && !has("--address") {
			for _, a := range s.addresses {
				more = append(more, "--address", a)
			}
		}
	}
	return slices.Insert(args, 1, more...)
}

// read takes the output apart.
func (o *fieldOutcome) read(t *testing.T) {
	var rest []string
	for line := range strings.SplitSeq(o.out, "\n") {
		var row struct {
			Schema, Mailbox string
			Verdict         verdict
		}
		if json.Unmarshal([]byte(line), &row) == nil && row.Schema == "ewsprobe/row/1" {
			if o.rows == nil {
				o.rows = map[string]verdict{}
			}
			o.rows[row.Mailbox] = row.Verdict
		}
		rest = append(rest, line)
	}
	text := strings.Join(rest, " ")
	var whole map[string]any
	if json.Unmarshal([]byte(o.out), &whole) == nil {
		if err := json.Unmarshal([]byte(o.out), &o.report); err != nil {
			t.Fatal(err)
		}
		evidence, _ := json.Marshal(whole["evidence"])
		o.evidence = squeezed(string(evidence))
		delete(whole, "evidence")
		text = spelled(whole)
	}
	o.text = squeezed(text + " " + o.err)
}

// spelled are the strings and numbers of a JSON value, without its punctuation.
func spelled(value any) string {
	switch v := value.(type) {
	case map[string]any:
		var b strings.Builder
		for name, member := range v {
			b.WriteString(name + " " + spelled(member) + " ")
		}
		return b.String()
	case []any:
		var b strings.Builder
		for _, member := range v {
			b.WriteString(spelled(member) + " ")
		}
		return b.String()
	}
	return fmt.Sprint(value)
}

func squeezed(text string) string { return strings.ToLower(oneLine(text)) }

// compare says what is wrong with an outcome.
func (e fieldExpect) compare(o fieldOutcome) []string {
	var wrong []string
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	v := o.report.Verdict
	if e.Exit != nil && *e.Exit != o.exit {
		complain("exit code %d, want %d", o.exit, *e.Exit)
	}
	if e.Verdict != "" && !fits(v, e.Verdict) {
		complain("verdict %q, want %q", judged(v), e.Verdict)
	}
	if e.Reason != "" && !oneOfThem(v.Reason, e.Reason) {
		complain("reason %q, want %q", v.Reason, e.Reason)
	}
	for number, want := range e.Causes {
		got := ""
		for _, c := range o.report.Causes {
			if c.Number == number {
				got = c.Status
			}
		}
		if !oneOfThem(got, want) {
			complain("cause %d is %q, want %q", number, got, want)
		}
	}
	codes := []string{v.Code}
	for _, f := range o.report.Findings {
		codes = append(codes, f.Code)
	}
	for _, want := range e.Findings {
		if !slices.ContainsFunc(codes, func(code string) bool { return oneOfThem(code, want) }) {
			complain("no finding %s among %s", want, strings.Join(codes, " "))
		}
	}
	for _, no := range e.Not {
		if slices.Contains(codes, no) {
			complain("finding %s", no)
		}
	}
	for _, want := range e.Says {
		if !holds(o.text, want) {
			complain("does not say %q", want)
		}
	}
	if e.First != "" {
		first := ""
		var report struct {
			Findings []struct {
				Remedies []struct{ Text, Command string }
			}
		}
		_ = json.Unmarshal([]byte(o.out), &report) // of a check, which wrote one
		if f := report.Findings; len(f) > 0 && len(f[0].Remedies) > 0 {
			first = squeezed(f[0].Remedies[0].Text + " " + f[0].Remedies[0].Command)
		}
		if !holds(first, e.First) {
			complain("the first thing to do is %q, without %q", first, e.First)
		}
	}
	for _, want := range e.Evidence {
		if !holds(o.evidence, want) {
			complain("no %q in the evidence", want)
		}
	}
	for _, no := range e.Never {
		if holds(o.text, no) {
			complain("says %q", no)
		}
	}
	for mailbox, want := range e.Rows {
		got, found := o.rows[mailbox]
		switch {
		case want == "none" && found:
			complain("row %s is %q, want none", mailbox, judged(got))
		case want != "none" && (!found || !fits(got, want)):
			complain("row %s is %q, want %q", mailbox, judged(got), want)
		}
	}
	if e.Logons != nil && o.logons > *e.Logons {
		complain("%d logons were sent, want at most %d", o.logons, *e.Logons)
	}
	for _, no := range e.NoLookup {
		for _, name := range o.lookups {
			if strings.Contains(name, no) {
				complain("%s was looked up", name)
			}
		}
	}
	slices.Sort(wrong)
	return wrong
}

// fits says whether a verdict is the one that is wanted, as far as it is told.
func fits(v verdict, want string) bool {
	got := strings.Fields(judged(v))
	for i, w := range strings.Fields(want) {
		if w != "-" && !slices.Contains(strings.Split(w, "|"), got[i]) {
			return false
		}
	}
	return true
}

func oneOfThem(got, want string) bool {
	return slices.ContainsFunc(strings.Split(want, "|"), func(w string) bool { return strings.TrimSpace(w) == got })
}

func holds(text, want string) bool {
	return slices.ContainsFunc(strings.Split(want, " | "), func(w string) bool { return strings.Contains(text, squeezed(w)) })
}

// field is the program with the names of a case: nothing is looked up elsewhere.
func field() {
	if server := os.Getenv("FIELD_DNS"); server != "" {
		net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "udp", server)
		}}
	}
	main()
}
