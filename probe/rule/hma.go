package rule

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/challenge"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Hybrid Modern Authentication: the token of Entra, and what Exchange makes of it.

// needsImpersonation is the fault by which Exchange shows that it took a token, where
// no mailbox was asked for.
const needsImpersonation = "ErrorInvalidExchangeImpersonationHeaderData"

// tokenItem is the last request for a token of that step: for EWS (or the token that
// was brought), or for Dynamics.
func (v *view) tokenItem(step evidence.Step) *evidence.Item {
	return last(v.items, func(item *evidence.Item) bool { return item.Step == step && item.Token != nil })
}

// token is the last use of the token at an address.
func (n *node) token() *evidence.Item {
	return n.last(func(l *evidence.Logon) bool { return l.Scheme == "Bearer" })
}

// tokenParams are those of every sentence about the token.
func (v *view) tokenParams() (p finding.Params) {
	if h := v.rec.Target.HMA; h != nil {
		p.Token.HMA = *h
	}
	if item := v.tokenItem(evidence.StepHMAToken); item != nil {
		p.Token.Answer = *item.Token
		p.Token.Resource = cmp.Or(strings.TrimSuffix(item.Token.Scope, "/.default"), p.Token.Resource)
		if c := item.Token.Claims; c != nil {
			p.Token.Claims = *c
		}
	}
	return p
}

// trusted are the tenants that the challenge of a node names.
func (n *node) trusted() []string {
	c, _ := n.bearerChallenge()
	return front.Tenants(c)
}

func tokenNotIssued(v *view) *hit {
	item := v.tokenItem(evidence.StepHMAToken)
	if v.rec.Target.HMA == nil || item == nil || item.Token.Claims != nil {
		return nil
	}
	t := item.Token
	h := confirmed("unanswered", v.tokenParams(), item)
	h.status, h.reason = finding.Unknown, "other"
	p := &h.params
	p.Host = t.Host
	switch {
	case t.Detail.Is("application-expired"):
		h.variant, h.status, h.reason = "expired", finding.Critical, "certificate-expired"
		p.Until = t.Certificate.NotAfter
	case item.Error != nil:
		p.Error = item.Error.Text
	case t.Code() == "" && item.Response != nil && item.Response.Status == 429:
		h.variant, h.reason = "refused", "throttled"
		v.entraSaid(h, item)
	case t.Code() == "":
		h.variant, p.Error = "unreadable", t.Problem
	default:
		v.entraSaid(h, item)
	}
	switch {
	case h.variant == "unanswered" || h.variant == "unreadable":
		h.advice = "unreachable"
	case h.variant == "refused" && h.reason == "other" && h.status == finding.Unknown:
		h.advice = "transient"
	case h.variant == "refused" && h.reason == "other" && h.advice == "":
		h.advice = "not-issued"
	case h.reason == "resource-unknown" && strings.Trim(parsed(p.Token.Resource).Path, "/") != "":
		h.advice = "resource-path"
	}
	p.Reason = cmp.Or(h.advice, h.reason)
	return h
}

// entraSaid completes the finding that Entra refuses.
func (v *view) entraSaid(h *hit, item *evidence.Item) {
	t, p := item.Token, &h.params
	h.variant, p.Status, p.Code, p.Message, p.RetryAfter = "refused", item.Response.Status, t.Error, withoutTrailer(t.Message), t.RetryAfter
	var known finding.Refusal
	for _, number := range t.Codes { // of several the later one says more
		if next := finding.EntraRefusal(number, t.Message); p.Token.Number == 0 || next.Reason != "other" || known.Reason == "other" {
			p.Token.Number, known = number, next
		}
	}
	if p.Token.Number != 0 {
		h.reason, h.advice = known.Reason, known.Advice
	}
	if known.Inferred {
		h.confidence = finding.Likely
	}
	if h.reason == "secret-expired" && t.Proof == evidence.ProofCertificate {
		h.reason = "certificate-expired"
	}
	if item.Response.Status == 429 {
		h.reason = "throttled"
	}
	passing := known.Passing || item.Response.Status >= 500 || t.Error == "temporarily_unavailable"
	if h.reason != "throttled" && !passing {
		h.status = finding.Critical
	}
}

// withoutTrailer is the message of Entra without its number and what comes behind it
// and is told elsewhere.
func withoutTrailer(message string) string {
	message, _, _ = strings.Cut(message, "Trace ID:")
	if _, words, numbered := strings.Cut(message, ": "); numbered && strings.HasPrefix(message, "AADSTS") {
		message = words
	}
	return message
}

// tokenRefused: the answer to the token was a refusal. A 403 is one too.
func tokenRefused(v *view, n *node) *hit {
	item := n.token()
	if v.rec.Target.HMA == nil || item == nil || item.Response == nil || item.Step == evidence.StepSkipped || item.EWS.Answered() {
		return nil
	}
	r := item.Response
	said := challenge.Diagnostics(r.Header("x-ms-diagnostics"))
	backEnd := len(said) == 0
	if backEnd {
		said = challenge.BackEndDiagnostics(r.Header("x-ms-diagnostics-from-backend"))
	}
	if result(item) != evidence.Refused && len(said) == 0 {
		return nil
	}
	who := front.Identify(r)
	h := confirmed("", v.tokenParams(), item)
	p := &h.params
	p.Status, p.NotExchange = r.Status, !who.Exchange
	p.Token.Trusted, p.Token.Old = n.trusted(), strings.HasPrefix(who.Version, "15.0.")
	switch {
	case len(said) == 0 && r.Status == 403:
		h.reason, h.confidence = "role", finding.Likely
	case len(said) == 0:
		h.variant, h.reason, h.confidence = "bare", "other", finding.Undetermined
	default:
		d := said[0]
		known := finding.TokenRefusal(d.Number, d.Reason)
		h.reason, h.advice = known.Reason, known.Advice
		p.Token.Refusal, p.Token.Category, p.Message = d.Number, d.Category, d.Reason
		p.Token.BackEnd = backEnd
		if seen := d.Quoted(); h.reason == "audience" && len(seen) > 1 {
			p.Token.Sees = seen[1]
		}
		if backEnd || !who.Exchange || d.Number == 4000000 || known.Number == 0 {
			h.confidence = finding.Likely
		}
		if r.Status == 403 && h.reason == "other" {
			h.reason = "role"
		}
	}
	c := p.Token.Claims
	if len(c.Roles) == 0 && c.Scopes != "" && (h.reason == "role" || h.reason == "other") {
		h.advice = "user-token"
	}
	if h.reason == "role" && len(c.Roles) > 0 {
		h.confidence = finding.Likely // why it is not taken is not to be seen
		if slices.Contains(c.Roles, "full_access_as_app") {
			h.advice = "role-there"
		}
	}
	if slices.Contains(p.Token.Trusted, p.Token.Claims.Tenant) {
		p.Token.Trusted = nil // it names no other that would be expected
	}
	if ver := p.Token.Claims.Version; h.reason == "other" && h.advice == "" && ver != "" && ver != "1.0" {
		h.advice = "version"
	}
	p.Reason = cmp.Or(h.advice, h.reason)
	if asked := v.tokenItem(evidence.StepHMAToken); asked != nil { // a row of a batch has none
		h.cite(asked)
	}
	return h
}

// tokenTenant: the tenant of the token is none that Exchange's challenge trusts.
func tokenTenant(v *view) *hit {
	item := v.tokenItem(evidence.StepHMAToken)
	if item == nil || item.Token.Claims == nil || item.Token.Claims.Tenant == "" {
		return nil
	}
	for _, n := range v.nodes {
		trusted := n.trusted()
		if len(trusted) == 0 || slices.Contains(trusted, item.Token.Claims.Tenant) || v.isOnline(n) {
			continue
		}
		h := confirmed("token", v.tokenParams(), item)
		h.params.Token.Trusted = trusted
		_, shown := n.bearerChallenge()
		h.cite(shown)
		return h
	}
	return nil
}

func hmaCertificateExpiring(v *view) *hit {
	item := v.tokenItem(evidence.StepHMAToken)
	if item == nil || item.Token.Certificate == nil {
		return nil
	}
	return v.expiring(item.Token.Certificate, v.tokenParams(), item)
}

// otherAudience: the item is a use of a token whose audience is the URL of another host.
func (v *view) otherAudience(item *evidence.Item) bool {
	audience := parsed(v.tokenParams().Token.Claims.Audience).Hostname()
	return isToken(item) && audience != "" && !strings.EqualFold(audience, v.host())
}

// isToken: the item is a use of the token.
func isToken(item *evidence.Item) bool { return item.Logon != nil && item.Logon.Scheme == "Bearer" }
