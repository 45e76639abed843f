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

// notOffered is the finding that a 401 offers schemes, but not the profile's.
func (v *view) notOffered(n *node, scheme string) *hit {
	if v.otherRuleSpeaks(n) || !n.challenged() || n.offer(scheme) || v.plain() {
		return nil
	}
	h := likely("", finding.Params{
		Scheme: scheme, Schemes: front.Names(n.offers),
		FrontEnd: n.who.FrontEnd,
		Device:   n.who.Device, Sign: n.who.DeviceSign, Header: n.who.ServerField, NotExchange: !n.who.Exchange,
		Notice: noticeOf(n.ask.Response),
	}, n.ask)
	if n.who.Exchange {
		h.confidence = finding.Confirmed
	} else if n.who.Device != "" || front.IIS(n.ask.Response) == "" { // Exchange 2010 signs as IIS alone
		h.use = finding.ByDevice
	}
	if n.offer("Negotiate") && !n.offer("NTLM") && n.unchallenged() {
		h.params.Only = "kerberos"
	}
	return h
}

func basicDisabled(v *view, n *node) *hit {
	p := v.rec.Target.ProfileAuth
	if p != "basic" && p != "auto" {
		return nil
	}
	h := v.notOffered(n, "Basic")
	if h == nil {
		return v.notTaken(n, n.basic(), "Basic")
	}
	if a := v.basicAtAutodiscover(); a != nil {
		h.params.Source = source(a)
		h.cite(a)
	}
	if w := n.windows(); result(w) == evidence.Accepted {
		h.params.Accepted = w.Logon.Scheme
		h.cite(w)
		if p == "auto" {
			h.variant, h.status, h.confidence = "auto", finding.Warning, finding.Likely
		}
	}
	return h
}

// unchallenged: a type 1 inside Negotiate was answered, and not with a challenge of
// NTLM.
func (n *node) unchallenged() bool {
	problems := []string{}
	for _, item := range n.typeOne {
		if item.NTLM != nil && item.Response != nil && item.NTLM.Scheme == "Negotiate" {
			problems = append(problems, item.NTLM.Problem)
		}
	}
	return len(problems) > 0 && !slices.Contains(problems, "")
}

// unheard: NTLM is offered, and every first message of it was answered like a request
// without a credential.
func (n *node) unheard() bool {
	return n.offer("NTLM") && len(n.typeOne) > 0 && !slices.ContainsFunc(n.typeOne, func(item *evidence.Item) bool {
		return item.NTLM == nil || item.NTLM.Problem == "" || item.Response == nil || item.Response.Status != 401
	})
}

// windowsDisabled is the rule of a profile that signs in by NTLM or Negotiate.
func windowsDisabled(profile, scheme string) func(*view, *node) *hit {
	return func(v *view, n *node) *hit {
		if v.rec.Target.ProfileAuth != profile {
			return nil
		}
		return cmp.Or(v.notOffered(n, scheme), v.notTaken(n, n.windows(), scheme))
	}
}

// bearer is the Bearer challenge of a node and the step that showed it.
func (n *node) bearerChallenge() (challenge.Challenge, *evidence.Item) {
	for _, item := range []*evidence.Item{n.bearer, n.ask} {
		if item == nil || item.Response == nil {
			continue
		}
		if c, ok := front.Offer(item.Response, "Bearer"); ok {
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
	h := confirmed("not-switched-on", finding.Params{
		NotExchange: !n.who.Exchange,
		Header:      n.bearer.Response.First("x-ms-diagnostics"),
	}, n.bearer)
	if item == nil {
		h.variant = "no-challenge"
		if !n.who.Exchange {
			h.confidence, h.use = finding.Likely, finding.ByDevice
		}
	} else if uri, ok := c.Param("authorization_uri"); ok && uri != "" {
		kind, _ := c.Param("issuer_kind")
		if !strings.EqualFold(kind, "ADFS") {
			return nil
		}
		h.variant, h.confidence, h.params.Location = "federation-server", finding.Likely, uri
	}
	if t := v.tokenItem(evidence.StepHMAToken); t != nil && t.Token.Claims != nil && t.Token.Claims.Tenant == "" {
		h.params.Token.Claims = *t.Token.Claims // not Entra, which names a tenant
		h.cite(t)
	}
	return h
}
