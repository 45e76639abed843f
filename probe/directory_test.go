package probe

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/messages"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/spnego"
	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/ews/testkit"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
	"github.com/ewsprobe/ewsprobe/probe/report"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

// scene is a server of EWS, a domain controller, and how the check is run.
type scene struct {
	server   standin.Behaviour
	kdc      *testkit.KDC                                        // nil: none is known
	ldaps    func(net.Conn, testkit.Request)                     // nil: nobody listens
	stranger bool                                                // the directory's certificate is of another authority
	ews      func(t *testing.T, authority *x509.CertPool) string // a server in the stand-in's place
	change   func(*Config)
}

// played is what came of a scene.
type played struct {
	record evidence.Record
	err    error
	logons string // the uses of the credential and the questions to the controller, in order
	view   standin.View
	kdc    []string
	binds  []testkit.Request
}

func (s scene) play(t *testing.T) played {
	t.Helper()
	server, err := standin.Start(s.server, standin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	authority := testkit.NewAuthority(t)
	roots := authority.Pool()
	roots.AppendCertsFromPEM(server.CA())
	c := Config{
		URL: endpoint(t, server.URL()), User: standin.UPN, Password: standin.Password, ProfileAuth: ProfileBasic, View: "inside",
		Addresses: server.Addresses()[:1], Extra: roots, Timeout: 20 * time.Second, UserAgent: "ewsprobe/test", DynamicsAgents: DynamicsUserAgents,
		MaxRejections: 2, Controller: testkit.Silent(t), Domain: standin.Domain,
	}
	if s.ews != nil {
		c.URL = endpoint(t, s.ews(t, roots))
		c.Addresses = []string{c.URL.Host}
	}
	var kdc *testkit.KDCServer
	if s.kdc != nil {
		s.kdc.Live = true
		kdc = testkit.Truthful(t, s.kdc)
		c.Kerberos = Kerberos{Realm: testkit.Realm, KDCs: []string{kdc.Address}, SPN: testkit.Service}
	}
	var directory *testkit.Directory
	if s.ldaps != nil {
		from := authority
		if s.stranger {
			from = testkit.NewAuthority(t)
		}
		directory = testkit.StartLDAPS(t, from.Issue(t, "127.0.0.1", time.Hour), s.ldaps)
		c.Controller = directory.Address
	}
	if s.change != nil {
		s.change(&c)
	}
	var p played
	p.record, p.err = Run(context.Background(), c)
	p.logons, p.view = logons(p.record), server.View()
	if kdc != nil {
		p.kdc = kdc.Seen()
	}
	if directory != nil {
		p.binds = directory.Binds()
	}
	followsPlan(t, NewPlan(c), p.record)
	p.keepsPromises(t, c)
	p.readsBack(t)
	return p
}

// logons has one word per item: what was asked or sent, how it ended, * where it
// counts, ? for a comparison, - for what was not sent.
func logons(r evidence.Record) string {
	var words []string
	for _, i := range r.Items {
		l := i.Logon
		switch {
		case l != nil:
			w := l.Scheme
			if l.Mechanism == evidence.MechanismKerberos {
				w = "ticket"
			}
			if l.Binding != "" && w != "ticket" {
				w += "/" + l.Binding
			}
			if l.OtherForm {
				w += "(" + l.Account + ")"
			}
			w += "=" + string(l.Result)
			if l.Comparison {
				w += "?"
			}
			if l.Counted {
				w += "*"
			}
			words = append(words, w)
		case i.Step == evidence.StepKDCAsk, i.Step == evidence.StepTicket:
			words = append(words, string(i.Step))
		}
	}
	return strings.Join(words, " ")
}

// keepsPromises: what was counted is within the limit, what was sent is what the
// servers saw, and no item holds the password.
func (p played) keepsPromises(t *testing.T, c Config) {
	t.Helper()
	counted, compared, atKDC, atLDAPS, atEWS := 0, 0, 0, 0, 0
	for _, i := range p.record.Items {
		raw, err := evidence.Encode(i)
		if err != nil {
			t.Fatal(err)
		}
		if c.Password != "" && strings.Contains(string(raw), c.Password) {
			t.Errorf("the password is in %s: %s", i.ID, raw)
		}
		l := i.Logon
		if l == nil {
			continue
		}
		if l.Counted {
			counted++
		}
		if l.Comparison {
			compared++
		}
		switch sent := l.Result != evidence.Skipped; {
		case sent && i.Step == evidence.StepKDCLogon:
			atKDC++
		case sent && i.Step == evidence.StepDirectoryBind:
			atLDAPS++
		case sent && i.Step == evidence.StepLogon:
			atEWS++
		}
	}
	if counted > c.MaxRejections || compared > lockout.Comparisons || p.view.BadLogons > c.MaxRejections {
		t.Errorf("%d counted and %d bad logons, the limit is %d; %d comparisons", counted, p.view.BadLogons, c.MaxRejections, compared)
	}
	seen := 0
	for _, q := range p.view.Requests {
		if slices.Contains([]string{standin.MessageBasic, standin.MessageType3, standin.MessageKerberos}, q.Message) {
			seen++
		}
	}
	logons := 0
	for _, k := range p.kdc {
		if k == testkit.Logon {
			logons++
		}
	}
	if len(p.view.Requests) > 0 && seen != atEWS || logons != atKDC || len(p.binds) != atLDAPS {
		t.Errorf("the record tells of %d, %d and %d logons at EWS, KDC and LDAPS; they saw %d, %d and %d", atEWS, atKDC, atLDAPS, seen, logons, len(p.binds))
	}
}

// readsBack: the saved record loads and is judged the same.
func (p played) readsBack(t *testing.T) {
	t.Helper()
	first := report.New(p.record, "test")
	raw, err := first.JSON()
	if err != nil {
		t.Fatal(err)
	}
	record, err := report.Load(raw)
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	second := report.New(record, "test")
	if again, err := second.JSON(); err != nil || string(again) != string(raw) {
		t.Errorf("%v: %+v, read back %+v", err, first.Verdict, second.Verdict)
	}
	if text, err := second.Render("text", report.Style{}); err != nil || !strings.Contains(string(text), string(first.Verdict.Code)) {
		t.Errorf("%v\n%s", err, text)
	}
}

var (
	everyScheme = standin.Behaviour{Negotiate: true, NTLM: true, Basic: true}
	windowsOnly = standin.Behaviour{Negotiate: true, NTLM: true}
	basicOnly   = standin.Behaviour{Basic: true}
	blocked     = standin.Behaviour{Negotiate: true, NTLM: true, Basic: true, BasicRefuses: true, NTLMRefuses: true}
	forKerberos = standin.Behaviour{Negotiate: true, Inside: standin.InsideKerberos}

	wrong = testkit.Says(49, testkit.Refusal("52e"))
	right = testkit.Says(0, "")
	hangs = func(net.Conn, testkit.Request) {}
)

// explain adds --explain-rejection to other changes.
func explain(more ...func(*Config)) func(*Config) {
	return func(c *Config) {
		c.Explain = true
		for _, m := range more {
			m(c)
		}
	}
}

func badPassword(c *Config) { c.Password = standin.WrongPassword }

func limit(n int) func(*Config) { return func(c *Config) { c.MaxRejections = n } }

func profile(auth string) func(*Config) { return func(c *Config) { c.ProfileAuth = auth } }

func named(user string) func(*Config) { return func(c *Config) { c.User = user } }

func both(a, b func(*Config)) func(*Config) {
	return func(c *Config) {
		a(c)
		b(c)
	}
}

// TestExplainRejection: the order and the cost. The KDC is asked for free, LDAPS
// comes before a second scheme, its refusal ends the run's logons, its acceptance
// proves the password.
func TestExplainRejection(t *testing.T) {
	truth := func() *testkit.KDC { return &testkit.KDC{} }
	cases := []struct {
		name         string
		scene        scene
		logons, code string
	}{
		{"wrong password", scene{server: everyScheme, kdc: truth(), ldaps: wrong, change: explain(badPassword)}, "Basic=refused* kdc-ask LDAPS=refused* NTLM=skipped", "credentials-rejected wrong-password"},
		{"locked", scene{server: everyScheme, kdc: truth(), ldaps: testkit.Says(49, testkit.Refusal("775")), change: explain(badPassword)}, "Basic=refused* kdc-ask LDAPS=refused* NTLM=skipped", "credentials-rejected locked"},
		{"unknown", scene{server: everyScheme, kdc: &testkit.KDC{Unknown: true}, ldaps: wrong, change: explain(named("svc-nosuch@contoso.com"))}, "Basic=refused* kdc-ask LDAPS=refused* NTLM=skipped", "credentials-rejected unknown-user"},
		{"limit 1: the free question alone", scene{server: everyScheme, kdc: truth(), ldaps: wrong, change: explain(badPassword, limit(1))}, "Basic=refused* kdc-ask LDAPS=skipped NTLM=skipped", "credentials-rejected undetermined"},
		{"limit 3: LDAPS has the last word", scene{server: everyScheme, kdc: truth(), ldaps: wrong, change: explain(badPassword, limit(3))}, "Basic=refused* kdc-ask LDAPS=refused* NTLM=skipped", "credentials-rejected wrong-password"},
		{"profile ntlm", scene{server: everyScheme, kdc: truth(), ldaps: wrong, change: explain(badPassword, profile(ProfileNTLM))}, "NTLM/right=refused* kdc-ask LDAPS=refused* Basic=skipped", "credentials-rejected wrong-password"},
		{"profile ntlm, Basic is off", scene{server: windowsOnly, kdc: truth(), ldaps: wrong, change: explain(badPassword, profile(ProfileNTLM), limit(3))}, "NTLM/right=refused* kdc-ask LDAPS=refused* NTLM=skipped", "credentials-rejected wrong-password"},
		{
			"LDAPS accepts, EWS refuses",
			scene{server: blocked, kdc: truth(), ldaps: right, change: explain()},
			`Basic=refused* kdc-ask LDAPS=accepted NTLM/right=refused* Basic(CONTOSO\svc-crm)=refused? NTLM/none=refused?`, "logon-blocked",
		},
		{"LDAPS accepts at limit 1: it is not asked", scene{server: blocked, kdc: truth(), ldaps: right, change: explain(limit(1))}, "Basic=refused* kdc-ask LDAPS=skipped NTLM=skipped", "credentials-rejected undetermined"},
		{
			"LDAPS accepts, NTLM too",
			scene{server: standin.Behaviour{NTLM: true, Basic: true, BasicRefuses: true}, kdc: truth(), ldaps: right, change: explain()},
			`Basic=refused* kdc-ask LDAPS=accepted NTLM/right=accepted Basic(CONTOSO\svc-crm)=refused? NTLM/none=accepted? NTLM/foreign=accepted?`, "basic-rejected",
		},
		{"LDAPS gives no answer: it counts", scene{server: everyScheme, kdc: truth(), ldaps: hangs, change: explain(badPassword)}, "Basic=refused* kdc-ask LDAPS=unfinished* NTLM=skipped", "credentials-rejected undetermined"},
		{"the certificate is a stranger's: nothing is sent", scene{server: everyScheme, kdc: truth(), ldaps: right, stranger: true, change: explain(badPassword)}, "Basic=refused* kdc-ask LDAPS=skipped NTLM/right=refused*", "credentials-rejected undetermined"},
		{"no directory there", scene{server: everyScheme, kdc: truth(), change: explain(badPassword)}, "Basic=refused* kdc-ask LDAPS=skipped NTLM/right=refused*", "credentials-rejected undetermined"},
		{"accepted: nobody is asked", scene{server: everyScheme, kdc: truth(), ldaps: wrong, change: explain()}, "Basic=accepted NTLM/right=accepted", "ok"},
		{"not offered: nobody is asked", scene{server: windowsOnly, kdc: truth(), ldaps: wrong, change: explain()}, "Basic=skipped NTLM/right=accepted NTLM/none=accepted? NTLM/foreign=accepted?", "basic-disabled"},
		{"without the flag", scene{server: everyScheme, kdc: truth(), ldaps: wrong, change: badPassword}, "Basic=refused* NTLM/right=refused*", "credentials-rejected undetermined"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := c.scene.play(t)
			v := rule.Judge(got.record).Verdict
			if code := strings.TrimSpace(string(v.Code) + " " + v.Reason); got.logons != c.logons || code != c.code {
				t.Errorf("%s: %s\nwant %s: %s", code, got.logons, c.code, c.logons)
			}
		})
	}
}

// A password that was refused lately goes nowhere, and the question that costs
// nothing is asked anyway.
func TestRememberedPasswordIsNotSentToTheDirectory(t *testing.T) {
	dir := t.TempDir()
	s := scene{server: everyScheme, kdc: &testkit.KDC{}, ldaps: wrong, change: explain(badPassword, func(c *Config) { c.Lockout = &lockout.Lockout{Dir: dir} })}
	if got := s.play(t); got.logons != "Basic=refused* kdc-ask LDAPS=refused* NTLM=skipped" {
		t.Error(got.logons)
	}
	again := s.play(t)
	// Another port is another endpoint, and a stand-in has a new one each time:
	// the URL is the same.
	if again.logons != "Basic=skipped kdc-ask LDAPS=skipped NTLM=skipped" || len(again.binds) > 0 || again.view.BadLogons > 0 {
		t.Errorf("%s; %+v", again.logons, again.binds)
	}
	for _, i := range again.record.Items {
		if l := i.Logon; l != nil && !l.Remembered {
			t.Errorf("%s: %+v", i.ID, l)
		}
	}
	insist := s
	insist.change = both(s.change, func(c *Config) { c.RetryRefused = true })
	if got := insist.play(t); got.logons != "Basic=refused* kdc-ask LDAPS=refused* NTLM=skipped" {
		t.Error(got.logons)
	}
}

// A password that EWS refused and a domain controller accepted is right: it is
// not held back in the next run, which says logon-blocked again.
func TestPasswordProvedAsideIsForgotten(t *testing.T) {
	dir := t.TempDir()
	s := scene{server: blocked, kdc: &testkit.KDC{}, ldaps: right, change: explain(func(c *Config) { c.Lockout = &lockout.Lockout{Dir: dir} })}
	first := s.play(t)
	if again := s.play(t); again.logons != first.logons || !strings.HasPrefix(again.logons, "Basic=refused* kdc-ask LDAPS=accepted") {
		t.Errorf("%s, then %s", first.logons, again.logons)
	}
}

// TestTicket: signing in with Kerberos, where NTLM is not taken or refused, or
// with a key or a ticket alone.
func TestTicket(t *testing.T) {
	negotiate := profile(ProfileNegotiate)
	keytab := func(password string) func(*Config) {
		return func(c *Config) {
			c.ProfileAuth, c.Password, c.Kerberos.Keytab = ProfileNegotiate, "", testkit.Keytab(t, password)
		}
	}
	cache := func(end time.Duration, services ...string) func(*Config) {
		return func(c *Config) {
			c.ProfileAuth, c.Password, c.Kerberos.Cache = ProfileNegotiate, "", testkit.CCache(t, time.Now().Add(end), services...)
		}
	}
	const tgt = "krbtgt/" + testkit.Realm
	cases := []struct {
		name         string
		scene        scene
		logons, code string
	}{
		{"NTLM is not taken", scene{ews: acceptor, kdc: &testkit.KDC{}, change: negotiate}, "Negotiate=unfinished kdc-ask Kerberos=accepted kdc-ticket ticket=accepted", "ntlm-broken"},
		{"the KDC's clock is ten minutes off", scene{ews: acceptor, kdc: &testkit.KDC{Skew: 10 * time.Minute}, change: negotiate}, "Negotiate=unfinished kdc-ask Kerberos=accepted kdc-ticket ticket=accepted", "ntlm-broken"},
		{"the ticket is refused", scene{server: forKerberos, kdc: &testkit.KDC{}, change: negotiate}, "Negotiate=unfinished kdc-ask Kerberos=accepted kdc-ticket ticket=refused", "ntlm-broken"},
		{"the KDC refuses the password", scene{server: forKerberos, kdc: &testkit.KDC{}, change: both(negotiate, badPassword)}, "Negotiate=unfinished kdc-ask Kerberos=refused*", "credentials-rejected wrong-password"},
		{"the KDC refuses the account", scene{server: forKerberos, kdc: &testkit.KDC{Revoked: true, Status: 0xC0000234}, change: negotiate}, "Negotiate=unfinished kdc-ask Kerberos=skipped", "credentials-rejected locked"},
		{"no such service", scene{server: forKerberos, kdc: &testkit.KDC{}, change: both(negotiate, func(c *Config) { c.Kerberos.SPN = "HTTP/other.contoso.com" })}, "Negotiate=unfinished kdc-ask Kerberos=accepted kdc-ticket", "ntlm-broken"},
		{
			"NTLM is refused",
			scene{server: standin.Behaviour{Negotiate: true, NTLM: true, NTLMRefuses: true}, kdc: &testkit.KDC{}, change: negotiate},
			"Negotiate/right=refused* kdc-ask Kerberos=accepted kdc-ticket ticket=refused Negotiate/none=refused?", "logon-blocked",
		},
		{
			"NTLM is refused, limit 1",
			scene{server: standin.Behaviour{Negotiate: true, NTLM: true, NTLMRefuses: true}, kdc: &testkit.KDC{}, change: both(negotiate, limit(1))},
			"Negotiate/right=refused* Kerberos=skipped Negotiate=skipped", "credentials-rejected undetermined",
		},
		{"the KDC lies", scene{server: forKerberos, kdc: &testkit.KDC{LieKey: true}, change: negotiate}, "Negotiate=unfinished kdc-ask Kerberos=unfinished*", "ntlm-broken"},
		{"NTLM is accepted: no ticket is asked for", scene{server: windowsOnly, kdc: &testkit.KDC{}, change: negotiate}, "Negotiate/right=accepted Negotiate/none=accepted? Negotiate/foreign=accepted?", "ok"},

		// Here nothing but Kerberos is taken, and Dynamics, from outside, has none.
		{"keytab", scene{ews: acceptor, kdc: &testkit.KDC{}, change: keytab(testkit.Password)}, "kdc-ask Kerberos=accepted kdc-ticket ticket=accepted", "ntlm-broken"},
		{"keytab with another key", scene{ews: acceptor, kdc: &testkit.KDC{}, change: keytab("another")}, "kdc-ask Kerberos=refused*", "credentials-rejected wrong-password"},
		{"keytab, EWS refuses", scene{server: forKerberos, kdc: &testkit.KDC{}, change: keytab(testkit.Password)}, "kdc-ask Kerberos=accepted kdc-ticket ticket=refused ticket=refused?", "logon-blocked"},
		{"keytab, Negotiate is not offered", scene{server: basicOnly, kdc: &testkit.KDC{}, change: keytab(testkit.Password)}, "Negotiate=skipped", "negotiate-disabled"},
		{"keytab, limit 1", scene{ews: acceptor, kdc: &testkit.KDC{}, change: both(keytab(testkit.Password), limit(1))}, "kdc-ask Kerberos=accepted kdc-ticket ticket=accepted", "ntlm-broken"},

		{"cache with the ticket", scene{ews: acceptor, kdc: &testkit.KDC{}, change: cache(time.Hour, testkit.Service)}, "kdc-ticket ticket=accepted", "ntlm-broken"},
		{"cache that buys one", scene{ews: acceptor, kdc: &testkit.KDC{}, change: cache(time.Hour, tgt)}, "kdc-ticket kdc-ticket ticket=accepted", "ntlm-broken"},
		{"cache that is over", scene{ews: acceptor, kdc: &testkit.KDC{}, change: cache(-time.Hour, tgt)}, "kdc-ticket", "inconclusive"},
		{"cache without a ticket", scene{ews: acceptor, kdc: &testkit.KDC{}, change: cache(time.Hour)}, "kdc-ticket", "inconclusive"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := c.scene.play(t)
			v := rule.Judge(got.record).Verdict
			if code := strings.TrimSpace(string(v.Code) + " " + v.Reason); got.logons != c.logons || code != c.code {
				t.Errorf("%s: %s\nwant %s: %s", code, got.logons, c.code, c.logons)
			}
			if c.scene.kdc.Refuse == 0 && strings.HasPrefix(c.name, "cache") && slices.Contains(got.kdc, testkit.Logon) {
				t.Errorf("a cache needs no logon: %q", got.kdc)
			}
		})
	}
}

// A password that the KDC refused is remembered like one that EWS refused; a
// key's refusal is not the password's.
func TestRefusedAtTheKDCIsRemembered(t *testing.T) {
	dir := t.TempDir()
	s := scene{server: forKerberos, kdc: &testkit.KDC{}, change: func(c *Config) {
		c.Lockout, c.ProfileAuth = &lockout.Lockout{Dir: dir}, ProfileNegotiate
		badPassword(c)
	}}
	s.play(t)
	if again := s.play(t); slices.Contains(again.kdc, testkit.Logon) || strings.Contains(again.logons, "refused") {
		t.Errorf("%s, %q", again.logons, again.kdc)
	}
}

// TestNameForms: Basic takes the UPN only. With a password proved by NTLM the
// other form is a comparison; where nothing can prove it, it is an attempt. It is
// sent once.
func TestNameForms(t *testing.T) {
	upnOnly := func(b standin.Behaviour) standin.Behaviour {
		b.BasicUPNOnly = true
		return b
	}
	protected := upnOnly(everyScheme)
	protected.ExtendedProtection = standin.ExtendedProtectionAllow
	user, bare := named(standin.User), named("svc-crm")
	noDomain := func(c *Config) { c.Domain = "" }
	const upn = "Basic(svc-crm@contoso.com)"
	cases := []struct {
		name         string
		scene        scene
		logons, code string
	}{
		{"a comparison", scene{server: upnOnly(everyScheme), change: user}, "Basic=refused* NTLM/right=accepted " + upn + "=accepted? NTLM/none=accepted? NTLM/foreign=accepted?", "basic-rejected"},
		{"the domain is the challenge's", scene{server: upnOnly(everyScheme), change: both(user, noDomain)}, "Basic=refused* NTLM/right=accepted " + upn + "=accepted? NTLM/none=accepted? NTLM/foreign=accepted?", "basic-rejected"},
		{"never more than three", scene{server: protected, change: user}, "Basic=refused* NTLM/right=accepted " + upn + "=accepted? NTLM/none=accepted? NTLM/foreign=refused?", "basic-rejected"},
		{"an attempt", scene{server: upnOnly(basicOnly), change: user}, "Basic=refused* " + upn + "=accepted", "basic-rejected"},
		{"a bare name", scene{server: upnOnly(basicOnly), change: bare}, "Basic=refused* " + upn + "=accepted", "basic-rejected"},
		{"an attempt, wrong password", scene{server: upnOnly(basicOnly), change: both(user, badPassword)}, "Basic=refused* " + upn + "=refused*", "credentials-rejected undetermined"},
		{"an attempt needs the limit", scene{server: upnOnly(basicOnly), change: both(user, limit(1))}, "Basic=refused* Basic=skipped", "credentials-rejected undetermined"},
		{"no domain is known", scene{server: upnOnly(basicOnly), change: both(user, noDomain)}, "Basic=refused*", "credentials-rejected undetermined"},
		{"a UPN has no other form without a challenge", scene{server: basicOnly, change: badPassword}, "Basic=refused*", "credentials-rejected undetermined"},
		{"a wrong password is not compared", scene{server: upnOnly(everyScheme), change: both(user, badPassword)}, "Basic=refused* NTLM/right=refused*", "credentials-rejected undetermined"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := c.scene.play(t)
			v := rule.Judge(got.record).Verdict
			if code := strings.TrimSpace(string(v.Code) + " " + v.Reason); got.logons != c.logons || code != c.code {
				t.Errorf("%s: %s\nwant %s: %s", code, got.logons, c.code, c.logons)
			}
		})
	}
}

// acceptor is an EWS whose Negotiate takes Kerberos alone, and really looks at
// the ticket: its key, its authenticator, its channel binding's presence.
func acceptor(t *testing.T, roots *x509.CertPool) string {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		value, found := strings.CutPrefix(r.Header.Get("Authorization"), "Negotiate ")
		if !found || !opens(t, value) {
			w.Header().Set("WWW-Authenticate", "Negotiate")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		fmt.Fprint(w, success)
	}))
	t.Cleanup(s.Close)
	roots.AddCert(s.Certificate())
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/EWS/Exchange.asmx"
	return u.String()
}

const success = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><m:FindFolderResponse xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><m:ResponseMessages><m:FindFolderResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode></m:FindFolderResponseMessage></m:ResponseMessages></m:FindFolderResponse></s:Body></s:Envelope>`

// opens says whether a token is svc-crm's ticket for the service.
func opens(t *testing.T, value string) bool {
	raw, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return false
	}
	token, err := spnego.Read(raw)
	if err != nil || token.Mech != spnego.Kerberos {
		return false
	}
	_, request, found := strings.Cut(string(token.ResponseToken), "\x01\x00\x6e") // TOK_ID, [APPLICATION 14]
	if !found {
		return false
	}
	var ap messages.APReq
	if err := ap.Unmarshal([]byte("\x6e" + request)); err != nil {
		t.Errorf("the AP-REQ cannot be read: %v", err)
		return false
	}
	if err := ap.Ticket.DecryptEncPart(testkit.ServiceKeys(t), nil); err != nil {
		return false
	}
	if err := ap.DecryptAuthenticator(ap.Ticket.DecryptedEncPart.Key); err != nil {
		return false
	}
	bound := ap.Authenticator.Cksum.Checksum
	return ap.Authenticator.CName.PrincipalNameString() == "svc-crm" && len(bound) >= 24 && strings.Trim(string(bound[4:20]), "\x00") != ""
}

func endpoint(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
