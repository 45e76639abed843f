package rule

import (
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

func (v *view) verdict(findings *[]finding.Finding) finding.Verdict {
	if v.rec.Stopped != "" {
		variant, p := "stopped", finding.Params{}
		switch {
		case len(*findings) > 0:
			variant, p.Found = "stopped-found", (*findings)[0].Summary
		case v.proved != nil:
			variant, p.Account, p.Scheme = "stopped-signed-in", v.proved.Logon.Account, mechanism(v.proved.Logon)
		case len(v.nodes) > 0 && v.nodes[0].challenged():
			variant, p.At, p.Schemes = "stopped-challenged", v.at(v.nodes[0]), front.Names(v.nodes[0].offers)
		}
		summary, _ := finding.Say("inconclusive", variant, v.complete(p))
		return finding.Verdict{Code: "inconclusive", Status: finding.Unknown, Confidence: finding.Undetermined, Summary: summary}
	}
	worst := 99
	if len(*findings) > 0 {
		worst = (*findings)[0].Status.Rank()
	}
	for _, f := range *findings {
		if f.Accepted != nil {
			worst = min(worst, f.Accepted.Status.Rank())
		}
	}
	if worst > finding.Unknown.Rank() {
		if h := v.missing(); h != nil {
			f, _ := v.apply(row{code: "inconclusive", in: func(*view) *hit { return h }})
			*findings = slices.Insert(*findings, 0, f)
		}
	}
	if len(*findings) > 0 {
		return verdictOf((*findings)[0])
	}
	return finding.Verdict{Code: "ok", Status: finding.OK, Confidence: finding.Confirmed, Summary: v.success()}
}

// missing says what keeps a check without critical findings from being ok; nil if
// nothing does.
func (v *view) missing() *hit {
	t := v.rec.Target
	lacks := func(missing string, p finding.Params, items ...*evidence.Item) *hit {
		p.Missing = missing
		h := unsure("", p, items...)
		if missing == "mailbox" {
			h.use = finding.CallersOwn
		}
		if missing == "challenge" && p.Code == "NoError" {
			h.use = finding.Unasked
		}
		return h
	}
	if item := v.wantsCredential(); len(v.nodes) == 0 && item != nil {
		return lacks("password", finding.Params{Source: source(item)}, item)
	}
	if len(v.nodes) == 0 {
		return lacks("anything", finding.Params{})
	}
	for _, n := range v.nodes {
		p := finding.Params{Address: n.address, Scheme: v.profileScheme(), Status: n.status()}
		if n.ask == nil {
			return lacks("question", p)
		}
		switch {
		case n.ask.EWS.Answered():
			p.Code, p.Usual = n.ask.EWS.Code, v.usualURL()
			return lacks("challenge", p, n.ask)
		case !n.answered():
			if n.ask.Error != nil {
				p.Error = n.ask.Error.Text
			}
			return lacks("answer", p, n.ask)
		case t.ProfileAuth == "oauth" && t.HMA == nil && (n.bearer == nil || n.bearer.Response == nil):
			return lacks("oauth", p, n.ask)
		case t.ProfileAuth == "oauth" && t.HMA == nil:
			continue
		case t.HMA != nil && n.token() == nil:
			return lacks("logon", p, n.ask)
		case t.HMA == nil && !n.challenged():
			return lacks("rule", p, n.ask)
		case t.HMA == nil && !t.Credentials:
			continue
		}
		own := v.ownLogon(n)
		if k := n.kerberos(); result(own) != evidence.Accepted && k != nil && t.ProfileAuth == "negotiate" {
			own = k
		}
		if t.ProfileAuth == "auto" && !n.offer("Basic") {
			own = n.windows()
		}
		if result(own) == evidence.Accepted {
			if v.callersOwn(n) {
				return lacks("mailbox", p, own, n.callFor(evidence.OwnInbox), n.callFor(evidence.NamedInbox))
			}
			continue
		}
		if item := v.withoutTicket(); own == nil && item != nil {
			_, p.Error = problemOf(item)
			return lacks("ticket", p, n.ask, item)
		}
		if own == nil {
			return lacks("logon", p, n.ask)
		}
		p.Scheme, p.Result, p.Error = own.Logon.Scheme, string(own.Logon.Result), own.Logon.Why
		h := lacks("decision", p, n.ask, own)
		if d := own.Logon.Detail; d != nil && d.Code == "no-count" {
			h.variant = "no-count"
		}
		if v.row {
			h.evidence = []string{own.ID}
		}
		return h
	}
	return nil
}

// success is the sentence of an ok verdict.
func (v *view) success() string {
	t := v.rec.Target
	p := finding.Params{Scheme: v.profileScheme()}
	variant := ""
	switch {
	case t.HMA != nil:
		variant, p.Token = "token", v.tokenParams().Token
	case t.ProfileAuth == "oauth":
		variant = "oauth"
	case !t.Credentials:
		variant = "anonymous"
	default:
		p.Scheme, p.Only = v.profileMechanism(), v.kerberosAlone()
		p.Unverified = t.Mailbox != "" && slices.ContainsFunc(v.nodes, v.unverified)
		for _, n := range v.nodes {
			if s := v.server(n); strings.HasPrefix(s.Version, "8.") || strings.HasPrefix(s.Version, "14.") {
				p.Old = s.Product
			}
		}
	}
	summary, _ := finding.Say("ok", variant, v.complete(p))
	return summary
}

// profileMechanism is the profile's scheme and, for Negotiate, what was accepted
// inside it.
func (v *view) profileMechanism() string {
	for _, n := range v.nodes {
		if w, k := n.windows(), n.kerberos(); v.rec.Target.ProfileAuth == "negotiate" {
			switch {
			case result(w) == evidence.Accepted:
				return mechanism(w.Logon)
			case result(k) == evidence.Accepted:
				return mechanism(k.Logon)
			}
		}
	}
	return v.profileScheme()
}

// kerberosAlone: Dynamics online has no line of sight to a KDC. Where only a
// ticket was tried, the verdict must not promise more than the challenge that NTLM
// got: "ntlm-offered", or "kerberos" where there was none.
func (v *view) kerberosAlone() string {
	for _, n := range v.nodes {
		if result(n.kerberos()) != evidence.Accepted || result(n.windows()) == evidence.Accepted {
			continue
		}
		if slices.ContainsFunc(n.typeOne, func(i *evidence.Item) bool {
			return i.NTLM != nil && i.NTLM.Scheme == "Negotiate" && i.NTLM.Problem == ""
		}) {
			return "ntlm-offered"
		}
		return "kerberos"
	}
	return ""
}

// verdictOf is the verdict that a finding gives as the first.
func verdictOf(f finding.Finding) finding.Verdict {
	return finding.Verdict{Code: f.Code, Status: f.Status, Cause: f.Cause, Confidence: f.Confidence, Reason: f.Reason, Summary: f.Summary}
}

// accept marks a finding that the baseline accepts on the day of the check: it stays, and
// no longer decides the status. What could not be determined is never accepted. An entry
// whose day is over is told, and does nothing.
func (v *view) accept(f *finding.Finding) {
	if f.Status != finding.Critical && f.Status != finding.Warning {
		return
	}
	t, over := v.rec.Target, ""
	for _, a := range t.Accepted {
		here := (a.Host == "" || strings.EqualFold(a.Host, t.Host)) && (a.Mailbox == "" || strings.EqualFold(a.Mailbox, t.Mailbox))
		accepted := finding.Accepted{Status: f.Status, Reason: a.Reason, Until: a.Until}
		switch {
		case a.Code != string(f.Code) || !here:
		case a.Over(v.rec.Started):
			over = " " + finding.Phrase("acceptance-over", accepted)
		default:
			f.Accepted, f.Status = &accepted, finding.OK
			f.Detail = finding.Phrase("accepted-detail", accepted) + " " + f.Detail
			f.Summary = finding.Phrase("accepted-summary", accepted) + " " + f.Summary
			return
		}
	}
	f.Detail += over
}
