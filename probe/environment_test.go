package probe

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/entra"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// environment is one of the stand-in's, read with its token.
func environment(t *testing.T, c standin.Cloud) (*Environment, *standin.Server) {
	t.Helper()
	if c.DynamicsTenant == "" {
		c.DynamicsTenant = standin.Tenant
	}
	s, err := standin.Start(standin.Behaviour{Basic: true, Cloud: &c}, standin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.CA())
	u, err := url.Parse(s.CloudURL())
	if err != nil {
		t.Fatal(err)
	}
	return &Environment{
		URL: u, Entra: u, Token: standin.DataverseToken, Outside: wire.Outside{Extra: pool, UserAgent: "ewsprobe/test"}, Mailbox: "anna@contoso.com",
		Timeout: time.Minute,
	}, s
}

func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestReadMailbox(t *testing.T) {
	e, s := environment(t, standin.Cloud{Dataverse: &standin.Dataverse{Modern: true, Alert: "ErrorImpersonateUserDenied"}})
	e.Token, e.Application = "", entra.Application{ID: standin.ApplicationID, Secret: standin.ApplicationSecret}
	found := e.ReadMailbox(limited(t))
	p := found.Profile
	if found.Record == nil || p == nil || p.Application != standin.HMAApplicationID || p.ApplicationTenant != standin.Tenant || p.Auth() != ProfileOAuth ||
		p.Incoming.Location != s.URL() || p.Resource != "https://"+standin.Host {
		t.Fatalf("%+v, %+v", found.Record, p)
	}
	ids := map[string]bool{}
	for _, i := range found.Items {
		if ids[i.ID] || !strings.HasPrefix(i.ID, "dynamics-") {
			t.Errorf("the identifier %q", i.ID)
		}
		ids[i.ID] = true
	}
	tokens, secrets := 0, 0
	for _, q := range s.CloudRequests() {
		endpoint, data := strings.HasSuffix(q.Path, "/oauth2/v2.0/token"), strings.HasPrefix(q.Path, "/api/data/v9.2/") && len(q.Path) > len("/api/data/v9.2/")
		if q.Secret != endpoint || q.Authorized != data || (q.Method == "POST") != endpoint || !endpoint && q.Method != "GET" {
			t.Errorf("%s %s: a secret %v, a token %v", q.Method, q.Path, q.Secret, q.Authorized)
		}
		tokens, secrets = tokens+boolCount(q.Authorized), secrets+boolCount(q.Secret)
	}
	if tokens < 4 || secrets != 1 {
		t.Errorf("%d tokens and %d secrets were sent", tokens, secrets)
	}
	nothingIn(t, found.Items, standin.ApplicationSecret, standin.Token)
}

func boolCount(b bool) int {
	if b {
		return 1
	}
	return 0
}

func nothingIn(t *testing.T, items []evidence.Item, secrets ...string) {
	t.Helper()
	raw, err := evidence.Encode(items)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range secrets {
		for _, part := range []string{s, s[len(s)-24:]} {
			if strings.Contains(string(raw), part) {
				t.Errorf("%q is in the record", part)
			}
		}
	}
}

// TestLyingDynamics: the credential goes to the host that the user named for Entra,
// whatever a challenge says, and what an environment repeats is not kept.
func TestLyingDynamics(t *testing.T) {
	for name, c := range map[string]standin.Cloud{
		"a sign-in host elsewhere": {Authority: "login.elsewhere.example", Dataverse: &standin.Dataverse{}},
		"it repeats everything":    {Echo: true, Dataverse: &standin.Dataverse{Alert: "x"}},
		"another resource":         {Challenge: "Bearer authorization_uri=%s, resource_id=https://elsewhere.example/", Dataverse: &standin.Dataverse{}},
		"no challenge":             {Challenge: "Basic", Dataverse: &standin.Dataverse{}},
		"a redirect":               {Dataverse: &standin.Dataverse{Mailboxes: 250, Broken: "redirect"}},
		"a page elsewhere":         {Dataverse: &standin.Dataverse{Mailboxes: 250, Broken: "elsewhere"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, tenant := range []string{"", standin.Tenant} {
				e, s := environment(t, c)
				e.Token, e.Application = "", entra.Application{ID: standin.ApplicationID, Secret: standin.ApplicationSecret, Tenant: tenant}
				items := e.Overview(limited(t))
				nothingIn(t, items, standin.ApplicationSecret, standin.Token)
				for _, q := range s.CloudRequests() {
					if q.Secret && q.Path != "/"+standin.Tenant+"/oauth2/v2.0/token" {
						t.Errorf("the secret went to %s", q.Path)
					}
				}
				for _, i := range items {
					if i.Request != nil && !strings.HasPrefix(i.Request.URL, s.CloudURL()+"/") {
						t.Errorf("%s was asked", i.Request.URL)
					}
				}
			}
		})
	}
}

// TestHurtfulDynamics ends in its time, with what was found.
func TestHurtfulDynamics(t *testing.T) {
	for _, h := range []standin.Hazard{standin.HazardHang, standin.HazardHuge} {
		t.Run(string(h), func(t *testing.T) {
			e, _ := environment(t, standin.Cloud{Hazard: h, Dataverse: &standin.Dataverse{}})
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			began := time.Now()
			found := e.ReadMailbox(ctx)
			if found.Profile != nil || len(found.Items) < 2 || time.Since(began) > 15*time.Second {
				t.Errorf("%d items after %v", len(found.Items), time.Since(began))
			}
		})
	}
}

func TestMailboxList(t *testing.T) {
	n := 20000
	if underRace {
		n = 2000
	}
	e, _ := environment(t, standin.Cloud{Dataverse: &standin.Dataverse{Mailboxes: n, PageRows: 500}})
	l, err := e.Mailboxes(t.Context(), "") // so many rows take their time on a busy machine
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	rows, most := 0, uint64(0)
	b := make([]byte, 64<<10)
	for err == nil {
		var k int
		k, err = l.Read(b)
		if rows += strings.Count(string(b[:k]), `"mailboxid":`); rows%20 == 0 {
			runtime.ReadMemStats(&now) // stops the world: not at each read
			most = max(most, now.HeapInuse-min(before.HeapInuse, now.HeapInuse))
		}
	}
	if !errors.Is(err, io.EOF) || rows < n-40 || rows > n { // a name may be cut between two reads
		t.Errorf("%d rows, then %v", rows, err)
	}
	if most > 40<<20 {
		t.Errorf("the list takes %d MiB", most>>20)
	}
	for _, name := range []string{"nobody", "microsoft exchange online"} {
		_, err := e.Mailboxes(limited(t), name)
		if not := (*NotListed)(nil); name == "nobody" && (!errors.As(err, &not) || !not.Wrong || !strings.Contains(not.Text, "Exchange on premises")) || name != "nobody" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	e.Token = "eyJhbGciOiJub25lIn0.e30.another-token-that-nobody-takes"
	if _, err := e.Mailboxes(limited(t), ""); err == nil {
		t.Error("a list without leave to read it")
	}
}

func TestCutMailboxList(t *testing.T) {
	for _, broken := range []string{"cut", "page", "elsewhere", "redirect"} {
		t.Run(broken, func(t *testing.T) {
			e, _ := environment(t, standin.Cloud{Dataverse: &standin.Dataverse{Mailboxes: 250, Broken: broken}})
			l, err := e.Mailboxes(limited(t), "")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			raw, err := io.ReadAll(l)
			var cut *Unreadable
			if n := strings.Count(string(raw), `"mailboxid":`); !errors.As(err, &cut) || n != 100 && n != 200 {
				t.Errorf("%d rows, then %v", n, err)
			}
		})
	}
}
