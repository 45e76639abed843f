package rule

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/challenge"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Servers behind one name: several addresses, and several front ends behind one
// address. A server is what answers, not an address: a balancer sends each
// connection to another one.

// servers are those that answered: of each address the front end that the
// anonymous request met, and the others that other connections met.
func (v *view) servers() []*node {
	var all []*node
	for _, n := range v.nodes {
		if n.answered() {
			all = append(append(all, n), n.peers...)
		}
	}
	return all
}

// otherFrontEnds are the front ends at n's address whose own answer is known, apart
// from the one that the anonymous request met.
func (n *node) otherFrontEnds() []*node {
	if !n.answered() || !isServerName(n.who.FrontEnd) {
		return nil
	}
	var peers []*node
	known := map[string]bool{strings.ToLower(n.who.FrontEnd): true}
	for _, anonymous := range []bool{true, false} {
		for _, item := range n.items {
			name := item.Response.First("X-FEServer")
			if anonymous != (item.Step == evidence.StepAnonymous) || !isServerName(name) || known[strings.ToLower(name)] || !comparable(item) {
				continue
			}
			known[strings.ToLower(name)] = true
			p := &node{address: n.address, items: []*evidence.Item{item}, ask: item, first: item}
			p.identify("")
			peers = append(peers, p)
		}
	}
	return peers
}

// comparable: the answer is one that any request without a usable credential would
// get, so it may be compared with that to the anonymous request.
func comparable(item *evidence.Item) bool {
	switch r := item.Response; {
	case item.Step == evidence.StepAnonymous:
		return true
	case item.NTLM != nil && item.NTLM.Problem == "", item.Step == evidence.StepUserAgent:
		return false // the list of a challenge is not whole
	case r.Status == 401:
		// To a Bearer token some answer with Bearer alone.
		return slices.ContainsFunc(front.Offers(r), func(c challenge.Challenge) bool { return !c.Is("Bearer") })
	default:
		return item.Step == evidence.StepEmptyBearer && (isRedirect(r.Status) || r.Status >= 500)
	}
}

// sameServer: the answers are by one front end, or do not say by which.
func sameServer(a, b *evidence.Item) bool {
	one, two := a.Response.First("X-FEServer"), b.Response.First("X-FEServer")
	return one == "" || two == "" || strings.EqualFold(one, two)
}

func farmInconsistent(v *view) *hit {
	seen := v.servers()
	if len(seen) < 2 {
		return nil
	}
	h := confirmed("", finding.Params{})
	for _, aspect := range aspects {
		d := finding.Difference{Aspect: aspect.name}
		distinct := map[string]bool{}
		for _, n := range seen {
			if value := aspect.of(n); value != "" {
				distinct[value] = true
				d.Values = append(d.Values, finding.Value{Value: value, Address: n.address, Server: v.serverName(n)})
			}
		}
		if len(distinct) > 1 {
			h.params.Differences = append(h.params.Differences, d)
		}
	}
	if len(h.params.Differences) == 0 {
		return nil
	}
	for _, n := range seen {
		h.cite(n.ask)
	}
	return h
}

// deadAddresses are those that the check met on its way to one that answers.
func deadAddresses(v *view) *hit {
	h := confirmed("dead", finding.Params{})
	h.status = finding.Warning
	for _, item := range v.dead {
		if isPublishedIPv6(item) {
			continue // address-family
		}
		h.cite(item)
		h.params.Places = append(h.params.Places, item.Address)
		h.params.Errors = adding(h.params.Errors, item.Error.Text)
	}
	if len(h.params.Places) == 0 || len(v.nodes) == 0 {
		return nil
	}
	h.params.Address, h.params.Count = v.nodes[0].address, len(v.dead)+len(v.nodes)
	if r := v.resolved(); r != nil && r.Resolution != nil {
		h.params.Count = max(h.params.Count, len(r.Resolution.Addresses))
	}
	return h
}

// atTimes are the requests that failed at n in the way that is meant, and how many
// connections did so of how many: where the same question, without a credential, got its
// answer from EWS on another connection, so that neither the question nor the URL is the
// reason.
func (n *node) atTimes(failed func(*evidence.Item) bool) (items []*evidence.Item, part finding.Part) {
	if n.dropsAgents() {
		return nil, part
	}
	proved, all, bad := false, map[int]bool{}, map[int]bool{}
	for _, item := range n.items {
		if item.Connection == 0 || item.Error != nil && item.Error.Code == evidence.GivenUp {
			continue
		}
		all[item.Connection] = true
		if !failed(item) {
			continue
		}
		bad[item.Connection] = true
		if !slices.ContainsFunc(items, func(o *evidence.Item) bool { return alike(o, item) }) {
			items = append(items, item)
		}
		proved = proved || item.Logon == nil && slices.ContainsFunc(n.items, func(o *evidence.Item) bool {
			// Who answers an empty token answers none as well.
			return (o.Step == item.Step || item.Step == evidence.StepAnonymous) && o.Logon == nil && o.Response != nil &&
				o.Response.Status == 401 && comparable(o) && len(front.Offers(o.Response)) > 0
		})
	}
	if !proved {
		return nil, part
	}
	return items, finding.Part{Count: len(bad), Of: len(all)}
}

// alike: two requests of a kind failed in the same way.
func alike(a, b *evidence.Item) bool {
	return a.Step == b.Step && (a.Logon == nil) == (b.Logon == nil) && (a.Error == nil) == (b.Error == nil) &&
		(a.Error == nil || a.Error.Phase == b.Error.Phase && a.Error.Text == b.Error.Text)
}

// endsAtTimes: connections were not made, or brought no answer.
func (n *node) endsAtTimes() ([]*evidence.Item, finding.Part) {
	return n.atTimes(func(item *evidence.Item) bool {
		e := item.Error
		return item.Response == nil && e != nil &&
			(slices.Contains(lostConnection, e.Code) || e.Code == evidence.TimedOut || e.Detail.Is("header-ended"))
	})
}

// lostAtTimes is the finding about them.
func (v *view) lostAtTimes(n *node) *hit {
	lost, part := n.endsAtTimes()
	return v.failsAtTimes(n, lost, part, finding.Params{Lost: lost})
}

// errsAtTimes: requests were answered with a server's error in place of EWS. Front ends
// that sign their answers are compared by name (farmInconsistent).
func (n *node) errsAtTimes() ([]*evidence.Item, finding.Part) {
	return n.atTimes(func(item *evidence.Item) bool {
		r := item.Response
		name := r.First("X-FEServer")
		return r != nil && r.Status >= 500 && !item.EWS.Answered() && (name == "" || strings.EqualFold(name, n.who.FrontEnd))
	})
}

// unsteady: the address fails for requests of every kind, so a sign-in that was not
// finished says nothing of its scheme.
func (n *node) unsteady() bool {
	lost, _ := n.endsAtTimes()
	errs, _ := n.errsAtTimes()
	return slices.ContainsFunc(append(lost, errs...), func(item *evidence.Item) bool {
		return item.Step == evidence.StepAnonymous || item.Step == evidence.StepEmptyBearer
	})
}

// failsAtTimes is the finding about such requests: a warning where the sign-in of the
// profile came to its end.
func (v *view) failsAtTimes(n *node, items []*evidence.Item, part finding.Part, p finding.Params) *hit {
	if len(items) == 0 || v.row || v.isOnline(n) {
		return nil
	}
	h := confirmed("at-times", p, items...)
	h.params.Part = part
	if n.challenged() && result(v.ownLogon(n)) != evidence.Unfinished {
		h.status = finding.Warning
	}
	return h
}

// serverName is by what a server is told apart from others at its address; "" where
// the address does.
func (v *view) serverName(n *node) string {
	for _, o := range v.nodes {
		if o.address == n.address && len(o.peers) > 0 {
			return n.who.FrontEnd
		}
	}
	return ""
}

// part says at how many of how many servers something was met, and at which.
func (v *view) part(at []*node) finding.Part {
	p := finding.Part{Count: len(at), Of: len(v.servers())}
	for _, n := range at {
		p.At = append(p.At, cmp.Or(v.serverName(n), n.address))
	}
	slices.Sort(p.At)
	return p
}

// aspects are what servers behind one name should have in common. "" means not
// known there.
var aspects = []struct {
	name string
	of   func(*node) string
}{
	{"status", func(n *node) string { return fmt.Sprint(n.status()) }},
	{"schemes", func(n *node) string {
		if n.status() != 401 {
			return ""
		}
		var names []string
		for _, name := range front.Names(n.offers) {
			if n.ask.Step != evidence.StepEmptyBearer || !strings.EqualFold(name, "Bearer") {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		if len(names) == 0 {
			return "none"
		}
		return strings.Join(names, "+")
	}},
	{"basic", func(n *node) string { return decided(n.basic()) }},
	{"ntlm", func(n *node) string { return decided(n.windows()) }},
	{"version", func(n *node) string { return front.Product(n.who.Version) }},
}

func decided(item *evidence.Item) string {
	if r := result(item); r == evidence.Accepted || r == evidence.Refused {
		return string(r)
	}
	return ""
}
