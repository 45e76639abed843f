package ews

import (
	"slices"
	"strings"
	"sync"

	"github.com/ewsprobe/ewsprobe/ews/challenge"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/ntlm"
)

// keptFields are the fields that are kept of an answer to a credential: who
// answered, what it makes of the sign-in, and when to come back. Whatever else
// such a server says may be the secret in a spelling that nobody thought of.
var keptFields = fieldSet(`
	server via date retry-after content-type content-length connection location www-authenticate set-cookie proxy-support
	cf-ray request-id x-feserver x-beserver x-calculatedbetarget x-calculatedfetarget x-feproxyinfo x-failurecontext
	x-caserrorcode x-diaginfo x-owa-version x-owa-error x-serverapplication x-ms-diagnostics x-ews-policy-reason
	x-squid-error x-ms-diagnostics-from-backend x-ms-proxy-app-id x-ms-proxy-transaction-id
	x-iinfo x-cdn x-azure-ref x-amz-cf-id x-sucuri-id cf-mitigated
	x-amzn-waf-action x-blocked-by-waf x-servedby x-backside-transport x-sl-compstate x-cnection cneonction
	x-autodiscovery-error x-beserverroutingerror x-auth-error x-soap-enabled x-wssecurity-enabled x-wssecurity-for x-oauth-enabled
	x-aspnet-version x-powered-by persistent-auth x-backendhttpstatus x-proxy-backendserverstatus x-rum-validated
	x-proxy-routingcorrectness x-firsthopcafeefz x-mailboxguid x-nanoproxy ms-server-activesync`)

// briefFields are those of them that a call for a mailbox is judged by.
var briefFields = fieldSet("x-ms-diagnostics www-authenticate retry-after x-feserver location content-type x-failurecontext x-caserrorcode")

// fieldSet is a set of header fields, made when it is first asked; the names have
// small letters. A batch asks it for every header of every answer.
func fieldSet(names string) func(name string) bool {
	set := sync.OnceValue(func() map[string]bool {
		m := map[string]bool{}
		for _, n := range strings.Fields(names) {
			m[n] = true
		}
		return m
	})
	return func(name string) bool {
		var room [64]byte // no name of a set is longer
		small := append(room[:0], name...)
		for i, c := range small {
			if 'A' <= c && c <= 'Z' {
				small[i] = c + 'a' - 'A'
			}
		}
		return set()[string(small)]
	}
}

// keepFields leaves of an answer to a credential the fields of the list, and of
// these what is evidence.
func keepFields(r *evidence.Response) {
	kept := r.Headers[:0]
	for _, h := range r.Headers {
		if keptFields(h[0]) {
			kept = append(kept, [2]string{h[0], keptValue(h[0], h[1])})
		}
	}
	r.Headers = kept
}

// schemes are the names of schemes that are kept: those registered for HTTP, and
// Microsoft's.
var schemes = []string{
	"Basic", "NTLM", "Negotiate", "Kerberos", "Nego2", "Bearer", "Digest", "DPoP", "GNAP", "HOBA", "Mutual", "OAuth",
	"PrivateToken", "SCRAM-SHA-1", "SCRAM-SHA-256", "vapid", "Passport1.4", "WSSE", "PKU2U", "TSSSO", "LiveSSP", "AWS4-HMAC-SHA256",
}

// keptValue is what is kept of a field's value: of a challenge the scheme, and
// the NTLM challenge of a server that asks again; of a redirect no query.
func keptValue(name, value string) string {
	switch {
	case strings.EqualFold(name, "WWW-Authenticate"):
		var kept []string
		for _, c := range challenge.Parse([]string{value}) {
			if !slices.ContainsFunc(schemes, c.Is) {
				c.Scheme = "unknown"
			}
			if raw, err := ntlm.DecodeToken(c.Token); err == nil && ntlm.Type(raw) == ntlm.TypeChallenge {
				c.Scheme += " " + c.Token
			}
			kept = append(kept, c.Scheme)
		}
		return strings.Join(kept, ", ")
	case strings.EqualFold(name, "Location"):
		return withoutQuery(value)
	}
	return value
}

func withoutQuery(url string) string { return url[:strings.IndexAny(url+"?", "?#")] }
