package probe

import (
	"context"
	"crypto/x509"
	"net/url"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/ntlm"
	"github.com/ewsprobe/ewsprobe/ews/signin"
	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
)

// loggedOn is the security context of an account with a password.
type loggedOn struct {
	user, password string
	binding        []byte
	began          bool
}

func (l *loggedOn) Next(server []byte) ([]byte, bool, error) {
	if !l.began {
		l.began = true
		m, err := ntlm.NegotiateMessage()
		return m, false, err
	}
	m, err := ntlm.AuthenticateMessage(server, l.user, l.password, l.binding)
	return m, true, err
}

func (l *loggedOn) Close() {}

// TestCurrentUser: one counted logon, no memory, never past an
// unverified certificate.
func TestCurrentUser(t *testing.T) {
	both := standin.Behaviour{Negotiate: true, NTLM: true, Basic: true}
	twoNodes := both
	twoNodes.SecondNode = &standin.Behaviour{NTLM: true}
	for _, c := range []struct {
		name      string
		behaviour standin.Behaviour
		password  string
		change    func(*Config)
		results   string // of the logons
		opened    int
		bad       int
	}{
		{"accepted", both, standin.Password, func(*Config) {}, "accepted", 1, 0},
		{"inside Negotiate", both, standin.Password, func(c *Config) { c.ProfileAuth = ProfileNegotiate }, "accepted", 1, 0},
		{"refused once, whatever the limit", both, standin.WrongPassword, func(c *Config) { c.MaxRejections = 5 }, "refused", 1, 1},
		{"refused at the first node, not sent to the second", twoNodes, standin.WrongPassword, func(c *Config) { c.MaxRejections = 5 }, "refused", 1, 1},
		{"not offered", standin.Behaviour{Basic: true}, standin.Password, func(*Config) {}, "skipped", 0, 0},
		{"no certificate is verified", both, standin.Password, func(c *Config) { c.Insecure = true }, "skipped", 0, 0},
		{"no credentials", both, standin.Password, func(c *Config) { c.NoCredentials = true }, "", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := standin.Start(c.behaviour, standin.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			u, err := url.Parse(s.URL())
			if err != nil {
				t.Fatal(err)
			}
			roots := x509.NewCertPool()
			roots.AppendCertsFromPEM(s.CA())
			opened := 0
			cfg := Config{
				URL: u, User: `CONTOSO\svc-crm`, ProfileAuth: ProfileNTLM, View: "inside", Addresses: s.Addresses(), Extra: roots, Timeout: time.Minute,
				UserAgent: "ExchangeServicesClient/15.00.1076.004", MaxRejections: 2, CurrentUser: true, Lockout: &lockout.Lockout{Dir: t.TempDir()},
				SecurityContext: func(_, spn string, endPoint []byte) (signin.SecurityContext, error) {
					opened++
					if spn != "HTTP/mail.contoso.com" || endPoint == nil {
						t.Errorf("opened for %s, bound to %q", spn, endPoint)
					}
					return &loggedOn{user: "svc-crm@contoso.com", password: c.password, binding: ntlm.ChannelBinding(endPoint)}, nil
				},
			}
			c.change(&cfg)
			rec, pool, _, err := Examine(context.Background(), cfg)
			if err != nil {
				t.Error(err)
			}
			if (pool != nil) != (c.results == "accepted") {
				t.Errorf("a pool for further calls: %v", pool != nil)
			}
			if pool != nil {
				session := pool.Session()
				defer session.Close()
				first := session.SignIn(context.Background(), ews.MailboxQuestion(standin.Mailbox, true), &settling{})
				second := session.Ask(context.Background(), ews.MailboxQuestion(standin.ScopedMailbox, true))
				if !first.EWS.Answered() || !second.EWS.Answered() || first.Request.Mailbox != standin.Mailbox || pool.Way.Traits.Secret == signin.Password {
					t.Errorf("%+v, then %+v", first, second)
				}
				opened-- // that of the session
			}
			got := ""
			for _, item := range rec.Items {
				if l := item.Logon; l != nil {
					got += string(l.Result)
					if l.Account != `CONTOSO\svc-crm` || l.Counted != (l.Result == evidence.Refused) {
						t.Errorf("%+v", l)
					}
				}
			}
			if got != c.results || opened != c.opened || s.View().BadLogons != c.bad {
				t.Errorf("logons %q, %d contexts, %d bad logons", got, opened, s.View().BadLogons)
			}
			if !rec.Target.CurrentUser {
				t.Error("the record does not say who signed in")
			}
			// Nothing is remembered of an account whose password is not known.
			if before := otherProcess(cfg).Account().RefusedBefore(cfg.URL); before != nil {
				t.Errorf("remembered: %s", before)
			}
		})
	}
}
