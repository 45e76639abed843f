package batch

import (
	"crypto/x509"
	"net/url"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/entra"
	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// A token carries many calls. Where it is refused as expired, another is got and the
// call made again: no row shows it.
func TestTokenIsRenewed(t *testing.T) {
	const rows, each = 40, 15
	s, err := standin.Start(standin.Behaviour{
		NTLM: true, OAuth: true, AuthorizationURI: true, Tokens: &standin.Tokens{ExpiresAfter: each}, Crowd: &standin.Crowd{Mailboxes: 1000},
		Cloud: &standin.Cloud{Entra: &standin.Entra{}},
	}, standin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.CA())
	u, _ := url.Parse(s.URL())
	from, _ := url.Parse(s.CloudURL())
	certificate, err := entra.ReadCertificate([]byte(standin.HMACertificate.File()), "")
	if err != nil {
		t.Fatal(err)
	}
	good := 0
	c := Config{
		Probe: probe.Config{
			URL: u, ProfileAuth: probe.ProfileOAuth, View: "inside", Addresses: s.Addresses()[:1], Extra: roots, Timeout: 20 * time.Second, UserAgent: "ewsprobe/test",
			MaxRejections: 2, HMA: &probe.HMA{Application: entra.Application{Tenant: standin.Tenant, ID: standin.HMAApplicationID, Certificate: certificate}, Entra: from},
		},
		Impersonate: true, Concurrency: 4, PerMailbox: time.Minute,
		Rows: func(yield func(Row, error) bool) {
			for i := 1; i <= rows && yield(Row{Number: i, Line: i + 1, Address: standin.CrowdMailbox(i)}, nil); i++ {
			}
		},
		Emit: func(r report.Row) error {
			if v := r.Verdict; v.Status == finding.OK {
				good++
			} else {
				t.Errorf("%+v", v)
			}
			return nil
		},
	}
	sum, err := Run(t.Context(), c)
	if err != nil || good != rows {
		t.Errorf("%v, %d good rows, %+v", err, good, sum.Verdict)
	}
	proofs := 0
	for _, r := range s.CloudRequests() {
		if r.Assertion {
			proofs++
		}
	}
	if least := (rows + 1) / each; proofs < least || proofs > 2*least+2 {
		t.Errorf("Entra was asked %d times", proofs)
	}
}
