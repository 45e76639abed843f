package rule

import (
	"net/url"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

func plainHTTP(v *view, n *node) *hit {
	if n.ask == nil || !v.plain() {
		return nil
	}
	return confirmed("", finding.Params{}, n.ask)
}

// isOnline: for server-to-server and OAuth profiles Exchange Online is where
// they belong, but for one with Hybrid Modern Authentication.
func (v *view) isOnline(n *node) bool {
	t := v.rec.Target
	return n.answered() && (t.ProfileAuth != "oauth" || t.HMA != nil) && (n.who.Online || front.OnlineHost(t.Host))
}

func endpointOnline(v *view, n *node) *hit {
	if !v.isOnline(n) {
		return nil
	}
	h := likely("", finding.Params{Sign: n.who.OnlineSign}, n.ask)
	v.locate(h)
	if n.status() == 403 {
		h.params.Header = n.ask.Response.First("X-EWS-Policy-Reason")
	}
	return h
}

// otherRuleSpeaks: answers that end the judging of the endpoint in another rule.
func (v *view) otherRuleSpeaks(n *node) bool { return !n.answered() || v.isOnline(n) }

// unexplained returns the needed step whose answer is meant by is, where Exchange
// Online does not explain it.
func (v *view) unexplained(n *node, is func(*evidence.Item) bool) *evidence.Item {
	if v.otherRuleSpeaks(n) {
		return nil
	}
	for _, item := range v.needed(n) {
		if item.Response != nil && !item.EWS.Answered() && is(item) {
			return item
		}
	}
	return nil
}

func isRedirect(status int) bool { return status/100 == 3 }

func preauthRedirect(v *view, n *node) *hit {
	item := v.unexplained(n, func(item *evidence.Item) bool { return signInPage(item.Response) != "" })
	if item == nil {
		return nil
	}
	p := v.answer(n, item)
	p.SignIn = signInPage(item.Response)
	if page := item.Response.Page; page != nil && p.Location == "" {
		p.Location = page.LeadsTo
	}
	h := confirmed("", p, item)
	if p.FrontEnd != "" && p.Device == "" {
		h.use = finding.AtFrontEnd
	}
	return h
}

// signInPage names the sign-in that an answer puts in front of EWS, "" none.
func signInPage(r *evidence.Response) string {
	switch {
	case isErrorPage(r):
		return ""
	case isRedirect(r.Status):
		return front.SignIn(r.First("Location"))
	case r.Status == 440:
		return "the log-on time-out of Outlook on the web or AD FS (440)"
	case r.Page == nil || len(r.Header("WWW-Authenticate")) > 0:
		return ""
	case r.Page.PasswordField:
		return "an HTML page with a password field"
	case r.Page.LeadsBy == "form":
		return "an HTML form that posts itself to a sign-in"
	case r.Page.LeadsTo != "":
		return front.SignIn(r.Page.LeadsTo)
	}
	return ""
}

// usualURL is where EWS is by default on the host, where the URL that was given has
// another path; "" else.
func (v *view) usualURL() string {
	u := parsed(v.rec.Target.URL)
	if u.Host == "" || strings.EqualFold(u.Path, "/EWS/Exchange.asmx") {
		return ""
	}
	return u.Scheme + "://" + u.Host + "/EWS/Exchange.asmx"
}

func redirected(v *view, n *node) *hit {
	item := v.unexplained(n, func(item *evidence.Item) bool {
		return isRedirect(item.Response.Status) && signInPage(item.Response) == "" && !isErrorPage(item.Response)
	})
	if item == nil {
		return nil
	}
	p := v.answer(n, item)
	if isOnlineURL(item.Response.First("Location")) {
		p.Located = "online"
	}
	p.SameURL, p.Inherited = sameSite(p.Location, v.rec.Target.URL)
	return confirmed("", p, item)
}

// sameSite says whether a redirect leads to the URL that was asked, or to Outlook on the
// web at the same host, as that of the web site above does.
func sameSite(location, asked string) (same, above bool) {
	base, err := url.Parse(asked)
	if err != nil || location == "" {
		return false, false
	}
	to, err := base.Parse(location)
	host := func(u *url.URL) string { return strings.ToLower(strings.TrimSuffix(u.Host, ":443")) }
	if err != nil || host(to) != host(base) {
		return false, false
	}
	path := strings.ToLower(strings.TrimSuffix(to.Path, "/"))
	return to.Scheme == base.Scheme && strings.EqualFold(to.Path, base.Path), path == "" || path == "/owa"
}

func forbidden(v *view, n *node) *hit {
	item := v.unexplained(n, func(item *evidence.Item) bool {
		return item.Response.Status == 403 && !isToken(item) && signInPage(item.Response) == ""
	})
	if item == nil {
		return v.syncAgentRefused(n)
	}
	h := confirmed("", v.answer(n, item), item)
	if item.Logon == nil && item.Step != evidence.StepSignedIn || h.params.Device != "" && h.params.FrontEnd == "" {
		h.use = finding.ByDevice // Exchange applies its rules after the sign-in
		if slices.Contains([]string{"403.6", "403.8", "403.501", "403.502", "403.503"}, h.params.Notice.SubStatus) {
			h.use = finding.ByAddress
		} else if h.params.IIS != "" && h.params.Notice.SubStatus == "" {
			h.use = finding.ByIIS
		}
	}
	switch {
	case len(n.agents) > 0:
		h.variant = "agents"
		h.cite(n.agents...)
	case item.Logon != nil:
		h.variant = "logon"
		if refused, _, _ := n.agentsTried(); len(refused) > 1 {
			h.params.Agents = refused
		}
	}
	if h.params.OverHTTP = strings.HasPrefix(v.rec.Target.URL, "http:"); h.params.OverHTTP && h.params.Notice.Says == evidence.SaysPlainHTTP {
		h.params.Notice.Says = "" // nothing in front ends TLS
	}
	if h.params.Notice.Says == evidence.SaysPlainHTTP {
		h.use = finding.PlainBehind
	}
	h.params.NotExchange = item.Logon == nil && !h.params.OverHTTP && !n.who.Exchange && n.who.Device == ""
	return h
}

// isNotEWS: a whole answer, and no other row's, that EWS does not give.
func isNotEWS(item *evidence.Item) bool {
	r := item.Response
	switch {
	case signInPage(r) != "":
		return false
	case r.Status/100 == 2:
		return (!r.Oversized || r.Page != nil) && !r.CutShort && (item.EWS == nil || !item.EWS.Unreadable) && item.Error == nil
	case r.Status == 401, r.Status == 403, r.Status == 407, r.Status == 429, r.Status == 440:
		return false
	}
	return r.Status/100 == 4
}

func notEWS(v *view, n *node) *hit {
	item := v.unexplained(n, func(item *evidence.Item) bool {
		return isNotEWS(item) && v.inPlace(n, item) == "" && !wantsClientCertificate(item)
	})
	if item == nil {
		return nil
	}
	p := v.answer(n, item)
	p.Empty = p.Status/100 == 2 && item.Response.BodyBytes == 0
	if p.Status/100 == 2 && item.EWS != nil {
		p.Error = item.EWS.Problem
	}
	if page := item.Response.Page; page != nil {
		p.Location = page.LeadsTo
	}
	h := confirmed("", p, item)
	if strings.HasSuffix(strings.ToLower(v.host()), ".his.msappproxy.net") {
		h.variant = "hybrid-agent"
		return h
	}
	if says := p.Notice.Says; p.Kernel && p.Status == 404 || says == evidence.SaysInvalidHost || says == evidence.SaysNoFile && p.Usual == "" {
		h.use = finding.NoSite
	} else if unsigned := p.FrontEnd == "" && p.IIS == ""; p.Usual == "" && (unsigned || p.Status != 404 || p.Notice.SubStatus != "") {
		h.use = finding.ByDevice // at the default path, so the path is right
		if id := front.Identify(item.Response); unsigned && (id.Foreign() || id.Device == "") {
			h.use = finding.Elsewhere
		}
	}
	return h
}

func noScheme(v *view, n *node) *hit {
	if v.otherRuleSpeaks(n) || n.status() != 401 || len(n.offers) > 0 || signInPage(n.ask.Response) != "" {
		return nil
	}
	_, token := n.bearerChallenge()
	if token != nil && v.rec.Target.ProfileAuth == "oauth" {
		return nil // what an OAuth profile needs is offered to who asks with an empty Bearer token
	}
	h := confirmed("", v.answer(n, n.ask), n.ask)
	if token != nil && n.who.Exchange {
		h.variant = "token"
		h.cite(token)
	}
	return h
}

// EWS access policies and devices in front allow and refuse by user agent, with
// 403. Exchange's own policy is asked after the sign-in only.

// agentsTried are the user agents that were tried at n and how: those answered 403,
// and those answered otherwise. The first was the tool's own.
func (n *node) agentsTried() (refused, passed []string, items []*evidence.Item) {
	note := func(item *evidence.Item) {
		closed := item != nil && item == n.first && n.dropsAgents()
		if item == nil || item.Request == nil || item.Response == nil && !closed {
			return
		}
		list := &passed
		if closed || item.Response.Status == 403 {
			list = &refused
		}
		if agent := item.Request.UserAgent; !slices.Contains(*list, agent) {
			*list = append(*list, agent)
			items = append(items, item)
		}
	}
	for _, item := range slices.Concat([]*evidence.Item{n.first, n.ask}, n.agents, n.logons, n.further) {
		note(item)
	}
	// Passed without a sign-in and refused with one is refused.
	passed = slices.DeleteFunc(passed, func(agent string) bool { return slices.Contains(refused, agent) })
	return refused, passed, items
}

// dropsAgents: the connection ended without an answer, each time, before one of Dynamics' user
// agents was tried.
func (n *node) dropsAgents() bool {
	return n.first != nil && n.first.Response == nil && len(n.agents) > 0
}

// syncRefused: synchronization's own user agent is refused although another one
// passes.
func (n *node) syncRefused() bool {
	refused, passed, _ := n.agentsTried()
	return slices.ContainsFunc(refused, evidence.SyncAgent) && len(passed) > 0 && n.status() != 403
}

func userAgentRefused(v *view, n *node) *hit {
	refused, passed, items := n.agentsTried()
	if len(refused) == 0 || len(passed) == 0 || refused[0] != v.rec.Target.UserAgent || n.syncRefused() {
		return nil
	}
	if n.dropsAgents() {
		return confirmed("closed", finding.Params{Agents: refused, Passed: passed}, items...)
	}
	id := front.Identify(items[0].Response)
	h := confirmed("", finding.Params{Agents: refused, Passed: passed, Device: id.Device, Sign: id.DeviceSign}, items...)
	if items[0].Logon == nil && !id.Exchange {
		h.use = finding.ByDevice // Exchange asks its list after the sign-in
	}
	return h
}

// syncAgentRefused is the part of forbidden that concerns synchronization's user
// agent alone.
func (v *view) syncAgentRefused(n *node) *hit {
	if v.otherRuleSpeaks(n) || !n.syncRefused() {
		return nil
	}
	refused, passed, items := n.agentsTried()
	id := front.Identify(items[0].Response)
	return confirmed("synchronization", finding.Params{Agents: refused, Passed: passed, Device: id.Device, Sign: id.DeviceSign}, items...)
}
