package probe

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/signin"
	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/ews/testkit"
)

// doorman takes Kerberos tickets. One that keeps asks a connection only once.
type doorman struct {
	keeps bool

	mu    sync.Mutex
	known map[string]bool // connections
	shown int             // tickets
}

func (d *doorman) lets(t *testing.T, r *http.Request) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	value, ticket := strings.CutPrefix(r.Header.Get("Authorization"), "Negotiate ")
	if ticket && opens(t, value) {
		d.shown++
		d.known[r.RemoteAddr] = d.keeps
		return true
	}
	return !ticket && d.known[r.RemoteAddr]
}

// settling is a budget that allows all.
type settling []evidence.Result

func (*settling) Begin() *evidence.Detail { return nil }

func (s *settling) End(r evidence.Result) bool {
	*s = append(*s, r)
	return false
}

// What a check by a ticket leaves signs in as it did, each connection with a
// token of its own, and asks what it is told to ask.
func TestSessionsByTicket(t *testing.T) {
	for _, keeps := range []bool{true, false} {
		t.Run(fmt.Sprintf("kept: %v", keeps), func(t *testing.T) {
			door := &doorman{keeps: keeps, known: map[string]bool{}}
			var bodies []string
			s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if !door.lets(t, r) {
					w.Header().Set("WWW-Authenticate", "Negotiate")
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				bodies = append(bodies, string(body)) // one at a time
				w.Header().Set("Content-Type", "text/xml; charset=utf-8")
				fmt.Fprint(w, success)
			}))
			defer s.Close()
			roots := x509.NewCertPool()
			roots.AddCert(s.Certificate())
			kdc := testkit.Truthful(t, &testkit.KDC{Live: true})
			c := Config{
				URL: endpoint(t, s.URL+"/EWS/Exchange.asmx"), User: standin.UPN, ProfileAuth: ProfileNegotiate, View: "inside", Extra: roots,
				Addresses: []string{strings.TrimPrefix(s.URL, "https://")}, Timeout: 20 * time.Second, UserAgent: "ewsprobe/test", MaxRejections: 2,
				Kerberos: Kerberos{Realm: testkit.Realm, KDCs: []string{kdc.Address}, SPN: testkit.Service, Keytab: testkit.Keytab(t, testkit.Password)},
			}
			_, pool, accepted, err := Examine(context.Background(), c)
			if err != nil || pool == nil || pool.Way.Traits.Secret != signin.Ticket || accepted.Logon.Mechanism != evidence.MechanismKerberos {
				t.Fatalf("%v, %+v", err, pool)
			}
			session, settled := pool.Session(), settling{}
			defer session.Close()
			shown := door.shown
			for i := 1; i <= 2; i++ {
				q := ews.MailboxQuestion(fmt.Sprintf("box%d@contoso.com", i), true)
				if item := session.SignIn(context.Background(), q, &settled); !item.EWS.Answered() || item.Logon.Result != evidence.Accepted {
					t.Fatalf("sign-in %d: %+v", i, item)
				}
				q = ews.MailboxQuestion(fmt.Sprintf("further%d@contoso.com", i), true)
				if item := session.Ask(context.Background(), q); item.EWS.Answered() != keeps || !keeps && item.Response.Status != http.StatusUnauthorized {
					t.Errorf("call %d: %+v", i, item)
				}
			}
			if door.shown != shown+2 || len(settled) != 2 {
				t.Errorf("%d tickets were shown, %v", door.shown-shown, settled)
			}
			asked := strings.Join(bodies, "\n")
			for _, name := range []string{"box1@", "box2@"} {
				if strings.Count(asked, name) != 1 {
					t.Errorf("%s was asked for %d times", name, strings.Count(asked, name))
				}
			}
			if strings.Contains(asked, "further2@") != keeps {
				t.Error("the second call on a connection")
			}
		})
	}
}
