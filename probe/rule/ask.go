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

// needed returns the legs whose answers the verdict needs at n: the anonymous
// POST and, once it was answered, the logon by the profile's scheme (or any,
// while none was accepted). In a row of a batch it is the call alone.
func (v *view) needed(n *node) []*evidence.Item {
	if v.row {
		return n.call()
	}
	var legs []*evidence.Item
	if n.ask != nil {
		legs = append(legs, n.ask)
	}
	return append(legs, v.deciding(n)...)
}

// deciding are the unfinished logons that keep the verdict open: NTLM beside an
// accepted Basic explains, it does not decide.
func (v *view) deciding(n *node) []*evidence.Item {
	if v.signedIn(n) != nil && result(v.ownLogon(n)) != evidence.Unfinished {
		return nil
	}
	var legs []*evidence.Item
	for _, item := range []*evidence.Item{n.basic(), n.windows(), n.token()} {
		if result(item) != evidence.Unfinished || item.Step == evidence.StepSkipped {
			continue
		}
		own := strings.EqualFold(item.Logon.Scheme, v.profileScheme())
		if !own && isWindows(item.Logon) && n.offer("Basic") {
			continue
		}
		legs = append(legs, item)
	}
	return legs
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

// failedBy returns the first needed leg that failed in one of the given ways.
func (v *view) failedBy(n *node, codes ...evidence.FailureCode) *evidence.Item {
	for _, leg := range v.needed(n) {
		if leg.Error != nil && slices.Contains(codes, leg.Error.Code) {
			return leg
		}
	}
	return nil
}

func dnsFailed(v *view) *hit {
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

func connectFailed(v *view, n *node) *hit {
	if call := v.noAnswer(n); call != nil {
		return confirmed("not-kept", finding.Params{Asked: v.asked(call)}, call)
	}
	leg := v.failedBy(n, evidence.ConnectRefused, evidence.ConnectUnreachable, evidence.ConnectFailed, evidence.ConnectionReset,
		evidence.ConnectionClosed, evidence.ProxyRefused, evidence.DNSNotFound, evidence.DNSFailed) // of the proxy's name
	if leg == nil || !v.row && connectionLost(n).Kind != "" && leg.Logon != nil && isWindows(leg.Logon) {
		return nil
	}
	if v.row && leg.Response != nil {
		return nil // server-error: an answer had begun
	}
	phase := leg.Error.Phase
	if phase == "tls" && n.legacySuite() != nil {
		return nil // tls-failed knows more
	}
	variant := "request"
	switch {
	case v.row && phase != "connect" && phase != "proxy" && phase != "tls":
		variant = "call"
	case leg.Logon != nil && !v.row:
		variant = "logon"
	case leg.Error.Code == evidence.ProxyRefused:
		variant = "proxy"
	case phase == "proxy":
		variant = "proxy-down"
	case phase == "connect":
		variant = "connect"
	case phase == "tls":
		variant = "tls"
	}
	p := finding.Params{Asked: v.asked(leg), Error: leg.Error.Text}
	h := confirmed(variant, p, leg)
	if variant == "logon" {
		h.use = finding.UnderLogon
	}
	if g := v.rec.Target.Given; g != nil && phase == "proxy" {
		h.params.By, h.use = g.Proxy, finding.ByProxy
	}
	return h
}

func timedOut(v *view, n *node) *hit {
	leg := v.failedBy(n, evidence.TimedOut)
	if leg == nil || v.row && leg.Error.Phase == "resolve" {
		return nil // of the latter, dns-failed speaks
	}
	p := finding.Params{Asked: v.asked(leg), Phase: leg.Error.Phase}
	if leg.Response != nil {
		p.Status = leg.Response.Status
	}
	switch {
	case v.row && leg.Error.Phase == "connect":
		return confirmed("connect", p, leg)
	case v.row:
		return confirmed("call", p, leg)
	case leg.Logon != nil:
		h := confirmed("logon", p, leg)
		h.use = finding.UnderLogon
		return h
	}
	return confirmed("", p, leg)
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
func wantsClientCertificate(leg *evidence.Item) bool {
	r := leg.Response
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

// legacySuite is the leg in which the server agreed on a suite that Go lacks.
func (n *node) legacySuite() *evidence.Item {
	return first(n.items, func(item *evidence.Item) bool { return item.Step == evidence.StepLegacySuites && item.TLS != nil })
}

func proxyAuthRequired(v *view, n *node) *hit {
	if leg := v.failedBy(n, evidence.ProxyAuth); leg != nil {
		h := confirmed("tunnel", finding.Params{Error: leg.Error.Text}, leg)
		h.use = finding.ByProxy
		return h
	}
	if n.status() != 407 {
		return nil
	}
	h := confirmed("answer", finding.Params{}, n.ask)
	if g := v.rec.Target.Given; g != nil && g.Proxy != "" {
		h.use = finding.ByProxy
	}
	return h
}

func serverError(v *view, n *node) *hit {
	if leg := v.failedBy(n, evidence.Malformed, evidence.HeaderTooLarge); leg != nil {
		p := finding.Params{Error: leg.Error.Text}
		if v.row { // a check has one report for all that it asked
			p.Asked = v.asked(leg)
		}
		return confirmed("malformed", p, leg)
	}
	if item := v.signedIn(n); item != nil && cutSuccess(item) {
		p := v.answer(n, item)
		p.Code = item.EWS.Code
		return confirmed("cut-answer", p, item)
	}
	for _, leg := range v.needed(n) {
		r := leg.Response
		if r == nil || leg.EWS.Answered() {
			continue
		}
		p := v.answer(n, leg)
		other := v.otherAudience(leg)
		if other {
			p.Token = v.tokenParams().Token
		}
		switch {
		case r.Status >= 500 && (!asksPatience(r) || p.Failed.Error != ""):
			if p.Failed.Error != "" || p.Failed.Point != "" {
				h := confirmed("exchange", p, leg)
				switch {
				case other:
					h.use = finding.OtherAudience
				case p.BackEnd != "" && !v.row:
					h.use = finding.AtBackEnd
				}
				return h
			}
			h := confirmed("status", p, leg)
			switch {
			case v.row:
			case other:
				h.use = finding.OtherAudience
			case p.BackEnd != "" && leg.Logon != nil:
				h.use = finding.AtBackEnd
			case p.FrontEnd != "":
				h.use = finding.AtFrontEnd
			case p.Device != "" || gatewayStatus(r.Status):
				h.use = finding.ByDevice
			}
			return h
		case r.Status/100 == 2 && r.Oversized && r.Page == nil:
			return confirmed("too-large", p, leg)
		case r.Status/100 == 2 && r.CutShort:
			p.Bytes = int64(r.BodyBytes)
			return confirmed("cut-short", p, leg)
		case r.Status/100 == 2 && leg.EWS != nil && leg.EWS.Unreadable:
			p.Error = leg.EWS.Problem
			return confirmed("unreadable", p, leg)
		case !v.row && !wantsClientCertificate(leg) && !v.isOnline(n) && v.inPlace(n, leg) != "":
			h := confirmed(v.inPlace(n, leg), p, leg)
			if h.variant == "instead" && p.FrontEnd != "" {
				h.use = finding.InPlace
			}
			return h
		case v.row && isNotEWS(leg):
			return confirmed("not-ews", p, leg)
		case v.row && r.Status == 401:
			return confirmed("asked-again", p, leg)
		}
	}
	return nil
}

// gatewayStatus: only what stands in between has such a status (RFC 9110 15.6.3 and
// 15.6.5, RFC 6585 6), or does not know a POST (RFC 9110 15.6.2).
func gatewayStatus(status int) bool {
	return status == 501 || status == 502 || status == 504 || status == 511
}

// answer are the parameters of a sentence about the answer of a leg.
func (v *view) answer(n *node, leg *evidence.Item) finding.Params {
	r := leg.Response
	p := finding.Params{
		Asked: v.asked(leg), Status: r.Status, Phrase: r.Reason,
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
	case !strings.HasPrefix(signs, "Microsoft-IIS"):
		p.Header = signs
	}
	return p
}

func asksPatience(r *evidence.Response) bool {
	return r.Status == 429 || r.Status == 503 && r.First("Retry-After") != ""
}

func throttled(v *view, n *node) *hit {
	legs := v.needed(n)
	if item := v.signedIn(n); item != nil {
		legs = append(legs, item)
	}
	for _, leg := range legs {
		r := leg.Response
		if r == nil {
			continue
		}
		p := v.answer(n, leg)
		switch {
		case leg.EWS.Answered() && soap.Busy(leg.EWS.Code):
			p.Code, p.Message, p.Wait = leg.EWS.Code, leg.EWS.Message, time.Duration(leg.EWS.BackOffMS)*time.Millisecond
			p.SignedIn = leg.Logon != nil || leg.Step == evidence.StepSignedIn
			return confirmed("busy", p, leg)
		case asksPatience(r) && !leg.EWS.Answered():
			p.RetryAfter = r.First("Retry-After")
			return confirmed("later", p, leg)
		}
	}
	return nil
}
