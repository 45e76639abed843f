package rule

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

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
func Judge(rec evidence.Record) Judgement { return arrange(&rec).judge(table) }

func (v *view) judge(rows []row) Judgement {
	j := Judgement{Facts: v.facts(), Attempts: v.attempts()}
	for _, row := range rows {
		if f, holds := v.apply(row); holds {
			j.Findings = append(j.Findings, f)
		}
	}
	j.Findings = explained(j.Findings)
	silent := v.nothingAnswered()
	j.Causes = v.causes(j.Findings)
	j.Findings = v.accepted(j.Findings)
	slices.SortStableFunc(j.Findings, func(a, b finding.Finding) int { return precedence(a, silent) - precedence(b, silent) })
	j.Verdict = v.verdict(&j.Findings)
	return j
}

// apply asks one row everywhere and joins what it finds at several addresses.
func (v *view) apply(r row) (finding.Finding, bool) {
	f := finding.Finding{Code: r.code}
	var worst *hit
	join := func(h *hit, address string) {
		if h == nil {
			return
		}
		if h.status == "" {
			head, _ := finding.HeadOf(r.code)
			h.status = head.Status
		}
		if address != "" {
			f.Addresses = append(f.Addresses, address)
		}
		f.Evidence = append(f.Evidence, h.evidence...)
		if worst == nil || h.status.Rank() < worst.status.Rank() {
			worst = h
		}
	}
	if r.in != nil {
		join(r.in(v), "")
	} else {
		for _, n := range v.nodes {
			join(r.at(v, n), n.address)
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
	f.Status, f.Confidence, f.Summary, f.Detail, f.Reason = worst.status, worst.confidence, worst.summary, worst.detail, worst.reason
	rest := entry.RemediesIn(v.cases()...)
	if worst.short {
		rest = rest[max(0, len(rest)-3):] // mend it, tell Dynamics, test there
	}
	f.Remedies = v.fill(slices.Concat(worst.remedies, rest), f.Addresses...)
	return f, true
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
	place := map[finding.Block]int{finding.BlockEndpoint: 4, finding.BlockMailbox: 6, finding.BlockWarning: 8, finding.BlockAsk: 8}[entry.Block]
	return block + f.Status.Rank()*10*block + place*block + order
}

func (v *view) verdict(findings *[]finding.Finding) finding.Verdict {
	if v.rec.Stopped != "" {
		summary := "Stopped before the check was complete"
		switch {
		case len(*findings) > 0:
			summary += "; seen so far: " + (*findings)[0].Summary
		case v.proved != nil:
			summary += fmt.Sprintf("; so far, %s signs in to EWS on %s by %s", v.proved.Logon.Account, v.host(), mechanism(v.proved.Logon))
		case len(v.nodes) > 0 && v.nodes[0].challenged():
			summary += fmt.Sprintf("; so far, %s offers %s", v.at(v.nodes[0]), strings.Join(v.nodes[0].offerNames(), ", "))
		default:
			summary += "; nothing had been answered so far"
		}
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
		if missing, ids := v.missing(); missing != "" {
			entry, _ := finding.Lookup("inconclusive")
			f := finding.Finding{
				Code: "inconclusive", Status: finding.Unknown, Confidence: finding.Undetermined, Title: entry.Title,
				Summary: "The evidence fits no rule: " + missing, Detail: capital(missing) + ".", Evidence: ids, Remedies: v.fill(entry.Remedies),
			}
			*findings = slices.Insert(*findings, 0, f)
		}
	}
	if len(*findings) > 0 {
		f := (*findings)[0]
		return verdictOf(f)
	}
	return finding.Verdict{Code: "ok", Status: finding.OK, Confidence: finding.Confirmed, Summary: v.success()}
}

// missing says what keeps a check without critical findings from being ok; ""
// if nothing does.
func (v *view) missing() (string, []string) {
	t := v.rec.Target
	if item := v.wantsCredential(); len(v.nodes) == 0 && item != nil {
		return fmt.Sprintf("%s wants a sign-in before it says where EWS is, and this check has no password to send", where(item)), []string{item.ID}
	}
	if len(v.nodes) == 0 {
		return "nothing was asked", nil
	}
	for _, n := range v.nodes {
		if n.ask == nil {
			return fmt.Sprintf("nothing was asked at %s", n.address), nil
		}
		ids := []string{n.ask.ID}
		switch {
		case n.ask.EWS.Answered():
			return fmt.Sprintf("%s answers EWS without asking for a sign-in (%s)", n.address, codeOr(n.ask.EWS.Code)), ids
		case !n.answered():
			return fmt.Sprintf("the anonymous request to %s was not answered (%s)", n.address, reason(n.ask)), ids
		case t.ProfileAuth == "oauth" && (n.bearer == nil || n.bearer.Response == nil):
			return fmt.Sprintf("the question about OAuth was not answered at %s", n.address), ids
		case t.ProfileAuth == "oauth":
			continue
		case !n.challenged():
			return fmt.Sprintf("%s answered HTTP %d, which no rule explains", n.address, n.status()), ids
		case !t.Credentials:
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
			if lost := v.callersOwn(n); lost != "" {
				return lost, []string{own.ID, n.asked(evidence.OwnInbox).ID, n.asked(evidence.NamedInbox).ID}
			}
			continue
		}
		if stuck := v.withoutTicket(); own == nil && stuck != nil {
			return fmt.Sprintf("there was no Kerberos ticket to sign in with: %s", words(stuck)), append(ids, stuck.ID)
		}
		if own == nil {
			return fmt.Sprintf("no logon by %s was made at %s", v.profileScheme(), n.address), ids
		}
		why := own.Logon.Why
		if why == "" {
			why = fmt.Sprintf("it ended %s", own.Logon.Result)
		}
		if v.row {
			return fmt.Sprintf("%s decided nothing: %s", v.asked(own), why), []string{own.ID}
		}
		return fmt.Sprintf("the logon by %s at %s decided nothing: %s", own.Logon.Scheme, n.address, why), append(ids, own.ID)
	}
	return "", nil
}

func reason(item *evidence.Item) string {
	if item.Error != nil {
		return item.Error.Text
	}
	return "no reason is recorded"
}

func codeOr(code string) string {
	if code == "" {
		return "no code"
	}
	return code
}

// success is the sentence of an ok verdict.
func (v *view) success() string {
	t := v.rec.Target
	switch {
	case t.ProfileAuth == "oauth":
		return fmt.Sprintf("EWS on %s takes OAuth tokens; no logon was tried", v.host())
	case !t.Credentials:
		return fmt.Sprintf("EWS on %s offers %s, which the profile uses; no logon was tried", v.host(), v.profileScheme())
	}
	s := fmt.Sprintf("%s signs in to EWS on %s by %s", t.User, v.host(), v.profileMechanism())
	if t.Mailbox != "" {
		s += fmt.Sprintf(", and the mailbox %s answers", v.mailbox())
		if slices.ContainsFunc(v.nodes, v.unverified) {
			s += " (that it was not the account's own could not be made sure of)"
		}
	}
	return s + v.whatDynamicsCanUse()
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

// whatDynamicsCanUse: Dynamics online has no line of sight to a KDC. Where only
// a ticket was tried, the verdict must not promise more than the challenge that
// NTLM got.
func (v *view) whatDynamicsCanUse() string {
	for _, n := range v.nodes {
		if result(n.kerberos()) != evidence.Accepted || result(n.windows()) == evidence.Accepted {
			continue
		}
		if slices.ContainsFunc(n.typeOne, func(i *evidence.Item) bool {
			return i.NTLM != nil && i.NTLM.Scheme == "Negotiate" && i.NTLM.Problem == ""
		}) {
			return "; Dynamics online can never use Kerberos, only the NTLM that is taken here too and was not tried"
		}
		return "; Dynamics online can never use Kerberos, and NTLM inside Negotiate was not tried"
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
func (v *view) at(n *node) string {
	if len(v.nodes) > 1 {
		return fmt.Sprintf("%s at %s", v.host(), n.address)
	}
	return v.host()
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

// sentence makes a text begin with a capital and not end with a full stop.
func sentence(s string) string { return strings.TrimSuffix(capital(s), ".") }

func capital(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}

// verdictOf is the verdict that a finding gives as the first.
func verdictOf(f finding.Finding) finding.Verdict {
	return finding.Verdict{Code: f.Code, Status: f.Status, Cause: f.Cause, Confidence: f.Confidence, Reason: f.Reason, Summary: f.Summary}
}
