package probe

import (
	"crypto/x509"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/entra"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// hybrid is a check as the HMA application of the stand-in, by a certificate.
func hybrid(t *testing.T, b standin.Behaviour) (*standin.Server, Config) {
	t.Helper()
	s, err := standin.Start(b, standin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	at := func(raw string) *url.URL {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.CA())
	certificate, err := entra.ReadCertificate([]byte(standin.HMACertificate.File()), "")
	if err != nil {
		t.Fatal(err)
	}
	return s, Config{
		URL: at(s.URL()), ProfileAuth: ProfileOAuth, View: "inside", Addresses: s.Addresses(), Extra: roots, Timeout: 20 * time.Second, UserAgent: "ewsprobe/test",
		MaxRejections: 2, Mailbox: standin.Mailbox, Impersonate: true, CertWarnDays: 30,
		HMA: &HMA{Application: entra.Application{Tenant: standin.Tenant, ID: standin.HMAApplicationID, Certificate: certificate}, Entra: at(s.CloudURL())},
	}
}

// offering is a server in good order, and an Entra.
func offering(set func(*standin.Behaviour)) standin.Behaviour {
	b := standin.Behaviour{NTLM: true, OAuth: true, AuthorizationURI: true, Tokens: &standin.Tokens{}, Cloud: &standin.Cloud{Entra: &standin.Entra{}}}
	set(&b)
	return b
}

// sentTokens counts the tokens that EWS got, and the proofs that Entra got.
func sentTokens(s *standin.Server) (tokens, proofs int) {
	for _, r := range s.View().Requests {
		if r.Message == standin.MessageBearer {
			tokens++
		}
	}
	for _, r := range s.CloudRequests() {
		if r.Assertion || r.Secret {
			proofs++
		}
	}
	return tokens, proofs
}

// The token is asked for once and sent once at each address, and kept back where it
// must not go. The server counts.
func TestWhereTheTokenGoes(t *testing.T) {
	second := offering(func(*standin.Behaviour) {})
	for _, c := range []struct {
		name           string
		set            func(*standin.Behaviour)
		config         func(*Config)
		tokens, proofs int
	}{
		{"in good order", func(*standin.Behaviour) {}, nil, 1, 1},
		{"two addresses", func(b *standin.Behaviour) { b.SecondNode = &second }, nil, 2, 1},
		{"refused", func(b *standin.Behaviour) { b.Tokens.Refuses = 2000000 }, nil, 1, 1},
		{"403", func(b *standin.Behaviour) { b.Cloud.Entra.Claims = map[string]any{"roles": nil} }, nil, 1, 1},
		{"a passing fault of Entra", func(b *standin.Behaviour) { b.Cloud.Entra.Busy = true }, nil, 1, 2},
		{"Entra redirects", func(b *standin.Behaviour) { b.Cloud.Entra.Redirect = true }, nil, 0, 1},
		{"OAuth is off", func(b *standin.Behaviour) { b.OAuth = false }, nil, 0, 1},
		{"no authorization_uri", func(b *standin.Behaviour) { b.AuthorizationURI = false }, nil, 0, 1},
		{"Exchange Online", func(b *standin.Behaviour) { b.Front = standin.FrontExchangeOnline }, nil, 0, 1},
		{"another tenant", func(b *standin.Behaviour) {
			b.Cloud.Entra.Claims = map[string]any{"tid": standin.OtherTenant, "iss": "https://sts.windows.net/" + standin.OtherTenant + "/"}
		}, nil, 0, 1},
		{"an untrusted certificate", func(b *standin.Behaviour) { b.Certificate = standin.CertificateExpired }, nil, 0, 1},
		{"the same with --insecure", func(b *standin.Behaviour) { b.Certificate = standin.CertificateExpired }, func(c *Config) { c.Insecure = true }, 0, 1},
		{"an untrusted Entra with --insecure", func(*standin.Behaviour) {}, func(c *Config) { c.Insecure, c.Extra = true, nil }, 0, 0},
		{"http", func(b *standin.Behaviour) { b.Transport = standin.TransportPlain }, nil, 0, 0},
		{"no credentials", func(*standin.Behaviour) {}, func(c *Config) { c.NoCredentials = true }, 0, 0},
		{"a sign-in page", func(b *standin.Behaviour) { b.Front = "redirect-form" }, nil, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, cfg := hybrid(t, offering(c.set))
			if c.config != nil {
				c.config(&cfg)
			}
			if _, err := Run(t.Context(), cfg); err != nil {
				t.Fatal(err)
			}
			if tokens, proofs := sentTokens(s); tokens != c.tokens || proofs != c.proofs {
				t.Errorf("%d tokens at EWS, want %d; %d proofs at Entra, want %d", tokens, c.tokens, proofs, c.proofs)
			}
			if v := s.View(); v.BadLogons != 0 {
				t.Errorf("%d bad logons", v.BadLogons)
			}
		})
	}
}

// Servers that repeat what they were sent are not repeated: no token, no assertion
// and no secret is in the record.
func TestNoTokenInTheRecord(t *testing.T) {
	for name, set := range map[string]func(*standin.Behaviour){
		"Exchange repeats the token":             func(b *standin.Behaviour) { b.Echo = true },
		"Exchange repeats a token that it wants": func(b *standin.Behaviour) { b.Echo, b.Tokens.Refuses = true, 2000001 },
		"Entra repeats the assertion":            func(b *standin.Behaviour) { b.Cloud.Echo = true },
		"nobody repeats anything":                func(*standin.Behaviour) {},
	} {
		for _, secret := range []string{"", standin.HMASecret} {
			t.Run(name+secret[:min(3, len(secret))], func(t *testing.T) {
				t.Parallel()
				s, cfg := hybrid(t, offering(set))
				if secret != "" {
					cfg.HMA.Application.Certificate, cfg.HMA.Application.Secret = nil, secret
				}
				seen := ""
				cfg.Follow = func(i evidence.Item) {
					raw, _ := evidence.Encode(i)
					seen += string(raw)
				}
				rec, err := Run(t.Context(), cfg)
				if err != nil {
					t.Fatal(err)
				}
				raw, err := evidence.Encode(rec)
				if err != nil {
					t.Fatal(err)
				}
				if _, proofs := sentTokens(s); proofs != 1 {
					t.Fatalf("%d proofs were sent", proofs)
				}
				// {"alg":", {"typ":", {"kid":", {"x5t, {"aud":" and {"iss":" in base64, as the parts of a
				// JWT begin. {" alone is three letters, which a random challenge may hold.
				for _, part := range []string{
					"eyJhbGciOi", "eyJ0eXAiOi", "eyJraWQiOi", "eyJ4NXQ", "eyJhdWQiOi", "eyJpc3MiOi",
					standin.HMASecret, standin.HMASecret[8:28], "PRIVATE KEY",
				} {
					if strings.Contains(string(raw), part) || strings.Contains(seen, part) {
						t.Errorf("%q is in the record: %s", part, raw)
					}
				}
			})
		}
	}
}

// The sessions of a batch verify the certificate whatever --insecure says: a later
// connection may meet another one than the check did.
func TestTokensOfABatchAreNotForUntrustedCertificates(t *testing.T) {
	_, c := hybrid(t, offering(func(*standin.Behaviour) {}))
	c.Insecure = true
	rec, pool, _, err := Examine(t.Context(), c)
	if err != nil || pool == nil || pool.Dialer.Insecure {
		t.Errorf("%v, %+v, %v", err, pool, rec.Items)
	}
}
