package rule

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/challenge"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// What Autodiscover said. Its steps are kept apart from the nodes: an address
// that only Autodiscover talked to is no EWS endpoint.

// heard are the answers of Autodiscover services.
func (v *view) heard() []*evidence.Item {
	var list []*evidence.Item
	for _, item := range v.discovery {
		if item.Discovery.Answered() {
			list = append(list, item)
		}
	}
	return list
}

// foundEWS is the answer that names EWS, nil if there is none.
func (v *view) foundEWS() *evidence.Item {
	for _, item := range v.heard() {
		if item.Discovery.ErrorCode == "" && item.Discovery.EwsURL != "" {
			return item
		}
	}
	return nil
}

// heldBack is a way of the ladder that was not gone for one of the reasons.
func (v *view) heldBack(reason func(evidence.HeldBack) bool) *evidence.Item {
	for _, item := range v.discovery {
		if d := item.Discovery; d != nil && d.HeldBack != "" && reason(d.HeldBack) {
			return item
		}
	}
	return nil
}

// heldAt is the step at an endpoint that might have been signed in to with
// --follow-autodiscover.
func (v *view) heldAt(endpoint string) *evidence.Item {
	for _, item := range v.discovery {
		if d := item.Discovery; d != nil && d.HeldBack.MayFollow() && d.Endpoint == endpoint {
			return item
		}
	}
	return nil
}

// aboutMailbox says whether an answer is about the mailbox of the check, not
// about the account's own.
func (v *view) aboutMailbox(item *evidence.Item) bool {
	return v.mailbox() != "" && item.Request != nil && strings.EqualFold(item.Request.Mailbox, v.mailbox())
}

// where names the service beside EWS that an item is about.
func where(item *evidence.Item) string {
	if item.AtDirectory() {
		return item.Logon.Scheme + " at " + item.Address
	}
	return "Autodiscover on " + hostOf(item)
}

// hostOf is the host that an item of Autodiscover is about.
func hostOf(item *evidence.Item) string {
	raw := ""
	switch {
	case item.Request != nil:
		raw = item.Request.URL
	case item.Discovery != nil:
		raw = item.Discovery.Endpoint
	}
	if u, err := url.Parse(raw); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	return raw
}

// needsAutodiscover: without it Dynamics, or this check, does not find EWS.
func (v *view) needsAutodiscover() bool {
	t := v.rec.Target
	p := t.Profile
	return t.FromAddress != "" || p != nil && !p.OtherProtocol() && p.AutoDiscover != nil && *p.AutoDiscover
}

func autodiscoverFailed(v *view) *hit {
	if len(v.discovery) == 0 {
		return nil
	}
	h := &hit{confidence: finding.Confirmed, status: finding.Warning}
	if v.needsAutodiscover() {
		h.status = finding.Critical
	}
	domain := v.discoveryDomain()
	held := v.heldBack(evidence.HeldBack.MayFollow)
	ews := v.foundEWS()
	if at := v.heldAt(v.rec.Target.URL); ews != nil && at != nil {
		held = at
	}
	switch {
	case ews != nil && held != nil && held.Discovery.Endpoint == v.rec.Target.URL:
		h.evidence = []string{ews.ID, held.ID}
		h.summary = fmt.Sprintf("Autodiscover leads to EWS on %s, where nobody signed in: %s", hostOf(held), heldWhy(held))
		h.detail = fmt.Sprintf("%s names %s. No credential was sent there; what could be learnt without one is in this report. With --follow-autodiscover, or with that host as TARGET, the check signs in.", capital(where(ews)), ews.Discovery.EwsURL)
		return h
	case ews != nil && v.rec.Target.URL == "":
		h.evidence = []string{ews.ID}
		h.summary = fmt.Sprintf("Autodiscover for %s names an EWS URL that cannot be used", domain)
		h.detail = fmt.Sprintf("%s says %q.", capital(where(ews)), ews.Discovery.EwsURL)
		return h
	case ews != nil, v.sentOnline() != nil, v.leadsOnline() != nil, v.unknownAddress() != nil, v.wantsCredential() != nil, v.proxyAsked() != nil:
		return nil // found, or another finding says more
	}
	h.summary = fmt.Sprintf("Autodiscover for %s leads to no EWS", domain)
	if held != nil {
		h.summary = fmt.Sprintf("Autodiscover for %s leads only to %s, where nobody signed in: %s", domain, hostOf(held), heldWhy(held))
	}
	var told []string
	for _, item := range v.discovery {
		h.evidence = append(h.evidence, item.ID)
		if s := tell(item); s != "" {
			told = append(told, s)
		}
		if l := item.Logon; l != nil && l.Result != evidence.Skipped || item.Error != nil && (item.Error.Code == evidence.TimedOut || item.Error.Code == evidence.ProxyAuth) {
			h.confidence = finding.Likely // it might have led on
		}
	}
	h.detail = "Each step: " + strings.Join(told, "; ") + "."
	return h
}

// discoveryDomain is what the ladder was about.
func (v *view) discoveryDomain() string {
	for _, address := range []string{v.rec.Target.FromAddress, v.rec.Target.Mailbox, v.rec.Target.User} {
		if _, domain, ok := strings.Cut(address, "@"); ok {
			return domain
		}
	}
	return "the mailbox"
}

func heldWhy(item *evidence.Item) string {
	switch item.Discovery.HeldBack {
	case evidence.HeldNoExchange:
		return "nothing shows that Exchange answers there"
	case evidence.HeldUnnamed:
		return "you did not name this host"
	}
	return string(item.Discovery.HeldBack)
}

// tell is what came of one step of the ladder, "" if another tells it.
func tell(item *evidence.Item) string {
	at := hostOf(item)
	if item.Request != nil {
		at = item.Request.URL
	} else if item.Discovery != nil {
		at = item.Discovery.Endpoint
	}
	if l := item.Logon; l != nil {
		if l.Result == evidence.Skipped {
			return "no password to " + sentence(l.Why)
		}
		return fmt.Sprintf("%s: the logon by %s was %s", at, l.Scheme, l.Result)
	}
	if p := item.Points; p != nil {
		return pointsTold(p)
	}
	if d := item.Discovery; d != nil && d.HeldBack != "" {
		return fmt.Sprintf("%s not gone to (%s)", d.Endpoint, strings.ReplaceAll(string(d.HeldBack), "-", " "))
	}
	switch r := item.Response; {
	case item.Resolution != nil && item.Error != nil:
		return fmt.Sprintf("%s: %s", item.Resolution.Name, item.Error.Text)
	case item.Resolution != nil && item.Step == evidence.StepAutodiscoverService && len(item.Resolution.Addresses) == 0:
		return "no SRV record"
	case item.Resolution != nil, item.Step == evidence.StepAutodiscoverNTLM:
		return ""
	case item.Error != nil:
		return fmt.Sprintf("%s %s", at, item.Error.Text)
	case r == nil:
		return ""
	case item.Discovery.Answered():
		return fmt.Sprintf("%s answered %s", at, answerOf(item.Discovery))
	case r.Status/100 == 3:
		return fmt.Sprintf("%s redirects to %s", at, r.First("Location"))
	case r.Status == 401:
		return fmt.Sprintf("%s wants a sign-in (%s)", at, strings.Join(schemesOf(r), ", "))
	default:
		return fmt.Sprintf("%s answered HTTP %d", at, r.Status)
	}
}

// pointsTold is what came of the search for service connection points.
func pointsTold(p *evidence.ServicePoints) string {
	in := "Active Directory"
	if p.Domain != "" {
		in += " of " + p.Domain
	}
	if p.Why != "" {
		return fmt.Sprintf("%s not asked for service connection points (%s)", in, p.Why)
	}
	var urls []string
	for _, one := range p.Points {
		if !slices.Contains(urls, one.URL) {
			urls = append(urls, one.URL)
		}
	}
	if len(urls) == 0 {
		return in + " has no service connection point of Autodiscover"
	}
	return fmt.Sprintf("%s names %s", in, strings.Join(urls, ", "))
}

func answerOf(d *evidence.Discovery) string {
	switch {
	case d.RedirectAddr != "":
		return "to ask for " + d.RedirectAddr
	case d.RedirectURL != "":
		return "to ask " + d.RedirectURL
	case d.ErrorCode != "":
		return "error " + d.ErrorCode
	case d.EwsURL != "":
		return "EWS at " + d.EwsURL
	}
	return "without an EWS URL"
}

func schemesOf(r *evidence.Response) []string {
	var names []string
	for _, c := range challenge.Parse(r.Header("WWW-Authenticate")) {
		names = append(names, c.Scheme)
	}
	return names
}

// wantsCredential is an endpoint that asked for a sign-in while the check had no
// password to send: what it would have said is not known.
func (v *view) wantsCredential() *evidence.Item {
	if v.hasPassword() {
		return nil
	}
	for _, item := range v.discovery {
		if item.Step == evidence.StepAutodiscoverAsk && item.Response != nil && item.Response.Status == 401 {
			return item
		}
	}
	return nil
}

// hasPassword: the check may sign in with a password, not only with a key, a
// ticket or the logged-on user.
func (v *view) hasPassword() bool {
	t := v.rec.Target
	return t.Credentials && !t.CurrentUser && t.Ticket != "keytab" && t.Ticket != "ccache"
}

// proxyAsked is a step to which a proxy answered in place of Autodiscover, where
// the check cannot do without Autodiscover.
func (v *view) proxyAsked() *evidence.Item {
	if !v.needsAutodiscover() {
		return nil
	}
	for _, item := range v.discovery {
		if item.Error != nil && item.Error.Code == evidence.ProxyAuth || item.Response != nil && item.Response.Status == 407 {
			return item
		}
	}
	return nil
}

func proxyBeforeAutodiscover(v *view) *hit {
	item := v.proxyAsked()
	if item == nil || v.foundEWS() != nil {
		return nil
	}
	return &hit{
		confidence: finding.Confirmed, evidence: []string{item.ID},
		summary: "The proxy between this machine and Autodiscover asks for a sign-in (407)",
		detail:  fmt.Sprintf("Asked for %s, it answered in place of the service, so what Autodiscover says is not known. It stands in front of this machine only: Dynamics comes from outside and does not see it.", hostOf(item)),
	}
}

// unknownAddress is the answer of Autodiscover that it does not know the mailbox.
func (v *view) unknownAddress() *evidence.Item {
	for _, item := range v.heard() {
		if c := item.Discovery.ErrorCode; (c == "500" || c == "InvalidUser") && v.aboutMailbox(item) {
			return item
		}
	}
	return nil
}

// basicAtAutodiscover is where Exchange offers Basic on Autodiscover: beside an EWS
// without it, that is how Exchange is installed.
func (v *view) basicAtAutodiscover() *evidence.Item {
	for _, item := range v.discovery {
		if item.Step != evidence.StepAutodiscoverAsk || item.Response == nil || item.Response.Status != 401 {
			continue
		}
		if _, ok := challenge.Find(challenge.Parse(item.Response.Header("WWW-Authenticate")), "Basic"); ok && front.Identify(item.Response).Exchange {
			return item
		}
	}
	return nil
}
