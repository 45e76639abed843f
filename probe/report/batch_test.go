package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

var batchFormats = []string{"html", "markdown", "junit", "nagios"}

// aBatch is a batch in which there is one of everything, with what a server or
// the author of a file could have written in the place of word.
func aBatch(t *testing.T, word string) ([]Row, Summary) {
	t.Helper()
	verdict := func(code finding.Code, status finding.Status, summary string) finding.Verdict {
		return finding.Verdict{Code: code, Status: status, Confidence: finding.Confirmed, Summary: summary}
	}
	rows := []Row{
		{Number: 1, Line: 2, Mailbox: "anna@contoso.com", Verdict: verdict("ok", finding.OK, "anna@contoso.com answers"), DurationMS: 12, Tries: 1},
		{Number: 3, Line: 4, Mailbox: "bob@contoso.com", Verdict: verdict("impersonation-denied", finding.Critical, "svc may not impersonate bob@contoso.com"), DurationMS: 15, Tries: 3},
		{Number: 2, Line: 3, Mailbox: "ANNA@contoso.com", Verdict: verdict("ok", finding.OK, "anna@contoso.com answers"), DuplicateOf: 1},
		{Number: 4, Line: 5, Verdict: verdict("config-invalid", finding.Unknown, `line 5, column "`+word+`": there is no address`)},
		{Number: 5, Line: 6, Mailbox: "carl@contoso.com", Verdict: verdict("mailbox-address-differs", finding.Warning, "the primary address of carl@contoso.com is "+word), DurationMS: 61_000, Tries: 1},
		{Number: 6, Line: 7, Mailbox: "dora@contoso.com", Verdict: verdict("not-checked", finding.Unknown, "the password was refused: "+word)},
		{Number: 7, Line: 8, Mailbox: "eve@contoso.com", Verdict: verdict("mailbox-not-found", finding.OK, "Accepted until 2026-12-31 ("+word+"): No mailbox eve@contoso.com"), DurationMS: 9, Tries: 1},
	}
	endpoint := load(t, "../../testdata/records/slow-logon.json")
	s := Summary{
		Schema: SummarySchema, Tool: Tool{"ewsprobe", "0.0.0-test"}, Started: time.Date(2026, 11, 23, 22, 0, 0, 0, time.UTC), DurationMS: 1234, Rows: 7, Reported: 7,
		ByStatus: map[string]int{"ok": 3, "critical": 1, "unknown": 2, "warning": 1},
		ByCode:   map[string]int{"ok": 2, "impersonation-denied": 1, "config-invalid": 1, "mailbox-address-differs": 1, "not-checked": 1, "mailbox-not-found": 1},
		Requests: 6, Retries: 2, Pauses: 1, PausedMS: 500, AnswersMS: &Percentiles{10, 20, 30, 61_000}, Slowest: []SlowMailbox{{"carl@contoso.com", 61_000}, {word, 15}},
		FrontEnds: map[string]int{"EX02": 2, "EX01": 4, word: 1}, Notes: []string{word + " was accepted until 2026-01-01; that is over."},
		Endpoint: &endpoint,
	}
	for _, r := range []int{1, 4, 3, 5, 6, 0} { // as a batch sorts them
		v := rows[r].Verdict
		s.Groups = append(s.Groups, BatchGroup{v.Code, v.Status, v.Reason, v.Summary, 1, []string{rows[r].Name()}})
	}
	s.Groups[5].Count, s.Groups[5].Examples = 2, []string{"anna@contoso.com", word}
	worst := rows[1].Verdict
	s.Verdict = &worst
	return rows, s
}

// memory is a temporary file.
type memory struct{ bytes.Buffer }

func (m *memory) ReadAt(p []byte, at int64) (int, error) {
	return bytes.NewReader(m.Bytes()).ReadAt(p, at)
}
func (m *memory) Close() error { return nil }
func (m *memory) Name() string { return "memory" }

// batchIn writes a batch in a format.
func batchIn(t *testing.T, format string, rows []Row, s Summary) []byte {
	t.Helper()
	f, _ := FindFormat(format)
	var b bytes.Buffer
	sink, err := f.Batch(Output{W: &b, Header: []string{"emailaddress"}, Temp: func() (Temp, error) { return &memory{}, nil }})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := sink.Row(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(sink.End(s), sink.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Rows that were not checked are one line, with how to list them.
func TestBatchTextFoldsWhatWasNotChecked(t *testing.T) {
	rows, s := aBatch(t, "word")
	rows = append(rows, rows[5])
	const line = "\n\n  Rows not checked: 2. To list them, use --all-rows or --save results.csv.\n"
	for _, all := range []bool{false, true} {
		var b bytes.Buffer
		sink, _ := newProse(Output{W: &b, All: all})
		for _, r := range rows {
			_ = sink.Row(r)
		}
		_ = sink.End(s)
		if strings.HasSuffix(b.String(), line) == all || strings.Contains(b.String(), "dora@contoso.com  not-checked") != all {
			t.Errorf("all: %t\n%s", all, b.String())
		}
	}
}

func TestBatchGolden(t *testing.T) {
	rows, s := aBatch(t, "x&y")
	text, err := s.text(Style{})
	if err != nil {
		t.Fatal(err)
	}
	outputs := map[string]string{"text": text}
	for f, ending := range map[string]string{"html": "html", "markdown": "md", "junit": "xml", "nagios": "nagios"} {
		outputs[ending] = string(batchIn(t, f, rows, s))
	}
	for ending, got := range outputs {
		name := "../../testdata/batches/mixed." + strings.Replace(ending, "text", "txt", 1)
		if *update {
			if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("differs from %s (-want +got); -update rewrites it:\n%s", name, diff)
		}
	}
}

// A reader of JUnit's XML finds a case for each row, with the status that is
// meant, and one more where the batch is not whole.
func TestBatchJUnit(t *testing.T) {
	rows, s := aBatch(t, "x")
	suites, err := readJUnit(batchIn(t, "junit", rows, s))
	if err != nil || len(suites) != 2 {
		t.Fatalf("%d suites, %v", len(suites), err)
	}
	got := map[string]string{}
	for _, c := range suites[1].Tests {
		got[c.Name] = c.Status
	}
	want := map[string]string{
		"row 1: anna@contoso.com": "passed", "row 2: ANNA@contoso.com": "passed", "row 3: bob@contoso.com": "failed", "row 4: line 5": "error",
		"row 5: carl@contoso.com": "failed", "row 6: dora@contoso.com": "skipped", "row 7: eve@contoso.com": "passed",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, change := range []func(*Summary){func(s *Summary) { s.Stopped = evidence.StoppedByUser }, func(s *Summary) { s.Incomplete = "2 rows are missing" }} {
		_, s := aBatch(t, "x")
		change(&s)
		raw := batchIn(t, "junit", rows, s)
		suites, err := readJUnit(raw)
		if err != nil || len(suites[1].Tests) != 8 || suites[1].Count["error"] != 2 || !bytes.Contains(raw, []byte(`tests="8" failures="2" errors="2" skipped="1"`)) {
			t.Errorf("%v, %+v", err, suites[1].Count)
		}
	}
	// Nothing was reported: still a document.
	for _, f := range batchFormats {
		if out := batchIn(t, f, nil, Summary{Stopped: evidence.StoppedByUser}); !bytes.Contains(out, []byte("no row was reported")) {
			t.Errorf("%s of nothing:\n%s", f, out)
		}
	}
}

func TestBatchStatus(t *testing.T) {
	verdict := func(c finding.Code, s finding.Status) *finding.Verdict { return &finding.Verdict{Code: c, Status: s} }
	ok := &Report{Verdict: *verdict("ok", finding.OK)}
	for _, c := range []struct {
		s    Summary
		want string
	}{
		{Summary{Verdict: verdict("mailbox-not-found", finding.Critical)}, "critical mailbox-not-found"},
		{Summary{Verdict: verdict("ok", finding.OK), Endpoint: ok}, "ok ok"},
		{Summary{Endpoint: ok}, "ok ok"},
		{Summary{}, "unknown inconclusive"},
		{Summary{Verdict: verdict("mailbox-not-found", finding.Critical), Stopped: evidence.StoppedByUser}, "unknown inconclusive"},
		{Summary{Verdict: verdict("ok", finding.OK), Incomplete: "x"}, "unknown inconclusive"},
		{Summary{Verdict: verdict("not-checked", finding.Unknown), Stopped: "the password was refused"}, "unknown not-checked"},
	} {
		if got := fmt.Sprint(c.s.Status(), " ", c.s.Code()); got != c.want {
			t.Errorf("%+v is %s, want %s", c.s, got, c.want)
		}
	}
}

// A ticket is not burdened with a hundred thousand rows, whatever their order;
// the worst are there, and it says how many are not.
func TestBatchMarkdownIsShort(t *testing.T) {
	var rows []Row
	for i := 5000; i > 0; i-- {
		v := finding.Verdict{Code: "mailbox-address-differs", Status: finding.Warning}
		if i%100 == 0 {
			v = finding.Verdict{Code: "mailbox-not-found", Status: finding.Critical}
		}
		rows = append(rows, Row{Number: i, Mailbox: fmt.Sprintf("box%d@contoso.com", i), Verdict: v})
	}
	out := string(batchIn(t, "markdown", rows, Summary{}))
	for _, part := range []string{"| 5000 | box5000@", "| 100 | box100@", "| 50 | box50@", "4900 rows like these are not shown"} {
		if !strings.Contains(out, part) {
			t.Errorf("it lacks %q", part)
		}
	}
	if n := strings.Count(out, "@contoso.com |"); n != maxRows {
		t.Errorf("%d rows", n)
	}
}

func TestBatchNagios(t *testing.T) {
	_, s := aBatch(t, "a | b\nOK: forged | x=1")
	s.Verdict.Summary = "a | b\nOK: forged | x=1\x1b[0m"
	out := string(batchIn(t, "nagios", nil, s))
	const data = " | time=1234ms;;;0 rows=7;;;0 critical=1;;;0 unknown=2;;;0 warning=1;;;0 ok=3;;;0\n"
	if !strings.HasPrefix(out, "EWS CRITICAL - impersonation-denied 7 mailbox rows reported: 1 critical, 2 unknown, 1 warning, 3 ok; ") || !strings.HasSuffix(out, data) || strings.Count(out, "|") != 1 || strings.Count(out, "\n") != 1 {
		t.Errorf("%q", out)
	}
}

// In every text of a batch stands what a server, or whoever wrote the input,
// could have put there.
func TestBatchHostileTexts(t *testing.T) {
	for _, bad := range hostile {
		rows, s := aBatch(t, bad)
		for i := range rows {
			if rows[i].Mailbox != "" {
				rows[i].Mailbox = bad
			}
			rows[i].Verdict.Summary = bad
		}
		s.Incomplete, s.Stopped, s.Shard = bad, bad, bad
		endpoint := evidence.Copied(*s.Endpoint, func(string) string { return bad })
		endpoint.Verdict.Code, endpoint.Verdict.Status, endpoint.Findings, endpoint.Evidence, endpoint.Causes = "ok", finding.OK, nil, nil, nil
		s.Endpoint = &endpoint
		for _, f := range batchFormats {
			out := batchIn(t, f, rows, s)
			if bytes.ContainsAny(out, "\x1b\u202e\x00") {
				t.Errorf("%s lets %q through", f, bad)
			}
			switch f {
			case "html":
				checkBatchPage(t, bad, out)
			case "junit":
				if suites, err := readJUnit(out); err != nil || len(suites) != 2 || len(suites[1].Tests) != 8 {
					t.Errorf("%q in XML: %v", bad, err)
				}
			case "nagios":
				if strings.Count(string(out), "|") != 1 || strings.Count(string(out), "\n") != 1 {
					t.Errorf("%q: %q", bad, out)
				}
			}
		}
		if out, err := s.text(Style{}); err != nil || strings.ContainsAny(out, "\x1b\u202e\x00") {
			t.Errorf("text lets %q through", bad)
		}
	}
}

// ownElements are those that only the page of a batch has.
var ownElements = regexp.MustCompile(`^(svg|desc|g|text|rect|fieldset|legend|label|input|script|strong)$`)

func checkBatchPage(t *testing.T, bad string, page []byte) {
	t.Helper()
	scripts := 0
	for z := html.NewTokenizer(bytes.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			if scripts != 1 {
				t.Errorf("%q: %d scripts", bad, scripts)
			}
			return
		case html.CommentToken:
			t.Errorf("%q makes a comment", bad)
		case html.StartTagToken, html.SelfClosingTagToken:
			tag := z.Token()
			if tag.Data == "script" {
				scripts++
			}
			if !allowed.MatchString(tag.Data) && !ownElements.MatchString(tag.Data) {
				t.Errorf("%q makes an element %s", bad, tag.Data)
			}
			for _, a := range tag.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "src" {
					t.Errorf("%q makes an attribute %s", bad, a.Key)
				}
				if a.Key == "href" && !regexp.MustCompile(`^(#|data:,$|https://|[^:]*$|http://evil)`).MatchString(a.Val) {
					t.Errorf("%q makes a link to %s", bad, a.Val)
				}
			}
		}
	}
}

// The page needs nothing beside itself, and its policy allows its own script and
// no other.
func TestBatchPageIsAlone(t *testing.T) {
	rows, s := aBatch(t, "x")
	page := batchIn(t, "html", rows, s)
	checkBatchPage(t, "x", page)
	for _, never := range []string{"<img", "<iframe", "@import", "url(", "<base", "<form", "ZgotmplZ", "fetch(", "XMLHttp", "eval(", "innerHTML"} {
		if bytes.Contains(page, []byte(never)) {
			t.Errorf("it holds %s", never)
		}
	}
	script := regexp.MustCompile(`(?s)<script>(.*)</script>`).FindSubmatch(page)
	sum := sha256.Sum256(script[1])
	policy := regexp.MustCompile(`http-equiv="Content-Security-Policy" content="([^"]+)"`).FindSubmatch(page)
	allowed := html.UnescapeString(string(policy[1]))
	if want := "script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "';"; !strings.Contains(allowed, want) || !strings.HasPrefix(allowed, "default-src 'none';") {
		t.Errorf("the policy is %s, want %s", allowed, want)
	}
	for _, part := range []string{`<html lang="en">`, "<main>", "<h1 ", `role="img"`, "<desc ", "<caption>", `scope="col"`, `scope="row"`, "@media print", "prefers-color-scheme: dark", `id="show-critical"`} {
		if !bytes.Contains(page, []byte(part)) {
			t.Errorf("it lacks %s", part)
		}
	}
	ids := map[string]int{}
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllSubmatch(page, -1) {
		if ids[string(m[1])]++; ids[string(m[1])] > 1 {
			t.Errorf("two elements have the id %s", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`(?:href="#|aria-labelledby="|for=")([^"]+)"`).FindAllSubmatch(page, -1) {
		for _, id := range strings.Fields(string(m[1])) {
			if ids[id] == 0 {
				t.Errorf("it points to #%s, which is not there", id)
			}
		}
	}
	// The worst rows come first, within a status in the order of the input.
	var order []string
	for _, m := range regexp.MustCompile(`data-name="Row">(\d+)<`).FindAllSubmatch(page, -1) {
		order = append(order, string(m[1]))
	}
	if got := strings.Join(order, " "); got != "3 4 6 5 1 2 7" {
		t.Errorf("rows %s", got)
	}
}

// What a batch advises fits how it asked, and its commands lead to the endpoint
// that was asked.
func TestBatchRemedyFits(t *testing.T) {
	const online, local = "https://mail.contoso.com/EWS/Exchange.asmx", "https://localhost:9543/EWS/Exchange.asmx"
	for _, c := range []struct {
		code        finding.Code
		reason      string
		url         string
		impersonate bool
		text        string
		command     string
	}{
		{"access-denied", "", online, false, "with impersonation", `ewsprobe check --user "svc@contoso.com" --mailbox "anna@contoso.com" --impersonate mail.contoso.com`},
		{"access-denied", "", local, true, "EWS is off for the mailbox", `Get-CASMailbox "anna@contoso.com" | Format-List Ews*`},
		{"connect-failed", "", local, true, "during the run", "ewsprobe check --no-credentials --each-address localhost:9543"},
		{"timeout", "", local, true, "more time", `ewsprobe check --user "svc@contoso.com" --mailbox "anna@contoso.com" --impersonate --timeout 90s localhost:9543`},
		{"timeout", "", online, false, "more time", `ewsprobe check --user "svc@contoso.com" --mailbox "anna@contoso.com" --timeout 90s mail.contoso.com`},
		{"server-error", "", "https://mail.contoso.com/other/path", true, "what answered in its place", "ewsprobe check --no-credentials --each-address https://mail.contoso.com/other/path"},
		{"not-checked", "", online, true, "The report of the endpoint", ""},
		{"not-checked", "refused-in-run", online, true, "its password was changed", ""},
		{"exchange-error", "", online, true, "event log", ""},
		{"mailbox-not-found", "", online, true, "", `Get-Recipient "anna@contoso.com" | Format-List RecipientTypeDetails,PrimarySmtpAddress,EmailAddresses`},
	} {
		entry, _ := finding.Lookup(c.code)
		endpoint := &Report{Target: evidence.Target{URL: c.url, Host: "mail.contoso.com", User: "svc@contoso.com", Impersonate: c.impersonate}}
		r := batchRemedy(entry, endpoint, BatchGroup{Code: c.code, Reason: c.reason, Examples: []string{"anna@contoso.com"}})
		if !strings.Contains(r.Text, c.text) || r.Command != c.command {
			t.Errorf("%s %s: %q\n%s", c.code, c.reason, r.Text, r.Command)
		}
		if strings.Contains(r.Text, "in the detail") {
			t.Errorf("%s points to a detail, which a row has not: %q", c.code, r.Text)
		}
	}
	// What a shell would read otherwise stands in no command, and neither does what is not known.
	entry, _ := finding.Lookup("mailbox-not-found")
	for _, endpoint := range []*Report{nil, {Target: evidence.Target{URL: local}}} {
		r := batchRemedy(entry, endpoint, BatchGroup{Examples: []string{`x"; rm -rf @contoso.com`}})
		if !strings.Contains(r.Command, `"<MAILBOX>"`) {
			t.Errorf("%q", r.Command)
		}
	}
}

// Text has the rows that are not ok, with --all-rows the others too.
func TestTextRows(t *testing.T) {
	for _, all := range []bool{false, true} {
		var b strings.Builder
		sink, err := newProse(Output{W: &b, All: all})
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range []finding.Code{"ok", "mailbox-not-found"} {
			status := map[bool]finding.Status{true: finding.OK, false: finding.Critical}[code == "ok"]
			if err := sink.Row(Row{Number: 1, Mailbox: "anna@contoso.com", Verdict: finding.Verdict{Code: code, Status: status}}); err != nil {
				t.Fatal(err)
			}
		}
		if got := b.String(); strings.Contains(got, "OK  ") != all || !strings.Contains(got, "CRITICAL  anna@contoso.com  mailbox-not-found") {
			t.Errorf("all %v: %s", all, got)
		}
	}
}
