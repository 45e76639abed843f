package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// schemaOf is a schema that the program prints, ready to be used.
var schemaOf = sync.OnceValue(func() map[string]*jsonschema.Schema {
	all := map[string]*jsonschema.Schema{}
	for _, name := range report.SchemaNames {
		raw, _ := report.SchemaDocument(name)
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			panic(err)
		}
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		if err := c.AddResource(name, doc); err != nil {
			panic(err)
		}
		if all[name], err = c.Compile(name); err != nil {
			panic(err)
		}
	}
	return all
})

// asSchema holds a line of a batch against its schema.
func asSchema(tb testing.TB, name string, line []byte) {
	tb.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
	if err == nil {
		err = schemaOf()[name].Validate(doc)
	}
	if err != nil {
		tb.Errorf("not as the schema of a %s: %v\n%.300s", name, err, line)
	}
}

// theMixed is a file with one of everything, for a crowd with Denied 5.
const theMixed = "emailaddress,name\nbox1@contoso.com,Box 1\nbox5@contoso.com,Box 5\nBOX1@contoso.com,again\n,nameless\nnobody@contoso.com,<b>x</b>\n"

// All formats say the same, are whole, and are read by those who read them; merge
// makes them of the lines again.
func TestBatchFormats(t *testing.T) {
	t.Parallel()
	s := begin(t, crowd(everyScheme, standin.Crowd{Mailboxes: 100, Denied: 5}), standin.Options{})
	dir := t.TempDir()
	var saves []string
	for _, e := range []string{".json", ".jsonl", ".html", ".xml", ".md", ".csv"} {
		saves = append(saves, "--save", filepath.Join(dir, "results"+e))
	}
	if err := os.WriteFile(filepath.Join(dir, "results.html"), []byte("what was there before"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := rightPassword.run(t, batchArgs(t, s, append(saves, "--format", "nagios", batchFile(t, theMixed))...)...)
	if want := "EWS CRITICAL - impersonation-denied 5 mailbox rows reported: 2 critical, 1 unknown, 2 ok; "; o.exit != 2 || !strings.HasPrefix(o.out, want) || !strings.HasSuffix(o.out, " rows=5;;;0 critical=2;;;0 unknown=1;;;0 warning=0;;;0 ok=2;;;0\n") ||
		!strings.HasSuffix(o.err, "left: nothing; next: `ewsprobe explain impersonation-denied`\n") {
		t.Errorf("exit %d: %s%s", o.exit, o.out, o.err)
	}
	read := func(e string) string {
		raw, err := os.ReadFile(filepath.Join(dir, "results"+e))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	rows, sum := results(t, read(".jsonl"))
	if len(rows) != 5 || sum.ByCode["ok"] != 2 || read(".json") != read(".jsonl") {
		t.Errorf("%d rows, %+v", len(rows), sum)
	}
	reports := map[string]string{"html": read(".html"), "junit": read(".xml"), "markdown": read(".md")}
	for _, format := range []string{"html", "junit", "markdown"} {
		m := program{}.run(t, "merge", "--format", format, filepath.Join(dir, "results.jsonl"))
		if m.exit != 2 || m.err != "" {
			t.Errorf("merge --format %s: exit %d, %s", format, m.exit, m.err)
		}
		reports["merge "+format] = m.out
	}
	if m := (program{}).run(t, "merge", "--format", "nagios", filepath.Join(dir, "results.jsonl")); m.out != o.out || m.exit != 2 {
		t.Errorf("merge: exit %d, %s, not %s", m.exit, m.out, o.out)
	}
	for name, text := range reports {
		for _, part := range []string{"5 mailbox rows reported: 2 critical, 1 unknown, 2 ok", "may not impersonate box5@contoso.com", "nobody@contoso.com", "impersonation-denied", "config-invalid"} {
			if !strings.Contains(text, part) {
				t.Errorf("%s lacks %q", name, part)
			}
		}
		switch {
		case strings.HasSuffix(name, "html"):
			order := regexp.MustCompile(`data-name="Row">(\d)<`).FindAllString(text, -1)
			if len(order) != 5 || !strings.HasSuffix(strings.TrimSpace(text), "</html>") {
				t.Errorf("%s: rows %v, or no end", name, order)
			}
			for i, row := range order { // the worst first
				if !strings.Contains(row, "25413"[i:i+1]) {
					t.Errorf("%s: %s at %d", name, row, i+1)
				}
			}
		case strings.HasSuffix(name, "junit"):
			_, rows, _ := strings.Cut(text, "</testsuite>")
			if strings.Count(rows, "<testcase ") != 5 || strings.Count(rows, "<failure ") != 2 || strings.Count(rows, "<error ") != 1 {
				t.Errorf("%s: %s", name, text)
			}
		}
	}
	// Nothing else is left behind.
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 6 {
		t.Errorf("%v, %v", entries, err)
	}
}

// What cannot be written is refused before anything is sent, and what is there
// stays.
func TestBatchSavesNowhere(t *testing.T) {
	t.Parallel()
	sent := 0
	s := begin(t, crowd(everyScheme, standin.Crowd{Mailboxes: 10}), standin.Options{OnRequest: func(standin.Request) { sent++ }})
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "folder.html"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][]string{
		{"--save", filepath.Join(dir, "missing", "results.html")},
		{"--save", filepath.Join(dir, "folder.html")},
		{"--save", filepath.Join(dir, "results.doc")},
		{"--resume", filepath.Join(dir, "state"), "--format", "html"},
		{"--redact", "--resume", filepath.Join(dir, "state")},
		{"--redact", "--shard", "1/2"},
		{"--format", "pdf"},
		{"--baseline", filepath.Join(dir, "missing.yaml")},
	} {
		o := rightPassword.run(t, batchArgs(t, s, append(c, batchFile(t, boxes(1)))...)...)
		if o.exit != 3 || strings.Count(o.err, "\n") != 1 {
			t.Errorf("%v: exit %d, %s", c, o.exit, o.err)
		}
	}
	if sent > 0 {
		t.Errorf("%d requests were sent", sent)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

// An accepted finding decides no status, for all mailboxes or for one, until its
// day is over.
func TestBatchBaseline(t *testing.T) {
	t.Parallel()
	s := begin(t, crowd(everyScheme, standin.Crowd{Mailboxes: 100, Denied: 5}), standin.Options{})
	file := batchFile(t, boxes(10))
	for _, c := range []struct {
		name, baseline string
		exit           int
		five, ten      string
		notes          int
	}{
		{"none", "", 2, "critical", "critical", 0},
		{"all", "- {code: impersonation-denied, reason: known, until: 2999-12-31}", 0, "ok", "ok", 0},
		{"one", "- {code: impersonation-denied, mailbox: Box5@contoso.com, reason: known, until: 2999-12-31}", 2, "ok", "critical", 0},
		{"elsewhere", "- {code: impersonation-denied, host: mail.fabrikam.com, reason: known, until: 2999-12-31}", 2, "critical", "critical", 0},
		{"over", "- {code: impersonation-denied, reason: known, until: 2020-12-31}", 2, "critical", "critical", 1},
		{"another code", "- {code: mailbox-not-found, reason: known, until: 2020-12-31}", 2, "critical", "critical", 0},
		{"over, then new", "- {code: impersonation-denied, reason: known, until: 2020-12-31}\n- {code: impersonation-denied, reason: known, until: 2999-12-31}", 0, "ok", "ok", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := []string{file}
			if c.baseline != "" {
				args = []string{"--baseline", save(t, "baseline.yaml", []byte(c.baseline)), file}
			}
			o := rightPassword.run(t, batchArgs(t, s, args...)...)
			rows, _ := results(t, o.out)
			if rows[5].Verdict.Status != c.five || rows[10].Verdict.Status != c.ten || rows[5].Verdict.Code != "impersonation-denied" || o.exit != c.exit {
				t.Errorf("exit %d: %+v, %+v", o.exit, rows[5].Verdict, rows[10].Verdict)
			}
			if accepted := strings.Contains(rows[5].Verdict.Summary, "Accepted until 2999-12-31 (known): "); accepted != (c.five == "ok") {
				t.Error(rows[5].Verdict.Summary)
			}
			if n := strings.Count(o.out, "impersonation-denied was accepted until 2020-12-31 (known), which is past."); n != c.notes {
				t.Errorf("%d notes", n)
			}
		})
	}
	// Of the endpoint too, as in a check.
	for _, c := range []struct {
		basic    bool
		baseline string
		exit     int
		row      string
		endpoint string
	}{
		{true, "- {code: not-ews, reason: known, until: 2999-12-31}", 1, "ok", "basic-and-ntlm warning"},
		{true, "- {code: basic-and-ntlm, reason: known, until: 2999-12-31}", 0, "ok", "basic-and-ntlm ok"},
		// What could not be determined stays so: no mailbox was asked for.
		{false, "- {code: basic-disabled, reason: known, until: 2999-12-31}", 3, "not-checked", "basic-disabled ok"},
	} {
		b, profile := crowd(everyScheme, standin.Crowd{Mailboxes: 100}), "ntlm"
		if !c.basic {
			b.Basic, profile = false, "basic"
		}
		s := begin(t, b, standin.Options{})
		o := rightPassword.run(t, batchArgs(t, s, "--profile-auth", profile, "--baseline", save(t, "baseline.yaml", []byte(c.baseline)), file)...)
		rows, sum := results(t, o.out)
		if got := sum.Endpoint.Verdict.Code + " " + sum.Endpoint.Verdict.Status; o.exit != c.exit || rows[3].Verdict.Code != c.row || got != c.endpoint {
			t.Errorf("%s: exit %d, row %s, endpoint %s", c.baseline, o.exit, rows[3].Verdict.Code, got)
		}
	}
}

// What is missing in joined results is told in every format, and a file from
// elsewhere cannot smuggle in what is no code.
func TestMergeOfParts(t *testing.T) {
	t.Parallel()
	s := begin(t, crowd(everyScheme, standin.Crowd{Mailboxes: 100}), standin.Options{})
	whole := rightPassword.run(t, batchArgs(t, s, batchFile(t, boxes(5)))...)
	lines := strings.SplitAfter(whole.out, "\n")
	part := save(t, "part.jsonl", []byte(strings.Join(lines[2:], "")))
	for _, format := range []string{"text", "html", "markdown", "junit", "nagios", "json"} {
		o := program{}.run(t, "merge", "--format", format, part)
		if o.exit != 3 || !strings.Contains(o.out, "2 rows are missing") || !strings.Contains(o.err, "2 rows are missing") {
			t.Errorf("%s: exit %d, %.300s%s", format, o.exit, o.out, o.err)
		}
		if format == "nagios" && !strings.HasPrefix(o.out, "EWS UNKNOWN - inconclusive ") {
			t.Error(o.out)
		}
	}
	for _, bad := range [][2]string{{`"code":"ok"`, `"code":"ok\u001b[31m"`}, {`"status":"ok"`, `"status":"fine"`}} {
		o := program{}.run(t, "merge", save(t, "bad.jsonl", []byte(strings.Replace(whole.out, bad[0], bad[1], 1))))
		if o.exit != 3 || !strings.Contains(o.err, "row ") {
			t.Errorf("%s: exit %d, %s", bad[1], o.exit, o.err)
		}
	}
	if o := (program{}).run(t, "merge", "--format", "csv", part); o.exit != 3 || !strings.Contains(o.err, "csv") {
		t.Errorf("csv: exit %d, %s", o.exit, o.err)
	}
}
