package rule

import (
	"cmp"
	"slices"
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
		if step := finding.Phrase("step", item); step != "" {
			h.params.Steps = adding(h.params.Steps, step)
			if item.Points == nil && (item.Resolution == nil || item.Error != nil) {
				h.params.Ends = item
			}
			switch d := item.Discovery; {
			case d.Answered() && (d.ErrorCode != "" || len(d.Types) > 0) && front.Identify(item.Response).Foreign():
				h.use = finding.ByDevice
			case d.Answered() && d.ErrorCode != "" && item.Response != nil:
				h.use = finding.DiscoveryError
			case d.Answered() && len(d.Types) > 0:
				h.use = finding.NoURL
			case d != nil && d.HeldBack == evidence.HeldNoScheme:
				h.use = finding.NoScheme
				if asksSignIn(v.discovery[max(0, i-1)]) && offersBasic(v.discovery[i-1]) {
					h.confidence = finding.Likely // the profile's client might take it
				}
			}
		}
		unanswered := item.Error != nil && (item.Error.Code == evidence.TimedOut || item.Error.Code == evidence.ProxyAuth)
		if l := item.Logon; l != nil && l.Result != evidence.Skipped || unanswered {
			h.confidence = finding.Likely // it might have led on
		}
	}
	exchange := func(item *evidence.Item) bool {
		return item.Response != nil && !front.Identify(item.Response).Foreign()
	}
	if e := h.params.Ends; h.use == "" && e != nil && front.Identify(e.Response).Foreign() && (result(e) == evidence.Refused ||
		e.Response.Status/100 != 3 && (e.Logon == nil || !slices.ContainsFunc(v.discovery, exchange))) {
		h.use = finding.ByDevice
	}
	if h.use == finding.ByDevice {
		for _, item := range slices.Backward(v.discovery) {
			name, mail := front.MailServer(front.IdentifyAt(hostOf(item), item.Response).Device)
			if mail || h.params.Device == "" {
				h.params.Device = name
			}
		}
	}
	if item := v.untrustedStep(); h.use == "" && item != nil {
		h.use, h.params.Ends = finding.AtAutodiscover, item
	}
	if e := h.params.Ends; h.use == "" && e != nil {
		h.params.Failed = front.Identify(e.Response).Failed
		if e.Response == nil && e.Error != nil {
			h.use = finding.Unreached
		}
	}
	return h
}

// untrustedStep is a step of the search that a certificate ended. That of the mail domain
// itself, which the search only tries, is the web site's.
func (v *view) untrustedStep() *evidence.Item {
	return first(v.discovery, func(item *evidence.Item) bool {
		tried := v.rec.Target.Autodiscover == "" && strings.EqualFold(hostOf(item), v.discoveryDomain())
		return item.Error != nil && item.Error.Code == evidence.TLSUntrusted && item.TLS != nil && item.TLS.Certificate != nil && !tried
	})
}

// autodiscoverUntrusted: the search led to no EWS, and a certificate ended it.
func autodiscoverUntrusted(v *view) *hit {
	failed := autodiscoverFailed(v)
	if failed == nil || failed.use != finding.AtAutodiscover {
		return nil
	}
	item := v.untrustedStep()
	h := untrustedBy(item.TLS)
	h.params.Host, h.params.At, h.params.Ends = hostOf(item), finding.Place{Host: hostOf(item)}, item
	if h.use != finding.Expired || len(h.params.Problems) > 1 { // where it has the right name, it is where it should be
		h.use = failed.use
	}
	h.cite(item)
	if h.status == "" {
		h.status = failed.status
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

// notExchangeAsked: what refuses a logon of Autodiscover shows nothing of Exchange and signs
// as another web server, such as that of a hoster, whose passwords are its own.
func notExchangeAsked(item *evidence.Item) bool {
	return result(item) == evidence.Refused && front.Identify(item.Response).Foreign()
}

// wantsCredential is an endpoint that asked for a sign-in while the check had no
// password to send: what it would have said is not known.
func (v *view) wantsCredential() *evidence.Item {
	t := v.rec.Target // with a password, not only with a key, a ticket or the logged-on user
	if t.Credentials && !t.CurrentUser && t.Ticket != "keytab" && t.Ticket != "ccache" {
		return nil
	}
	return first(v.discovery, asksSignIn)
}

// asksSignIn: Autodiscover answered the anonymous request with 401.
func asksSignIn(item *evidence.Item) bool {
	return item.Step == evidence.StepAutodiscoverAsk && item.Response != nil && item.Response.Status == 401
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
		return asksSignIn(item) && offersBasic(item) && front.Identify(item.Response).Exchange
	})
}

func offersBasic(item *evidence.Item) bool {
	_, basic := front.Offer(item.Response, "Basic")
	return basic
}
