package rule

import (
	"net/url"
	"slices"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Judgement is everything that a record says.
type Judgement struct {
	Verdict  finding.Verdict
	Causes   []finding.CauseReport
	Findings []finding.Finding
	Facts    Facts
	Attempts []Attempt
}

// Judge applies every rule to a record.
func Judge(rec evidence.Record) Judgement {
	v := arrange(&rec)
	j := v.judge(table)
	j.Facts, j.Attempts = v.facts(), v.attempts()
	return j
}

func (v *view) judge(rows []row) Judgement {
	var j Judgement
	for _, row := range rows {
		if f, holds := v.apply(row); holds {
			j.Findings = append(j.Findings, f)
		}
	}
	j.Findings = explained(j.Findings)
	silent := v.nothingAnswered()
	j.Causes = v.causes(j.Findings)
	j.Findings = v.accepted(j.Findings)
	slices.SortStableFunc(j.Findings, func(a, b finding.Finding) int { return v.precedence(a, silent) - v.precedence(b, silent) })
	j.Verdict = v.verdict(&j.Findings)
	return j
}

// apply asks one row everywhere and joins what it finds at several addresses.
func (v *view) apply(r row) (finding.Finding, bool) {
	f := finding.Finding{Code: r.code}
	var worst *hit
	join := func(h *hit, address string) bool {
		if h == nil {
			return false
		}
		if h.status == "" {
			head, _ := finding.HeadOf(r.code)
			h.status = head.Status
		}
		if address != "" && !slices.Contains(f.Addresses, address) {
			f.Addresses = append(f.Addresses, address)
		}
		f.Evidence = append(f.Evidence, h.evidence...)
		if worst == nil || h.status.Rank() < worst.status.Rank() {
			worst = h
		}
		return true
	}
	var at []*node
	if r.in != nil {
		join(r.in(v), "")
	} else {
		nodes := v.nodes
		if r.server && !v.row {
			nodes = nil
			for _, n := range v.nodes {
				nodes = append(append(nodes, n), n.peers...)
			}
		}
		for _, n := range nodes {
			if join(r.at(v, n), n.address) {
				at = append(at, n)
			}
		}
		if worst == nil && r.also != nil {
			join(r.also(v), "")
		}
	}
	if worst == nil {
		return f, false
	}
	entry, ok := finding.Lookup(r.code)
	if !ok { // TestEveryCodeIsWhole keeps this from happening
		panic("rule: no catalogue entry for " + r.code)
	}
	f.Cause, f.Title = entry.Cause, entry.Title
	f.Status, f.Confidence, f.Reason = worst.status, worst.confidence, worst.reason
	f.Summary, f.Detail = finding.Say(f.Code, worst.variant, worst.params)
	if r.server && !v.row && len(at) > 0 && len(at) < len(v.servers()) && len(v.servers()) > len(v.nodes) {
		f.Summary += finding.Phrase("part", v.part(at))
	}
	if odd := finding.Odd(v.subject(r.code)); odd != "" {
		f.Summary += ": the name as given holds " + odd
		f.Detail += " A character like that explains it: type the name again instead of copying it."
	}
	rest := entry.RemediesIn(append([]finding.Case{worst.use}, v.cases()...)...)
	if worst.known {
		rest = entry.RemediesIn(finding.ReasonKnown)
	}
	rest = slices.Concat(finding.ReasonRemedies(f.Code, f.Reason), rest)
	f.Remedies = v.fill(rest, worst.params, f.Addresses...)
	return f, true
}

// subject is the name that a code is about, as it was given, where a character in it
// can be the reason.
func (v *view) subject(c finding.Code) string {
	switch c {
	case "mailbox-not-found", "access-denied", "mailbox-address-differs":
		return v.mailbox()
	case "credentials-rejected", "basic-rejected":
		return v.rec.Target.User
	case "dns-failed":
		return v.rec.Target.Host
	case "not-ews":
		return v.rec.Target.URL
	}
	return ""
}

// nothingAnswered: the anonymous question got no answer that could be judged at
// any address, so a code of block A comes before all else.
func (v *view) nothingAnswered() bool {
	for _, n := range v.nodes {
		if n.answered() && n.usable() {
			return false
		}
	}
	return true
}

// usable: the anonymous answer is EWS's or a device's own, not the word of a
// server in trouble or of a proxy in front of this machine.
func (n *node) usable() bool {
	r := n.ask.Response
	switch {
	case r.Status == 407, asksPatience(r):
		return false
	case n.who.Online:
		return true
	case r.Status >= 500:
		return n.ask.EWS.Answered()
	case r.Status/100 == 2:
		return n.ask.Error == nil && (!r.Oversized || r.Page != nil) && !r.CutShort && (n.ask.EWS == nil || !n.ask.EWS.Unreadable)
	}
	return true
}

// precedence is that of a code; with a token tenant-differs stands behind
// token-not-issued, since it keeps the token from being sent.
func (v *view) precedence(f finding.Finding, silent bool) int {
	if f.Code == "tenant-differs" && v.rec.Target.HMA != nil {
		f.Code = "token-not-issued"
		return 2*precedence(f, silent) + 1
	}
	return 2 * precedence(f, silent)
}

// precedence: status first, then the catalogue's order. Codes of block A come
// first of all when nothing answered, and in block C's place when something
// did; tls-untrusted as a warning is a code of block D.
func precedence(f finding.Finding, silent bool) int {
	entry, _ := finding.HeadOf(f.Code)
	order := finding.Order(f.Code)
	const block = 1000
	if entry.Block == finding.BlockAsk && f.Status != finding.Warning {
		if silent {
			return order
		}
		return block + f.Status.Rank()*10*block + 5*block + order
	}
	place := 8
	switch entry.Block {
	case finding.BlockEndpoint:
		place = 4
	case finding.BlockMailbox:
		place = 6
	}
	return block + f.Status.Rank()*10*block + place*block + order
}

func (v *view) verdict(findings *[]finding.Finding) finding.Verdict {
	if v.rec.Stopped != "" {
		variant, p := "stopped", finding.Params{Host: v.host()}
		switch {
		case len(*findings) > 0:
			variant, p.Found = "stopped-found", (*findings)[0].Summary
		case v.proved != nil:
			variant, p.Account, p.Scheme = "stopped-signed-in", v.proved.Logon.Account, mechanism(v.proved.Logon)
		case len(v.nodes) > 0 && v.nodes[0].challenged():
			variant, p.At, p.Schemes = "stopped-challenged", v.at(v.nodes[0]), v.nodes[0].offerNames()
		}
		summary, _ := finding.Say("inconclusive", variant, p)
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
		f := (*findings)[0]
		return verdictOf(f)
	}
	return finding.Verdict{Code: "ok", Status: finding.OK, Confidence: finding.Confirmed, Summary: v.success()}
}

// missing says what keeps a check without critical findings from being ok; nil if
// nothing does.
func (v *view) missing() *hit {
	t := v.rec.Target
	lacks := func(missing string, p finding.Params, items ...*evidence.Item) *hit {
		p.Missing = missing
		return unsure("", p, items...)
	}
	if item := v.wantsCredential(); len(v.nodes) == 0 && item != nil {
		return lacks("password", finding.Params{Source: source(item)}, item)
	}
	if len(v.nodes) == 0 {
		return lacks("anything", finding.Params{})
	}
	for _, n := range v.nodes {
		p := finding.Params{Address: n.address, Scheme: v.profileScheme(), Status: n.status(), Row: v.row}
		if n.ask == nil {
			return lacks("question", p)
		}
		switch {
		case n.ask.EWS.Answered():
			p.Code = n.ask.EWS.Code
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
				p.Mailbox, p.Account = v.mailbox(), t.User
				return lacks("mailbox", p, own, n.asked(evidence.OwnInbox), n.asked(evidence.NamedInbox))
			}
			continue
		}
		if stuck := v.withoutTicket(); own == nil && stuck != nil {
			p.Error = words(stuck)
			return lacks("ticket", p, n.ask, stuck)
		}
		if own == nil {
			return lacks("logon", p, n.ask)
		}
		p.Scheme, p.Result, p.Error = own.Logon.Scheme, string(own.Logon.Result), own.Logon.Why
		h := lacks("decision", p, n.ask, own)
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
	p := finding.Params{Account: t.User, Host: v.host(), Scheme: v.profileScheme(), Mailbox: v.mailbox()}
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
	}
	summary, _ := finding.Say("ok", variant, p)
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

func (v *view) host() string {
	if v.rec.Target.Host == "" {
		return "the server"
	}
	return v.rec.Target.Host
}

func (v *view) mailbox() string { return v.rec.Target.Mailbox }

// at names a server: by host, and by address where several were asked.
func (v *view) at(n *node) finding.Place {
	if len(v.nodes) > 1 {
		return finding.Place{Host: v.host(), Address: n.address}
	}
	return finding.Place{Host: v.host()}
}

func (v *view) side() string {
	if v.rec.Target.View == "public" {
		return "outside"
	}
	return "inside"
}

func (v *view) plain() bool {
	u, err := url.Parse(v.rec.Target.URL)
	return err == nil && u.Scheme == "http"
}

// verdictOf is the verdict that a finding gives as the first.
func verdictOf(f finding.Finding) finding.Verdict {
	return finding.Verdict{Code: f.Code, Status: f.Status, Cause: f.Cause, Confidence: f.Confidence, Reason: f.Reason, Summary: f.Summary}
}
