package report

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Beside each record stand the reports made of it, one for every format that has
// an ending of its own, and the monitoring line.
func TestGolden(t *testing.T) {
	endings := map[string]string{"nagios": ".nagios"}
	for _, f := range Formats {
		if f.Extension != "" && f.Name != FormatJSON {
			endings[f.Name] = f.Extension
		}
	}
	for _, file := range records(t) {
		for format, ending := range endings {
			name := strings.TrimSuffix(file, ".json") + ending
			t.Run(filepath.Base(name), func(t *testing.T) {
				got, err := load(t, file).Render(format, Style{})
				if err != nil {
					t.Fatal(err)
				}
				if *update {
					if err := os.WriteFile(name, got, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err, "; -update writes it")
				}
				if diff := cmp.Diff(string(want), string(got)); diff != "" {
					t.Errorf("differs from %s (-want +got); -update rewrites it:\n%s", name, diff)
				}
			})
		}
	}
}

func shown(r Report, format string, s Style) string {
	out, err := r.Render(format, s)
	if err != nil {
		return err.Error()
	}
	return string(out)
}

func TestFormats(t *testing.T) {
	r := load(t, records(t)[0])
	for _, f := range Formats {
		if out, err := r.Render(f.Name, Style{}); err != nil || len(out) == 0 || f.About == "" {
			t.Errorf("%s: %d bytes, %v", f.Name, len(out), err)
		}
	}
	if _, err := r.Render("xml", Style{}); err == nil {
		t.Error("xml is no format")
	}
	for ending, want := range map[string]string{".json": "json", ".HTML": "html", ".xml": "junit", ".md": "markdown", ".csv": "csv", ".txt": "", "": "", ".doc": ""} {
		if got, ok := ByExtension(ending); got.Name != want || ok != (want != "") {
			t.Errorf("%q: %q", ending, got.Name)
		}
	}
}

// A reader of JUnit's XML finds a suite for the target, and a case for each
// cause and finding with the status that is meant.
func TestJUnit(t *testing.T) {
	for _, file := range records(t) {
		r := load(t, file)
		raw, err := r.Render("junit", Style{})
		if err != nil {
			t.Fatal(err)
		}
		suites, err := readJUnit(raw)
		if err != nil || len(suites) != 1 {
			t.Fatalf("%s: %d suites, %v", file, len(suites), err)
		}
		s := suites[0]
		if s.Name != r.Target.URL || s.Properties["verdict"] != string(r.Verdict.Code) {
			t.Errorf("%s: suite %q, properties %v", file, s.Name, s.Properties)
		}
		status := map[string]string{}
		for _, c := range s.Tests {
			status[c.Classname+" "+c.Name] = c.Status
		}
		want := map[string]string{}
		for _, f := range r.Findings {
			want["ewsprobe.findings "+string(f.Code)+": "+f.Title] = map[finding.Status]string{
				finding.Critical: "failed", finding.Warning: "failed", finding.Unknown: "error", finding.OK: "passed",
			}[f.Status]
		}
		for _, c := range r.Causes {
			about, _ := finding.LookupCause(c.Number)
			want["ewsprobe.causes cause "+string(rune('0'+c.Number))+": "+about.Title] = map[finding.CauseStatus]string{
				finding.CauseConfirmed: "failed", finding.CauseLikely: "failed",
				finding.CauseNotChecked: "skipped", finding.CauseUndetermined: "skipped",
				finding.CauseRuledOut: "passed", finding.CauseNotApplicable: "passed",
			}[c.Status]
		}
		if len(r.Findings) == 0 {
			want["ewsprobe.verdict ok"] = "passed"
		}
		if diff := cmp.Diff(want, status); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
	raw, err := Refused("bad-usage", load(t, records(t)[0]).Target, "no such flag", "0.0.0-test", load(t, records(t)[0]).Started).Render("junit", Style{})
	if err != nil {
		t.Fatal(err)
	}
	suites, err := readJUnit(raw)
	if err != nil || suites[0].Count["error"] != 1 || suites[0].Count["passed"] != 0 {
		t.Errorf("a refused run: %v, %v", suites, err)
	}
}

func TestNagios(t *testing.T) {
	r := load(t, records(t)[0])
	r.Verdict = finding.Verdict{Code: "not-ews", Status: finding.Critical, Summary: "a | b\nOK: forged | x=1\x1b[0m"}
	r.DurationMS = 120
	if got, want := shown(r, "nagios", Style{}), "EWS CRITICAL - not-ews a / b OK: forged / x=1?[0m | time=120ms;;;0 logons_used=0;;;0 days_to_expiry=364;30:;0:\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// hostile are texts that mean something somewhere.
var hostile = []string{
	`=HYPERLINK("http://evil.example/","x")`, "+1", "-1", "@SUM(A1)", "\t=1", "＝1", "  =1", "a;=cmd|' /C calc'!A0",
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `javascript:alert(1)`, "{{.}}", "]]>", "-->", `</pre><style>`,
	"[click](http://evil.example)", "![x](http://evil.example/x.png)", "`code`", "| a | b |", "<http://evil.example>", "http://evil.example", "www.evil.example", "@everyone",
	"\x1b[31mred", "\u202egnp.exe", "line\r\nX-Forged: yes", "\x00\xff\ufffe",
}

// In every text of a report stands what a server could have put there.
func TestHostileTexts(t *testing.T) {
	if testing.Short() {
		t.Skip("left out with -short: it takes seconds")
	}
	for _, bad := range hostile {
		own := load(t, records(t)[0])
		r := evidence.Copied(own, func(s string) string { return bad })
		// Codes, statuses and confidences are this program's own.
		r.Verdict.Code, r.Verdict.Status, r.Verdict.Confidence = own.Verdict.Code, own.Verdict.Status, own.Verdict.Confidence
		for i := range r.Findings {
			r.Findings[i].Code, r.Findings[i].Status = own.Findings[i].Code, own.Findings[i].Status
		}
		for i := range r.Causes {
			r.Causes[i].Number = i + 1
		}
		for i := range r.Evidence {
			r.Evidence[i].ID += fmt.Sprint(i) // Load takes no two of the same
		}
		page, err := r.Render("html", Style{})
		if err != nil {
			t.Fatal(err)
		}
		checkPage(t, bad, page)
		table, err := r.Render("csv", Style{})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(bytes.NewReader(table)).ReadAll()
		if err != nil || len(rows) != 2 {
			t.Errorf("%q: %d rows, %v", bad, len(rows), err)
		}
		for _, cell := range rows[1] {
			if regexp.MustCompile(`(^|;)\s*[=+\-@＝＋－＠]`).MatchString(cell) {
				t.Errorf("a cell is a formula: %q", cell)
			}
		}
		xml, err := r.Render("junit", Style{})
		if err != nil {
			t.Fatal(err)
		}
		if suites, err := readJUnit(xml); err != nil || len(suites) != 1 || len(suites[0].Tests) < 6 {
			t.Errorf("%q in XML: %v", bad, err)
		}
		if line := shown(r, "nagios", Style{}); strings.Count(line, "\n") != 1 || strings.Count(line, "|") != 1 {
			t.Errorf("%q: %q", bad, line)
		}
		for format, out := range map[string]string{"html": string(page), "csv": string(table), "junit": string(xml), "markdown": shown(r, "markdown", Style{}), "nagios": shown(r, "nagios", Style{}), "text": shown(r, "text", Style{Width: 80})} {
			if strings.ContainsAny(out, "\x1b\u202e\x00") {
				t.Errorf("%s lets %q through", format, bad)
			}
		}
	}
}

// allowed are the elements of a page; what else appears came from a text.
var allowed = regexp.MustCompile(`^(html|head|meta|link|title|style|body|div|header|main|section|article|footer|h1|h2|h3|p|span|a|table|caption|thead|tbody|tr|th|td|ol|li|dl|dt|dd|br|pre|code|details|summary|svg|rect|path|strong)$`)

func checkPage(t *testing.T, bad string, page []byte) {
	t.Helper()
	for z := html.NewTokenizer(bytes.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return
		case html.CommentToken:
			t.Errorf("%q makes a comment", bad)
		case html.StartTagToken, html.SelfClosingTagToken:
			tag := z.Token()
			if !allowed.MatchString(tag.Data) {
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

// A page needs nothing beside itself.
func TestHTMLIsAlone(t *testing.T) {
	for _, file := range records(t) {
		page, err := load(t, file).Render("html", Style{})
		if err != nil {
			t.Fatal(err)
		}
		for _, never := range []string{"<script", "<img", "<iframe", "@import", "url(", "<base", "<form", "ZgotmplZ"} {
			if bytes.Contains(page, []byte(never)) {
				t.Errorf("%s holds %s", file, never)
			}
		}
		for _, part := range []string{`<html lang="en">`, "<main>", "<h1 ", `name="viewport"`, "Content-Security-Policy", "@media print", "prefers-color-scheme: dark"} {
			if !bytes.Contains(page, []byte(part)) {
				t.Errorf("%s lacks %s", file, part)
			}
		}
		ids := map[string]int{}
		for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllSubmatch(page, -1) {
			ids[string(m[1])]++
		}
		for id, n := range ids {
			if n > 1 {
				t.Errorf("%s has %d elements with the id %s", file, n, id)
			}
		}
		for _, m := range regexp.MustCompile(`href="#([^"]+)"`).FindAllSubmatch(page, -1) {
			if ids[string(m[1])] == 0 {
				t.Errorf("%s points to #%s, which is not there", file, m[1])
			}
		}
	}
}

func FuzzFormats(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	raw, err := os.ReadFile("../../testdata/records/basic-off.json")
	if err != nil {
		f.Fatal(err)
	}
	rec, err := Load(raw)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := New(rec, "fuzz")
		r.Verdict.Summary, r.Target.User = s, s
		r.Findings[0].Detail, r.Findings[0].Summary, r.Causes[0].Why = s, s, s
		page, err := r.Render("html", Style{})
		if err != nil {
			t.Fatal(err)
		}
		checkPage(t, s, page)
		if xml, err := r.Render("junit", Style{}); err != nil {
			t.Fatal(err)
		} else if _, err := readJUnit(xml); err != nil {
			t.Errorf("%q in XML: %v", s, err)
		}
		if strings.Count(shown(r, "nagios", Style{}), "|") != 1 {
			t.Error(shown(r, "nagios", Style{}))
		}
		if strings.ContainsRune(shown(r, "markdown", Style{}), '\x1b') {
			t.Error("an escape is left")
		}
	})
}

// A cell begins no formula, wherever a spreadsheet may take it to begin, and
// steers no terminal.
func TestCell(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "=1+1": "'=1+1", "  =1": "  '=1", "\u00a0@x": "\u00a0'@x", "＝1": "'＝1", "a;=1": "a;'=1", "a; \t-1": "a; '\t-1", "\t=1": "'\t=1", "a=1; b": "a=1; b",
		"|calc": "'|calc", "%x": "'%x", "\x1b]0;t\x07": "?]0;t?", "two\nlines\there": "two\nlines\there", "a\rb": "a b", "\u202eabc": "?abc", "n\u200ba\u200cme": "n?a?me", "M\ufffdller": "M\ufffdller",
	} {
		if got := Cell(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

// The picture of the way says where it broke, and the table of the schemes who can
// sign in where.
func TestPicture(t *testing.T) {
	for name, want := range map[string]string{
		"basic-off":             "passed passed broken unseen unseen",
		"untrusted-certificate": "passed passed broken unseen unseen",
		"redirect-form":         "passed passed broken unseen unseen",
		"impersonation-denied":  "passed passed passed passed broken",
		"own-mailbox":           "passed passed passed passed passed",
	} {
		var got []string
		for _, h := range load(t, "../../testdata/records/"+name+".json").Path() {
			got = append(got, h.State)
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: %s, want %s", name, s, want)
		}
	}
	m := load(t, "../../testdata/records/farm.json").Matrix()
	if len(m.Servers) != 2 || len(m.Rows) == 0 || m.Rows[0].Scheme != "Basic" || m.Rows[0].Cells[0].What != "accepted, 200" || m.Rows[0].Cells[1].What != "not offered" {
		t.Errorf("%+v", m)
	}
	list, err := load(t, "../../testdata/records/slow-logon.json").Steps()
	widest := 0.0
	for _, l := range list {
		widest = max(widest, l.Wide)
		if l.Left < 0 || l.Left+l.Wide > 100.001 {
			t.Errorf("%s stands from %v for %v", l.ID, l.Left, l.Wide)
		}
	}
	if err != nil || widest < 50 {
		t.Errorf("the longest step has %v of the time, %v", widest, err)
	}
}
