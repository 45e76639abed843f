package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// refusals counts the refused logons of each account.
type refusals struct {
	mu sync.Mutex
	of map[string]int
}

func (r *refusals) see(q standin.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch q.Outcome {
	case standin.OutcomeWrongPassword, standin.OutcomeLocked, standin.OutcomeUnknownUser, standin.OutcomeConfiguration:
		r.of[strings.ToLower(q.Account)]++
	}
}

// ownArgs are those of a batch whose rows name accounts, with a folder of
// passwords.
func ownArgs(t *testing.T, s *standin.Server, more ...string) (args []string, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "passwords")
	for name, content := range map[string]string{
		"right": standin.Password, "wrong": standin.WrongPassword + "\r\n", "two-lines": "a\nb\n", "below/right": standin.Password, "../outside": standin.Password,
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "..", "outside"), filepath.Join(dir, "link")); err != nil {
		t.Log(err) // Windows may not allow it
	}
	args = batchArgs(t, s)
	for i, a := range args {
		if a == "--user" {
			args = append(args[:i:i], args[i+2:]...)
			break
		}
	}
	return append(args, append([]string{"--user-column", "account", "--password-file-column", "secret", "--password-dir", dir}, more...)...), dir
}

// Rows that name accounts are asked for by these, one after the other. What is
// wrong with an account is the verdict of its rows and of no other's, and costs
// no more refusals than the limit, in however many rows and spellings it stands.
func TestBatchOfOwnAccounts(t *testing.T) {
	slow(t)
	t.Parallel()
	for _, profile := range []string{"basic", "ntlm"} {
		t.Run(profile, func(t *testing.T) {
			b := crowd(everyScheme, standin.Crowd{Mailboxes: 100})
			seen := refusals{of: map[string]int{}}
			s := begin(t, b, standin.Options{OnRequest: seen.see})
			args, dir := ownArgs(t, s, "--profile-auth", profile)
			table := []struct{ mailbox, account, secret, code, says string }{
				{"box1@contoso.com", standin.UPN, "right", "ok", ""},
				{"box2@contoso.com", standin.UPN, "right", "ok", ""},
				{"box3@contoso.com", standin.NoMailboxUser, "wrong", "credentials-rejected", ""},
				{"box4@contoso.com", standin.NoMailboxUser, "wrong", "credentials-rejected", ""},
				{"box5@contoso.com", standin.LockedUser, "right", "credentials-rejected", ""},
				{"box6@contoso.com", standin.UPN, "../outside", "config-invalid", "password-dir"},
				{"box7@contoso.com", standin.UPN, "link", "config-invalid", "password-dir"},
				{"box8@contoso.com", standin.UPN, "missing", "config-invalid", "missing"},
				{"box9@contoso.com", standin.UPN, "two-lines", "config-invalid", "control character"},
				{"box10@contoso.com", standin.UPN, "below/right", "ok", ""},
				{"box1@contoso.com", standin.UPN, "right", "ok", ""},
				{"box11@contoso.com", standin.NoMailboxUser, "wrong", "credentials-rejected", ""},
				{"box12@contoso.com", "", "right", "config-invalid", "the account is empty"},
				{"box13@contoso.com", standin.UPN, "", "config-invalid", "the password file is empty"},
				{"nobody@contoso.com", standin.UPN, filepath.Join(dir, "right"), "mailbox-not-found", ""},
				{"box14@contoso.com", "a:b", "right", "config-invalid", "colon"},
				{"box15@contoso.com", `CONTOSO\svc-crm`, "right", "user-name-not-upn", ""},
			}
			file := "emailaddress,account,secret\n"
			for _, r := range table {
				file += fmt.Sprintf("%s,%s,%s\n", r.mailbox, r.account, r.secret)
			}
			o := (program{env: []string{passwordEnv + "=" + standin.WrongPassword}}).run(t, append(args, batchFile(t, file))...)
			rows, sum := results(t, o.out)
			for i, want := range table {
				got := rows[i+1]
				if got.Verdict.Code != want.code || !strings.Contains(got.Verdict.Summary, want.says) {
					t.Errorf("row %d is %s, want %s: %s", i+1, got.Verdict.Code, want.code, got.Verdict.Summary)
				}
			}
			if rows[11].DuplicateOf != 1 || sum.Rows != len(table) || o.exit != 2 {
				t.Errorf("row 11 is a duplicate of %d, %d rows, exit %d\n%s", rows[11].DuplicateOf, sum.Rows, o.exit, o.err)
			}
			for account, n := range seen.of {
				if n > 2 {
					t.Errorf("%s was refused %d times", account, n)
				}
			}
			if len(seen.of) < 2 {
				t.Errorf("refused accounts: %v", seen.of)
			}
			for text, where := range map[string]string{o.out: "standard output", o.err: "standard error"} {
				for _, secret := range []string{standin.Password, standin.WrongPassword} {
					if strings.Contains(text, secret) {
						t.Errorf("%s holds a password", where)
					}
				}
			}
		})
	}
}

// A password that an account had before does not make its refusals count again.
func TestBatchOfOwnAccountsCountsByAccount(t *testing.T) {
	t.Parallel()
	seen := refusals{of: map[string]int{}}
	b := crowd(everyScheme, standin.Crowd{Mailboxes: 100})
	b.Negotiate = false
	s := begin(t, b, standin.Options{OnRequest: seen.see})
	args, dir := ownArgs(t, s, "--max-rejections", "1")
	file := "emailaddress,account,secret\n"
	for i := range 5 {
		name := fmt.Sprintf("old%d", i)
		if err := os.WriteFile(filepath.Join(dir, name), []byte("Before-"+name), 0o600); err != nil {
			t.Fatal(err)
		}
		file += fmt.Sprintf("box%d@contoso.com,%s,%s\n", i+1, standin.UPN, name)
	}
	rows, _ := results(t, rightPassword.run(t, append(args, batchFile(t, file))...).out)
	for i := 2; i <= 5; i++ {
		if r := rows[i]; r.Verdict.Code != "not-checked" || !strings.Contains(r.Verdict.Summary, "refused once in this run") {
			t.Errorf("row %d is %s: %s", i, r.Verdict.Code, r.Verdict.Summary)
		}
	}
	if n := seen.of[standin.UPN]; n != 1 {
		t.Errorf("%d logons were refused", n)
	}
}

// Where the endpoint answers for everybody, no account is tried.
func TestBatchOfOwnAccountsAtABadEndpoint(t *testing.T) {
	t.Parallel()
	b := crowd(everyScheme, standin.Crowd{Mailboxes: 10})
	b.Basic = false
	logons := 0
	s := begin(t, b, standin.Options{OnRequest: func(q standin.Request) {
		if q.Account != "" {
			logons++
		}
	}})
	args, _ := ownArgs(t, s)
	o := rightPassword.run(t, append(args, batchFile(t, "emailaddress,account,secret\nbox1@contoso.com,"+standin.UPN+",right\n"))...)
	rows, sum := results(t, o.out)
	if rows[1].Verdict.Code != "not-checked" || !strings.Contains(rows[1].Verdict.Summary, "basic-disabled") || sum.Verdict.Code != "basic-disabled" || o.exit != 2 || logons != 0 {
		t.Errorf("exit %d, %d logons: %+v %+v", o.exit, logons, rows[1], sum.Verdict)
	}
}

// Without names, the accounts of rows and the files of their passwords have none
// either.
func TestBatchOfOwnAccountsRedacted(t *testing.T) {
	t.Parallel()
	s := begin(t, crowd(everyScheme, standin.Crowd{Mailboxes: 100}), standin.Options{})
	args, _ := ownArgs(t, s, "--redact", "-vv")
	out := t.TempDir()
	for _, ending := range append(report.Extensions(), ".jsonl") {
		args = append(args, "--save", filepath.Join(out, "report"+ending))
	}
	file := "emailaddress,account,secret\nbox1@contoso.com," + standin.UPN + ",right\nbox2@contoso.com,CONTOSO\\svc-other,wrong\n" +
		"box3@contoso.com," + standin.UPN + ",of-anna-schmidt.txt\nbox4@contoso.com," + standin.UPN + ",../Of Boris.txt\nbox5@contoso.com,so:an,right\n"
	got := (program{}).run(t, append(args, batchFile(t, file))...)
	if got.exit != 2 || !strings.Contains(got.out, "credentials-rejected") {
		t.Fatalf("exit %d: %s\n%s", got.exit, got.out, got.err)
	}
	names := regexp.MustCompile(`(?i)contoso|svc-|\bbox\d|anna|boris|schmidt`)
	texts := map[string]string{"standard output": got.out, "standard error": got.err}
	walkFiles(t, out, func(name string, content []byte) { texts[filepath.Base(name)] = string(content) })
	for where, text := range texts {
		if at := names.FindStringIndex(text); at != nil {
			t.Errorf("%s: ...%s...", where, text[max(at[0]-80, 0):min(at[1]+40, len(text))])
		}
	}
	if len(texts) < 7 {
		t.Errorf("only %d texts", len(texts))
	}
}

// All forms of a name are one account where the password is the same.
func TestBatchOfOwnAccountsCountsAllForms(t *testing.T) {
	slow(t)
	t.Parallel()
	bad := 0
	var mu sync.Mutex
	s := begin(t, crowd(everyScheme, standin.Crowd{Mailboxes: 100}), standin.Options{OnRequest: func(q standin.Request) {
		mu.Lock()
		defer mu.Unlock()
		if q.Outcome == standin.OutcomeWrongPassword {
			bad++
		}
	}})
	args, _ := ownArgs(t, s, "--retry-refused")
	file := "emailaddress,account,secret\n"
	for i, form := range []string{standin.UPN, `CONTOSO\svc-crm`, `contoso.com\SVC-CRM`, "svc-crm", "SVC-CRM@contoso.com"} {
		file += fmt.Sprintf("box%d@contoso.com,%s,wrong\n", i+1, form)
	}
	rows, _ := results(t, rightPassword.run(t, append(args, batchFile(t, file))...).out)
	if bad != 2 || len(rows) != 5 {
		t.Errorf("%d logons were refused for one account in five forms of its name, %d rows", bad, len(rows))
	}
}
