package signin

import (
	"testing"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/secret"
	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// What is answered to the first message of a handshake in place of a challenge is
// the answer, by which a batch knows whether to come back later.
func TestSignInThatGetsNoChallenge(t *testing.T) {
	for _, front := range []standin.Front{standin.FrontUnavailable, standin.FrontRetryAfter} {
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
