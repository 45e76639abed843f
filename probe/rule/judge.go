package rule

import (
	"cmp"
	"net/url"
	"slices"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/probe/config/address"
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
	online := func(f finding.Finding) bool { return f.Code == "mailbox-online" && f.Confidence == finding.Confirmed }
	if slices.ContainsFunc(j.Findings, online) { // it cannot be found here, so its address is not thereby wrong
		j.Findings = slices.DeleteFunc(j.Findings, func(f finding.Finding) bool { return f.Code == "mailbox-not-found" })
	}
	silent := v.nothingAnswered()
	j.Causes = v.causes(j.Findings)
	for i := range j.Findings {
		v.accept(&j.Findings[i])
	}
	slices.SortStableFunc(j.Findings, func(a, b finding.Finding) int { return v.precedence(a, silent) - v.precedence(b, silent) })
	j.Verdict = v.verdict(&j.Findings)
	return j
}

// apply asks one row everywhere and joins what it finds at several addresses.
func (v *view) apply(r row) (finding.Finding, bool) {
	head, _ := finding.HeadOf(r.code)
	f := finding.Finding{Code: r.code, Cause: head.Cause, Title: head.Title}
	var worst *hit
	var at []*node
	join := func(h *hit, n *node) {
		if h == nil {
			return
		}
		h.status = cmp.Or(h.status, head.Status)
		f.Evidence = append(f.Evidence, h.evidence...)
		if n != nil {
			at = append(at, n)
			h.params.At, h.params.Address = cmp.Or(h.params.At, v.at(n)), cmp.Or(h.params.Address, n.address)
			f.Addresses = adding(f.Addresses, n.address)
		}
		if worst == nil || h.status.Rank() < worst.status.Rank() {
			worst = h
		}
	}
	switch nodes := v.nodes; {
	case r.in != nil:
		join(r.in(v), nil)
	default:
		if r.server && !v.row {
			nodes = v.servers()
		}
		for _, n := range nodes {
			join(r.at(v, n), n)
		}
		if worst == nil && r.also != nil {
			join(r.also(v), nil)
		}
	}
	if worst == nil {
		return f, false
	}
	f.Status, f.Confidence, f.Reason = worst.status, worst.confidence, worst.reason
	worst.params = v.complete(worst.params)
	if sent := v.sent(worst.evidence); len(sent) > 0 {
		worst.params.Times, worst.params.From = v.times(sent), sent[0].From
	}
	f.Summary, f.Detail = finding.Say(f.Code, worst.variant, worst.params)
	if r.server && !v.row && len(at) > 0 && len(at) < len(v.servers()) && len(v.servers()) > len(v.nodes) {
		f.Summary += finding.Phrase("part", v.part(at))
	}
	if odd := address.Odd(v.subject(r.code)); odd != "" {
		f.Summary += ": the name as given holds " + odd
		f.Detail += " A character like that explains it: type the name again instead of copying it."
	}
	other := worst.params.Device
	if other == "" && len(at) > 0 {
		other = at[0].who.Device
	}
	if name, is := front.MailServer(other); is && worst.status != finding.Warning {
		worst.params.Device = name
		f.Remedies = v.fill(finding.OtherServer(), worst.params, f.Addresses...)
		return f, true
	}
	entry, _ := finding.Lookup(r.code) // TestEveryCodeIsWhole: there is one
	advice := finding.CodeRemedies(worst.params.Means)
	cases := []finding.Case{worst.use, finding.Case(worst.variant)}
	if worst.use == finding.ByDevice && worst.params.Device == front.TMG {
		cases = slices.Insert(cases, 0, finding.ByTMG)
	}
	for _, c := range []struct {
		is    finding.Case
		holds bool
	}{
		{finding.Impersonated, v.rec.Target.Impersonate && v.mailbox() != ""},
		{finding.ByApplication, v.rec.Target.HMA != nil},
		{finding.OwnMailbox, v.mailbox() == ""},
		{finding.Advised, len(advice) > 0},
	} {
		if c.holds {
			cases = append(cases, c.is)
		}
	}
	remedies := slices.Concat(finding.AnswerRemedies(f.Code, worst.params),
		finding.ReasonRemedies(f.Code, cmp.Or(worst.advice, f.Reason)), advice, entry.RemediesIn(cases...))
	f.Remedies = v.fill(remedies, worst.params, f.Addresses...)
	return f, true
}

// sent are the requests, or attempts to connect, of that evidence.
func (v *view) sent(ids []string) []*evidence.Item {
	return slices.DeleteFunc(slices.Clone(v.items), func(item *evidence.Item) bool {
		return item.Connection == 0 || !slices.Contains(ids, item.ID)
	})
}

// complete adds what most sentences name, where the rule has nothing of its own there.
func (v *view) complete(p finding.Params) finding.Params {
	t := v.rec.Target
	p.Host, p.URL = cmp.Or(p.Host, v.host()), cmp.Or(p.URL, t.URL)
	p.Account, p.Mailbox = cmp.Or(p.Account, t.User, v.tokenParams().Token.Application), cmp.Or(p.Mailbox, t.Mailbox)
	p.View, p.Row = v.side(), v.row
	return p
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
	return !slices.ContainsFunc(v.nodes, func(n *node) bool { return n.answered() && n.usable() })
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
// did; tls-untrusted as a warning is a code of block D. With a token tenant-differs
// stands behind token-not-issued, since it keeps the token from being sent.
func (v *view) precedence(f finding.Finding, silent bool) int {
	behind := 0
	if f.Code == "tenant-differs" && v.rec.Target.HMA != nil {
		f.Code, behind = "token-not-issued", 1
	}
	head, _ := finding.HeadOf(f.Code)
	place, order := 8, finding.Order(f.Code)
	switch {
	case head.Block == finding.BlockAsk && f.Status != finding.Warning:
		place = 5
		if silent {
			return 2*order + behind
		}
	case head.Block == finding.BlockEndpoint:
		place = 4
	case head.Block == finding.BlockMailbox:
		place = 6
	}
	const block = 1000
	return 2*(block+(10*f.Status.Rank()+place)*block+order) + behind
}

func (v *view) host() string { return cmp.Or(v.rec.Target.Host, "the server") }

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

func (v *view) plain() bool { return parsed(v.rec.Target.URL).Scheme == "http" }

// parsed is a URL, an empty one where the text is none.
func parsed(raw string) *url.URL {
	if u, err := url.Parse(raw); err == nil {
		return u
	}
	return &url.URL{}
}
