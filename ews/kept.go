package ews

import (
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/challenge"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/ntlm"
)

// keptFields are the fields that are kept of an answer to a credential: who
// answered, what it makes of the sign-in, and when to come back. Whatever else
// such a server says may be the secret in a spelling that nobody thought of.
var keptFields = []string{
	"Server", "Via", "Date", "Retry-After", "Content-Type", "Content-Length", "Connection", "Location", "WWW-Authenticate", "Set-Cookie", "Proxy-Support", "CF-RAY",
	"request-id", "X-FEServer", "X-BEServer", "X-CalculatedBETarget", "X-CalculatedFETarget", "X-FEProxyInfo", "X-FailureContext", "X-CasErrorCode", "X-DiagInfo",
	"X-OWA-Version", "X-OWA-Error", "X-ServerApplication", "X-MS-Diagnostics", "X-EWS-Policy-Reason", "X-AutoDiscovery-Error", "X-BEServerRoutingError", "X-Auth-Error",
	"X-SOAP-Enabled", "X-WSSecurity-Enabled", "X-WSSecurity-For", "X-OAuth-Enabled", "X-AspNet-Version", "X-Powered-By", "Persistent-Auth",
	"X-BackEndHttpStatus", "X-Proxy-BackendServerStatus", "X-RUM-Validated", "X-Proxy-RoutingCorrectness", "X-FirstHopCafeEFZ", "X-MailboxGuid", "X-NanoProxy", "MS-Server-ActiveSync",
}

// keepFields leaves of an answer to a credential the fields of the list, and of
// these what is evidence.
func keepFields(r *evidence.Response) {
	kept := r.Headers[:0]
	for _, h := range r.Headers {
		if slices.ContainsFunc(keptFields, func(name string) bool { return len(name) == len(h[0]) && strings.EqualFold(name, h[0]) }) {
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
		return value[:strings.IndexAny(value+"?", "?#")]
	}
	return value
}
