package signin

import (
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/secret"
	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// What is answered to the first message of a handshake in place of a challenge is
// the answer, by which a batch knows whether to come back later.
func TestSignInThatGetsNoChallenge(t *testing.T) {
	for _, front := range []standin.Front{"unavailable-503", "retry-after-503"} {
		behaviour := everyScheme
		behaviour.Front = front
		b := newBench(t, behaviour)
		pool := &SessionPool{
			URL: b.URL, Dialer: b.Dialer, Addresses: []string{b.Address}, ConnectLimit: b.ConnectLimit, Credential: b.Credential,
			Vault: func() *secret.Vault { return &secret.Vault{} }, Way: ByNTLM("NTLM"), Binding: evidence.BindingRight, UserAgent: agent,
		}
		session := pool.Session()
		item := session.SignIn(bounded(t), ews.MailboxQuestion("anna@contoso.com", true), b)
		session.Close()
		if r := item.Response; r == nil || r.Status != 503 || item.Logon == nil || item.Logon.Result != evidence.Unfinished || item.Logon.Counted {
			t.Errorf("%s: %+v %+v", front, item.Response, item.Logon)
		}
	}
}

// A call on a connection that is signed in carries no credential, but the server
// knows it: even a short password is withheld where the server says it.
func TestSignedInCallsWithholdShortPasswords(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		w.Header().Set("X-FEServer", "EX01")
		_, _ = io.WriteString(w, fault)
	}))
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	once := OneMessage(func(*Channel) (Message, error) {
		return Message{Value: "Test x", Described: "Test, value not kept", Credential: true}, nil
	})
	pool := &SessionPool{
		URL: &url.URL{Scheme: "https", Host: "example.com", Path: "/EWS/Exchange.asmx"}, Addresses: []string{server.Listener.Addr().String()},
		Dialer: &wire.Dialer{Host: "example.com", TLS: true, Roots: roots}, Credential: ews.Credential{User: "me", Password: "EX01"},
		Vault: func() *secret.Vault {
			v := &secret.Vault{}
			v.AddText("EX01")
			return v
		},
		Way: way(Traits{Scheme: "Test", Secret: Password}, func(ews.Credential) Mechanism { return once }), UserAgent: agent,
	}
	session, b := pool.Session(), &bench{}
	defer session.Close()
	for _, item := range []evidence.Item{
		session.SignIn(bounded(t), ews.MailboxQuestion("anna@contoso.com", true), b), session.Ask(bounded(t), ews.MailboxQuestion("bob@contoso.com", true)),
	} {
		if !item.EWS.Answered() || item.Response.First("X-FEServer") != secret.Withheld {
			t.Errorf("%+v, %+v", item.Response, item.Error)
		}
	}
	if !session.SignedIn() || b.begun != 1 || len(b.settled) != 1 {
		t.Errorf("signed in %v, %d begun, %v", session.SignedIn(), b.begun, b.settled)
	}
}
