package main

import (
	"encoding/csv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// One page of an answer is not taken for all mailboxes.
func TestBatchOfOnePage(t *testing.T) {
	t.Parallel()
	s := begin(t, crowd(everyScheme, standin.Crowd{Mailboxes: 10}), standin.Options{})
	const rows = `"value":[{"emailaddress":"box1@contoso.com"}]`
	const next = `"@odata.nextLink":"https://contoso.crm4.dynamics.com/api/data/v9.2/mailboxes?page=2"`
	for _, file := range []string{"{" + rows + "," + next + "}", "{" + next + "," + rows + "}"} {
		for _, format := range []string{"json", "text", "nagios"} {
			o := rightPassword.run(t, batchArgs(t, s, "--format", format, batchFile(t, file))...)
			if o.exit != 3 || strings.Count(o.err, "other pages were not checked") != 1 || format != "nagios" && !strings.Contains(o.out, "other pages were not checked") {
				t.Errorf("%s, %s: exit %d\n%s\n%s", file, format, o.exit, o.out, o.err)
			}
		}
	}
	page := rightPassword.run(t, batchArgs(t, s, batchFile(t, "{"+rows+","+next+"}"))...)
	if o := (program{}).run(t, "merge", save(t, "page.jsonl", []byte(page.out))); o.exit != 3 || !strings.Contains(o.err, "other pages were not checked") {
		t.Errorf("merge takes it for whole: exit %d\n%s", o.exit, o.err)
	}
	if o := rightPassword.run(t, batchArgs(t, s, batchFile(t, "{"+rows+"}"))...); o.exit != 0 {
		t.Errorf("the only page: exit %d\n%s", o.exit, o.err)
	}
}

// What cannot be a list of mailboxes is refused in one short line, before anything
// is sent.
func TestBatchRefusesTheInput(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, want string }{
		"a header alone":     {"emailaddress,name\r\n", "has a header and no rows"},
		"a header of length": {"a\v" + strings.Repeat("x", 5000) + ",b\n1,2\n", `no column "Email Address"`},
		"an error as answer": {`{"error":{"code":"0x80040220","message":"prvReadMailbox is missing"}}`, "prvReadMailbox is missing"},
		"an Excel workbook":  {"PK\x03\x04", "CSV UTF-8"},
	} {
		o := rightPassword.run(t, "batch", "--user", standin.UPN, "--target", "mail.contoso.com", batchFile(t, c.file))
		if o.exit != 3 || !strings.Contains(o.err, c.want) || strings.Count(o.err, "\n") != 1 || len(o.err) > 500 {
			t.Errorf("%s: exit %d: %s", name, o.exit, o.err)
		}
	}
}

// What is wrong in a row does no harm, neither to other rows nor to the table of
// results nor to the terminal. What is not UTF-8 is read as Windows-1252, and said.
func TestBatchOfDamagedRows(t *testing.T) {
	t.Parallel()
	s := begin(t, crowd(everyScheme, standin.Crowd{Mailboxes: 10}), standin.Options{})
	file := "emailaddress,name\nbox1@contoso.com,M\xfcller\nbox2\x00@contoso.com,x\nb\xfcx3@contoso.com,x\n" +
		"box4@contoso.com,\x1b]0;title\x07\x1b[2J\x9b\u009b\u202e\nbox5@contoso.com,\"two\n\tlines\rover\"\n"
	o := rightPassword.run(t, batchArgs(t, s, "--format", "csv", batchFile(t, file))...)
	if !utf8.ValidString(o.out) || strings.ContainsFunc(o.out, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' || r == '\u202e' }) {
		t.Errorf("no harmless text: %q", o.out)
	}
	rows, err := csv.NewReader(strings.NewReader(o.out)).ReadAll()
	if err != nil || len(rows) != 6 || o.exit != 2 {
		t.Fatalf("exit %d, %v: %q", o.exit, err, rows)
	}
	got := map[string][]string{}
	for _, row := range rows {
		got[row[0]] = row
	}
	for _, c := range []struct{ address, name, code string }{
		{"box1@contoso.com", "Müller", "ok"},
		{"box4@contoso.com", "?]0;title??[2J›Â›â€®", "ok"},
		{"box5@contoso.com", "two\n\tlines over", "ok"},
		{"box2?@contoso.com", "x", "config-invalid"},
		{"büx3@contoso.com", "x", "mailbox-not-found"},
	} {
		if row := got[c.address]; row == nil || row[1] != c.name || row[2] != c.code {
			t.Errorf("%q: %q", c.address, row)
		}
	}
}

// The line of a file that is cut is the same in words and as a number.
func TestBatchOfCutJSON(t *testing.T) {
	t.Parallel()
	s := begin(t, crowd(everyScheme, standin.Crowd{Mailboxes: 10}), standin.Options{})
	o := rightPassword.run(t, batchArgs(t, s, batchFile(t, "{\"value\":[{\"emailaddress\":\"box1@contoso.com\"},\n{\"emailaddr"))...)
	rows, _ := results(t, o.out)
	if r := rows[2]; r.Line != 2 || !strings.Contains(r.Verdict.Summary, "line 2") || o.exit != 3 {
		t.Errorf("exit %d: %+v", o.exit, r)
	}
}
