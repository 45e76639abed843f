package entra

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Token is an access token. It prints as what it is, never as its value.
type Token struct {
	Claims evidence.Claims
	Ends   time.Time // zero: not known
	issued time.Time
	value  func() string
}

// Value is what the Authorization field carries behind Bearer.
func (t *Token) Value() string { return t.value() }

// Format implements fmt.Formatter: no verb shows the value.
func (*Token) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte("[token, value not kept]")) }

// newToken makes a token of its value; what Entra gives for Graph need not be a
// JWT, and then has no claims.
func newToken(value string, issued, ends time.Time) *Token {
	t := &Token{issued: issued, Ends: ends, value: func() string { return value }}
	t.Claims, _ = readClaims(value)
	if t.Ends.IsZero() && t.Claims.Expires != nil {
		t.Ends = *t.Claims.Expires
	}
	return t
}

// Brought is a token that was got elsewhere, whatever its form.
func Brought(value string) *Token { return newToken(value, time.Now(), time.Time{}) }

// ReadToken reads a token that was got elsewhere: one JWT.
func ReadToken(value string) (*Token, error) {
	if _, err := readClaims(value); err != nil {
		return nil, err
	}
	return Brought(value), nil
}

func readClaims(value string) (evidence.Claims, error) {
	said := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(value, said); err != nil {
		if strings.HasPrefix(value, "EwA") || strings.HasPrefix(value, "EwB") || strings.HasPrefix(value, "EwC") {
			return evidence.Claims{}, fmt.Errorf("is the token of a personal Microsoft account (outlook.com), no JSON Web Token (JWT): " +
				"Exchange takes those of an organization's tenant")
		}
		return evidence.Claims{}, fmt.Errorf("is not a JSON Web Token; save the access token alone")
	}
	text := func(name string) string {
		s, _ := said[name].(string)
		return s
	}
	c := evidence.Claims{
		Version: text("ver"), Issuer: text("iss"), Tenant: strings.ToLower(text("tid")), Application: strings.ToLower(text("appid")),
		Scopes: text("scp"), Proof: text("appidacr"),
	}
	if c.Application == "" { // of version 2.0
		c.Application = strings.ToLower(text("azp"))
	}
	if list, _ := said.GetAudience(); len(list) > 0 {
		c.Audience = list[0]
	}
	switch roles := said["roles"].(type) {
	case string:
		c.Roles = []string{roles}
	case []any:
		for _, r := range roles {
			if s, ok := r.(string); ok && len(c.Roles) < maxRoles {
				c.Roles = append(c.Roles, s)
			}
		}
	}
	c.IssuedAt, c.Expires = when(said.GetIssuedAt()), when(said.GetExpirationTime())
	return c, nil
}

// maxRoles bounds what is kept.
const maxRoles = 50

func when(d *jwt.NumericDate, err error) *time.Time {
	if err != nil || d == nil {
		return nil
	}
	return new(d.UTC())
}

// bearer is RFC 6750 2.1.
var bearer = evidence.Expression(`^[A-Za-z0-9._~+/-]+=*$`)

// shortestToken is far below any access token of Entra. A shorter text could not
// be kept out of the record: every text may hold it by chance.
const shortestToken = 20

// Source has one token for all who need it: it asks when the first needs it, and
// again when that one is near its end. It is safe for concurrent use.
type Source struct {
	request func(context.Context) *Token // nil: the token was brought, and there is no other

	mu    sync.Mutex
	asked time.Time
	token *Token
}

// NewSource is a source of what request brings; nil is a token that there is none.
func NewSource(request func(context.Context) *Token) *Source { return &Source{request: request} }

// Fixed is a source of a token that was brought.
func Fixed(t *Token) *Source { return &Source{token: t, asked: time.Now()} }

// Renewal: a token is not used any more when a fifth of its life is left, at most
// latestRenewal; after a request that brought nothing, another is made so much
// later.
const (
	latestRenewal = 5 * time.Minute
	requestPause  = time.Minute
)

// Token is the token to use now, nil where there is none.
func (s *Source) Token(ctx context.Context) *Token { return s.TokenBy(ctx, s.request) }

// TokenBy is Token by a request of the caller's own.
func (s *Source) TokenBy(ctx context.Context, request func(context.Context) *Token) *Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == nil && s.asked.IsZero() || s.token.nearEnd(time.Now()) && time.Since(s.asked) > min(requestPause, s.token.lifetime()/10) {
		s.ask(ctx, request)
	}
	return s.token
}

// Renew is a token other than the one that was refused as expired, nil where
// there is none: whoever comes first asks for it.
func (s *Source) Renew(ctx context.Context, refused *Token) *Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == refused {
		s.ask(ctx, s.request)
	}
	if s.token == refused {
		return nil
	}
	return s.token
}

// ask keeps the token that there is where no other comes.
func (s *Source) ask(ctx context.Context, request func(context.Context) *Token) {
	if request == nil {
		return
	}
	if t := request(ctx); t != nil {
		s.token = t
	}
	s.asked = time.Now()
}

// lifetime is how long the token is good for from its issue, 0 not known.
func (t *Token) lifetime() time.Duration {
	if t == nil || t.Ends.IsZero() {
		return 0
	}
	return t.Ends.Sub(t.issued)
}

func (t *Token) nearEnd(now time.Time) bool {
	life := t.lifetime()
	return life != 0 && t.Ends.Sub(now) < min(life/5, latestRenewal)
}
