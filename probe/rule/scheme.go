package rule

import (
	"fmt"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/challenge"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// notOffered is the finding that a 401 offers schemes, but not the profile's.
func (v *view) notOffered(n *node, scheme string) *hit {
	if v.elsewhere(n) || !n.challenged() || n.offer(scheme) || v.plain() {
		return nil
	}
	h := &hit{confidence: finding.Likely, evidence: []string{n.ask.ID}}
	offered := strings.Join(n.offerNames(), ", ")
	h.detail = fmt.Sprintf("The anonymous request to %s was answered 401 and offers %s, not %s.", n.address, offered, scheme)
	switch {
	case n.who.Exchange:
		h.confidence = finding.Confirmed
		h.detail += fmt.Sprintf(" Exchange itself answered%s.", by(n.who.FrontEnd))
	case n.who.Device != "":
		h.detail += fmt.Sprintf(" None of Exchange's own headers is there: %s seems to answer (%s), so what Exchange behind it offers is not known.", n.who.Device, n.who.DeviceSign)
	case n.who.ServerField != "":
		h.detail += fmt.Sprintf(" None of Exchange's own headers is there: the answer signs as %q. Exchange 2010 looks like this, and so does a device in front.", n.who.ServerField)
	default:
		h.detail += " None of Exchange's own headers is there: a device in front may have answered."
	}
	if n.who.Exchange && n.who.Device != "" {
		h.detail += fmt.Sprintf(" %s stands in front (%s); it may have removed the scheme.", capital(n.who.Device), n.who.DeviceSign)
	}
	return h
}

func by(frontEnd string) string {
	if frontEnd == "" {
		return ""
	}
	return " (" + frontEnd + ")"
}

func basicDisabled(v *view, n *node) *hit {
	p := v.rec.Target.ProfileAuth
	if p != "basic" && p != "auto" {
		return nil
	}
	h := v.notOffered(n, "Basic")
	if h == nil {
		return nil
	}
	h.summary = fmt.Sprintf("Basic authentication is off for EWS on %s, as seen from %s at %s", v.host(), v.side(), n.address)
	if a := v.basicAtAutodiscover(); a != nil {
		h.detail += fmt.Sprintf(" Exchange offers Basic for %s: this is how it is installed, Basic on Autodiscover and not on EWS.", where(a))
		h.evidence = append(h.evidence, a.ID)
	}
	if w := n.windows(); result(w) == evidence.Accepted {
		h.detail += fmt.Sprintf(" %s accepts the account here, so a profile that uses NTLM can work.", w.Logon.Scheme)
		h.evidence = append(h.evidence, w.ID)
		if p == "auto" {
			h.status, h.confidence = finding.Warning, finding.Likely
			h.detail += " That Dynamics online signs in with NTLM by itself is documented, not proved."
		}
	}
	return h
}

func ntlmDisabled(v *view, n *node) *hit {
	if v.rec.Target.ProfileAuth != "ntlm" {
		return nil
	}
	h := v.notOffered(n, "NTLM")
	if h != nil {
		h.summary = fmt.Sprintf("NTLM is not offered by EWS on %s, as seen from %s at %s", v.host(), v.side(), n.address)
	}
	return h
}

func negotiateDisabled(v *view, n *node) *hit {
	if v.rec.Target.ProfileAuth != "negotiate" {
		return nil
	}
	h := v.notOffered(n, "Negotiate")
	if h != nil {
		h.summary = fmt.Sprintf("Negotiate is not offered by EWS on %s, as seen from %s at %s", v.host(), v.side(), n.address)
	}
	return h
}

// bearer is the Bearer challenge of a node and the leg that showed it.
func (n *node) bearerChallenge() (challenge.Challenge, *evidence.Item) {
	for _, item := range []*evidence.Item{n.bearer, n.ask} {
		if item == nil || item.Response == nil {
			continue
		}
		if c, ok := challenge.Find(challenge.Parse(item.Response.Header("WWW-Authenticate")), "Bearer"); ok {
			return c, item
		}
	}
	return challenge.Challenge{}, nil
}

func oauthDisabled(v *view, n *node) *hit {
	if v.rec.Target.ProfileAuth != "oauth" || !n.answered() || v.plain() || n.status() != 401 && n.status()/100 != 2 {
		return nil
	}
	if n.bearer == nil || n.bearer.Response == nil {
		return nil // not asked, or not answered: nothing is known
	}
	c, item := n.bearerChallenge()
	h := &hit{confidence: finding.Confirmed, evidence: []string{n.bearer.ID}}
	h.summary = fmt.Sprintf("EWS on %s does not take OAuth tokens of Entra ID, as seen from %s at %s", v.host(), v.side(), n.address)
	if item == nil {
		h.detail = "Asked with an empty Bearer token, the server offers no Bearer challenge: OAuth is off for the EWS virtual directory."
		if !n.who.Exchange {
			h.confidence = finding.Likely
			h.detail = "Asked with an empty Bearer token, the server offers no Bearer challenge. None of Exchange's own headers is there, so a device in front may have answered."
		}
	} else {
		if uri, ok := c.Param("authorization_uri"); ok && uri != "" {
			return nil
		}
		h.detail = "The Bearer challenge names no authorization_uri: hybrid modern authentication is not switched on (no default authorization endpoint)."
	}
	if d := n.bearer.Response.First("x-ms-diagnostics"); d != "" {
		h.detail += fmt.Sprintf(" Exchange adds: %s.", strings.TrimSuffix(d, "."))
	}
	return h
}
