package rule

import (
	"fmt"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

func plainHTTP(v *view, n *node) *hit {
	if !n.answered() || !strings.HasPrefix(strings.ToLower(v.rec.Target.URL), "http:") {
		return nil
	}
	return &hit{
		confidence: finding.Confirmed, evidence: []string{n.ask.ID},
		summary: fmt.Sprintf("The URL is http: %s was only examined anonymously", v.host()),
		detail:  "A credential sent over http can be read on the way, so none was sent. Dynamics needs https with a certificate it trusts.",
	}
}

// isOnline: for server-to-server and OAuth profiles Exchange Online is where
// they belong.
func (v *view) isOnline(n *node) bool {
	return n.answered() && v.rec.Target.ProfileAuth != "oauth" && (n.who.Online || front.OnlineHost(v.rec.Target.Host))
}

func endpointOnline(v *view, n *node) *hit {
	if !v.isOnline(n) {
		return nil
	}
	sign := n.who.OnlineSign
	if sign == "" {
		sign = "its host name"
	}
	h := &hit{confidence: finding.Likely, evidence: []string{n.ask.ID}}
	h.summary = fmt.Sprintf("%s is Exchange Online, not an Exchange server of yours", v.host())
	h.detail = fmt.Sprintf("Recognised by %s. Exchange Online has taken no Basic since October 2022 and no NTLM for EWS at all. No credential was sent to it.", sign)
	v.locate(h)
	if why := n.ask.Response.First("X-EWS-Policy-Reason"); n.status() == 403 && why != "" {
		h.detail += fmt.Sprintf(" It refuses EWS by policy (%q): %s", why, retirement(why))
	}
	return h
}

// retirement explains the two texts of X-EWS-Policy-Reason, and what is left.
func retirement(reason string) string {
	why := "an administrator's rule, or the end of EWS there."
	switch reason {
	case "EWS is disabled for this user or tenant":
		why = "EwsEnabled is False, which Microsoft sets tenant by tenant since 2026-10-01."
	case "EWS is blocked by policy for this user or tenant":
		why = "the application is not in EwsAllowedAppIDs, or EwsApplicationAccessPolicy refuses its user agent."
	}
	return why + " On 2027-04-01 EWS ends in Exchange Online for good. Use the Exchange Online profile in Dynamics, which does not depend on it; EWS of Exchange Server is not concerned. A change there can take 24 hours to work."
}

// elsewhere: answers that end the judging of the endpoint in another rule.
func (v *view) elsewhere(n *node) bool { return !n.answered() || v.isOnline(n) }

// strange returns the needed leg whose answer is meant by is, where Exchange
// Online does not explain it.
func (v *view) strange(n *node, is func(*evidence.Item) bool) *evidence.Item {
	if v.elsewhere(n) {
		return nil
	}
	for _, leg := range v.needed(n) {
		if leg.Response != nil && !leg.EWS.Answered() && is(leg) {
			return leg
		}
	}
	return nil
}

// after says what an answer followed, where that was more than the anonymous
// request.
func (v *view) after(leg *evidence.Item) string {
	switch {
	case v.row:
		return " to " + v.asked(leg)
	case leg.Logon != nil:
		return " after " + v.asked(leg)
	}
	return ""
}

func isRedirect(status int) bool { return status/100 == 3 }

func preauthRedirect(v *view, n *node) *hit {
	leg := v.strange(n, func(leg *evidence.Item) bool { return signInPage(leg.Response) != "" })
	if leg == nil {
		return nil
	}
	page := signInPage(leg.Response)
	h := &hit{confidence: finding.Confirmed, evidence: []string{leg.ID}}
	h.summary = fmt.Sprintf("Something in front of EWS on %s wants a sign-in of its own: %s", v.host(), page)
	h.detail = fmt.Sprintf("HTTP %d%s leads to %s", leg.Response.Status, v.after(leg), page)
	if to := leg.Response.First("Location"); to != "" {
		h.detail += fmt.Sprintf(" (Location: %s)", to)
	}
	h.detail += ". Dynamics fills in no form and follows no sign-in: for it the path /EWS/Exchange.asmx must be published without pre-authentication."
	return h
}

// signInPage names the sign-in that an answer puts in front of EWS, "" none.
func signInPage(r *evidence.Response) string {
	switch {
	case isRedirect(r.Status):
		return front.SignIn(r.First("Location"))
	case r.Status == 440:
		return "the log-on time-out of Outlook on the web or AD FS (440)"
	case r.Page != nil && r.Page.PasswordField && len(r.Header("WWW-Authenticate")) == 0:
		return "an HTML page with a password field"
	}
	return ""
}

func redirected(v *view, n *node) *hit {
	leg := v.strange(n, func(leg *evidence.Item) bool {
		return isRedirect(leg.Response.Status) && signInPage(leg.Response) == ""
	})
	if leg == nil {
		return nil
	}
	to := leg.Response.First("Location")
	if to == "" {
		to = "nowhere (no Location header)"
	}
	return &hit{
		confidence: finding.Confirmed, evidence: []string{leg.ID},
		summary: fmt.Sprintf("%s redirects EWS to %s", v.host(), to),
		detail:  fmt.Sprintf("HTTP %d%s to %s. The redirect was not followed, and no credential goes where it leads. EWS itself never redirects a POST: the path, or a rule of the device in front, is wrong.", leg.Response.Status, v.after(leg), to),
	}
}

func forbidden(v *view, n *node) *hit {
	leg := v.strange(n, func(leg *evidence.Item) bool { return leg.Response.Status == 403 && signInPage(leg.Response) == "" })
	if leg == nil {
		return v.syncAgentRefused(n)
	}
	h := &hit{confidence: finding.Confirmed, evidence: []string{leg.ID}}
	h.summary = fmt.Sprintf("%s forbids EWS (403)%s", v.at(n), v.after(leg))
	switch {
	case len(n.agents) > 0:
		h.detail = "403 to the tool's own user agent and to those of Dynamics, before any sign-in."
		for _, a := range n.agents {
			h.evidence = append(h.evidence, a.ID)
		}
	case leg.Logon != nil:
		h.detail = "The request with the credential was answered 403: Exchange, or a device in front, refuses EWS to this account, this user agent or this place. The sign-in itself seems to have been passed. Exchange asks its own rules only then: EwsEnabled and EwsApplicationAccessPolicy, of the organisation (Get-OrganizationConfig) and of the mailbox of the account (Get-CASMailbox)."
		if refused, _, _ := n.agentsTried(); len(refused) > 1 {
			h.detail += fmt.Sprintf(" Refused were %s.", quoted(refused))
		}
	default:
		h.detail = "403 without a question for credentials."
	}
	plain := strings.HasPrefix(v.rec.Target.URL, "http:")
	if leg.Logon == nil && !plain && !n.who.Exchange && n.who.Device == "" {
		h.detail += " None of Exchange's own headers is in the answer, so look first at what stands in front of it: a web application firewall, a publishing rule, a list of allowed addresses."
	}
	if plain {
		h.detail += " Over http this is how IIS says that TLS is required."
	}
	if d := n.who.Device; d != "" {
		h.detail += fmt.Sprintf(" %s seems to stand in front (%s) and may be the one that forbids.", capital(d), n.who.DeviceSign)
	}
	return h
}

// isNotEWS: a whole answer, and no other row's, that EWS does not give.
func isNotEWS(leg *evidence.Item) bool {
	r := leg.Response
	switch {
	case signInPage(r) != "":
		return false
	case r.Status/100 == 2:
		return (!r.Oversized || r.Page != nil) && !r.CutShort && (leg.EWS == nil || !leg.EWS.Unreadable) && leg.Error == nil
	case r.Status == 401, r.Status == 403, r.Status == 407, r.Status == 429, r.Status == 440:
		return false
	}
	return r.Status/100 == 4
}

func notEWS(v *view, n *node) *hit {
	leg := v.strange(n, isNotEWS)
	if leg == nil {
		return nil
	}
	r := leg.Response
	h := &hit{confidence: finding.Confirmed, evidence: []string{leg.ID}}
	h.summary = fmt.Sprintf("There is no EWS at %s (HTTP %d%s)", v.rec.Target.URL, r.Status, v.after(leg))
	h.detail = fmt.Sprintf("A valid EWS request was answered HTTP %d %s", r.Status, r.Reason)
	switch {
	case r.Page != nil && r.Page.Title != "":
		h.detail += fmt.Sprintf(" with a page titled %q", r.Page.Title)
	case r.Status/100 == 2 && leg.EWS != nil:
		h.detail += fmt.Sprintf(", but not by EWS: %s", leg.EWS.Problem)
	}
	h.detail += ". The path should be /EWS/Exchange.asmx, and the device in front must pass it on."
	return h
}

func noScheme(v *view, n *node) *hit {
	if v.elsewhere(n) || n.status() != 401 || len(n.offers) > 0 || signInPage(n.ask.Response) != "" {
		return nil
	}
	_, token := n.bearerChallenge()
	if token != nil && v.rec.Target.ProfileAuth == "oauth" {
		return nil // what an OAuth profile needs is offered to who asks with an empty Bearer token
	}
	h := &hit{confidence: finding.Confirmed, evidence: []string{n.ask.ID}}
	if token != nil && n.who.Exchange {
		h.evidence = append(h.evidence, token.ID)
		h.summary = fmt.Sprintf("%s takes no user name and password, tokens (OAuth) alone", v.at(n))
		h.detail = "The anonymous 401 offers nothing, and a request with an empty Bearer token is offered Bearer. So Basic and Windows authentication are off, as where an organisation has gone over to Hybrid Modern Authentication alone; a profile with a user name and password cannot sign in."
		return h
	}
	h.summary = fmt.Sprintf("%s answers 401 but offers no way to sign in", v.at(n))
	h.detail = "A 401 without WWW-Authenticate: either every authentication method of the EWS virtual directory is off, or a device in front removes the header."
	if d := n.who.Device; d != "" {
		h.detail += fmt.Sprintf(" %s seems to stand in front (%s).", capital(d), n.who.DeviceSign)
	}
	return h
}
