package probe

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/testkit"
	"github.com/ewsprobe/ewsprobe/probe/report"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

// controller is a directory whose certificate the world's authority made.
func (w *world) controller(answer func(net.Conn, testkit.Request)) *testkit.Directory {
	w.t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "dc1"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, w.ca, w.key.Public(), w.key)
	if err != nil {
		w.t.Fatal(err)
	}
	return testkit.StartLDAPS(w.t, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: w.key}, answer)
}

const (
	inside      = "ex1.contoso.local:443"
	insideURL   = "https://ex1.contoso.local/autodiscover/autodiscover.xml"
	insideEWS   = "https://ex1.contoso.local/EWS/Exchange.asmx"
	mailAutoURL = "https://mail.contoso.com/autodiscover/autodiscover.xml"
)

// whole is an Exchange with Autodiscover and EWS.
func whole(settings string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/EWS") {
			exchange(ewsAnswer)(rw, r)
		} else {
			exchange(settings)(rw, r)
		}
	}
}

// TestWhereServicePointsLead has one forest per line, what stands where, which
// hosts may get the credential, and which EWS is found.
func TestWhereServicePointsLead(t *testing.T) {
	follow := func(c *Config) { c.FollowAutodiscover = true }
	pointer := testkit.Entry{"serviceBindingInformation": {"LDAP://dc1.fabrikam.com"}, "keywords": {testkit.KeywordPointer, "Domain=contoso.com"}}
	elsewhere := testkit.Entry{"serviceBindingInformation": {"LDAP://dc1.fabrikam.com"}, "keywords": {testkit.KeywordPointer, "Domain=fabrikam.com"}}
	for _, c := range []struct {
		name   string
		points []testkit.Entry
		hosts  hosts
		change func(*Config)
		want   string
		found  string
		held   string // every way that was not gone
	}{
		{"under the mailbox's domain", []testkit.Entry{testkit.Point(mailAutoURL)}, hosts{mail: whole(settingsFor(theEWS))}, nil, mail, theEWS, ""},
		{"under the domain that was asked, EWS too", []testkit.Entry{testkit.Point(insideURL)}, hosts{inside: whole(settingsFor(insideEWS))}, nil, inside, insideEWS, ""},
		{"under the domain that was asked, EWS under the mailbox's", []testkit.Entry{testkit.Point(insideURL)}, hosts{inside: exchange(settingsFor(theEWS)), mail: exchange(ewsAnswer)}, nil, inside + " " + mail, theEWS, ""},
		{"without Exchange's headers", []testkit.Entry{testkit.Point(insideURL)}, hosts{inside: hoster(settingsFor(insideEWS))}, nil, "", "", "no-exchange-headers"},
		{"under another domain", []testkit.Entry{testkit.Point(farURL)}, hosts{far: exchange(settingsFor(theEWS))}, nil, "", "", "unnamed"},
		{"under another domain, with leave", []testkit.Entry{testkit.Point(farURL)}, hosts{far: exchange(settingsFor(theEWS)), mail: exchange(ewsAnswer)}, follow, mail + " " + far, theEWS, ""},
		{"under another domain, found by a rung", []testkit.Entry{testkit.Point(farURL)}, hosts{far: exchange(""), auto: exchange(settingsFor(theEWS)), mail: exchange(ewsAnswer)}, nil, auto + " " + mail, theEWS, "unnamed"},
		{"the domain itself", []testkit.Entry{testkit.Point("https://contoso.local/a")}, hosts{"contoso.local:443": exchange(settingsFor(theEWS))}, nil, "", "", "unnamed"},
		{"redirects to another host of the domain", []testkit.Entry{testkit.Point(insideURL)}, hosts{inside: redirect("https://ex2.contoso.local/a"), "ex2.contoso.local:443": exchange(settingsFor(theEWS))}, nil, "", "", "unnamed"},
		{"by SOAP alone", []testkit.Entry{testkit.Point(insideURL)}, hosts{inside: func(rw http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, ".xml") {
				rw.Header().Set("X-FEServer", "EX01")
				rw.WriteHeader(404)
				return
			}
			whole(settingsFor(insideEWS))(rw, r)
		}}, nil, inside, insideEWS, ""},
		{"over http", []testkit.Entry{testkit.Point("http://ex1.contoso.local/a")}, hosts{"ex1.contoso.local:80": exchange("")}, follow, "", "", "not-https"},
		{"Exchange Online", []testkit.Entry{testkit.Point("https://autodiscover-s.outlook.com/a")}, nil, follow, "", "", "exchange-online"},
		{"no URL", []testkit.Entry{testkit.Point("ex1.contoso.local"), testkit.Point("https://svc@ex1.contoso.local/")}, nil, follow, "", "", "unusable unusable"},
		{"a pointer for the mailbox's domain", []testkit.Entry{pointer, elsewhere}, nil, follow, "", "", "scp-pointer"},
		{"a rung, asked once", []testkit.Entry{testkit.Point(autoURL)}, hosts{auto: exchange(settingsFor(theEWS)), mail: exchange(ewsAnswer)}, nil, auto + " " + mail, theEWS, ""},
		{"the own site first", []testkit.Entry{testkit.Point(insideURL, "Site=Paris"), testkit.Point(mailAutoURL, "Site="+testkit.Site)}, hosts{mail: whole(settingsFor(theEWS)), inside: whole(settingsFor(insideEWS))}, nil, mail, theEWS, ""},
		{"the second, where the first is gone", []testkit.Entry{testkit.Point("https://old.contoso.com/a"), testkit.Point(mailAutoURL)}, hosts{mail: whole(settingsFor(theEWS))}, nil, mail, theEWS, ""},
		{"three are asked", []testkit.Entry{
			testkit.Point("https://a.contoso.com/a"), testkit.Point("https://b.contoso.com/a"), testkit.Point("https://A.contoso.com/a"), testkit.Point("https://c.contoso.com/a"), testkit.Point(mailAutoURL),
		}, hosts{mail: whole(settingsFor(theEWS))}, nil, "", "", ""},
		{"none", nil, hosts{auto: exchange(settingsFor(theEWS)), mail: exchange(ewsAnswer)}, nil, auto + " " + mail, theEWS, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for place, serve := range c.hosts {
				name, _, _ := net.SplitHostPort(place)
				w.host(place, name, serve)
			}
			forest := &testkit.Forest{Entries: c.points}
			dc := w.controller(forest.Answer)
			rec, err := Run(t.Context(), w.config(func(k *Config) {
				k.Domain, k.Controller = "contoso.local", dc.Address
				if c.change != nil {
					c.change(k)
				}
			}))
			if err != nil {
				t.Error(err)
			}
			if got := strings.Join(w.credentialed(), " "); got != c.want {
				t.Errorf("the credential went to %q, want %q", got, c.want)
			}
			if rec.Target.URL != c.found {
				t.Errorf("found %q, want %q", rec.Target.URL, c.found)
			}
			var held []string
			for _, i := range rec.Items {
				if i.Discovery != nil && i.Discovery.HeldBack != "" {
					held = append(held, string(i.Discovery.HeldBack))
				}
			}
			if got := strings.Join(held, " "); got != c.held {
				t.Errorf("held back %q, want %q", got, c.held)
			}
			if n := len(dc.Binds()); n != 1 || len(forest.Asked()) != 2 {
				t.Errorf("%d binds, asked %q", n, forest.Asked())
			}
			for place := range c.hosts {
				if n := slices.Index(w.asked(place), "GET /autodiscover/autodiscover.xml"); n >= 0 && slices.Contains(w.asked(place)[n+1:], "GET /autodiscover/autodiscover.xml") {
					t.Errorf("%s was asked twice: %q", place, w.asked(place))
				}
			}
		})
	}
}

// Who is asked at all: never without a domain or a controller, without a password
// or beside an endpoint that was named.
func TestWhenServicePointsAreLookedFor(t *testing.T) {
	named := endpoint(t, farURL)
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   int
	}{
		{"a controller and a domain", func(*Config) {}, 1},
		{"a controller alone", func(c *Config) { c.Domain = "" }, 1},
		{"neither", func(c *Config) { c.Domain, c.Controller = "", "" }, 0},
		{"no credentials", func(c *Config) { c.NoCredentials = true }, 0},
		{"oauth", func(c *Config) { c.ProfileAuth = ProfileOAuth }, 0},
		{"a ticket instead of a password", func(c *Config) { c.Kerberos.Cache, c.ProfileAuth = []byte("x"), ProfileNegotiate }, 0},
		{"an endpoint named", func(c *Config) { c.Autodiscover = named }, 0},
		{"EWS named", func(c *Config) { c.FromAddress, c.URL = "", endpoint(t, theEWS) }, 0},
		{"EWS and an endpoint named", func(c *Config) { c.FromAddress, c.URL, c.Autodiscover = "", endpoint(t, theEWS), named }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			dc := w.controller((&testkit.Forest{}).Answer)
			cfg := w.config(func(k *Config) {
				k.Domain, k.Controller = "contoso.local", dc.Address
				c.change(k)
			})
			planned := strings.Contains(NewPlan(cfg).String(), "service connection points")
			rec, _ := Run(t.Context(), cfg)
			told := slices.ContainsFunc(rec.Items, func(i evidence.Item) bool { return i.Step == evidence.StepAutodiscoverSCP })
			if n := len(dc.Binds()); n != c.want || told != (c.want > 0) || planned != (c.want > 0) {
				t.Errorf("%d binds, told %v, planned %v", n, told, planned)
			}
		})
	}
}

// logonsOf are the logons of a record in their order, * where they count.
func logonsOf(rec evidence.Record) []string {
	var list []string
	for _, i := range rec.Items {
		if l := i.Logon; l != nil && (i.Request == nil || i.Request.Purpose == "") {
			s := fmt.Sprintf("%s %s", i.Step, l.Result)
			if l.Counted {
				s += "*"
			}
			list = append(list, s)
		}
	}
	return list
}

// The bind is a logon like any other: within the limit, remembered, and never
// made twice.
func TestServicePointsAndTheGuard(t *testing.T) {
	for _, c := range []struct {
		name   string
		ldaps  func(net.Conn, testkit.Request)
		hosts  hosts
		change func(*Config)
		first  []string
		verdict,
		reason string
		second []string // the same check once more
	}{
		{
			"refused everywhere", testkit.Says(49, testkit.Refusal("532")),
			hosts{auto: exchange(""), bare: exchange("")},
			func(c *Config) { c.Password, c.FollowAutodiscover, c.MaxRejections = "Passw0rd!wrong", true, 5 },
			[]string{"ldaps-bind refused*", "autodiscover-logon refused*", "autodiscover-skipped skipped"},
			"credentials-rejected", "password-expired",
			[]string{"skipped skipped", "autodiscover-skipped skipped", "autodiscover-skipped skipped"},
		},
		{
			"a wrong password, within the limit", testkit.Says(49, testkit.Refusal("52e")),
			hosts{auto: exchange(""), bare: exchange("")},
			func(c *Config) { c.Password, c.FollowAutodiscover = "Passw0rd!wrong", true },
			[]string{"ldaps-bind refused*", "autodiscover-logon refused*", "autodiscover-skipped skipped"},
			"credentials-rejected", "wrong-password",
			[]string{"skipped skipped", "autodiscover-skipped skipped", "autodiscover-skipped skipped"},
		},
		{
			"one refusal is the limit", testkit.Says(49, testkit.Refusal("775")),
			hosts{auto: exchange("")},
			func(c *Config) { c.MaxRejections = 1 },
			[]string{"ldaps-bind refused*", "autodiscover-skipped skipped"},
			"credentials-rejected", "locked",
			[]string{"skipped skipped", "autodiscover-skipped skipped"},
		},
		{
			"another domain's account, good for Exchange", testkit.Says(49, testkit.Refusal("525")),
			hosts{auto: exchange(settingsFor(theEWS)), mail: exchange(ewsAnswer)},
			nil,
			[]string{"ldaps-bind refused*", "autodiscover-logon accepted", "logon accepted"},
			"ok", "",
			[]string{"ldaps-bind refused*", "autodiscover-logon accepted", "logon accepted"}, // forgiven
		},
		{
			"another domain's account, and refused by Exchange", testkit.Says(49, testkit.Refusal("525")),
			hosts{auto: exchange("")},
			func(c *Config) { c.Password = "Passw0rd!wrong" },
			[]string{"ldaps-bind refused*", "autodiscover-logon refused*"},
			"credentials-rejected", "undetermined",
			[]string{"skipped skipped", "autodiscover-skipped skipped"},
		},
		{
			"accepted, and EWS refuses", (&testkit.Forest{}).Answer,
			hosts{auto: exchange(settingsFor(theEWS)), mail: func(rw http.ResponseWriter, r *http.Request) {
				rw.Header().Set("X-FEServer", "EX01")
				rw.Header().Add("WWW-Authenticate", `Basic realm="x"`)
				rw.WriteHeader(401)
			}},
			func(c *Config) { c.Explain = true },
			[]string{"ldaps-bind accepted", "autodiscover-logon accepted", "logon refused*"},
			"logon-blocked", "",
			[]string{"ldaps-bind accepted", "autodiscover-logon accepted", "logon refused*"},
		},
		{
			"refused, and --explain-rejection does not ask again", testkit.Says(49, testkit.Refusal("533")),
			hosts{auto: func(rw http.ResponseWriter, r *http.Request) {
				rw.Header().Set("X-FEServer", "EX01")
				rw.Header().Set("Content-Type", "text/xml")
				fmt.Fprint(rw, settingsFor(theEWS)) // without a sign-in
			}, mail: func(rw http.ResponseWriter, r *http.Request) {
				rw.Header().Set("X-FEServer", "EX01")
				rw.Header().Add("WWW-Authenticate", `Basic realm="x"`)
				rw.WriteHeader(401)
			}},
			func(c *Config) { c.Explain, c.MaxRejections = true, 5 },
			[]string{"ldaps-bind refused*", "logon refused*"},
			"credentials-rejected", "disabled",
			[]string{"skipped skipped", "skipped skipped", "skipped skipped"},
		},
		{
			"LDAPS is closed, and that is no finding", nil,
			hosts{auto: exchange(settingsFor(theEWS)), mail: exchange(ewsAnswer)},
			nil,
			[]string{"ldaps-bind skipped", "autodiscover-logon accepted", "logon accepted"},
			"ok", "",
			[]string{"ldaps-bind skipped", "autodiscover-logon accepted", "logon accepted"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for place, serve := range c.hosts {
				name, _, _ := net.SplitHostPort(place)
				w.host(place, name, serve)
			}
			var dc *testkit.Directory
			cfg := w.config(func(k *Config) {
				k.Domain, k.Controller = "contoso.local", testkit.Silent(t)
				if c.ldaps != nil {
					dc = w.controller(c.ldaps)
					k.Controller = dc.Address
				}
				if c.change != nil {
					c.change(k)
				}
			})
			for run, want := range [][]string{c.first, c.second} {
				before := 0
				if dc != nil {
					before = len(dc.Binds())
				}
				rec, err := Run(t.Context(), otherProcess(cfg))
				if err != nil {
					t.Error(err)
				}
				if d := cmp.Diff(want, logonsOf(rec)); d != "" {
					t.Errorf("run %d: %s", run+1, d)
				}
				if n := countedIn(rec); n > cfg.MaxRejections {
					t.Errorf("run %d: %d counted", run+1, n)
				}
				if dc != nil {
					bound := slices.ContainsFunc(want, func(s string) bool { return strings.HasPrefix(s, "ldaps-bind") })
					if n := len(dc.Binds()) - before; n > 1 || bound != (n == 1) {
						t.Errorf("run %d: %d binds", run+1, n)
					}
				}
				if run > 0 {
					continue
				}
				if j := rule.Judge(rec); string(j.Verdict.Code) != c.verdict || j.Verdict.Reason != c.reason {
					t.Errorf("%s %q: %s", j.Verdict.Code, j.Verdict.Reason, j.Verdict.Summary)
				}
				raw, err := report.New(rec, "test").JSON()
				if err != nil || strings.Contains(string(raw), cfg.Password) {
					t.Errorf("%v; the password is in the report: %v", err, err == nil)
				}
			}
		})
	}
}

// A silent controller does not keep the rungs from being climbed.
func TestServicePointsDoNotHoldUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.host(auto, "autodiscover.contoso.com", exchange(settingsFor(theEWS)))
	w.host(mail, "mail.contoso.com", exchange(ewsAnswer))
	dc := w.controller(func(c net.Conn, _ testkit.Request) { testkit.Wait(c) })
	rec, err := Run(t.Context(), w.config(func(c *Config) { c.Domain, c.Controller, c.Timeout = "contoso.local", dc.Address, 6*time.Second }))
	if err != nil || rec.Target.URL != theEWS || rule.Judge(rec).Verdict.Code != "ok" {
		t.Errorf("%v, found %q: %s", err, rec.Target.URL, rule.Judge(rec).Verdict.Summary)
	}
	if d := cmp.Diff([]string{"ldaps-bind unfinished*", "autodiscover-logon accepted", "logon accepted"}, logonsOf(rec)); d != "" {
		t.Error(d)
	}
}
