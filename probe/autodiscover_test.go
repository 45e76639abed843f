package probe

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/testkit"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
)

// world is a set of hosts on loopback, each under its own name with a
// certificate for it, and a resolver that knows no others. It keeps what every
// host was sent.
type world struct {
	t     *testing.T
	key   *ecdsa.PrivateKey
	ca    *x509.Certificate
	roots *x509.CertPool

	mu       sync.Mutex
	places   map[string]string // host:port to address
	services map[string][]string
	got      map[string][]string // host:port to "METHOD path scheme"
}

func newWorld(t *testing.T) *world {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, key: key, roots: x509.NewCertPool(), places: map[string]string{}, services: map[string][]string{}, got: map[string][]string{}}
	if w.ca, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	w.roots.AddCert(w.ca)
	return w
}

// host opens a server for host:port; the certificate is for certified.
func (w *world) host(place, certified string, serve http.HandlerFunc) {
	w.t.Helper()
	_, port, err := net.SplitHostPort(place)
	if err != nil {
		w.t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		w.mu.Lock()
		w.got[place] = append(w.got[place], strings.TrimSpace(r.Method+" "+r.URL.Path+" "+scheme))
		w.mu.Unlock()
		serve(rw, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if port == "80" {
		s.Start()
	} else {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: certified}, DNSNames: []string{certified},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		}
		der, err := x509.CreateCertificate(rand.Reader, template, w.ca, w.key.Public(), w.key)
		if err != nil {
			w.t.Fatal(err)
		}
		s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: w.key}}}
		s.StartTLS()
	}
	w.t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	w.places[place] = s.Listener.Addr().String()
}

func (w *world) Addresses(_ context.Context, host, port string) ([]string, *evidence.Failure) {
	if a, ok := w.places[net.JoinHostPort(host, port)]; ok {
		return []string{a}, nil
	}
	return nil, &evidence.Failure{Code: evidence.DNSNotFound, Phase: "resolve", Text: "no such host"}
}

func (w *world) Service(_ context.Context, domain string) ([]string, *evidence.Failure) {
	return w.services[domain], nil
}

// credentialed are the hosts that were sent a credential: anything but an empty
// Bearer, and a type 1, which names no account, is told by the run's own items.
func (w *world) credentialed() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var hosts []string
	for place, requests := range w.got {
		if slices.ContainsFunc(requests, func(s string) bool { return strings.HasSuffix(s, " Basic") }) {
			hosts = append(hosts, place)
		}
	}
	slices.Sort(hosts)
	return hosts
}

func (w *world) asked(place string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.got[place])
}

const (
	theUser, thePassword = "svc-crm@contoso.com", "Passw0rd!good"
	theMailbox           = "anna@contoso.com"
	theEWS               = "https://mail.contoso.com/EWS/Exchange.asmx"
)

// config is a check of theMailbox that may look around in w.
func (w *world) config(change func(*Config)) Config {
	c := Config{
		FromAddress: theMailbox, Mailbox: theMailbox, User: theUser, Password: thePassword, ProfileAuth: ProfileBasic, View: "inside",
		Extra: w.roots, Timeout: 30 * time.Second, UserAgent: "ewsprobe/test", MaxRejections: 2, Resolver: w,
		Lockout: &lockout.Lockout{Dir: w.t.TempDir()},
	}
	if change != nil {
		change(&c)
	}
	return c
}

func settingsFor(ewsURL string) string {
	return `<Autodiscover><Response><User><AutoDiscoverSMTPAddress>` + theMailbox + `</AutoDiscoverSMTPAddress></User><Account><Action>settings</Action><Protocol><Type>EXPR</Type><EwsUrl>` + ewsURL + `</EwsUrl></Protocol></Account></Response></Autodiscover>`
}

// exchange asks for a sign-in as Exchange does and answers the right password.
func exchange(answer string) http.HandlerFunc { return signing(true, answer) }

// hoster asks for a sign-in, but shows nothing of Exchange.
func hoster(answer string) http.HandlerFunc { return signing(false, answer) }

func signing(own bool, answer string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if own {
			rw.Header().Set("X-FEServer", "EX01")
		}
		if user, password, ok := r.BasicAuth(); !ok || user != theUser || password != thePassword {
			rw.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			rw.WriteHeader(401)
			return
		}
		rw.Header().Set("Content-Type", "text/xml")
		io.WriteString(rw, answer)
	}
}

const ewsAnswer = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><m:FindFolderResponse xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><m:ResponseMessages><m:FindFolderResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode></m:FindFolderResponseMessage></m:ResponseMessages></m:FindFolderResponse></s:Body></s:Envelope>`

func redirect(to string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Location", to)
		rw.WriteHeader(302)
	}
}

func status(code int) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(code) }
}

const (
	bare     = "contoso.com:443"
	auto     = "autodiscover.contoso.com:443"
	autoHTTP = "autodiscover.contoso.com:80"
	mail     = "mail.contoso.com:443"
	far      = "mail.fabrikam.com:443"
	farURL   = "https://mail.fabrikam.com/autodiscover/autodiscover.xml"
	autoURL  = "https://autodiscover.contoso.com/autodiscover/autodiscover.xml"
)

type hosts map[string]http.HandlerFunc

// TestWhereTheCredentialGoes has one world per line: what stands where, what the
// user allowed, which hosts may get the credential, and which EWS is found.
func TestWhereTheCredentialGoes(t *testing.T) {
	follow := func(c *Config) { c.FollowAutodiscover = true }
	naming := func(raw string) func(*Config) {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		return func(c *Config) { c.Autodiscover = u }
	}
	ews := exchange(ewsAnswer)
	for _, c := range []struct {
		name   string
		hosts  hosts
		change func(*Config)
		srv    string
		want   string // hosts that got the credential
		found  string
		held   evidence.HeldBack // noted somewhere; "" anything
	}{
		{"autodiscover under the domain", hosts{auto: exchange(settingsFor(theEWS)), mail: ews}, nil, "", auto + " " + mail, theEWS, ""},
		{"nothing anywhere", nil, nil, "", "", "", ""},
		{"the bare domain, Exchange's headers or not", hosts{bare: exchange(settingsFor(theEWS)), mail: ews}, nil, "", "", "", evidence.HeldUnnamed},
		{"the bare domain with leave", hosts{bare: exchange(settingsFor(theEWS)), mail: ews}, follow, "", bare + " " + mail, theEWS, ""},
		{"a web hoster at the bare domain, Exchange at autodiscover", hosts{bare: hoster(""), auto: exchange(settingsFor(theEWS)), mail: ews}, nil, "", auto + " " + mail, theEWS, evidence.HeldUnnamed},
		{"a hoster at autodiscover", hosts{auto: hoster(settingsFor(theEWS)), mail: ews}, nil, "", "", "", evidence.HeldNoExchange},
		{"a hoster at autodiscover with leave", hosts{auto: hoster(settingsFor(theEWS)), mail: ews}, follow, "", auto + " " + mail, theEWS, ""},
		{"redirect over http to another host", hosts{autoHTTP: redirect(farURL), far: exchange(settingsFor(theEWS)), mail: ews}, nil, "", "", "", evidence.HeldUnnamed},
		{"redirect over http to another host with leave", hosts{autoHTTP: redirect(farURL), far: exchange(settingsFor(theEWS)), mail: ews}, follow, "", mail + " " + far, theEWS, ""},
		{"redirect to another host under the domain", hosts{auto: redirect("https://mail.contoso.com/autodiscover/autodiscover.xml"), mail: exchange(settingsFor(theEWS))}, nil, "", "", "", evidence.HeldUnnamed},
		{"redirect over http to http", hosts{autoHTTP: redirect("http://mail.contoso.com/a"), "mail.contoso.com:80": exchange(settingsFor(theEWS))}, follow, "", "", "", evidence.HeldNotHTTPS},
		{"a sign-in over http", hosts{autoHTTP: exchange(settingsFor(theEWS))}, follow, "", "", "", ""},
		{"redirect on the same host", hosts{auto: func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/here" {
				exchange(settingsFor(theEWS))(rw, r)
			} else {
				redirect("/here")(rw, r)
			}
		}, mail: ews}, nil, "", auto + " " + mail, theEWS, ""},
		{"redirect to another port of the same host", hosts{auto: redirect("https://autodiscover.contoso.com:444/a"), "autodiscover.contoso.com:444": exchange(settingsFor(theEWS))}, nil, "", "", "", evidence.HeldUnnamed},
		{"SRV", hosts{mail: exchange(settingsFor(theEWS))}, nil, mail, "", "", evidence.HeldUnnamed},
		{"SRV with leave", hosts{mail: func(rw http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/EWS") {
				ews(rw, r)
			} else {
				exchange(settingsFor(theEWS))(rw, r)
			}
		}}, follow, mail, mail, theEWS, ""},
		{"SRV to Exchange Online", nil, follow, "autodiscover.outlook.com:443", "", "", evidence.HeldOnline},
		{"redirect to Exchange Online", hosts{autoHTTP: redirect("https://autodiscover-s.outlook.com/autodiscover/autodiscover.xml")}, follow, "", "", "", evidence.HeldOnline},
		{"redirect to a sign-in page", hosts{auto: redirect("https://adfs.contoso.com/adfs/ls/?x")}, follow, "", "", "", evidence.HeldSignInPage},
		{"redirect to another scheme", hosts{auto: redirect("ftp://mail.contoso.com/")}, follow, "", "", "", evidence.HeldUnusable},
		{"redirect with a name in it", hosts{auto: redirect("https://svc@mail.fabrikam.com/a"), far: exchange("")}, follow, "", "", "", evidence.HeldUnusable},
		{"a loop", hosts{auto: redirect(autoURL)}, follow, "", "", "", evidence.HeldLoop},
		{"redirectUrl of the answer to another host", hosts{auto: exchange(`<Autodiscover><Response><Account><Action>redirectUrl</Action><RedirectUrl>` + farURL + `</RedirectUrl></Account></Response></Autodiscover>`), far: exchange(settingsFor(theEWS))}, nil, "", auto, "", evidence.HeldUnnamed},
		{"redirectUrl back to itself", hosts{auto: exchange(`<Autodiscover><Response><Account><Action>redirectUrl</Action><RedirectUrl>` + autoURL + `</RedirectUrl></Account></Response></Autodiscover>`)}, nil, "", auto, "", evidence.HeldLoop},
		{"redirectAddr to another domain", hosts{auto: exchange(`<Autodiscover><Response><Account><Action>redirectAddr</Action><RedirectAddr>anna@fabrikam.com</RedirectAddr></Account></Response></Autodiscover>`), "autodiscover.fabrikam.com:443": exchange(settingsFor(theEWS))}, nil, "", auto, "", evidence.HeldUnnamed},
		{"redirectAddr to another domain with leave", hosts{auto: exchange(`<Autodiscover><Response><Account><Action>redirectAddr</Action><RedirectAddr>anna@fabrikam.com</RedirectAddr></Account></Response></Autodiscover>`), "autodiscover.fabrikam.com:443": exchange(settingsFor(theEWS)), mail: ews}, follow, "", auto + " autodiscover.fabrikam.com:443 " + mail, theEWS, ""},
		{"EWS on an unnamed host", hosts{auto: exchange(settingsFor("https://mail.fabrikam.com/EWS/Exchange.asmx")), far: ews}, nil, "", auto, "https://mail.fabrikam.com/EWS/Exchange.asmx", evidence.HeldUnnamed},
		{"EWS on an unnamed host with leave", hosts{auto: exchange(settingsFor("https://mail.fabrikam.com/EWS/Exchange.asmx")), far: ews}, follow, "", auto + " " + far, "https://mail.fabrikam.com/EWS/Exchange.asmx", ""},
		{"EWS under the domain without Exchange's headers", hosts{auto: exchange(settingsFor(theEWS)), mail: hoster(ewsAnswer)}, nil, "", auto, theEWS, evidence.HeldNoExchange},
		{"EWS over http", hosts{auto: exchange(settingsFor("http://mail.contoso.com/EWS/Exchange.asmx")), "mail.contoso.com:80": ews}, follow, "", auto, "http://mail.contoso.com/EWS/Exchange.asmx", ""},
		{"EWS that is no URL", hosts{auto: exchange(settingsFor("mail.contoso.com"))}, nil, "", auto, "", evidence.HeldUnusable},
		{"a named endpoint", hosts{far: exchange(settingsFor(theEWS)), mail: ews, auto: exchange(settingsFor(theEWS))}, naming(farURL), "", mail + " " + far, theEWS, ""},
		{"a named endpoint that redirects elsewhere", hosts{far: redirect(autoURL), auto: exchange(settingsFor(theEWS))}, naming(farURL), "", "", "", evidence.HeldUnnamed},
		{"no credential is to be sent", hosts{auto: exchange(settingsFor(theEWS)), mail: ews}, func(c *Config) { c.NoCredentials = true }, "", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for place, serve := range c.hosts {
				name, _, _ := net.SplitHostPort(place)
				w.host(place, name, serve)
			}
			if c.srv != "" {
				w.services["contoso.com"] = []string{c.srv}
			}
			rec, err := Run(t.Context(), w.config(c.change))
			if err != nil {
				t.Error(err)
			}
			if got := strings.Join(w.credentialed(), " "); got != c.want {
				t.Errorf("the credential went to %q, want %q", got, c.want)
			}
			if rec.Target.URL != c.found {
				t.Errorf("found %q, want %q", rec.Target.URL, c.found)
			}
			var held []evidence.HeldBack
			for _, i := range rec.Items {
				if i.Discovery != nil && i.Discovery.HeldBack != "" {
					held = append(held, i.Discovery.HeldBack)
				}
			}
			if c.held != "" && !slices.Contains(held, c.held) {
				t.Errorf("held back %q, want %q", held, c.held)
			}
			for _, i := range rec.Items {
				if i.Logon != nil && i.Step == evidence.StepAutodiscoverLogon && i.Request.Method != "POST" {
					t.Errorf("a credential by %s", i.Request.Method)
				}
			}
		})
	}
}

// An untrusted certificate ends a rung, --insecure or not: that is for EWS on the
// host that the user named.
func TestAutodiscoverPassesNoUntrustedCertificate(t *testing.T) {
	w := newWorld(t)
	w.host(auto, "other.contoso.com", exchange(settingsFor(theEWS)))
	w.host(mail, "mail.contoso.com", exchange(ewsAnswer))
	rec, _ := Run(t.Context(), w.config(func(c *Config) { c.Insecure, c.FollowAutodiscover = true, true }))
	if got := w.asked(auto); len(got) != 0 || rec.Target.URL != "" {
		t.Errorf("%q was sent, %q found", got, rec.Target.URL)
	}
	// The same for EWS where Autodiscover found it.
	w = newWorld(t)
	w.host(auto, "autodiscover.contoso.com", exchange(settingsFor(theEWS)))
	w.host(mail, "other.contoso.com", exchange(ewsAnswer))
	rec, _ = Run(t.Context(), w.config(func(c *Config) { c.Insecure, c.FollowAutodiscover = true, true }))
	if got := w.asked(mail); len(got) != 0 || rec.Target.URL != theEWS {
		t.Errorf("%q was sent, %q found", got, rec.Target.URL)
	}
}

// At most ten redirects, of every kind together.
func TestAutodiscoverFollowsTenRedirects(t *testing.T) {
	w := newWorld(t)
	w.host(auto, "autodiscover.contoso.com", func(rw http.ResponseWriter, r *http.Request) {
		redirect(r.URL.Path+"x")(rw, r)
	})
	Run(t.Context(), w.config(nil)) //nolint:errcheck // nothing is remembered
	if n := len(w.asked(auto)); n != 1+maxRedirects {
		t.Errorf("%d requests", n)
	}
}

// The account's limit, the memory and one right password: a logon at Autodiscover
// is one like any other.
func TestAutodiscoverAndTheGuard(t *testing.T) {
	wrong := func(c *Config) { c.Password = "Passw0rd!wrong"; c.FollowAutodiscover = true }
	w := newWorld(t)
	for _, place := range []string{bare, auto} {
		name, _, _ := net.SplitHostPort(place)
		w.host(place, name, exchange(""))
	}
	w.host(autoHTTP, "", redirect(farURL))
	w.host(far, "mail.fabrikam.com", exchange(""))
	cfg := w.config(wrong)
	rec, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.credentialed(); !cmp.Equal(got, []string{auto, bare}) {
		t.Errorf("two refusals are the limit; the credential went to %q", got)
	}
	if n := countedIn(rec); n != 2 {
		t.Errorf("%d counted", n)
	}
	// A second run sends nothing anywhere, and says so.
	before := len(w.asked(auto)) + len(w.asked(bare)) + len(w.asked(far))
	rec, err = Run(t.Context(), otherProcess(cfg))
	if err != nil {
		t.Fatal(err)
	}
	if after := w.credentialed(); !cmp.Equal(after, []string{auto, bare}) || len(w.asked(auto))+len(w.asked(bare))+len(w.asked(far)) != before+3 {
		t.Errorf("the refused password was sent again: %q", after)
	}
	if !slices.ContainsFunc(rec.Items, func(i evidence.Item) bool { return i.Logon != nil && i.Logon.Remembered }) {
		t.Error("nothing says that the password was refused before")
	}
}

// otherProcess is the same check by another process.
func otherProcess(c Config) Config {
	c.Lockout = &lockout.Lockout{Dir: c.Lockout.Dir}
	return c
}

func countedIn(rec evidence.Record) (n int) {
	for _, i := range rec.Items {
		if i.Logon != nil && i.Logon.Counted {
			n++
		}
	}
	return n
}

// Refused at one endpoint and accepted at the next: it was not the password, and
// nothing keeps the next run from signing in.
func TestAutodiscoverForgives(t *testing.T) {
	w := newWorld(t)
	w.host(bare, "contoso.com", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("WWW-Authenticate", `Basic realm="customers"`)
		rw.WriteHeader(401)
	})
	w.host(auto, "autodiscover.contoso.com", exchange(settingsFor(theEWS)))
	w.host(mail, "mail.contoso.com", exchange(ewsAnswer))
	cfg := w.config(func(c *Config) { c.FollowAutodiscover = true })
	for run := range 2 {
		rec, err := Run(t.Context(), otherProcess(cfg))
		if err != nil || rec.Target.URL != theEWS {
			t.Errorf("run %d: %v, found %q", run+1, err, rec.Target.URL)
		}
	}
	if got := w.credentialed(); !cmp.Equal(got, []string{auto, bare, mail}) {
		t.Errorf("the credential went to %q", got)
	}
}

// With the URL and --autodiscover, the password is tried there before a second
// scheme on EWS, and never twice.
func TestAutodiscoverBeforeTheSecondScheme(t *testing.T) {
	w := newWorld(t)
	w.host(far, "mail.fabrikam.com", exchange(settingsFor(theEWS)))
	w.host(mail, "mail.contoso.com", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("X-FEServer", "EX01")
		rw.Header().Add("WWW-Authenticate", "NTLM")
		rw.Header().Add("WWW-Authenticate", `Basic realm="x"`)
		rw.WriteHeader(401)
	})
	u, _ := url.Parse(theEWS)
	d, _ := url.Parse(farURL)
	cfg := w.config(func(c *Config) { c.URL, c.FromAddress, c.Autodiscover = u, "", d })
	rec, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, i := range rec.Items {
		if i.Logon != nil {
			order = append(order, fmt.Sprintf("%s %s %s", i.Step, i.Logon.Scheme, i.Logon.Result))
		}
	}
	want := []string{"logon Basic refused", "autodiscover-logon Basic accepted", "skipped NTLM unfinished"}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if otherProcess(cfg).Account().RefusedBefore(u) != nil {
		t.Error("the password was proved and is still remembered as refused")
	}
}

// With --explain-rejection, Autodiscover comes before a domain controller, which
// is asked only if the budget still allows and the password is not proved.
func TestAutodiscoverBeforeTheDirectory(t *testing.T) {
	for _, c := range []struct {
		name, password string
		most           int
		want           []string
	}{
		{"proved there", thePassword, 3, []string{"logon Basic refused", "autodiscover-logon Basic accepted", "skipped NTLM unfinished"}},
		{"refused there too", "Passw0rd!wrong", 3, []string{"logon Basic refused", "autodiscover-logon Basic refused", "ldaps-bind LDAPS skipped", "skipped NTLM unfinished"}},
		{"refused there too, and that is the limit", "Passw0rd!wrong", 2, []string{"logon Basic refused", "autodiscover-logon Basic refused", "skipped LDAPS skipped", "skipped NTLM skipped"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.host(far, "mail.fabrikam.com", exchange(settingsFor(theEWS)))
			w.host(mail, "mail.contoso.com", func(rw http.ResponseWriter, r *http.Request) {
				rw.Header().Set("X-FEServer", "EX01")
				rw.Header().Add("WWW-Authenticate", "NTLM")
				rw.Header().Add("WWW-Authenticate", `Basic realm="x"`)
				rw.WriteHeader(401)
			})
			silent := testkit.Silent(t)
			u, _ := url.Parse(theEWS)
			d, _ := url.Parse(farURL)
			rec, err := Run(t.Context(), w.config(func(cfg *Config) {
				cfg.URL, cfg.FromAddress, cfg.Autodiscover = u, "", d
				cfg.Password, cfg.MaxRejections, cfg.Explain, cfg.Controller = c.password, c.most, true, silent
			}))
			if err != nil {
				t.Fatal(err)
			}
			var order []string
			for _, i := range rec.Items {
				if i.Logon != nil {
					order = append(order, fmt.Sprintf("%s %s %s", i.Step, i.Logon.Scheme, i.Logon.Result))
				}
			}
			if diff := cmp.Diff(c.want, order); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A run with a ticket instead of a password sends Autodiscover no credential,
// whether EWS has to be found or not.
func TestAutodiscoverWithoutAPassword(t *testing.T) {
	for _, given := range []string{"", theEWS} {
		w := newWorld(t)
		w.host(auto, "autodiscover.contoso.com", exchange(settingsFor(theEWS)))
		w.host(mail, "mail.contoso.com", exchange(ewsAnswer))
		rec, err := Run(t.Context(), w.config(func(c *Config) {
			c.Password, c.ProfileAuth, c.Kerberos.Cache = "", ProfileNegotiate, []byte("no cache")
			if given != "" {
				c.FromAddress = ""
				c.URL, _ = url.Parse(given)
				c.Autodiscover, _ = url.Parse(autoURL)
			}
		}))
		if err != nil {
			t.Fatal(err)
		}
		if got := w.credentialed(); len(got) > 0 {
			t.Errorf("%q: a credential went to %q", given, got)
		}
		if !slices.ContainsFunc(rec.Items, func(i evidence.Item) bool { return i.Step == evidence.StepAutodiscoverLookup }) {
			t.Errorf("%q: the question that needs no sign-in was not asked", given)
		}
	}
}

// Whatever an endpoint does, the search ends and finds what is elsewhere.
func TestAutodiscoverOutlastsBadEndpoints(t *testing.T) {
	raw := func(reply string, wait bool) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			c, _, err := http.NewResponseController(rw).Hijack()
			if err != nil {
				return
			}
			defer c.Close()
			io.WriteString(c, reply)
			if wait {
				io.Copy(io.Discard, c)
			}
		}
	}
	long := strings.Repeat("x", 1<<20)
	for name, bad := range map[string]http.HandlerFunc{
		"silence": raw("", true), "half a header": raw("HTTP/1.1 401 U", true), "garbage": raw("\x00\x01garbage\r\n\r\n", false), "reset": raw("", false),
		"a body without end": raw("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n"+long, false),
		"a bomb":             raw("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n<!DOCTYPE a [<!ENTITY b \"c\">]><Autodiscover/>", false),
		"500":                status(500), "no challenge": status(401), "a long Location": redirect("https://mail.fabrikam.com/" + long[:5000]),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.host(bare, "contoso.com", bad)
			w.host(auto, "autodiscover.contoso.com", exchange(settingsFor(theEWS)))
			w.host(mail, "mail.contoso.com", exchange(ewsAnswer))
			rec, err := Run(t.Context(), w.config(func(c *Config) { c.FollowAutodiscover = true }))
			if err != nil || rec.Target.URL != theEWS {
				t.Errorf("%v, found %q", err, rec.Target.URL)
			}
		})
	}
}

func TestUnderDomain(t *testing.T) {
	for _, c := range []struct {
		host, domain string
		want         bool
	}{
		{"autodiscover.contoso.com", "contoso.com", true},
		{"MAIL.Contoso.com.", "contoso.com", true},
		{"a.b.contoso.com", "contoso.com", true},
		{"contoso.com", "contoso.com", false},
		{"mail.contoso.com", "sales.contoso.com", false}, // a parent's
		{"notcontoso.com", "contoso.com", false},
		{"mail.contoso.com.evil.example", "contoso.com", false},
		{"mail.co.uk", "co.uk", false},
		{"mail.contoso.co.uk", "contoso.co.uk", true},
		{"other.azurewebsites.net", "azurewebsites.net", false},
		{"mail.com", "com", false},
		{"mail.contoso.local", "contoso.local", true},
		{"127.0.0.1", "0.1", false},
		{"mail.contoso.com", "", false},
	} {
		if got := underDomain(c.host, c.domain); got != c.want {
			t.Errorf("%s under %s: %v", c.host, c.domain, got)
		}
	}
	if got := domainOf("anna@MÜLLER.example"); got != "xn--mller-kva.example" {
		t.Errorf("domainOf: %q", got)
	}
}
