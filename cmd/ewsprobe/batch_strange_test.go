package main

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

var mailboxAsked = regexp.MustCompile(`<t:PrimarySmtpAddress>([^<]*)<|<t:SmtpAddress>([^<]*)<|<t:EmailAddress>([^<]*)<`)

// basicServer is an Exchange of which one mailbox after the other can be answered
// otherwise: answer is given the mailbox and which call for it this is. nil: as
// Exchange answers for a mailbox in order.
func basicServer(tb testing.TB, answer func(mailbox string, call int) []byte) *rawServer {
	tb.Helper()
	var mu sync.Mutex
	calls := map[string]int{}
	return answering(tb, func(q rawRequest) ([]byte, bool) {
		if !q.is("Basic", 0) {
			return http1("401 Unauthorized", "", `WWW-Authenticate: Basic realm="mail.contoso.com"`, "X-FEServer: EX01"), true
		}
		mailbox := ""
		if found := mailboxAsked.FindStringSubmatch(q.body); found != nil {
			mailbox = found[1] + found[2] + found[3]
		}
		mu.Lock()
		calls[mailbox]++
		call := calls[mailbox]
		mu.Unlock()
		if own := answer(mailbox, call); own != nil {
			return own, false
		}
		return soapAnswer("Success", "NoError", ""), true
	})
}

func soapAnswer(class, code, message string) []byte {
	return http1("200 OK", `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><m:FindFolderResponse xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><m:ResponseMessages><m:FindFolderResponseMessage ResponseClass="`+class+`"><m:MessageText>`+message+`</m:MessageText><m:ResponseCode>`+code+`</m:ResponseCode></m:FindFolderResponseMessage></m:ResponseMessages></m:FindFolderResponse></s:Body></s:Envelope>`, "Content-Type: text/xml; charset=utf-8", "X-FEServer: EX01")
}

// batchOf runs a batch against a server of this file.
func batchOf(tb testing.TB, s *rawServer, file string, more ...string) outcome {
	tb.Helper()
	ca := filepath.Join(tb.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, theAuthority().pem, 0o600); err != nil {
		tb.Fatal(err)
	}
	args := append([]string{"batch", "--user", standin.UPN, "--impersonate", "--format", "json", "--ca-file", ca, "--address", s.address, "--target", standin.Host}, more...)
	return rightPassword.run(tb, append(args, file)...)
}

// What is none of EWS in the place of one answer is asked for again, and if it
// stays it is no word about the endpoint.
func TestBatchOfStrangeAnswers(t *testing.T) {
	slow(t)
	t.Parallel()
	strange := map[string][]byte{
		"page":    http1("200 OK", "<html><head><title>Maintenance</title></head></html>", "Content-Type: text/html"),
		"garbage": http1("200 OK", "what?", "Content-Type: text/plain"),
		"400":     http1("400 Bad Request", "no"),
		"404":     http1("404 Not Found", "no"),
		"500":     http1("500 Internal Server Error", "no"),
		"no HTTP": []byte("SSH-2.0-OpenSSH_9.6\r\n\r\n"),
		"cut":     []byte("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 1000\r\n\r\n<?xml"),
	}
	for name, bytes := range strange {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := basicServer(t, func(mailbox string, call int) []byte {
				if mailbox == "box2@contoso.com" && call == 1 || mailbox == "box3@contoso.com" {
					return bytes
				}
				return nil
			})
			o := batchOf(t, s, batchFile(t, boxes(4)), "--timeout-per-mailbox", "8s", "--timeout", "1s")
			rows, sum := results(t, o.out)
			for row, want := range map[int]string{1: "ok", 2: "ok", 3: "server-error", 4: "ok"} {
				if r := rows[row]; r.Verdict.Code != want {
					t.Errorf("row %d: %s after %d tries: %s", row, r.Verdict.Code, r.Tries, r.Verdict.Summary)
				}
			}
			if r := rows[3]; r.Tries < 3 || r.Verdict.Status != "unknown" || !strings.Contains(r.Verdict.Summary, "the call for the mailbox") || o.exit != 3 {
				t.Errorf("exit %d: %d tries, %+v", o.exit, r.Tries, r.Verdict)
			}
			if sum.Endpoint == nil || sum.Endpoint.Verdict.Code != "ok" {
				t.Errorf("the endpoint: %+v", sum.Endpoint)
			}
		})
	}
}

// A run that goes on knows no more of the rows of the first than their verdicts;
// their names stand in the input.
func TestBatchResumedNamesMailboxes(t *testing.T) {
	t.Parallel()
	s := basicServer(t, func(mailbox string, _ int) []byte {
		if mailbox == "box2@contoso.com" {
			return soapAnswer("Error", "ErrorImpersonateUserDenied", "no")
		}
		return nil
	})
	args := []string{"--resume", filepath.Join(t.TempDir(), "state")}
	file := batchFile(t, boxes(4))
	batchOf(t, s, file, args...)
	for _, format := range []string{"json", "text"} {
		o := batchOf(t, s, file, append(args, "--format", format)...)
		if told := strings.Join(strings.Fields(o.out), " "); strings.Contains(o.out, "impersonate  (") || !strings.Contains(told, "may not impersonate box2@contoso.com (") {
			t.Errorf("%s:\n%s", format, o.out)
		}
		if format == "json" {
			_, sum := results(t, o.out)
			if len(sum.Groups) != 2 || strings.Join(sum.Groups[0].Examples, " ") != "box2@contoso.com" || sum.Verdict.Summary != sum.Groups[0].Summary {
				t.Errorf("%+v", sum)
			}
		}
	}
}

// What EWS says stands in the rows, and what to do fits what happened.
func TestBatchSaysWhatExchangeSaid(t *testing.T) {
	t.Parallel()
	s := basicServer(t, func(mailbox string, _ int) []byte {
		switch mailbox {
		case "box2@contoso.com", "box3@contoso.com":
			return soapAnswer("Error", "ErrorQuotaExceeded", "The quota of "+mailbox+" is\n used up."+strings.Repeat("!", 4000))
		case "box4@contoso.com":
			return soapAnswer("Error", "ErrorAccessDenied", "no")
		}
		return nil
	})
	o := batchOf(t, s, batchFile(t, boxes(4)))
	rows, sum := results(t, o.out)
	v := rows[2].Verdict
	if v.Code != "exchange-error" || !strings.Contains(v.Summary, `answers ErrorQuotaExceeded: "The quota of box2@contoso.com is used up.!`) || len(v.Summary) > 400 {
		t.Errorf("%s %s", v.Code, v.Summary)
	}
	if len(sum.Groups) != 3 || len(sum.Groups[1].Examples) != 2 {
		t.Errorf("%+v", sum.Groups)
	}
	_, port, _ := strings.Cut(s.address, ":")
	o = batchOf(t, s, batchFile(t, boxes(4)), "--format", "text", "--target", standin.Host+":"+port)
	if !strings.Contains(o.out, "EWS is off for the mailbox") || strings.Contains(o.out, "in the detail") || strings.Contains(o.out, "with impersonation") {
		t.Errorf("%s", o.out)
	}
}

// After a refusal in mid-run, what to do is about the account and not about an
// endpoint whose report is in order.
func TestBatchRefusedInRunAdvises(t *testing.T) {
	slow(t)
	t.Parallel()
	b := crowd(everyScheme, standin.Crowd{Mailboxes: 100, RefuseAfter: 10, Refusals: 1000})
	b.NTLM, b.Negotiate = false, false // each call is a logon
	s := begin(t, b, standin.Options{})
	for _, format := range []string{"text", "json"} {
		p := rightPassword
		p.state = t.TempDir()
		o := p.run(t, batchArgs(t, s, "--format", format, "--concurrency", "1", batchFile(t, boxes(30)))...)
		if format == "json" {
			if rows, _ := results(t, o.out); rows[30].Verdict.Code != "not-checked" || rows[30].Verdict.Reason != "refused-in-run" {
				t.Errorf("%+v", rows[30])
			}
			continue
		}
		told := strings.Join(strings.Fields(o.out), " ")
		if !strings.Contains(told, "its password was changed") || strings.Contains(told, "Fix what the row names first") {
			t.Errorf("%s", o.out)
		}
		s = begin(t, b, standin.Options{})
	}
}

// The reason why thousands of rows were not checked is told to a person once, with
// their count. --all-rows lists them.
func TestBatchTellsOnceWhyNothingWasChecked(t *testing.T) {
	t.Parallel()
	b := crowd(everyScheme, standin.Crowd{Mailboxes: 100})
	b.Basic = false
	o := rightPassword.run(t, batchArgs(t, begin(t, b, standin.Options{}), "--format", "text", batchFile(t, boxes(50)))...)
	told := strings.Join(strings.Fields(o.out), " ")
	if n := strings.Count(told, "applies to every mailbox"); n != 1 || !strings.Contains(told, "50 × not-checked") ||
		strings.Count(o.out, "@contoso.com  not-checked") != 0 || !strings.HasPrefix(o.out, "CRITICAL  50 mailbox rows") ||
		!strings.Contains(told, "Rows not checked: 50. To list them, use --all-rows") {
		t.Errorf("%d times:\n%s", n, o.out)
	}
	if !strings.Contains(o.err, "`ewsprobe explain basic-disabled` says how to fix the endpoint") {
		t.Errorf("%s", o.err)
	}
	o = rightPassword.run(t, batchArgs(t, begin(t, b, standin.Options{}), "--format", "text", "--all-rows", batchFile(t, boxes(50)))...)
	if strings.Count(o.out, "@contoso.com  not-checked") != 50 || strings.Contains(o.out, "To list them") {
		t.Errorf("%s", o.out)
	}
}

// The example in a text of this program's own would become a placeholder, which
// reads as somebody's mailbox.
func TestBatchRedactedProblemsNameNobody(t *testing.T) {
	t.Parallel()
	s := basicServer(t, func(string, int) []byte { return nil })
	o := batchOf(t, s, batchFile(t, "emailaddress\nno address\n"), "--redact")
	rows, _ := results(t, o.out)
	if v := rows[1].Verdict; v.Code != "config-invalid" || strings.Contains(v.Summary, "domain-") || strings.Contains(v.Summary, "@domain") {
		t.Errorf("%+v", v)
	}
}

// A server that goes away in the middle of a run, and stays away, is one that
// could not be connected to: by whichever scheme, and whatever was under way.
func TestBatchOfAServerThatGoesAway(t *testing.T) {
	slow(t)
	t.Parallel()
	for _, profile := range []string{"basic", "ntlm"} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			b := crowd(everyScheme, standin.Crowd{Mailboxes: 1000, Delay: time.Millisecond})
			b.Basic = profile == "basic"
			enough, gone := make(chan struct{}), make(chan struct{})
			var calls atomic.Int32
			s := begin(t, b, standin.Options{OnRequest: func(standin.Request) {
				if n := calls.Add(1); n > 14 {
					if n == 15 {
						close(enough)
					}
					<-gone // or all rows could be answered before it
				}
			}})
			go func() {
				<-enough
				go s.Close()
				for c, err := net.Dial("tcp", s.Addresses()[0]); err == nil; c, err = net.Dial("tcp", s.Addresses()[0]) {
					_ = c.Close()
				}
				close(gone)
			}()
			o := rightPassword.run(t, batchArgs(t, s, "--profile-auth", profile, "--timeout-per-mailbox", "5s", "--concurrency", "4", batchFile(t, boxes(16)))...)
			rows, sum := results(t, o.out)
			if len(rows) != 16 || sum.ByCode["connect-failed"] == 0 || sum.ByCode["ok"] == 0 || sum.ByCode["ok"]+sum.ByCode["connect-failed"] != 16 || o.exit != 3 {
				t.Errorf("%d rows, %v, exit %d\n%s", len(rows), sum.ByCode, o.exit, o.err)
			}
			for _, r := range rows {
				if r.Verdict.Code != "ok" && r.Verdict.Code != "connect-failed" {
					t.Errorf("%s %s", r.Verdict.Code, r.Verdict.Summary)
					break
				}
			}
		})
	}
}
