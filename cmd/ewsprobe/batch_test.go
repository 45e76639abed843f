package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// rowTold and summaryTold are the lines of a batch as the contract has them.
type rowTold struct {
	Schema  string  `json:"schema"`
	Row     int     `json:"row"`
	Line    int     `json:"line"`
	Mailbox string  `json:"mailbox"`
	Verdict verdict `json:"verdict"`
	Causes  []struct {
		Number int `json:"number"`
	} `json:"causes"`
	Findings    []string `json:"findings"`
	Tries       int      `json:"tries"`
	DuplicateOf int      `json:"duplicate_of"`
}

type summaryTold struct {
	Schema   string         `json:"schema"`
	Rows     int            `json:"rows"`
	ByStatus map[string]int `json:"by_status"`
	ByCode   map[string]int `json:"by_code"`
	ByCause  map[string]int `json:"by_cause"`
	Requests int            `json:"requests"`
	Retries  int            `json:"retries"`
	Verdict  verdict        `json:"verdict"`
	Stopped  string         `json:"stopped"`
	Groups   []struct {
		Code     string   `json:"code"`
		Summary  string   `json:"summary"`
		Examples []string `json:"examples"`
	} `json:"groups"`
	Endpoint *told `json:"endpoint"`
}

// results reads JSON lines: the rows by number, and the summary.
func results(tb testing.TB, out string) (map[int]rowTold, summaryTold) {
	tb.Helper()
	rows := map[int]rowTold{}
	var sum summaryTold
	in := bufio.NewScanner(strings.NewReader(out))
	in.Buffer(nil, 8<<20)
	for in.Scan() {
		if sum.Schema != "" {
			tb.Errorf("something follows the summary: %.100s", in.Text())
		}
		var r rowTold
		if err := json.Unmarshal(in.Bytes(), &r); err != nil {
			tb.Fatalf("no JSON object: %v: %.200s", err, in.Text())
		}
		if r.Schema == report.SummarySchema {
			asSchema(tb, "summary", in.Bytes())
			if err := json.Unmarshal(in.Bytes(), &sum); err != nil {
				tb.Fatal(err)
			}
			continue
		}
		asSchema(tb, "row", in.Bytes())
		if r.Schema != report.RowSchema || len(r.Causes) != 6 {
			tb.Errorf("a row of the schema %q with %d causes", r.Schema, len(r.Causes))
		}
		if _, twice := rows[r.Row]; twice {
			tb.Errorf("row %d was reported twice", r.Row)
		}
		rows[r.Row] = r
	}
	return rows, sum
}

// boxes is a file with the first n mailboxes of the crowd.
func boxes(n int) string {
	var b strings.Builder
	b.WriteString("emailaddress,name\n")
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "box%d@contoso.com,Box %d\n", i, i)
	}
	return b.String()
}

func batchFile(tb testing.TB, content string) string {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "mailboxes.csv")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		tb.Fatal(err)
	}
	return file
}

func crowd(b standin.Behaviour, c standin.Crowd) standin.Behaviour {
	b.Crowd = &c
	return b
}

// batchArgs are the flags with which a batch finds a stand-in.
func batchArgs(tb testing.TB, s *standin.Server, more ...string) []string {
	tb.Helper()
	ca := filepath.Join(tb.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, s.CA(), 0o600); err != nil {
		tb.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(s.Addresses()[0])
	return append([]string{
		"batch", "--user", standin.UPN, "--impersonate", "--format", "json", "--ca-file", ca, "--address", s.Addresses()[0],
		"--target", "https://" + net.JoinHostPort(standin.Host, port) + "/EWS/Exchange.asmx",
	}, more...)
}

var rightPassword = program{env: []string{passwordEnv + "=" + standin.Password}}

// Every row gets its verdict, in whatever order; what cannot be read costs its
// own row, and a duplicate costs no call.
func TestBatchReportsEveryRow(t *testing.T) {
	t.Parallel()
	for _, profile := range []string{"basic", "ntlm"} {
		t.Run(profile, func(t *testing.T) {
			b := crowd(everyScheme, standin.Crowd{Mailboxes: 100, Denied: 10})
			if profile == "ntlm" {
				b.Basic = false
			}
			s := begin(t, b, standin.Options{})
			file := boxes(40) + "BOX7@contoso.com,again\nnobody@contoso.com,x\n,nameless\nnot an address,x\nbox1@contoso.com\n\"box2@contoso.com,open"
			o := rightPassword.run(t, batchArgs(t, s, "--profile-auth", profile, batchFile(t, file))...)
			rows, sum := results(t, o.out)
			for row, want := range map[int]string{1: "ok", 10: "impersonation-denied", 41: "ok", 42: "mailbox-not-found", 43: "config-invalid", 44: "config-invalid", 45: "ok", 46: "config-invalid"} {
				if r := rows[row]; r.Verdict.Code != want || r.Line != row+1 {
					t.Errorf("row %d at line %d is %s, want %s at line %d: %s", row, r.Line, r.Verdict.Code, want, row+1, r.Verdict.Summary)
				}
			}
			if r := rows[41]; r.DuplicateOf != 7 || r.Mailbox != "BOX7@contoso.com" || !strings.Contains(r.Verdict.Summary, r.Mailbox) {
				t.Errorf("the duplicate: %+v", r)
			}
			if len(rows) != 46 || sum.Rows != 46 || sum.ByCode["ok"] != 38 || sum.ByCode["config-invalid"] != 3 || sum.ByCause["1"] != 1 || o.exit != 2 {
				t.Errorf("%d rows, exit %d, %+v\n%s", len(rows), o.exit, sum, o.err)
			}
			if sum.Endpoint == nil || sum.Endpoint.Schema != "ewsprobe/report/1" {
				t.Error("the summary has no report of the endpoint")
			}
			served := s.Crowd().Served
			if served["box7@contoso.com"] != 1 || served["nobody@contoso.com"] != 1 || s.View().BadLogons != 0 {
				t.Errorf("%v, %d bad logons", served, s.View().BadLogons)
			}
		})
	}
}

// Whatever the server does to the connections or asks for, each mailbox is
// answered, once, and no logon is wasted.
func TestBatchLosesNothing(t *testing.T) {
	slow(t)
	t.Parallel()
	for name, c := range map[string]standin.Crowd{
		"dropped":     {DropEvery: 7},
		"forgotten":   {ForgetEvery: 5},
		"busy":        {Throttle: standin.Throttle{Rate: 300, Burst: 5, Pause: 50 * time.Millisecond}},
		"unavailable": {Throttle: standin.Throttle{Rate: 300, Burst: 5, How: standin.ThrottleBare}},
		"crowded":     {Throttle: standin.Throttle{Most: 2}, Delay: 2 * time.Millisecond},
		"refused":     {RefuseAfter: 20, Refusals: 1, DropEvery: 15},
		"some busy":   {BusyEvery: 5, BusyFor: 300 * time.Millisecond},
		"one pause":   {PauseAfter: 40, Throttle: standin.Throttle{Pause: time.Second}},
		"one 503":     {PauseAfter: 40, Throttle: standin.Throttle{Pause: time.Second, How: standin.ThrottleUnavailable}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.Mailboxes = 1000
			b := crowd(everyScheme, c)
			b.Basic = false
			s := begin(t, b, standin.Options{})
			// The logon that follows a refusal may be the one that is dropped: that makes two.
			o := rightPassword.run(t, batchArgs(t, s, "--profile-auth", "ntlm", "--max-rejections", "3", batchFile(t, boxes(120)))...)
			rows, sum := results(t, o.out)
			if len(rows) != 120 || sum.ByCode["ok"] != 120 || o.exit != 0 {
				t.Errorf("%d rows, %v, exit %d\n%s", len(rows), sum.ByCode, o.exit, o.err)
			}
			for mailbox, n := range s.Crowd().Served {
				if n != 1 {
					t.Errorf("%s was answered %d times", mailbox, n)
				}
			}
			if s.View().BadLogons != 0 || s.Crowd().Early != 0 {
				t.Errorf("%d bad logons, %d calls in spite of a pause", s.View().BadLogons, s.Crowd().Early)
			}
		})
	}
}

// A password that is refused after it was accepted is tried once more, and then
// never: the rest says why it was not checked.
func TestBatchStopsBeforeItLocks(t *testing.T) {
	slow(t)
	t.Parallel()
	for _, c := range []struct {
		profile string
		limit   int
	}{{"ntlm", 1}, {"ntlm", 2}, {"basic", 2}} {
		t.Run(fmt.Sprintf("%s, %d", c.profile, c.limit), func(t *testing.T) {
			limit := c.limit
			b := crowd(everyScheme, standin.Crowd{Mailboxes: 1000, RefuseAfter: 30, Refusals: 1000, DropEvery: 40})
			b.Basic = c.profile == "basic" // whose check proves NTLM too, so that it does not cost a refusal for each call under way
			var refused atomic.Int32
			s := begin(t, b, standin.Options{OnRequest: func(r standin.Request) {
				if r.Outcome == standin.OutcomeConfiguration {
					refused.Add(1)
				}
			}})
			p := rightPassword
			p.state = t.TempDir()
			o := p.run(t, batchArgs(t, s, "--profile-auth", c.profile, "--concurrency", "4", "--max-rejections", fmt.Sprint(limit), batchFile(t, boxes(200)))...)
			rows, sum := results(t, o.out)
			if len(rows) != 200 || sum.ByCode["not-checked"] == 0 || sum.ByCode["ok"]+sum.ByCode["not-checked"] != 200 || o.exit != 3 {
				t.Errorf("%d rows, %v, exit %d\n%s", len(rows), sum.ByCode, o.exit, o.err)
			}
			if n := int(refused.Load()); n != limit {
				t.Errorf("%d logons were refused, with --max-rejections %d", n, limit)
			}
			if !strings.Contains(sum.Stopped, "refused") {
				t.Errorf("stopped: %q", sum.Stopped)
			}
			// The next run does not send it again.
			o = p.run(t, batchArgs(t, s, "--profile-auth", c.profile, batchFile(t, boxes(2)))...)
			if rows, _ := results(t, o.out); len(rows) != 2 || rows[1].Verdict.Code != "not-checked" || !strings.Contains(rows[1].Verdict.Summary, "credentials-rejected") {
				t.Errorf("the next run: exit %d, %+v\n%s", o.exit, rows, o.err)
			}
			if n := int(refused.Load()); n != limit {
				t.Errorf("the next run sent the password: %d refusals", n)
			}
		})
	}
}

// Where the endpoint answers for all, no mailbox is asked for.
func TestBatchOfABadEndpoint(t *testing.T) {
	t.Parallel()
	b := crowd(everyScheme, standin.Crowd{Mailboxes: 10})
	b.Basic = false
	s := begin(t, b, standin.Options{})
	o := rightPassword.run(t, batchArgs(t, s, batchFile(t, boxes(3)))...)
	rows, sum := results(t, o.out)
	if len(rows) != 3 || rows[2].Verdict.Code != "not-checked" || !strings.Contains(rows[2].Verdict.Summary, "basic-disabled") || sum.Verdict.Code != "basic-disabled" || o.exit != 2 {
		t.Errorf("exit %d: %+v %+v", o.exit, rows[2], sum.Verdict)
	}
	if n := len(s.Crowd().Served); n != 0 {
		t.Errorf("%d mailboxes were asked for", n)
	}
}

func TestBatchCSV(t *testing.T) {
	t.Parallel()
	s := begin(t, crowd(everyScheme, standin.Crowd{Mailboxes: 10}), standin.Options{})
	file := "name;emailaddress\n=cmd|' /c calc'!A1;box1@contoso.com\n\"semi;colon\";box2@contoso.com\n"
	o := rightPassword.run(t, batchArgs(t, s, "--format", "csv", batchFile(t, file))...)
	rows, err := csv.NewReader(strings.NewReader(o.out)).ReadAll()
	if err != nil || len(rows) != 3 || o.exit != 0 {
		t.Fatalf("%v, %v, exit %d\n%s", rows, err, o.exit, o.err)
	}
	if h := strings.Join(rows[0], ","); h != "name,emailaddress,verdict,status,cause,summary" {
		t.Errorf("header %s", h)
	}
	for _, row := range rows {
		for _, cell := range row {
			if strings.HasPrefix(cell, "=") {
				t.Errorf("a formula: %q", cell)
			}
		}
	}
}

// A run that goes on repeats no row and loses none; shards joined are the whole.
func TestBatchResumesAndMerges(t *testing.T) {
	slow(t)
	t.Parallel()
	s := begin(t, crowd(everyScheme, standin.Crowd{Mailboxes: 1000, Denied: 9}), standin.Options{})
	dir := t.TempDir()
	state, file := filepath.Join(dir, "state"), batchFile(t, boxes(90)+"box3@contoso.com,again\n")
	whole := rightPassword.run(t, batchArgs(t, s, "--resume", state, file)...)
	again := rightPassword.run(t, batchArgs(t, s, "--resume", state, file)...)
	rows, sum := results(t, again.out)
	if len(rows) != 0 || sum.Rows != 91 || sum.ByCode["ok"] != 81 || again.exit != whole.exit {
		t.Errorf("the second run reports %d rows, %+v, exit %d", len(rows), sum, again.exit)
	}
	if o := rightPassword.run(t, batchArgs(t, s, "--resume", state, batchFile(t, "emailaddress\nbox1@contoso.com\n"))...); o.exit != 3 || o.out == "" || !strings.Contains(o.err, "another") {
		t.Errorf("the state of another file: exit %d, %s", o.exit, o.err)
	}

	// Half of the journal is gone, and a line of it is cut: those rows are asked
	// for again, and joining both outputs gives each row once.
	raw, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(raw, []byte("\n"))
	half := bytes.Join(lines[:len(lines)/2], nil)
	if err := os.WriteFile(state, half[:len(half)-5], 0o600); err != nil {
		t.Fatal(err)
	}
	rest := rightPassword.run(t, batchArgs(t, s, "--resume", state, file)...)
	first, second := filepath.Join(dir, "1.jsonl"), filepath.Join(dir, "2.jsonl")
	half = []byte(whole.out)[:len(whole.out)/2] // cut inside a line, without its summary
	for name, content := range map[string][]byte{first: half, second: []byte(rest.out)} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	both := program{}.run(t, "merge", first, second)
	if both.exit != 2 {
		t.Errorf("merge exits %d: %s", both.exit, both.err)
	}
	rows, sum = results(t, both.out)
	if len(rows) != 91 || sum.ByCode["ok"] != 81 {
		t.Errorf("joined: %d rows, %v", len(rows), sum.ByCode)
	}

	var shards []string
	for i := 1; i <= 3; i++ {
		name := filepath.Join(dir, fmt.Sprintf("shard%d.jsonl", i))
		o := rightPassword.run(t, batchArgs(t, s, "--shard", fmt.Sprintf("%d/3", i), file)...)
		if err := os.WriteFile(name, []byte(o.out), 0o600); err != nil {
			t.Fatal(err)
		}
		shards = append(shards, name)
	}
	rows, sum = results(t, program{}.run(t, append([]string{"merge"}, shards...)...).out)
	if len(rows) != 91 || sum.Rows != 91 {
		t.Errorf("three shards: %d rows, %+v", len(rows), sum)
	}
	if o := (program{}).run(t, "merge", shards[0], shards[2]); o.exit != 3 || !strings.Contains(o.err, "missing") {
		t.Errorf("a shard is missing: exit %d, %s", o.exit, o.err)
	}
}

// -v tells of the endpoint and of each mailbox, and no secret.
func TestBatchTellsTheStory(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"-v", "-vv"} {
		s := begin(t, crowd(everyScheme, standin.Crowd{Mailboxes: 10}), standin.Options{})
		o := rightPassword.run(t, batchArgs(t, s, level, batchFile(t, boxes(2)))...)
		rows, _ := results(t, o.out)
		if len(rows) != 2 || !strings.Contains(o.err, "anonymous") || !strings.Contains(o.err, "box2@contoso.com") || strings.Contains(o.err, "> POST") != (level == "-vv") {
			t.Errorf("%s: %d rows\n%s", level, len(rows), o.err)
		}
		for name, secret := range secretsOf(standin.UPN, standin.Password, nil) {
			if strings.Contains(o.err, secret) {
				t.Errorf("%s tells %s", level, name)
			}
		}
	}
}

func TestBatchUsage(t *testing.T) {
	t.Parallel()
	file := batchFile(t, boxes(1))
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{file}, "--target is missing"},
		{[]string{"--target", "mail.contoso.com"}, "FILE.csv is missing"},
		{[]string{"--target", "anna@contoso.com", file}, "--target must be"},
		{[]string{"--target", "mail.contoso.com", "--format", "xml", file}, "--format"},
		{[]string{"--target", "mail.contoso.com", "--shard", "4/3", file}, "--shard"},
		{[]string{"--target", "mail.contoso.com", "--shard", "1/3", "--max-rejections", "2", file}, "--max-rejections"},
		{[]string{"--target", "mail.contoso.com", "--concurrency", "0", file}, "--concurrency"},
		{[]string{"--target", "mail.contoso.com", "--timeout-per-mailbox", "5", file}, "--timeout-per-mailbox \"5\" is not a time with a unit"},
		{[]string{"--target", "mail.contoso.com", "--timeout", "5", file}, "--timeout \"5\" is not a time with a unit"},
		{[]string{"--target", "mail.contoso.com", "--column", "smtp", file}, "no column"},
		{[]string{"--target", "mail.contoso.com", batchFile(t, "a,b\n1,2\n")}, "emailaddress"},
		{[]string{"--target", "mail.contoso.com", filepath.Join(t.TempDir(), "missing.csv")}, "cannot be read"},
	} {
		o := rightPassword.run(t, append([]string{"batch", "--user", standin.UPN}, c.args...)...)
		if o.exit != 3 || !strings.Contains(o.err, c.want) || strings.Count(o.err, "\n") != 1 {
			t.Errorf("%v: exit %d, %s", c.args, o.exit, o.err)
		}
	}
}
