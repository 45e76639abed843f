package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe/redact"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// batchCanaries are the names that a batch meets: of the stand-in, of the
// mailboxes, of what stands beside them in the input, of the files.
var batchCanaries = regexp.MustCompile(`(?i)contoso|fabrikam|svc-crm|\bbox\d|canary|\bex0\d\b|nobody|somebody`)

// The input has a canary in every cell and every heading.
const canaryInput = "Canary heading,emailaddress,phone\nCanary One,box1@contoso.com,tel-canary\nCanary Five,box5@contoso.com,tel-canary\nCanary One again,BOX1@contoso.com,tel-canary\n" +
	"nameless Canary,,tel-canary\nbroken Canary,canary at contoso,tel-canary\nx,nobody@canary.fabrikam.com,tel-canary\nodd,o'canary+box7=x@contoso.com,tel-canary\ncut Canary,\"somebody@contoso.com\n"

// --redact leaves no name in any output of a batch and of merge, and one mailbox
// is one placeholder everywhere.
func TestBatchRedacts(t *testing.T) {
	slow(t)
	t.Parallel()
	for _, basic := range []bool{true, false} { // where Basic is off no mailbox is asked for
		b := crowd(everyScheme, standin.Crowd{Mailboxes: 100, Denied: 5})
		b.Basic = basic
		s := begin(t, b, standin.Options{})
		input := filepath.Join(t.TempDir(), "canary.csv")
		if err := os.WriteFile(input, []byte(canaryInput), 0o600); err != nil {
			t.Fatal(err)
		}
		baseline := save(t, "baseline.yaml", []byte("- {code: impersonation-denied, mailbox: box5@contoso.com, reason: Canary knows, until: 2999-12-31}\n- {code: mailbox-not-found, reason: Canary, until: 2020-01-01}"))
		whole := rightPassword.run(t, batchArgs(t, s, "--baseline", baseline, input)...)
		// With a line that was cut off, which is told by the name of the file.
		lines := save(t, "canary.jsonl", []byte(whole.out+`{"schema":"ewsprobe/row/1","row":2,"mailbox":"ca`+"\n"))
		texts := map[string]string{}
		for _, format := range report.FormatNames() {
			dir := t.TempDir()
			o := rightPassword.run(t, batchArgs(t, s, "--baseline", baseline, "--redact", "--format", format, "--save", filepath.Join(dir, "page.html"), "--save", filepath.Join(dir, "lines.jsonl"), input)...)
			if o.exit != whole.exit || o.out == "" {
				t.Errorf("%s: exit %d, not %d\n%s", format, o.exit, whole.exit, o.err)
			}
			texts[format], texts[format+", standard error"] = o.out, o.err
			walkFiles(t, dir, func(name string, content []byte) { texts[format+", "+filepath.Base(name)] = string(content) })
			if format == "csv" {
				continue
			}
			m := program{}.run(t, "merge", "--redact", "--format", format, lines)
			if m.exit != whole.exit {
				t.Errorf("merge %s: exit %d, not %d\n%s", format, m.exit, whole.exit, m.err)
			}
			if !strings.Contains(m.err, "is incomplete and was ignored") {
				t.Errorf("merge %s: %s", format, m.err)
			}
			texts["merge "+format], texts["merge "+format+", standard error"] = m.out, m.err
		}
		for name, text := range texts {
			for _, m := range batchCanaries.FindAllStringIndex(text, 5) {
				t.Errorf("Basic %t, %s: %q", basic, name, text[max(0, m[0]-60):min(len(text), m[1]+30)])
			}
		}
		if !batchCanaries.MatchString(whole.out) {
			t.Error("without --redact there is nothing to find either")
		}
		for _, name := range []string{"json", "html, lines.jsonl", "merge json"} {
			hidden, sum := results(t, texts[name])
			plain, whole := results(t, whole.out)
			if len(hidden) != len(plain) || fmt.Sprint(sum.ByCode, sum.ByStatus, sum.ByCause, sum.Verdict.Code) != fmt.Sprint(whole.ByCode, whole.ByStatus, whole.ByCause, whole.Verdict.Code) {
				t.Errorf("%s: %+v, not %+v", name, sum, whole)
			}
			for row, r := range plain {
				h := hidden[row]
				if h.Verdict.Code != r.Verdict.Code || h.Verdict.Status != r.Verdict.Status || (h.Mailbox == "") != (r.Mailbox == "") || fmt.Sprint(h.Findings) != fmt.Sprint(r.Findings) {
					t.Errorf("%s: row %d is %+v, not %+v", name, row, h, r)
				}
				if h.Mailbox != "" && basic && strings.Contains(r.Verdict.Summary, r.Mailbox) && !strings.Contains(h.Verdict.Summary, h.Mailbox) {
					t.Errorf("%s: row %d of %s says %s", name, row, h.Mailbox, h.Verdict.Summary)
				}
			}
			// In a sentence it is the same one, with whatever signs in the address.
			for _, g := range sum.Groups {
				if g.Code == "mailbox-not-found" && basic && !strings.Contains(g.Summary, g.Examples[0]) {
					t.Errorf("%s: %+v", name, g)
				}
			}
			if hidden[1].Mailbox != hidden[3].Mailbox || hidden[1].Mailbox == hidden[2].Mailbox {
				t.Errorf("%s: %s, %s, %s", name, hidden[1].Mailbox, hidden[2].Mailbox, hidden[3].Mailbox)
			}
		}
		table, err := csv.NewReader(strings.NewReader(texts["csv"])).ReadAll()
		if err != nil || strings.Join(table[0], " ") != "column-1 mailbox column-3 verdict status cause summary" {
			t.Fatalf("%v, %v", err, table)
		}
		for _, row := range table[1:] {
			if row[0] != "[withheld]" && row[0] != "" || row[2] != "[withheld]" && row[2] != "" {
				t.Errorf("%q", row)
			}
		}
	}
}

// A refusal repeats what was given, names of files too; without names with
// --redact.
func TestBatchRedactsRefusals(t *testing.T) {
	slow(t)
	t.Parallel()
	dir := t.TempDir()
	for _, args := range [][]string{
		{"--target", "mail.contoso.com", filepath.Join(dir, "canary.csv")},
		{"--target", "canary@contoso.com", filepath.Join(dir, "canary.csv")},
		{"--target", "mail.contoso.com", "--save", filepath.Join(dir, "canary", "x.html"), batchFile(t, boxes(1))},
		{"--target", "mail.contoso.com", "--column", "canary", batchFile(t, "canary-a,canary-b\n1,2\n")},
		{"--target", "mail.contoso.com", "--baseline", filepath.Join(dir, "canary.yaml"), batchFile(t, boxes(1))},
		{"--profile", filepath.Join(dir, "canary.csv"), batchFile(t, boxes(1))},
	} {
		for _, format := range []string{"text", "json", "nagios"} {
			o := rightPassword.run(t, append([]string{"batch", "--redact", "--format", format, "--user", standin.UPN}, args...)...)
			if o.exit != 3 || strings.Count(o.err, "\n") != 1 || batchCanaries.MatchString(o.err+o.out) {
				t.Errorf("%v: exit %d, %s%s", args, o.exit, o.err, o.out)
			}
		}
	}
	if o := (program{}).run(t, "merge", "--redact", filepath.Join(dir, "canary.jsonl")); o.exit != 3 || batchCanaries.MatchString(o.err) {
		t.Errorf("merge: %s", o.err)
	}
}

// The batch's own sentences stay what they are.
func TestBatchSentencesStay(t *testing.T) {
	t.Parallel()
	m := redact.New()
	for _, s := range []string{
		`line 7, column "emailaddress": the address is empty`,
		"the password was accepted at first and then refused 2 times, the last time at 12:34:56 UTC; nothing more is sent for the account (--max-rejections 2)",
		"the result of the endpoint applies to every mailbox: credentials-rejected, refused",
		"2 rows are missing: 3-4", "no file has a summary, so how many rows there should be is not known",
		"no run reached the end of its input; go on with --resume",
		"basic-disabled was accepted until 2020-01-01 ([text-1]), which is past.",
		"visible only in the Dynamics alert or in Entra ID (--token-file), not at the endpoint",
		"No mailbox ", " on this Exchange",
	} {
		if got := m.Text(s); got != s {
			t.Errorf("%s\nbecomes %s", s, got)
		}
	}
}
