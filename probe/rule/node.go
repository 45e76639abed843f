package rule

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/ewsprobe/ewsprobe/ews/challenge"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
)

// view is a record arranged for judging.
type view struct {
	rec   *evidence.Record
	items []*evidence.Item // of the record
	// row: the subject is the one call for a mailbox, at an endpoint that was
	// seen to be EWS before.
	row   bool
	nodes []*node
	dead  []*evidence.Item // anonymous requests to addresses that were passed over, as no connection was made
	// directory is what was asked at domain controllers, discovery the steps of
	// Autodiscover, both in their order.
	directory, discovery []*evidence.Item
	// proved: some logon of the run was accepted by EWS, so the password is
	// right; provedElsewhere: a service beside EWS accepted it, so what EWS
	// refuses is not a wrong password.
	proved, provedElsewhere *evidence.Item
	notes                   func() []note // of Dynamics
}

// node is what one address said.
type node struct {
	address string
	items   []*evidence.Item
	ask     *evidence.Item // the anonymous POST that counts: the first that asks for a sign-in, else the last one answered
	first   *evidence.Item // the first anonymous POST, under the tool's own agent
	bearer  *evidence.Item
	typeOne []*evidence.Item
	keep    []*evidence.Item
	agents  []*evidence.Item
	logons  []*evidence.Item
	further []*evidence.Item // calls made after a sign-in, about the mailbox
	suites  *evidence.Item   // the offer of exactly what Dataverse accepts
	who     front.Identity
	offers  []challenge.Challenge
	peers   []*node // other front ends that answered at the same address (farm.go)
}

func arrange(rec *evidence.Record) *view { return arrangeAs(rec, false) }

func arrangeAs(rec *evidence.Record, row bool) *view {
	v := &view{rec: rec, row: row}
	v.notes = sync.OnceValue(v.readNotes)
	for i := range rec.Items {
		item := &rec.Items[i]
		v.items = append(v.items, item)
		if item.AtDirectory() || item.Step.Autodiscover() {
			if result(item) == evidence.Accepted && v.provedElsewhere == nil {
				v.provedElsewhere = item
			}
			if item.AtDirectory() {
				v.directory = append(v.directory, item)
			} else {
				v.discovery = append(v.discovery, item)
			}
			continue
		}
		if item.Address == "" || item.Step == evidence.StepAddressFamily || item.Step.Cloud() {
			continue
		}
		n := v.node(item.Address)
		n.items = append(n.items, item)
		n.sort(item)
		if l := item.Logon; l != nil && l.Result == evidence.Accepted && v.proved == nil {
			v.proved = item
		}
	}
	for _, n := range v.nodes {
		n.identify(rec.Target.Host)
		n.peers = n.otherFrontEnds()
	}
	if !rec.Target.EveryAddress {
		// One address was to be found that can be connected to: those passed
		// over on the way to it are not the subject, but a finding of their own
		// (deadAddresses; address-family looks at IPv6).
		reached := func(n *node) bool { return n.ask == nil || n.ask.Error == nil || n.ask.Error.Phase != "connect" }
		if slices.ContainsFunc(v.nodes, reached) {
			for _, n := range v.nodes {
				if !reached(n) {
					v.dead = append(v.dead, n.ask)
				}
			}
			v.nodes = slices.DeleteFunc(v.nodes, func(n *node) bool { return !reached(n) })
		}
	}
	// In the order in which the addresses were given or resolved, whichever
	// answered first.
	slices.SortStableFunc(v.nodes, func(a, b *node) int { return v.position(a) - v.position(b) })
	return v
}

func (v *view) position(n *node) int {
	if i := slices.Index(v.rec.Target.Addresses, n.address); i >= 0 {
		return i
	}
	return len(v.rec.Target.Addresses)
}

func (v *view) node(address string) *node {
	for _, n := range v.nodes {
		if n.address == address {
			return n
		}
	}
	n := &node{address: address}
	v.nodes = append(v.nodes, n)
	return n
}

func (n *node) sort(item *evidence.Item) {
	if item.Request != nil && item.Request.Purpose != "" {
		n.further = append(n.further, item)
		return
	}
	if item.Logon != nil {
		n.logons = append(n.logons, item)
		return
	}
	switch item.Step {
	case evidence.StepAnonymous:
		if n.first == nil {
			n.first = item
		}
		again := n.ask != nil && n.ask.Response != nil && n.ask.Response.Status != 401 && item.Response != nil
		if n.ask == nil || n.ask.Response == nil || again && (sameServer(n.ask, item) || asksPatience(n.ask.Response)) {
			n.ask = item
		}
	case evidence.StepUserAgent:
		n.agents = append(n.agents, item)
	case evidence.StepEmptyBearer:
		if n.bearer == nil || item.Response != nil {
			n.bearer = item
		}
	case evidence.StepNTLMNegotiate:
		n.typeOne = append(n.typeOne, item)
	case evidence.StepDataverseTLS:
		n.suites = item
	case evidence.StepKeepTest:
		n.keep = append(n.keep, item)
	}
}

// identify decides who answered, from the first answer and, for Exchange
// Online, from any.
func (n *node) identify(host string) {
	if n.ask == nil {
		return
	}
	n.who = front.IdentifyAt(host, n.ask.Response)
	n.offers = front.Offers(n.ask.Response)
	for _, item := range n.items {
		if id := front.Identify(item.Response); id.Online && !n.who.Online {
			n.who.Online, n.who.OnlineSign = true, id.OnlineSign
		}
	}
}

// adding is a list with a text, unless that is empty or in it.
func adding(list []string, text string) []string {
	if text == "" || slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}

// first is the first of the items that is meant, nil if none is.
func first(items []*evidence.Item, is func(*evidence.Item) bool) *evidence.Item {
	if i := slices.IndexFunc(items, is); i >= 0 {
		return items[i]
	}
	return nil
}

// last is the last of them.
func last(items []*evidence.Item, is func(*evidence.Item) bool) *evidence.Item {
	for _, item := range slices.Backward(items) {
		if is(item) {
			return item
		}
	}
	return nil
}

// logons are those at all addresses.
func (v *view) logons() iter.Seq2[*node, *evidence.Item] {
	return func(yield func(*node, *evidence.Item) bool) {
		for _, n := range v.nodes {
			for _, item := range n.logons {
				if !yield(n, item) {
					return
				}
			}
		}
	}
}

// answered says whether the anonymous question got an answer.
func (n *node) answered() bool { return n.ask != nil && n.ask.Response != nil }

// status of the anonymous answer, 0 none.
func (n *node) status() int {
	if !n.answered() {
		return 0
	}
	return n.ask.Response.Status
}

// challenged: EWS asks for a sign-in and offers schemes.
func (n *node) challenged() bool {
	return n.status() == 401 && len(n.offers) > 0
}

func (n *node) offer(scheme string) bool {
	_, ok := challenge.Find(n.offers, scheme)
	return ok
}

// last returns the last logon that is meant: retries replace what they repeat.
func (n *node) last(meant func(*evidence.Logon) bool) *evidence.Item {
	return last(n.logons, func(item *evidence.Item) bool { return meant(item.Logon) })
}

func (n *node) basic() *evidence.Item {
	return n.last(func(l *evidence.Logon) bool { return l.Scheme == "Basic" && !l.OtherForm })
}

// windows is the logon by NTLM as a Windows client makes it: with its binding,
// or without one where none exists.
func (n *node) windows() *evidence.Item {
	for _, item := range n.logons {
		if l := item.Logon; isWindows(l) && !l.Comparison && l.Binding != evidence.BindingForeign {
			if later := n.last(func(o *evidence.Logon) bool { return isWindows(o) && !o.Comparison && o.Binding == l.Binding }); later != nil {
				return later
			}
		}
	}
	return nil
}

// bound is the logon by NTLM with the given binding, beside the one of windows.
func (n *node) bound(binding string) *evidence.Item {
	if item := n.last(func(l *evidence.Logon) bool { return isWindows(l) && l.Binding == binding }); item != n.windows() {
		return item
	}
	return nil
}

// kerberos is the logon by a Kerberos ticket inside Negotiate, with its binding.
func (n *node) kerberos() *evidence.Item {
	return n.last(func(l *evidence.Logon) bool { return isKerberos(l) && !l.Comparison })
}

// unboundTicket is the same without a binding, made to compare.
func (n *node) unboundTicket() *evidence.Item {
	return n.last(func(l *evidence.Logon) bool { return isKerberos(l) && l.Comparison })
}

// isWindows: NTLM, by itself or inside Negotiate.
func isWindows(l *evidence.Logon) bool {
	return l.Scheme == "NTLM" || l.Scheme == "Negotiate" && !isKerberos(l)
}

func isKerberos(l *evidence.Logon) bool {
	return l.Scheme == "Negotiate" && l.Mechanism == evidence.MechanismKerberos
}

// mechanism names a logon's scheme, and what was inside Negotiate.
func mechanism(l *evidence.Logon) string {
	switch {
	case isKerberos(l):
		return "Kerberos in Negotiate"
	case l.Scheme == "Negotiate" && l.Mechanism != "" && l.Mechanism != evidence.MechanismNTLM:
		return l.Mechanism + " in Negotiate"
	case l.Scheme == "Negotiate":
		return "NTLM in Negotiate"
	}
	return l.Scheme
}

func result(item *evidence.Item) evidence.Result {
	if item == nil || item.Logon == nil {
		return ""
	}
	return item.Logon.Result
}

// signedIn is the answer that speaks for the mailbox: that of the accepted logon
// by the profile's own scheme, else of any, and in their place that of the same
// call made once more after a passing error.
func (v *view) signedIn(n *node) *evidence.Item {
	var any *evidence.Item
	for _, item := range n.logons {
		if item.Logon.Result != evidence.Accepted {
			continue
		}
		if any == nil || strings.EqualFold(item.Logon.Scheme, v.profileScheme()) {
			any = item
		}
	}
	if again := n.callFor(evidence.AgainLater); any != nil && again != nil {
		any = again
	}
	if named := n.callFor(evidence.NamedInbox); opens(any) && named != nil && !opens(named) {
		return named // without the mailbox's name, the answer was about the caller's own
	}
	return any
}

// callFor is the further call of that purpose that EWS answered, nil if there is
// none.
func (n *node) callFor(p evidence.Purpose) *evidence.Item {
	return first(n.further, func(item *evidence.Item) bool { return item.Request.Purpose == p && item.EWS.Answered() })
}

// callAnywhere is the same for a question about the directory, which is asked
// once in a run.
func (v *view) callAnywhere(p evidence.Purpose) (item *evidence.Item) {
	for _, n := range v.nodes {
		item = cmp.Or(item, n.callFor(p))
	}
	return item
}

func (v *view) profileScheme() string { return evidence.SchemeOf(v.rec.Target.ProfileAuth) }

func (v *view) windowsProfile() bool {
	return v.rec.Target.ProfileAuth == "ntlm" || v.rec.Target.ProfileAuth == "negotiate"
}

// kerberosOnly: Negotiate is the only Windows scheme offered and the profile
// does not use it. It may be meant for Kerberos alone, so NTLM refused inside
// it proves nothing.
func (v *view) kerberosOnly(n *node) bool {
	return !v.windowsProfile() && n.offer("Negotiate") && !n.offer("NTLM")
}
