package rule

import (
	"slices"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/soap"
)

// Block A: nothing could be asked, or later, an answer that was needed did not
// come.

// needed returns the items whose answers the verdict needs at n: the anonymous
// POST and, once it was answered, the logon by the profile's scheme (or any,
// while none was accepted). In a row of a batch it is the call alone.
func (v *view) needed(n *node) []*evidence.Item {
	if v.row {
		return n.call()
	}
	var items []*evidence.Item
	if n.ask != nil {
		items = append(items, n.ask)
	}
	if v.rec.Target.ProfileAuth == "oauth" && v.rec.Target.HMA == nil && n.challenged() && n.bearer != nil {
		items = append(items, n.bearer) // what such a profile is judged by
	}
	return append(items, v.deciding(n)...)
}

// deciding are the unfinished logons that keep the verdict open: NTLM beside an
// accepted Basic explains, it does not decide.
func (v *view) deciding(n *node) []*evidence.Item {
	if v.signedIn(n) != nil && result(v.ownLogon(n)) != evidence.Unfinished {
		return nil
	}
	var items []*evidence.Item
	for _, item := range []*evidence.Item{n.basic(), n.windows(), n.token()} {
		if result(item) != evidence.Unfinished || item.Step == evidence.StepSkipped {
			continue
		}
		own := strings.EqualFold(item.Logon.Scheme, v.profileScheme())
		if !own && isWindows(item.Logon) && n.offer("Basic") {
			continue
		}
		items = append(items, item)
	}
	return items
}

// ownLogon is the logon by the profile's scheme.
func (v *view) ownLogon(n *node) *evidence.Item {
	switch {
	case v.windowsProfile():
		return n.windows()
	case v.rec.Target.HMA != nil:
		return n.token()
	}
	return n.basic()
}

// failedBy returns the first needed item that failed in one of the given ways.
func (v *view) failedBy(n *node, codes ...evidence.FailureCode) *evidence.Item {
	for _, item := range v.needed(n) {
		if item.Error != nil && slices.Contains(codes, item.Error.Code) {
			return item
		}
	}
	return nil
}

func dnsFailed(v *view) *hit {
	if !v.row {
		if h := namePrivate(v); h != nil && h.status != finding.Warning {
			return nil // public DNS has no such name, whatever the resolver of this machine says
		}
	}
	for _, item := range v.items {
		asked := item.Step == evidence.StepResolve || v.row && item.Logon != nil && item.Error != nil &&
			(item.Error.Phase == "resolve" || item.Error.Code == evidence.DNSFailed || item.Error.Code == evidence.DNSNotFound)
		if !asked || item.Error == nil {
			continue
		}
		p := finding.Params{Error: item.Error.Text}
		switch item.Error.Code {
		case evidence.Interrupted:
			return nil
		case evidence.TimedOut:
			return likely("silent", p, item)
		case evidence.DNSFailed:
			return likely("failed", p, item)
		}
		return confirmed("not-found", p, item)
	}
	return nil
}

// lostConnection is how a connection is not made, or ends without an answer.
var lostConnection = []evidence.FailureCode{
	evidence.ConnectRefused, evidence.ConnectUnreachable, evidence.ConnectFailed, evidence.ConnectionReset, evidence.ConnectionClosed,
}

func connectFailed(v *view, n *node) *hit {
	if call := v.noAnswer(n); call != nil {
		return confirmed("not-kept", finding.Params{Asked: v.questionOf(call)}, call)
	}
	if h := v.lostAtTimes(n); h != nil {
		return h
	}
	item := v.failedBy(n, append(lostConnection, evidence.ProxyRefused, evidence.DNSNotFound, evidence.DNSFailed)...) // of the proxy's name
	if item == nil || !v.row && connectionLost(n).Kind != "" && item.Logon != nil && isWindows(item.Logon) {
		return nil
	}
	if v.row && item.Response != nil {
		return nil // server-error: an answer had begun
	}
	phase := item.Error.Phase
	if phase == "tls" && n.legacySuite() != nil {
		return nil // tls-failed knows more
	}
	variant := "request"
	switch {
	case v.row && phase != "connect" && phase != "proxy" && phase != "tls":
		variant = "call"
	case item.Logon != nil && !v.row:
		variant = "logon"
	case item.Error.Code == evidence.ProxyRefused:
		variant = "proxy"
	case phase == "proxy":
		variant = "proxy-down"
	case phase == "connect" && item.Error.Code == evidence.ConnectUnreachable:
		variant = "route"
	case phase == "connect":
		variant = "connect"
	case phase == "tls":
		variant = "tls"
	}
	p := finding.Params{Asked: v.questionOf(item), Error: item.Error.Text}
	h := confirmed(variant, p, item)
	if phase == "connect" && item.Error.Code == evidence.ConnectRefused {
		h.use = finding.Refused
	}
	if phase == "connect" && slices.ContainsFunc(v.nodes, (*node).answered) {
		h.use = finding.OneAddress
	}
	if g := v.rec.Target.Given; g != nil && phase == "proxy" {
		h.params.By, h.use = g.Proxy, finding.ByProxy
	}
	return h
}

func timedOut(v *view, n *node) *hit {
	item := v.failedBy(n, evidence.TimedOut)
	if item == nil || v.row && item.Error.Phase == "resolve" || v.lostAtTimes(n) != nil {
		return nil // dns-failed and connect-failed speak
	}
	p := finding.Params{Asked: v.questionOf(item), Phase: item.Error.Phase}
	if item.Response != nil {
		p.Status = item.Response.Status
	}
	switch {
	case item.Error.Phase == "connect":
		return confirmed("connect", p, item)
	case v.row:
		return confirmed("call", p, item)
	case item.Logon != nil:
		return confirmed("logon", p, item)
	}
	return confirmed("", p, item)
}

// handshake is the item with the handshake of the anonymous request, else with the
// first seen; nil if there is none.
func (n *node) handshake() *evidence.Item {
	if n.ask != nil && n.ask.TLS != nil {
		return n.ask
	}
	return first(n.items, func(item *evidence.Item) bool {
		return item.TLS != nil && item.Step != evidence.StepLegacySuites && item.Step != evidence.StepDataverseTLS
	})
}

// tls is that handshake.
func (n *node) tls() *evidence.TLS {
	if item := n.handshake(); item != nil {
		return item.TLS
	}
	return nil
}

// certificate is the one it met; nil if there is none.
func (n *node) certificate() *evidence.Certificate {
	if t := n.tls(); t != nil {
		return t.Certificate
	}
	return nil
}

// wantsClientCertificate: the handshake was made, and the answer says that a client
// certificate is missing. nginx has 400 for it, and 495 or 496 inside.
func wantsClientCertificate(item *evidence.Item) bool {
	r := item.Response
	if r == nil || r.Notice == nil || r.Status == 401 || r.Status == 403 {
		return false
	}
	return r.Status/100 == 4 && r.Notice.Says == evidence.SaysClientCertificate
}

// tlsOutdated: the handshake that was made used something that Dataverse does
// not accept, and what it accepts was refused when it was offered alone. An
// offer that got no answer proves nothing.
func tlsOutdated(v *view, n *node) *hit {
	item := n.handshake()
	if n.suites == nil || n.suites.Error == nil || item == nil {
		return nil
	}
	p := finding.Params{TLS: item.TLS.Version, Suite: item.TLS.CipherSuite, Error: n.suites.Error.Text}
	h := confirmed("", p, item, n.suites)
	switch n.suites.Error.Code {
	case evidence.TLSHandshake:
	case evidence.ConnectionReset, evidence.ConnectionClosed:
		h.confidence = finding.Likely // some servers refuse without a word, and some firewalls too
	default:
		return nil
	}
	return h
}

// legacySuite is the item in which the server agreed on a suite that Go lacks.
func (n *node) legacySuite() *evidence.Item {
	return first(n.items, func(item *evidence.Item) bool { return item.Step == evidence.StepLegacySuites && item.TLS != nil })
}

func proxyAuthRequired(v *view, n *node) *hit {
	if item := v.failedBy(n, evidence.ProxyAuth); item != nil {
		return confirmed("tunnel", finding.Params{Error: item.Error.Text}, item)
	}
	if n.status() != 407 {
		return nil
	}
	h := confirmed("answer", finding.Params{Header: n.ask.Response.First("Server")}, n.ask)
	if g := v.rec.Target.Given; g != nil && g.Proxy != "" {
		h.use = finding.ByProxy
	}
	return h
}

func serverError(v *view, n *node) *hit {
	if item := v.failedBy(n, evidence.Malformed, evidence.HeaderTooLarge); item != nil && v.lostAtTimes(n) == nil {
		p := finding.Params{Error: item.Error.Text}
		if v.row { // a check has one report for all that it asked
			p.Asked = v.questionOf(item)
		}
		return confirmed("malformed", p, item)
	}
	if item := v.signedIn(n); item != nil && cutSuccess(item) {
		p := v.answer(n, item)
		p.Code = item.EWS.Code
		return confirmed("cut-answer", p, item)
	}
	if items, part := n.errsAtTimes(); len(items) > 0 {
		if h := v.failsAtTimes(n, items, part, v.answer(n, items[0])); h != nil {
			return h
		}
	}
	for _, item := range v.needed(n) {
		r := item.Response
		if r == nil || item.EWS.Answered() {
			continue
		}
		p := v.answer(n, item)
		other := v.otherAudience(item)
		if other {
			p.Token = v.tokenParams().Token
		}
		switch {
		case r.Status >= 500 && (!asksPatience(r) || p.Failed.Error != ""):
			if p.Failed.Error != "" || p.Failed.Point != "" {
				h := confirmed("exchange", p, item)
				switch {
				case other:
					h.use = finding.OtherAudience
				case p.BackEnd != "" && !v.row:
					h.use = finding.AtBackEnd
				}
				return h
			}
			h := confirmed("status", p, item)
			switch {
			case v.row:
			case other:
				h.use = finding.OtherAudience
			case p.BackEnd != "" && item.Logon != nil:
				h.use = finding.AtBackEnd
			case p.FrontEnd != "" && item.Logon != nil && p.Notice.SubStatus == "":
				h.use = finding.InPlace
			case p.FrontEnd != "":
				h.use = finding.AtFrontEnd
			// Only what stands in between has such a status (RFC 9110 15.6.3 and 15.6.5, RFC
			// 6585 6), or does not know a POST (RFC 9110 15.6.2).
			case p.Device != "" || p.IIS == "" || slices.Contains([]int{501, 502, 504, 511}, r.Status):
				h.use = finding.ByDevice
			}
			return h
		case r.Status/100 == 2 && r.Oversized && r.Page == nil:
			return confirmed("too-large", p, item)
		case r.Status/100 == 2 && r.CutShort:
			p.Bytes = int64(r.BodyBytes)
			return confirmed("cut-short", p, item)
		case r.Status/100 == 2 && item.EWS != nil && item.EWS.Unreadable:
			p.Error = item.EWS.Problem
			return confirmed("unreadable", p, item)
		case !v.row && !wantsClientCertificate(item) && !v.isOnline(n) && v.inPlace(n, item) != "":
			h := confirmed(v.inPlace(n, item), p, item)
			switch {
			case h.variant == "header-too-long" && p.Device != "" && p.FrontEnd == "":
				h.use = finding.ByDevice
			case h.variant == "instead" || h.variant == "empty":
				if h.use = finding.ByDevice; p.FrontEnd != "" {
					h.use = finding.InPlace
				}
			}
			return h
		case v.row && isNotEWS(item):
			return confirmed("not-ews", p, item)
		case v.row && r.Status == 401:
			return confirmed("asked-again", p, item)
		}
	}
	return nil
}

// answer are the parameters of a sentence about the answer of an item.
func (v *view) answer(n *node, item *evidence.Item) finding.Params {
	r := item.Response
	p := finding.Params{
		Asked: v.questionOf(item), Status: r.Status, Phrase: r.Reason,
		Location: r.First("Location"), Usual: v.usualURL(), Device: n.who.Device, Sign: n.who.DeviceSign,
		Notice: noticeOf(r),
	}
	id := front.Identify(r)
	p.Failed, p.FrontEnd, p.BackEnd = id.Failed, id.FrontEnd, id.BackEnd
	if id.Device != "" {
		p.Device, p.Sign = id.Device, id.DeviceSign
	}
	if r.Page != nil {
		p.Page = r.Page.Title
	}
	switch signs := id.ServerField; {
	case id.Exchange, p.Device != "":
	case strings.HasPrefix(signs, "Microsoft-HTTPAPI"):
		p.Kernel = true
	case front.IIS(r) != "":
		p.IIS = front.IIS(r)
	default:
		p.Header, p.Unsigned = signs, signs == ""
	}
	return p
}

func asksPatience(r *evidence.Response) bool {
	return r.Status == 429 || r.Status == 503 && r.First("Retry-After") != ""
}

func throttled(v *view, n *node) *hit {
	items := v.needed(n)
	if item := v.signedIn(n); item != nil {
		items = append(items, item)
	}
	for _, item := range items {
		r := item.Response
		if r == nil {
			continue
		}
		p := v.answer(n, item)
		switch {
		case item.EWS.Answered() && soap.Busy(item.EWS.Code):
			p.Code, p.Message, p.Wait = item.EWS.Code, item.EWS.Message, time.Duration(item.EWS.BackOffMS)*time.Millisecond
			p.SignedIn = item.Logon != nil || item.Step == evidence.StepSignedIn
			return confirmed("busy", p, item)
		case asksPatience(r) && !item.EWS.Answered():
			p.RetryAfter = r.First("Retry-After")
			h := confirmed("later", p, item)
			if p.FrontEnd == "" {
				h.use = finding.ByDevice
			}
			return h
		}
	}
	return nil
}
