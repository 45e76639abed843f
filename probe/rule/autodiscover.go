package rule

import (
	"cmp"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// What Autodiscover said. Its steps are kept apart from the nodes: an address
// that only Autodiscover talked to is no EWS endpoint.

// discoveryAnswers are the answers of Autodiscover services.
func (v *view) discoveryAnswers() []*evidence.Item {
	silent := func(item *evidence.Item) bool { return !item.Discovery.Answered() }
	return slices.DeleteFunc(slices.Clone(v.discovery), silent)
}

// foundEWS is the answer that names EWS, nil if there is none.
func (v *view) foundEWS() *evidence.Item {
	return first(v.discoveryAnswers(), func(item *evidence.Item) bool { return item.Discovery.ErrorCode == "" && item.Discovery.EwsURL != "" })
}

// heldBack is an endpoint of the search that was not asked for one of the reasons.
func (v *view) heldBack(reason func(evidence.HeldBack) bool) *evidence.Item {
	return first(v.discovery, func(item *evidence.Item) bool {
		return item.Discovery != nil && item.Discovery.HeldBack != "" && reason(item.Discovery.HeldBack)
	})
}

// heldAt is the step at an endpoint that might have been signed in to with
// --follow-autodiscover.
func (v *view) heldAt(endpoint string) *evidence.Item {
	return first(v.discovery, func(item *evidence.Item) bool {
		return item.Discovery != nil && item.Discovery.HeldBack.MayFollow() && item.Discovery.Endpoint == endpoint
	})
}

// aboutMailbox says whether an answer is about the mailbox of the check, not
// about the account's own.
func (v *view) aboutMailbox(item *evidence.Item) bool {
	return v.mailbox() != "" && item.Request != nil && strings.EqualFold(item.Request.Mailbox, v.mailbox())
}

// source is the service beside EWS that an item is about.
func source(item *evidence.Item) finding.Source {
	if item.AtDirectory() {
		return finding.Source{Scheme: item.Logon.Scheme, Address: item.Address}
	}
	return finding.Source{Host: hostOf(item)}
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
	return cmp.Or(parsed(raw).Hostname(), raw)
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
	h := confirmed("", finding.Params{Domain: v.discoveryDomain()})
	h.status = finding.Warning
	if v.needsAutodiscover() {
		h.status = finding.Critical
	}
	held := v.heldBack(evidence.HeldBack.MayFollow)
	ews := v.foundEWS()
	if at := v.heldAt(v.rec.Target.URL); ews != nil && at != nil {
		held = at
	}
	if ews != nil {
		h.params.Source, h.params.URL = source(ews), ews.Discovery.EwsURL
	}
	if held != nil {
		h.params.Host, h.params.HeldBack = hostOf(held), string(held.Discovery.HeldBack)
	}
	switch {
	case v.leadsOnline() != nil:
		return nil // mailbox-online
	case ews != nil && held != nil && held.Discovery.Endpoint == v.rec.Target.URL:
		h.variant = "not-signed-in"
		h.cite(ews, held)
		return h
	case ews != nil && v.rec.Target.URL == "":
		h.variant = "unusable"
		h.cite(ews)
		return h
	case ews != nil, v.sentOnline() != nil, v.unknownAddress() != nil, v.wantsCredential() != nil,
		v.proxyAsked() != nil:
		return nil // found, or another finding says more
	}
	for i, item := range v.discovery {
		h.cite(item)
		if s := tell(item); s.Kind != "" {
			if !slices.ContainsFunc(h.params.Steps, func(o finding.Step) bool { return reflect.DeepEqual(o, s) }) {
				h.params.Steps = append(h.params.Steps, s)
			}
			if s.Kind != "no-srv" && s.Kind != "points" {
				h.params.Ends = s
			}
			switch d := item.Discovery; {
			case d.Answered() && (d.ErrorCode != "" || len(d.Types) > 0) && item.Response != nil && foreign(item.Response):
				h.use = finding.ByDevice
			case d.Answered() && d.ErrorCode != "" && item.Response != nil:
				h.use = finding.DiscoveryError
			case d.Answered() && len(d.Types) > 0:
				h.use = finding.NoURL
			}
			if s.Kind == "no-password" && asksSignIn(v.discovery[max(0, i-1)]) {
				h.use = finding.NoScheme
			}
		}
		unanswered := item.Error != nil && (item.Error.Code == evidence.TimedOut || item.Error.Code == evidence.ProxyAuth)
		if l := item.Logon; l != nil && l.Result != evidence.Skipped || unanswered {
			h.confidence = finding.Likely // it might have led on
		}
	}
	if h.use == "" && h.params.Ends.By != "" {
		h.use = finding.ByDevice
	}
	return h
}

// discoveryDomain is what the search was about; "" not known.
func (v *view) discoveryDomain() string {
	for _, address := range []string{v.rec.Target.FromAddress, v.rec.Target.Mailbox, v.rec.Target.User} {
		if _, domain, ok := strings.Cut(address, "@"); ok {
			return domain
		}
	}
	return ""
}

// tell is what came of one step of the search; its kind is "" if another tells it.
func tell(item *evidence.Item) finding.Step {
	s := finding.Step{At: hostOf(item)}
	if item.Request != nil {
		s.At = item.Request.URL
	} else if item.Discovery != nil {
		s.At = item.Discovery.Endpoint
	}
	if item.Error != nil {
		s.Error = item.Error.Text
	}
	r, l, d := item.Response, item.Logon, item.Discovery
	switch {
	case l != nil && l.Result == evidence.Skipped:
		s.Kind, s.Error = "no-password", l.Why
	case l != nil:
		s.Kind, s.Scheme, s.Result = "logon", l.Scheme, string(l.Result)
		switch {
		case notExchangeAsked(item):
			s.By = asker(r)
		case r != nil && !d.Answered() && l.Result != evidence.Refused:
			s.To = "HTTP " + strconv.Itoa(r.Status) + " with " + whatInstead(r)
		case d.Answered() && d.ErrorCode != "" && r != nil && foreign(r): // its numbers have their own meaning
			s.To = "error " + d.ErrorCode + " (" + d.Message + ")"
		case d.Answered():
			s.To = finding.Phrase("answer", d)
		}
	case item.Points != nil:
		pointsTold(item.Points, &s)
	case d != nil && d.HeldBack != "":
		s.Kind, s.Result, s.At = "held-back", string(d.HeldBack), d.Endpoint
	case item.Resolution != nil && item.Error != nil:
		s.Kind, s.At = "name", item.Resolution.Name
	case item.Resolution != nil && item.Step == evidence.StepAutodiscoverService && len(item.Resolution.Addresses) == 0:
		s.Kind = "no-srv"
	case item.Resolution != nil, item.Step == evidence.StepAutodiscoverNTLM:
	case item.Error != nil:
		s.Kind = "failed"
	case r == nil:
	case d.Answered():
		s.Kind, s.Answer = "answer", d
	case r.Status/100 == 3:
		s.Kind, s.To = "redirect", r.First("Location")
	case r.Status == 401:
		s.Kind, s.Schemes = "asks", front.Names(front.Offers(r))
		if foreign(r) {
			s.By = asker(r)
		}
	default:
		s.Kind, s.Status = "status", r.Status
		switch {
		case r.Status/100 == 2:
			s.To = whatInstead(r)
		case foreign(r):
			s.By = cmp.Or(front.Identify(r).Device, r.First("Server"))
		}
	}
	return s
}

// notExchangeAsked: what refuses a logon of Autodiscover shows nothing of Exchange and signs
// as another web server, such as that of a hoster, whose passwords are its own.
func notExchangeAsked(item *evidence.Item) bool {
	return result(item) == evidence.Refused && item.Response != nil && foreign(item.Response)
}

// foreign: an answer shows nothing of Exchange and signs as another web server.
func foreign(r *evidence.Response) bool {
	id := front.Identify(r)
	return !id.Exchange && id.ServerField != "" && !strings.HasPrefix(id.ServerField, "Microsoft-IIS") &&
		!slices.Contains([]string{"Forefront TMG or ISA", "F5 BIG-IP APM", "F5 BIG-IP", "Citrix NetScaler", "Kemp LoadMaster"}, id.Device)
}

// asker is who wants the sign-in: its name, and the realm that it names.
func asker(r *evidence.Response) string {
	name := r.First("Server")
	if c, ok := front.Offer(r, "Basic"); ok {
		if realm, _ := c.Param("realm"); realm != "" {
			name += " (realm " + strconv.Quote(realm) + ")"
		}
	}
	return name
}

// whatInstead says what an answer holds that is no Autodiscover.
func whatInstead(r *evidence.Response) string {
	kind, _, _ := strings.Cut(r.First("Content-Type"), ";")
	what := "a body of type " + kind
	switch {
	case r.BodyBytes == 0:
		what = "an empty body"
	case r.Page != nil && r.Page.Title != "":
		what = "an HTML page (" + r.Page.Title + ")"
	case r.Page != nil || strings.EqualFold(kind, "text/html"):
		what = "an HTML page"
	case kind == "":
		what = "something"
	}
	if server := r.First("Server"); server != "" {
		what += " by " + server
	}
	return what
}

// pointsTold is what came of the search for service connection points.
func pointsTold(p *evidence.ServicePoints, s *finding.Step) {
	s.Kind, s.At, s.Error = "points", p.Domain, p.Why
	for _, one := range p.Points {
		if u := one.URL; !slices.Contains(s.URLs, u) {
			s.URLs = append(s.URLs, u)
		}
	}
}

// wantsCredential is an endpoint that asked for a sign-in while the check had no
// password to send: what it would have said is not known.
func (v *view) wantsCredential() *evidence.Item {
	if v.hasPassword() {
		return nil
	}
	return first(v.discovery, asksSignIn)
}

// asksSignIn: Autodiscover answered the anonymous request with 401.
func asksSignIn(item *evidence.Item) bool {
	return item.Step == evidence.StepAutodiscoverAsk && item.Response != nil && item.Response.Status == 401
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
	return first(v.discovery, func(item *evidence.Item) bool {
		return item.Error != nil && item.Error.Code == evidence.ProxyAuth || item.Response != nil && item.Response.Status == 407
	})
}

func proxyBeforeAutodiscover(v *view) *hit {
	item := v.proxyAsked()
	if item == nil || v.foundEWS() != nil {
		return nil
	}
	return confirmed("autodiscover", finding.Params{Host: hostOf(item)}, item)
}

// unknownAddress is the answer of Autodiscover that it does not know the mailbox.
func (v *view) unknownAddress() *evidence.Item {
	return first(v.discoveryAnswers(), func(item *evidence.Item) bool {
		c := item.Discovery.ErrorCode
		return (c == "500" || c == "InvalidUser") && v.aboutMailbox(item)
	})
}

// basicAtAutodiscover is where Exchange offers Basic on Autodiscover: beside an EWS
// without it, that is how Exchange is installed.
func (v *view) basicAtAutodiscover() *evidence.Item {
	return first(v.discovery, func(item *evidence.Item) bool {
		_, basic := front.Offer(item.Response, "Basic")
		return asksSignIn(item) && basic && front.Identify(item.Response).Exchange
	})
}
