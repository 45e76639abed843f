package entra

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/secret"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

const (
	appID  = "3e0cfa54-91d7-4b0c-8c62-f0b1a6d2e497"
	tenant = "6f1c2a4e-8f0b-4d6e-9a57-3b1d0e5c7a92"
	scope  = "https://mail.contoso.com/.default"
)

// openssl makes files as an administrator would.
func openssl(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("openssl", args...).CombinedOutput(); err != nil {
		t.Fatalf("openssl %v: %v: %s", args, err, out)
	}
}

// files is a folder with app.key, app.crt and other.key of RSA, ec.key and ec.crt.
var files = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "entra")
	if err != nil {
		panic(err)
	}
	return dir
})

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(files())
	os.Exit(code)
}

var made sync.Once

func folder(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not installed")
	}
	dir := files()
	in := func(name string) string { return filepath.Join(dir, name) }
	made.Do(func() {
		openssl(t, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Dynamics HMA", "-days", "30", "-keyout", in("app.key"), "-out", in("app.crt"))
		openssl(t, "genrsa", "-out", in("other.key"), "2048")
		openssl(t, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=EC", "-keyout", in("ec.key"), "-out", in("ec.crt"))
		openssl(t, "pkcs12", "-export", "-inkey", in("app.key"), "-in", in("app.crt"), "-passout", "pass:Vault-1", "-out", in("app.pfx"))
		openssl(t, "pkcs12", "-export", "-inkey", in("app.key"), "-in", in("app.crt"), "-passout", "pass:", "-out", in("open.pfx"))
		openssl(t, "rsa", "-in", in("app.key"), "-aes128", "-passout", "pass:abcd", "-out", in("locked.key"))
		openssl(t, "rsa", "-in", in("app.key"), "-traditional", "-out", in("pkcs1.key"))
		expire(t, in("app.key"), in("old.crt"))
	})
	return dir
}

// expire makes a certificate that has ended, which openssl makes only in its latest
// versions.
func expire(t *testing.T, key, to string) {
	t.Helper()
	raw, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	_, private, err := readPEM(raw)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().AddDate(-2, 0, 0), NotAfter: time.Now().AddDate(0, 0, -1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.(*rsa.PrivateKey).Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, names ...string) []byte {
	t.Helper()
	var all []byte
	for _, n := range names {
		raw, err := os.ReadFile(filepath.Join(folder(t), n))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, raw...)
	}
	return all
}

// What openssl and a Key Vault make is read; what is wrong is said.
func TestReadCertificate(t *testing.T) {
	base64Of := func(raw []byte) []byte { return []byte(base64.StdEncoding.EncodeToString(raw) + "\n") }
	for _, c := range []struct {
		name, password string
		raw            []byte
		want           error
	}{
		{"PEM", "", content(t, "app.key", "app.crt"), nil},
		{"PEM, the certificate first, PKCS#1", "", content(t, "app.crt", "pkcs1.key"), nil},
		{"PEM with a chain in another order", "", content(t, "ec.crt", "app.crt", "app.key"), nil},
		{"PKCS#12", "Vault-1", content(t, "app.pfx"), nil},
		{"PKCS#12 without a password", "", content(t, "open.pfx"), nil},
		{"PKCS#12 in base64, as a Key Vault gives it", "", base64Of(content(t, "open.pfx")), nil},
		{"an expired one", "", content(t, "old.crt", "app.key"), nil},
		{"the wrong password", "Vault-2", content(t, "app.pfx"), ErrPassword},
		{"no password", "", content(t, "app.pfx"), ErrPassword},
		{"another key", "", content(t, "other.key", "app.crt"), ErrOtherKey},
		{"no key", "", content(t, "app.crt"), ErrNoKey},
		{"no certificate", "", content(t, "app.key"), ErrNoCert},
		{"an encrypted key", "", content(t, "locked.key", "app.crt"), ErrEncrypted},
		{"not RSA", "", content(t, "ec.key", "ec.crt"), ErrNotRSA},
		{"half a file", "", content(t, "app.pfx")[:700], ErrUnreadable},
		{"a text", "", []byte("hello"), ErrUnreadable},
		{"nothing", "", nil, ErrUnreadable},
	} {
		got, err := ReadCertificate(c.raw, c.password)
		if err != c.want || (got == nil) != (c.want != nil) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// entraDouble answers a request for a token and keeps what it was sent.
type entraDouble struct {
	url *url.URL
	ca  *x509.CertPool

	mu    sync.Mutex
	forms []url.Values
}

func double(t *testing.T, answer func(n int, w http.ResponseWriter, r *http.Request)) *entraDouble {
	t.Helper()
	d := &entraDouble{ca: x509.NewCertPool()}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		d.mu.Lock()
		d.forms = append(d.forms, r.PostForm)
		n := len(d.forms)
		d.mu.Unlock()
		answer(n, w, r)
	}))
	t.Cleanup(server.Close)
	d.ca.AddCert(server.Certificate())
	d.url, _ = url.Parse(server.URL)
	return d
}

func (d *entraDouble) sent() []url.Values {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]url.Values{}, d.forms...)
}

func (d *entraDouble) client() Client {
	return Client{Outside: wire.Outside{Extra: d.ca, UserAgent: "ewsprobe/test"}, Entra: d.url}
}

func grant(token string) func(int, http.ResponseWriter, *http.Request) {
	return func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("x-ms-request-id", token) // as a device might
		fmt.Fprintf(w, `{"token_type":"Bearer","expires_in":3599,"access_token":%q}`, token)
	}
}

// tokenOf is a JWT that says this. Nobody here verifies it.
func tokenOf(t *testing.T, claims map[string]any) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(strings.Repeat("k", 32))}, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := jwt.Signed(s).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func certified(t *testing.T) Application {
	t.Helper()
	c, err := ReadCertificate(content(t, "app.key", "app.crt"), "")
	if err != nil {
		t.Fatal(err)
	}
	return Application{Tenant: tenant, ID: appID, Certificate: c}
}

// Another library verifies the assertion with the certificate that openssl made.
func TestAssertion(t *testing.T) {
	app := certified(t)
	want := tokenOf(t, map[string]any{"ver": "1.0", "aud": "https://mail.contoso.com", "tid": tenant, "appid": appID, "roles": []string{"full_access_as_app"}, "exp": time.Now().Add(time.Hour).Unix()})
	d := double(t, grant(want))
	r := ews.NewRecorder(&secret.Vault{}, nil)
	got := d.client().Request(t.Context(), r, evidence.StepHMAToken, app, scope)
	if got == nil || got.Value() != want || got.Claims.Tenant != tenant || len(got.Claims.Roles) != 1 || time.Until(got.Ends) < 50*time.Minute {
		t.Fatalf("%v %+v", got, r.Items())
	}
	form := d.sent()[0]
	assertion, err := jwt.ParseSigned(form.Get("client_assertion"), []jose.SignatureAlgorithm{jose.PS256})
	if err != nil {
		t.Fatal(err)
	}
	leaf := app.Certificate.leaf
	var claims jwt.Claims
	if err := assertion.Claims(leaf.PublicKey.(*rsa.PublicKey), &claims); err != nil {
		t.Fatal(err)
	}
	endpoint := d.url.String() + "/" + tenant + "/oauth2/v2.0/token"
	if err := claims.Validate(jwt.Expected{Issuer: appID, Subject: appID, AnyAudience: jwt.Audience{endpoint}, Time: time.Now()}); err != nil {
		t.Error(err)
	}
	if life := claims.Expiry.Time().Sub(claims.NotBefore.Time()); life < 5*time.Minute || life > 10*time.Minute || claims.ID == "" {
		t.Errorf("%+v", claims)
	}
	sum := sha256.Sum256(leaf.Raw)
	if x := assertion.Headers[0].ExtraHeaders["x5t#S256"]; x != base64.RawURLEncoding.EncodeToString(sum[:]) || assertion.Headers[0].ExtraHeaders["typ"] != "JWT" {
		t.Errorf("%+v", assertion.Headers[0])
	}
	if form.Get("grant_type") != "client_credentials" || form.Get("client_id") != appID || form.Get("scope") != scope || form.Has("client_secret") ||
		form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
		t.Errorf("%v", form)
	}
	raw, err := evidence.Encode(r.Items())
	if err != nil {
		t.Fatal(err)
	}
	held := fmt.Sprintf("%s %v %+v %#v %+v", raw, got, got, got, app.Certificate)
	for _, part := range []string{want, strings.Split(want, ".")[1], form.Get("client_assertion"), strings.Split(form.Get("client_assertion"), ".")[1], app.Certificate.key().D.String()} {
		if strings.Contains(held, part) {
			t.Errorf("%q is shown: %s", part, held)
		}
	}
}

// What Entra refuses is written down: the number, the identifiers by which it is
// found, when to come back. What passes by itself is asked once more.
func TestRefusals(t *testing.T) {
	const words = "AADSTS700016: Application was not found.\r\nTrace ID: 1\r\nTimestamp: 2"
	answer := func(status int, body any, header ...string) func(int, http.ResponseWriter, *http.Request) {
		raw, _ := json.Marshal(body)
		return func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			_, _ = w.Write(raw)
		}
	}
	refused := func(number int) map[string]any {
		return map[string]any{
			"error": "unauthorized_client", "error_description": strings.Replace(words, "700016", fmt.Sprint(number), 1), "error_codes": []int{number},
			"trace_id": "11111111-2222-3333-4444-555555555555", "correlation_id": "99999999-8888-7777-6666-555555555555",
		}
	}
	for _, c := range []struct {
		name   string
		answer func(int, http.ResponseWriter, *http.Request)
		code   string
		asked  int
		wait   string
	}{
		{"a refusal", answer(400, refused(700016)), "AADSTS700016", 1, ""},
		{"a number in error_codes alone", answer(400, map[string]any{"error": "invalid_client", "error_codes": []int{7000222}}), "AADSTS7000222", 1, ""},
		{"throttled", answer(429, refused(90055), "Retry-After", "17"), "AADSTS90055", 1, "17"},
		{"throttled, and said to pass", answer(429, map[string]any{"error": "temporarily_unavailable", "error_codes": []int{90055}}, "Retry-After", "17"), "AADSTS90055", 1, "17"},
		{"a passing fault", answer(400, refused(90033)), "AADSTS90033", 2, ""},
		{"503", answer(503, nil), "", 2, ""},
		{"a redirect", answer(307, nil, "Location", "https://elsewhere.example/"), "", 1, ""},
		{"a page", answer(200, "hello"), "", 1, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := double(t, c.answer)
			r := ews.NewRecorder(&secret.Vault{}, nil)
			if got := d.client().Request(t.Context(), r, evidence.StepHMAToken, certified(t), scope); got != nil {
				t.Errorf("%v", got)
			}
			items := r.Items()
			last := items[len(items)-1].Token
			if last.Code() != c.code || len(d.sent()) != c.asked || len(items) != c.asked || last.RetryAfter != c.wait || last.Problem == "" || last.Again != (c.asked == 2) {
				t.Errorf("%+v, %d requests", last, len(d.sent()))
			}
			if strings.HasPrefix(c.code, "AADSTS700016") && (last.Correlation != "99999999-8888-7777-6666-555555555555" || last.Trace == "") {
				t.Errorf("%+v", last)
			}
			if f := d.sent(); len(f) == 2 && f[0].Get("client_assertion") == f[1].Get("client_assertion") {
				t.Error("the same assertion was sent again")
			}
		})
	}
}

// An expired certificate is not used.
func TestExpired(t *testing.T) {
	d := double(t, grant("x"))
	r := ews.NewRecorder(&secret.Vault{}, nil)
	c, err := ReadCertificate(content(t, "old.crt", "app.key"), "")
	if err != nil {
		t.Fatal(err)
	}
	got := d.client().Request(t.Context(), r, evidence.StepHMAToken, Application{Tenant: tenant, ID: appID, Certificate: c}, scope)
	if item := r.Items()[0]; got != nil || len(d.sent()) > 0 || item.Request != nil || !item.Token.Detail.Is("application-expired") {
		t.Errorf("%v, %d requests, %+v", got, len(d.sent()), item.Token)
	}
}

// Nothing goes past a certificate that is not trusted, nor over http.
func TestUntrusted(t *testing.T) {
	d := double(t, grant("x"))
	clear := *d.url
	clear.Scheme = "http"
	for _, c := range []Client{{Entra: d.url}, {Entra: &clear, Outside: wire.Outside{Extra: d.ca}}} {
		r := ews.NewRecorder(&secret.Vault{}, nil)
		if got := c.Request(t.Context(), r, evidence.StepHMAToken, Application{Tenant: tenant, ID: appID, Secret: "s3cr3t-value"}, scope); got != nil || len(d.sent()) > 0 || r.Items()[0].Error == nil {
			t.Errorf("%v, %d requests, %+v", got, len(d.sent()), r.Items()[0])
		}
	}
}

// The token is renewed when a fifth of its life is left, at most five minutes, and
// one that was refused is renewed once, whoever asks.
func TestSource(t *testing.T) {
	lives := map[string]struct {
		life, left time.Duration
		renewed    bool
	}{
		"fresh": {time.Hour, 6 * time.Minute, false}, "near its end": {time.Hour, 4 * time.Minute, true},
		"short": {10 * time.Minute, 3 * time.Minute, false}, "short, near its end": {10 * time.Minute, time.Minute, true},
	}
	for name, c := range lives {
		n := 0
		s := NewSource(func(context.Context) *Token {
			n++
			return newToken(fmt.Sprintf("token-%d", n), time.Now(), time.Now().Add(time.Hour))
		})
		now := time.Now()
		s.token, s.asked = newToken("old", now.Add(c.left-c.life), now.Add(c.left)), now.Add(c.left-c.life)
		if got := s.Token(t.Context()).Value() != "old"; got != c.renewed {
			t.Errorf("%s: renewed %v", name, got)
		}
	}
	n := 0
	s := NewSource(func(context.Context) *Token {
		n++
		return newToken(fmt.Sprintf("token-%d", n), time.Now(), time.Now().Add(time.Hour))
	})
	first := s.Token(t.Context())
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if s.Renew(t.Context(), first).Value() != "token-2" {
				t.Error("not the second")
			}
		})
	}
	all.Wait()
	if fixed := Fixed(first); n != 2 || fixed.Renew(t.Context(), first) != nil || fixed.Token(t.Context()) != first {
		t.Errorf("%d requests", n)
	}
}
