package standin

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Tokens says how Exchange looks at the token of an application. What it checks and
// in which order is that of Exchange Server 2013 CU23; of later versions it is not
// known to differ but in the role.
type Tokens struct {
	// Build2013 is Exchange Server 2013, which knows the role full_access alone.
	Build2013 bool `yaml:"build-2013,omitempty"`
	// Sees is scheme and host of a request as they reach Exchange, "" as they came:
	// a device in front may change both.
	Sees string `yaml:"sees,omitempty"`
	// Refuses is the number of a refusal whatever the token says.
	Refuses int `yaml:"refuses,omitempty"`
	// BackEnd gives refusals in the form in which a back end does, Joined puts
	// another value in the same header.
	BackEnd bool `yaml:"back-end,omitempty"`
	Joined  bool `yaml:"joined,omitempty"`
	// ExpiresAfter is how many calls a token carries before it counts as expired; 0
	// any number.
	ExpiresAfter int `yaml:"expires-after,omitempty"`
}

// Application is who signs in with a token. It has no mailbox of its own.
var application = &account{SAM: "application", RID: 1699}

// tokenRefusal are Exchange's words for a number.
func tokenRefusal(number int) string {
	return strings.NewReplacer("$tenant", Tenant, "$hma", HMAApplicationID).Replace(words().TokenRefusals[number].Says)
}

// judgeToken is the number of the refusal and its words, 0 for none.
func (n *node) judgeToken(r *http.Request, token string) (number int, reason string) {
	t := n.behaviour.Tokens
	if t.Refuses != 0 {
		return t.Refuses, tokenRefusal(t.Refuses)
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return 2000001, "Unable to read or process token, additional details: 'IDX10709'."
	}
	var claims struct {
		Version  string           `json:"ver"`
		Audience string           `json:"aud"`
		Issuer   string           `json:"iss"`
		Tenant   string           `json:"tid"`
		AppID    string           `json:"appid"`
		Scope    string           `json:"scp"`
		Roles    []string         `json:"roles"`
		Expires  *jwt.NumericDate `json:"exp"`
	}
	if parsed.UnsafeClaimsWithoutVerification(&claims) != nil {
		return 2000001, "Unable to read or process token, additional details: 'IDX10709'."
	}
	seen := cmp.Or(t.Sees, "https://"+r.Host)
	audience, err := url.Parse(claims.Audience)
	switch {
	case claims.Version != "1.0":
		return 2000007, tokenRefusal(2000007)
	case claims.AppID == "" || claims.Scope != "":
		return 2000001, "This token profile 'V1AppActAs' is not applicable for the current protocol."
	case err != nil || audience.Host == "":
		return 2000001, "The audience claim value is invalid '" + claims.Audience + "'."
	case !strings.EqualFold(audience.Scheme+"://"+audience.Host, seen):
		return 2000003, fmt.Sprintf(
			"The hostname component of the audience claim value is invalid. Expected '%s'. Actual '%s'", claims.Audience, seen)
	case claims.Issuer != "https://sts.windows.net/"+claims.Tenant+"/":
		return 2000001, "The issuer of the token is unknown. Issuer was '" + claims.Issuer + "'."
	case parsed.Claims(keys().entra.Public(), &claims) != nil:
		return 2000000, tokenRefusal(2000000)
	case claims.Tenant != Tenant:
		return 2000004, "The tenant for tenant guid '" + claims.Tenant + "' does not exist."
	case claims.Expires == nil || n.now().After(claims.Expires.Time().Add(5*time.Minute)) || n.expiredToken(token):
		return 2000002, tokenRefusal(2000002)
	}
	role := fullAccess
	if t.Build2013 {
		role = fullAccess2013
	}
	if !slices.Contains(claims.Roles, role) {
		return 2000008, "The token contains not enough scope to make this call."
	}
	return 0, ""
}

// expiredToken counts the calls that a token carries.
func (n *node) expiredToken(token string) bool {
	most := n.behaviour.Tokens.ExpiresAfter
	if most == 0 {
		return false
	}
	n.server.mu.Lock()
	defer n.server.mu.Unlock()
	sum := sha256.Sum256([]byte(token))
	if n.server.carried == nil {
		n.server.carried = map[[sha256.Size]byte]int{}
	}
	n.server.carried[sum]++
	return n.server.carried[sum] > most
}

// refuseToken answers as the front end does. A missing role is a 403 without a body.
func (n *node) refuseToken(r *http.Request, number int, reason string) *response {
	category := cmp.Or(words().TokenRefusals[number].Error, "invalid_grant")
	if number == 2000008 {
		return n.diagnosed(n.exchangeResponse(http.StatusForbidden), number, category, reason)
	}
	return n.diagnosed(n.bearerChallenge(r, ""), number, category, reason)
}

func (n *node) diagnosed(a *response, number int, category, reason string) *response {
	if n.behaviour.Tokens.BackEnd {
		return a.with("x-ms-diagnostics-from-backend", strings.ReplaceAll(category, "_", "")+"|"+reason)
	}
	value := fmt.Sprintf(`%d;reason="%s";error_category="%s"`, number, reason, category)
	if n.behaviour.Tokens.Joined {
		value += `, 4000000;reason="Flighting is not enabled for domain 'contoso.com'.";error_category="oauth_not_available"`
	}
	return a.with("x-ms-diagnostics", value)
}
