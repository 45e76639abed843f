package rule

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Signing in: what a refusal of the account says, and what it may mean.

func credentialsRejected(v *view) *hit {
	if v.proved != nil || v.provedElsewhere != nil || v.rec.Target.HMA != nil {
		return nil
	}
	h := unsure("", finding.Params{Form: v.nameForm()})
	h.reason = undetermined
	p := &h.params
	var remembered *evidence.Item
	password := false          // other than a ticket alone
	var carrier front.Identity // in front of the server that refused
	balanced := false          // by a cookie that is not Exchange's
	note := func(item *evidence.Item, name string) {
		h.cite(item)
		p.Count++
		p.Schemes = adding(p.Schemes, name)
	}
	for n, item := range v.logons() {
		l := item.Logon
		if isWindows(l) && v.kerberosOnly(n) && result(n.basic()) != evidence.Refused || n.badBindings() != nil && isWindows(l) {
			continue
		}
		if l.Remembered && remembered == nil {
			remembered = item
		}
		if l.Result == evidence.Refused && !l.Comparison && !n.strangers(item) && !n.notTheAccount(item) {
			note(item, mechanism(l))
			p.Unheard = p.Unheard || n.unheard()
			password = password || !isKerberos(l)
			id := front.Identify(item.Response)
			p.Refusers = adding(p.Refusers, id.FrontEnd)
			if carrier = id; id.Device == "" {
				carrier = n.who
			}
			balanced = balanced || front.Balanced(item.Response) || n.answered() && front.Balanced(n.ask.Response)
			if carrier.Device != "" && !id.Exchange && !n.who.Exchange {
				p.Device, p.Sign, h.use = carrier.Device, carrier.DeviceSign, finding.ByDevice
				p.Realm = n.realm(l.Scheme)
			}
		}
	}
	if len(p.Refusers) > 0 {
		p.Device, h.use = "", ""
	}
	for _, item := range v.discovery {
		l := item.Logon
		if l == nil {
			continue
		}
		if l.Remembered && remembered == nil {
			remembered = item
		}
		if l.Result != evidence.Refused || notExchangeAsked(item) {
			continue
		}
		if p.Count == 0 {
			p.Source = source(item)
			if id := front.Identify(item.Response); id.Device != "" {
				p.Device, p.Sign = id.Device, id.DeviceSign
			}
		}
		note(item, l.Scheme)
		password = true
	}
	said := v.why()
	switch {
	case p.Count > 0 && !password && !v.rec.Target.CurrentUser:
		h.variant = "ticket"
		return h
	case p.Count > 0:
		switch basic := slices.Contains(p.Schemes, "Basic"); {
		case basic && len(p.Schemes) > 1:
			// Two verifiers, one answer: it is the account or its password.
			h.confidence = finding.Likely
		case basic:
			p.Only = "basic"
		default:
			p.Only = "windows"
			if len(p.Refusers) > 0 && (carrier.Device != "" || balanced) {
				p.Device, p.Sign, h.use = carrier.Device, carrier.DeviceSign, finding.ThroughProxy
			}
		}
	case remembered != nil:
		h.variant = "remembered"
		h.cite(remembered)
		p.Error = remembered.Logon.Why
		if name := remembered.Logon.Account; name != "" {
			p.Account = name // under which it was refused
		}
		if remembered.Step.Autodiscover() {
			p.Source = source(remembered)
		}
	default:
		return v.refusedAtKDC(said)
	}
	p.Open = true
	h.explain(said)
	// A reason that the refusal itself names is the word of whoever refused.
	claim := v.refusedFor(func(windows string) bool { return finding.ReasonOfWindows(windows) != "" })
	if claim != nil && h.reason == undetermined && p.Count > 0 {
		reason := finding.ReasonOfWindows(claim.Response.Notice.Windows)
		h.reason, h.confidence = reason, finding.Likely
		p.Reason, p.Certainty, p.Open = reason, finding.Likely, false
		p.Notice = noticeOf(claim.Response)
		if r := claim.Response; r.Status == 456 && strings.Contains(r.Reason, "://") {
			p.Phrase = r.Reason // the address of the page that unlocks the account
		}
	}
	named := func(windows string) bool { return windows != "" }
	if other := cmp.Or(v.refusedFor(finding.BesideAccount), v.refusedFor(named)); other != nil && p.Notice.Windows == "" {
		p.Notice.Windows = other.Response.Notice.Windows
		h.use = cmp.Or(h.use, finding.CaseOfWindows(p.Notice.Windows))
	}
	p.NotASCII = v.rec.Target.PasswordNotASCII && p.Only == "basic" && p.Open
	if p.Open && v.rec.Target.CurrentUser {
		p.Windows = v.byWindowsItself()
	}
	return h
}

// explain adds what domain controllers say of a refusal. A state of the account
// closes the question, even where it is not known which.
func (h *hit) explain(said finding.Directory) {
	if len(said.Words) == 0 {
		return
	}
	p := &h.params
	h.reason, p.Directory = said.Reason, said
	h.cite(said.Words...)
	if said.Reason != undetermined {
		p.Reason, p.Certainty, h.confidence = said.Reason, said.Confidence, finding.Likely
	}
	if said.Confidence == finding.Confirmed {
		h.confidence, h.use = finding.Confirmed, finding.ReasonKnown
	}
	p.Open = said.Confidence == finding.Undetermined
}

// byWindowsItself is the channel binding of a refused logon of the logged-on
// user, which cannot be compared with one by Basic or under another binding:
// right, or none where one was sent without.
func (v *view) byWindowsItself() string {
	for _, item := range v.logons() {
		if item.Logon.Result == evidence.Refused && item.Logon.Binding != evidence.BindingRight {
			return "none"
		}
	}
	return "right"
}

// refusedAtKDC: no scheme of EWS was decided, but a domain controller refused
// the account, which was to sign in with Kerberos or to find EWS.
func (v *view) refusedAtKDC(said finding.Directory) *hit {
	known := said.Reason != undetermined
	for _, item := range v.directory {
		end := result(item)
		bind := item.Step == evidence.StepDirectoryBind && end == evidence.Refused && known
		stopped := end == evidence.Skipped && (known || said.Confidence == finding.Likely)
		ticket := item.Step == evidence.StepKDCLogon && (end == evidence.Refused || stopped)
		if !bind && !ticket {
			continue
		}
		h := holds(said.Confidence, "controller", finding.Params{Directory: said}, said.Words)
		h.reason = said.Reason
		if said.Confidence == finding.Confirmed {
			h.use = finding.ReasonKnown
		}
		if known {
			h.params.Reason, h.params.Certainty = said.Reason, said.Confidence
		}
		if ticket {
			h.variant = "no-ticket"
		}
		if ticket && said.Confidence != finding.Confirmed {
			h.params.Reason = ""
		}
		return h
	}
	return nil
}

// inAskedDomain: the account's name says that it is of the domain whose
// controller was asked.
func (v *view) inAskedDomain() bool {
	_, suffix, upn := strings.Cut(v.rec.Target.User, "@")
	return upn && strings.EqualFold(suffix, v.rec.Target.Domain)
}

// Basic, and the form of the name that it is given.

func basicRejected(v *view, n *node) *hit {
	b := n.basic()
	if result(b) != evidence.Refused || v.proved == nil {
		return nil
	}
	if n.notTheAccount(b) {
		return nil // basic-disabled
	}
	other := n.last(func(l *evidence.Logon) bool {
		return l.Scheme == "Basic" && l.OtherForm && l.Result == evidence.Accepted
	})
	if other != nil { // Basic takes the account under that form of its name
		p := finding.Params{Account: b.Logon.Account, Other: other.Logon.Account, Form: "domain"}
		if strings.Contains(p.Other, "@") {
			p.Form = "upn"
		}
		return confirmed("form", p, b, other)
	}
	h := confirmed("", finding.Params{Accepted: mechanism(v.proved.Logon), By: v.provedAt(n)}, b, v.proved)
	if v.proved.Address != n.address {
		h.confidence, h.use = finding.Likely, finding.OneServer
	}
	if h.params.Notice = noticeOf(b.Response); finding.BesideAccount(h.params.Notice.Windows) {
		h.use = cmp.Or(finding.CaseOfWindows(h.params.Notice.Windows), h.use)
	}
	return h
}

// provedAt is where the logon was that proved the password, if it was not at n.
func (v *view) provedAt(n *node) string {
	if v.proved.Address == n.address {
		return ""
	}
	return v.proved.Address
}

// nameForm is the form in which the name was sent, which EWS looks up before it
// looks at the password.
func (v *view) nameForm() string {
	switch user := v.rec.Target.User; {
	case strings.HasPrefix(user, `.\`):
		return "local"
	case strings.Contains(user, `\`):
		return "domain"
	case !strings.Contains(user, "@"):
		return "bare"
	}
	return "upn"
}

// userNameNotUPN: the sign-in takes the name, Test Connection does not.
func userNameNotUPN(v *view) *hit {
	user := v.rec.Target.User
	if v.proved == nil || v.rec.Target.CurrentUser || !strings.Contains(user, `\`) && strings.Contains(user, "@") {
		return nil // the logged-on user was given no name
	}
	p := finding.Params{Account: user, Form: v.nameForm()}
	item := v.callAnywhere(evidence.TestConnection)
	switch {
	case p.Form == "bare" && (item == nil || opens(item)):
		return nil // a bare name is a fault only where it was seen to be one
	case item == nil:
		return confirmed("not-asked", p, v.proved)
	case opens(item):
		return confirmed("works", p, v.proved, item)
	}
	p.Code, p.Status = item.EWS.Code, item.Response.Status
	return confirmed("", p, v.proved, item)
}
