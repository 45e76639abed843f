package notify

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	"net/mail"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/agent"
	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/agent/history"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// smtpServer is a small SMTP server on loopback.
type smtpServer struct {
	noTLS    bool     // does not offer STARTTLS
	implicit bool     // speaks TLS from the beginning
	refuses  string   // the answer to a password; "": it is right
	nobody   []string // recipients that it refuses
	hangs    bool     // says nothing at all

	address   string
	ca        string // file with its certificate
	mu        sync.Mutex
	passwords []string // as they came
	mails     []string // envelope recipients, then the message
	inClear   bool     // a password came without TLS
}

func (s *smtpServer) start(t *testing.T) *smtpServer {
	t.Helper()
	borrowed := httptest.NewTLSServer(nil) // for its certificate of 127.0.0.1
	t.Cleanup(borrowed.Close)
	s.ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(s.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: borrowed.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: borrowed.TLS.Certificates}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = listener.Addr().String()
	var running sync.WaitGroup
	t.Cleanup(func() { listener.Close(); running.Wait() })
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { defer conn.Close(); s.serve(conn, config) })
		}
	})
	return s
}

func (s *smtpServer) serve(conn net.Conn, config *tls.Config) {
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	if s.hangs {
		_, _ = io.Copy(io.Discard, conn)
		return
	}
	secure := s.implicit
	if secure {
		conn = tls.Server(conn, config)
	}
	in := textproto.NewReader(bufio.NewReader(conn))
	say := func(format string, args ...any) { fmt.Fprintf(conn, format+"\r\n", args...) }
	say("220 test ESMTP")
	var to []string
	for {
		line, err := in.ReadLine()
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			say("250-test")
			if !s.noTLS && !secure {
				say("250-STARTTLS")
			}
			say("250 AUTH PLAIN")
		case "STARTTLS":
			say("220 go on")
			conn, secure = tls.Server(conn, config), true
			in = textproto.NewReader(bufio.NewReader(conn))
		case "AUTH":
			raw, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(rest, "PLAIN "))
			s.mu.Lock()
			s.passwords = append(s.passwords, string(raw))
			s.inClear = s.inClear || !secure
			s.mu.Unlock()
			if s.refuses != "" {
				say("%s", strings.ReplaceAll(s.refuses, "ECHO", rest))
				continue
			}
			say("235 welcome")
		case "RCPT":
			if slices.ContainsFunc(s.nobody, func(n string) bool { return strings.Contains(line, n) }) {
				say("550 5.1.1 no such user")
				continue
			}
			to = append(to, strings.Trim(strings.TrimPrefix(rest, "TO:"), "<>"))
			say("250 ok")
		case "RSET":
			to = nil
			say("250 ok")
		case "DATA":
			say("354 go on")
			b, err := in.ReadDotBytes()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.mails = append(s.mails, strings.Join(to, ",")+"\n"+string(b))
			s.mu.Unlock()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// channel is a mail channel that uses the server.
func (s *smtpServer) channel(t *testing.T, mode, user string) *email {
	t.Helper()
	m := &email{Email: &agentfile.Email{Smarthost: s.address, From: "ewsprobe@contoso.com", To: []string{"ops@contoso.com"}, TLS: mode, CAFile: s.ca, User: user}}
	if user != "" {
		m.PasswordFile = filepath.Join(t.TempDir(), "p.txt")
		if err := os.WriteFile(m.PasswordFile, []byte("Sm7p!secret\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func TestMail(t *testing.T) {
	for mode, s := range map[string]*smtpServer{"starttls": {}, "tls": {implicit: true}, "none": {noTLS: true}} {
		t.Run(mode, func(t *testing.T) {
			s.start(t)
			user := "u"
			if err := s.channel(t, mode, user).send(t.Context(), "ewsprobe.1.7", sample()); err != nil {
				t.Fatal(err)
			}
			if len(s.passwords) != 1 || s.passwords[0] != "\x00u\x00Sm7p!secret" || s.inClear != (mode == "none") {
				t.Errorf("signed in with %q, in clear %v", s.passwords, s.inClear)
			}
			to, text, _ := strings.Cut(s.mails[0], "\n")
			header, body := readMail(t, text)
			if to != "ops@contoso.com" || header.Get("Message-ID") != "<ewsprobe.1.7@contoso.com>" || header.Get("Auto-Submitted") != "auto-generated" {
				t.Errorf("to %s: %v", to, header)
			}
			if subject := header.Get("Subject"); subject != "[ewsprobe] CRITICAL mail-inside: Basic is off" {
				t.Error(subject)
			}
			want := `mail-inside is critical (basic-disabled).

Basic is off

Since:   2026-11-28 22:00:00 UTC (20 minutes)
Labels:  site=fra

What changed
  - schemes: now Negotiate, before Negotiate, Basic

What to do
  1. Look first
       Get-A
       Get-B
  2. Read on
       https://learn.microsoft.com
`
			if body != want {
				t.Errorf("the text is\n%s", body)
			}
		})
	}
}

// readMail is a message as a mail program shows it.
func readMail(t *testing.T, text string) (mail.Header, string) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	m.Header["Subject"] = []string{subject}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	return m.Header, strings.ReplaceAll(string(body), "\r\n", "\n")
}

// Whatever a server wrote stays a text: no header, no recipient, no second message,
// no line that looks like ours.
func TestMailIsNotInjected(t *testing.T) {
	const evil = "x\r\nBcc: evil@example.com\r\nX-Evil: 1\r\n\r\n.\r\nMAIL FROM:<a@b>\n\n<b>\u2028\x00\x1b[31m\u202e"
	n := newNotification(Problem, agent.Event{At: begin, Target: shows(&agent.Target{
		Name: "mail", Labels: map[string]string{"site": evil}, State: agent.State{
			Since: begin, Status: finding.Critical, Code: "redirected", Summary: evil,
			Changed: []history.Change{{What: evil, Before: []string{evil}, After: []string{evil}}},
		},
	}, []finding.Remedy{{Text: evil, Command: evil, Link: evil}})})
	s := (&smtpServer{}).start(t)
	m := s.channel(t, "starttls", "")
	for _, kind := range []Kind{Problem, Recovery, Reminder, CredentialWithheld} {
		n.Kind = kind
		if err := m.send(t.Context(), "ewsprobe.1.7", n); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.mails) != 4 {
		t.Fatalf("%d mails arrived", len(s.mails))
	}
	for _, got := range s.mails {
		to, text, _ := strings.Cut(got, "\n")
		header, body := readMail(t, text)
		for name := range header {
			if !slices.Contains([]string{
				"Auto-Submitted", "Content-Transfer-Encoding", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To", "X-Auto-Response-Suppress",
			}, name) {
				t.Errorf("a header %s came in", name)
			}
		}
		if to != "ops@contoso.com" || header.Get("To") != "<ops@contoso.com>" || strings.ContainsAny(header.Get("Subject"), "\r\n\x00\x1b") {
			t.Errorf("to %s: %v", to, header)
		}
		if strings.ContainsAny(body, "\x00\x1b\u2028\u202e") || strings.Contains(body, "\nMAIL FROM") || strings.Contains(body, "\nBcc") {
			t.Errorf("the text is\n%q", body)
		}
	}
}

func TestMailNeedsTLS(t *testing.T) {
	s := (&smtpServer{noTLS: true}).start(t)
	if err := s.channel(t, "starttls", "u").send(t.Context(), "k", sample()); err == nil || len(s.passwords)+len(s.mails) > 0 {
		t.Errorf("without STARTTLS: %v, %d passwords, %d mails", err, len(s.passwords), len(s.mails))
	}
	s = (&smtpServer{}).start(t)
	m := s.channel(t, "starttls", "u")
	m.CAFile = ""
	if err := m.send(t.Context(), "k", sample()); err == nil || len(s.passwords)+len(s.mails) > 0 {
		t.Errorf("with an untrusted certificate: %v, %d passwords, %d mails", err, len(s.passwords), len(s.mails))
	}
}

// A password that is refused is sent twice and not again until it changes, and stays
// out of the error even where the server repeats it.
func TestMailLocksNoAccountAndLeaksNoPassword(t *testing.T) {
	s := (&smtpServer{refuses: "535 5.7.8 wrong: ECHO Sm7p!secret"}).start(t)
	m := s.channel(t, "starttls", "u")
	for range 5 {
		err := m.send(t.Context(), "k", sample())
		if err == nil || strings.Contains(err.Error(), "Sm7p") || strings.Contains(err.Error(), base64.StdEncoding.EncodeToString([]byte("\x00u\x00Sm7p!secret"))) {
			t.Fatalf("%v", err)
		}
	}
	if len(s.passwords) != maxPasswordRefusals {
		t.Errorf("the password was sent %d times", len(s.passwords))
	}
	if err := os.WriteFile(m.PasswordFile, []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := m.send(t.Context(), "k", sample()); err == nil || len(s.passwords) != maxPasswordRefusals+1 {
		t.Errorf("a new password: %v, sent %d times", err, len(s.passwords))
	}
	s = (&smtpServer{refuses: "451 4.3.0 later: ECHO Sm7p!secret"}).start(t)
	if err := s.channel(t, "starttls", "u").send(t.Context(), "k", sample()); err == nil || strings.Contains(err.Error(), "Sm7p") {
		t.Errorf("%v", err)
	}
}

func TestMailReachesTheOtherRecipients(t *testing.T) {
	s := (&smtpServer{nobody: []string{"gone@"}}).start(t)
	m := s.channel(t, "starttls", "")
	m.To = []string{"gone@contoso.com", "ops@contoso.com"}
	if err := m.send(t.Context(), "k", sample()); err != nil || len(s.mails) != 1 || !strings.HasPrefix(s.mails[0], "ops@contoso.com\n") {
		t.Errorf("%v, %q", err, s.mails)
	}
	m.To = []string{"gone@contoso.com"}
	if err := m.send(t.Context(), "k", sample()); err == nil {
		t.Error("nobody took the mail, and it is no error")
	}
}

func TestMailEndsWithItsTime(t *testing.T) {
	s := (&smtpServer{hangs: true}).start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	defer func(begin time.Time) {
		if took := time.Since(begin); took > patience/2 { // the library alone takes its own time
			t.Errorf("it ended after %v", took)
		}
	}(time.Now())
	if err := s.channel(t, "starttls", "").send(ctx, "k", sample()); err == nil {
		t.Error("a server that says nothing took the mail")
	}
}

func TestTextOfTheOtherKinds(t *testing.T) {
	n := sample()
	for kind, want := range map[Kind]string{
		Recovery:           "[ewsprobe] RECOVERED mail-inside is ok again",
		Reminder:           "[ewsprobe] STILL CRITICAL mail-inside: Basic is off",
		CredentialWithheld: "[ewsprobe] WITHHELD mail-inside: the password is no longer sent",
	} {
		n.Kind = kind
		if got := n.subject(); got != want {
			t.Errorf("%s: %s", kind, got)
		}
	}
	if n.Kind = CredentialWithheld; !strings.Contains(n.text(), "ewsprobe agent release mail-inside") {
		t.Error(n.text())
	}
	if n.Kind, n.Status = Recovery, finding.OK; strings.Contains(n.text(), "What to do") || !bytes.HasPrefix([]byte(n.text()), []byte("mail-inside is ok again.")) {
		t.Error(n.text())
	}
}
