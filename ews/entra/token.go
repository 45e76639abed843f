package entra

import (
	"fmt"
	"regexp"
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
		return evidence.Claims{}, fmt.Errorf("is no JSON Web Token")
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
			if s, ok := r.(string); ok && len(c.Roles) < mostRoles {
				c.Roles = append(c.Roles, s)
			}
		}
	}
	c.IssuedAt, c.Expires = when(said.GetIssuedAt()), when(said.GetExpirationTime())
	return c, nil
}

// mostRoles bounds what is kept.
const mostRoles = 50

func when(d *jwt.NumericDate, err error) *time.Time {
	if err != nil || d == nil {
		return nil
	}
	t := d.UTC()
	return &t
}

// bearer is RFC 6750 2.1.
var bearer = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`) })

// shortestToken is far below any access token of Entra. A shorter text could not
// be kept out of the record: every text may hold it by chance.
const shortestToken = 20

func plausible(kind, value string) bool {
	return strings.EqualFold(kind, "Bearer") && len(value) >= shortestToken && bearer().MatchString(value)
}
