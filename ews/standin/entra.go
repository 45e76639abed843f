package standin

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"
)

// Entra is how Entra gives a token for EWS to the one application that it knows
// beside the one for Graph. It verifies what the application proves itself with.
type Entra struct {
	// Refuse is the AADSTS number of a refusal, whatever is asked; Once: only of the
	// first request. Busy answers 503 to the first.
	Refuse int  `yaml:"refuse,omitempty"`
	Once   bool `yaml:"once,omitempty"`
	Busy   bool `yaml:"busy,omitempty"`
	// Claims are those of the token that it gives which are not as they should be; null:
	// one that is missing. Foreign signs it by a key that is not Entra's.
	Claims  map[string]any `yaml:"claims,omitempty"`
	Foreign bool           `yaml:"foreign,omitempty"`
	// Redirect sends whoever asks elsewhere.
	Redirect bool `yaml:"redirect,omitempty"`
}

// HMAApplicationID is the application that signs in to EWS, and HMASecret its
// secret.
const (
	HMAApplicationID = "c2b4d9a1-6e3f-4f0d-8a57-9b1e2c3d4f50"
	HMASecret        = "hMa~W3lc0me-t0.the_stand-in~Secret~Val"
	fullAccess       = "full_access_as_app"
	fullAccess2013   = "full_access"
)

// keys are the application's, with its certificates in DER, and Entra's; made when
// they are first needed.
var keys = sync.OnceValue(func() (k struct {
	application, entra *rsa.PrivateKey
	certificates       map[HMACredential][]byte
	registered         map[string]bool // by their thumbprints
},
) {
	k.application, k.entra = must(rsa.GenerateKey(rand.Reader, 2048)), must(rsa.GenerateKey(rand.Reader, 2048))
	now := time.Now()
	k.certificates = map[HMACredential][]byte{HMAUnregistered: selfSigned(k.entra, now.Add(365*day))}
	k.registered = map[string]bool{}
	for name, left := range map[HMACredential]time.Duration{HMACertificate: 365 * day, HMAExpiring: 10 * day, HMAExpired: -day} {
		k.certificates[name] = selfSigned(k.application, now.Add(left))
		sum := sha256.Sum256(k.certificates[name])
		k.registered[base64.RawURLEncoding.EncodeToString(sum[:])] = true
	}
	return k
})

// HMACredential is what the application is given to sign in with.
type HMACredential string

const (
	HMACertificate  HMACredential = "certificate"
	HMAExpiring     HMACredential = "expiring"     // its certificate has ten days left
	HMAExpired      HMACredential = "expired"      // it has ended
	HMAUnregistered HMACredential = "unregistered" // Entra knows another
	HMAClientSecret HMACredential = "secret"
	HMAWrongSecret  HMACredential = "wrong-secret"
	HMAToken        HMACredential = "token" // a token that was got elsewhere
)

// File is the content of the file that holds the credential.
func (c HMACredential) File() string {
	switch c {
	case HMAClientSecret:
		return HMASecret + "\n"
	case HMAWrongSecret:
		return strings.ToLower(HMASecret) + "\n"
	case HMAToken:
		return issueToken(Entra{}, Tenant, "https://"+Host) + "\n"
	}
	key := keys().application
	if c == HMAUnregistered {
		key = keys().entra
	}
	private := must(x509.MarshalPKCS8PrivateKey(key))
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: keys().certificates[c]})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

func selfSigned(key *rsa.PrivateKey, ends time.Time) []byte {
	template := &x509.Certificate{
		SerialNumber: serialNumber(), Subject: pkix.Name{CommonName: "Dynamics 365 HMA"}, NotBefore: ends.Add(-400 * day), NotAfter: ends,
	}
	return must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
}

// must is for what fails only if this file is wrong, or no random number comes.
func must[T any](v T, err error) T {
	if err != nil {
		panic("standin: " + err.Error())
	}
	return v
}

// entraRefusal is an answer as Entra gives it.
func entraRefusal(r *http.Request, number int) *response {
	known, ok := words().Refusals[number]
	if !ok {
		known = words().Refusals[50013]
	}
	resource := strings.TrimSuffix(cut(r.PostFormValue("scope")), "/.default")
	says := strings.NewReplacer("$client", cut(r.PostFormValue("client_id")), "$resource", resource).Replace(known.Says)
	return (*node)(nil).say("entra-refusal", map[string]any{"Number": number, "Error": known.Error, "Says": says})
}

// grant gives a token.
func grant(token string, life time.Duration) *response {
	seconds := int(life.Seconds())
	return inJSON(http.StatusOK, map[string]any{
		"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token,
	})
}

// hmaToken answers a request of the application for EWS.
func (c *cloudServer) hmaToken(r *http.Request) *response {
	e := c.behaviour.Entra
	c.mu.Lock()
	first := !c.granting
	c.granting = true
	c.mu.Unlock()
	tenant, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	resource, whole := strings.CutSuffix(r.PostFormValue("scope"), "/.default")
	switch {
	case e.Redirect:
		return newResponse(http.StatusTemporaryRedirect).with("Location", "https://"+elsewhereHost+r.URL.Path)
	case e.Busy && first:
		return newResponse(http.StatusServiceUnavailable)
	case e.Refuse != 0 && (first || !e.Once):
		return entraRefusal(r, e.Refuse)
	case tenant != Tenant && tenant != OtherTenant && tenant != Domain:
		return entraRefusal(r, 90002)
	case r.PostFormValue("grant_type") != "client_credentials" || !whole:
		return entraRefusal(r, 1002012)
	}
	if number := c.provedBy(r); number != 0 {
		return entraRefusal(r, number)
	}
	if resource != "https://"+Host && resource != "https://"+elsewhereHost {
		return entraRefusal(r, 500011)
	}
	if tenant == Domain {
		tenant = Tenant
	}
	return grant(issueToken(*e, tenant, resource), time.Hour)
}

// provedBy is the number of the refusal of what the application proves itself with,
// 0 if it is right.
func (c *cloudServer) provedBy(r *http.Request) int {
	text := r.PostFormValue("client_assertion")
	switch {
	case text == "" && r.PostFormValue("client_secret") == HMASecret:
		return 0
	case text == "":
		return 7000215
	case r.PostFormValue("client_secret") != "",
		r.PostFormValue("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
		return 50027
	}
	assertion, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.PS256})
	if err != nil || len(assertion.Headers) != 1 {
		return 50027
	}
	var claims jwt.Claims
	key := keys().application
	thumbprint, _ := assertion.Headers[0].ExtraHeaders["x5t#S256"].(string)
	if !keys().registered[thumbprint] || assertion.Claims(key.Public(), &claims) != nil {
		return 700027
	}
	id, endpoint := r.PostFormValue("client_id"), "https://"+r.Host+r.URL.Path
	if claims.Issuer != claims.Subject {
		return 50048
	}
	if claims.Issuer != id || len(claims.Audience) != 1 || claims.Audience[0] != endpoint || claims.ID == "" {
		return 50027
	}
	if claims.ValidateWithLeeway(jwt.Expected{Time: time.Now()}, time.Minute) != nil || claims.Expiry == nil || claims.NotBefore == nil {
		return 700024
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.assertions[claims.ID] {
		return 50013 // each is good for one request
	}
	c.assertions[claims.ID] = true
	return 0
}

// issueToken makes a token of version 1.0 as Entra does for this resource.
func issueToken(e Entra, tenant, resource string) string {
	now := time.Now()
	claims := map[string]any{
		"ver": "1.0", "aud": resource, "iss": "https://sts.windows.net/" + tenant + "/", "tid": tenant,
		"appid": HMAApplicationID, "appidacr": "2", "roles": []string{fullAccess}, "uti": uuid.NewString(),
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	key := keys().entra
	if e.Foreign {
		key = keys().application
	}
	maps.Copy(claims, e.Claims)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	thumbprint := must((&jose.JSONWebKey{Key: key.Public()}).Thumbprint(crypto.SHA256))
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", base64.RawURLEncoding.EncodeToString(thumbprint))
	signer := must(jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, options))
	return must(jwt.Signed(signer).Claims(claims).Serialize())
}
