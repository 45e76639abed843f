package rule

import (
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Which mailbox was it, and which address is its primary one.

// entry is the one entry of the address book for the mailbox asked; nil if the
// book was not asked, has none, or has several.
func (v *view) entry() (*evidence.Resolved, *evidence.Item) {
	book := v.callAnywhere(evidence.PrimaryAddress)
	if !opens(book) || len(book.EWS.Resolved) != 1 || !v.holdsAsked(&book.EWS.Resolved[0]) {
		return nil, nil
	}
	return &book.EWS.Resolved[0], book
}

// holdsAsked: the entry is that of the address asked for, by its own list of
// addresses. The book matches in part as well; such an entry says nothing.
func (v *view) holdsAsked(e *evidence.Resolved) bool {
	return e.Holds != nil && *e.Holds || strings.EqualFold(e.Address, v.mailbox())
}

// primary is the primary address of the mailbox asked, where it is another one.
type primary struct {
	address string
	says    string // who says so: refusal, book, autodiscover, both, differently
	other   string // what Autodiscover says, where that differs
	source  finding.Source
	items   []*evidence.Item
}

// primary finds it in the refusal of an address at n, in the address book, and
// in what Autodiscover answered; nil if none names another one.
func (v *view) primary(n *node) *primary {
	if v.mailbox() == "" {
		return nil
	}
	// A refusal of the alias names the address to use instead.
	if item := v.signedIn(n); item != nil && !opens(item) && len(item.EWS.Resolved) == 1 {
		if a := item.EWS.Resolved[0].Address; v.another(a) {
			return &primary{address: a, says: "refusal", items: []*evidence.Item{item}}
		}
	}
	p := v.discovered()
	e, book := v.entry()
	switch {
	case e == nil || !isMailbox(e) || !v.another(e.Address):
		return p
	case p == nil:
		return &primary{address: e.Address, says: "book", items: []*evidence.Item{book}}
	case strings.EqualFold(e.Address, p.address):
		return &primary{address: e.Address, says: "both", source: p.source, items: append([]*evidence.Item{book}, p.items...)}
	}
	p.items = append([]*evidence.Item{book}, p.items...)
	return &primary{address: e.Address, says: "differently", other: p.address, source: p.source, items: p.items}
}

// discovered is the primary address as Autodiscover has it.
func (v *view) discovered() *primary {
	for _, item := range v.discoveryAnswers() {
		if d := item.Discovery; d.ErrorCode == "" && v.another(d.PrimarySMTP) && v.aboutMailbox(item) {
			return &primary{address: d.PrimarySMTP, says: "autodiscover", source: source(item), items: []*evidence.Item{item}}
		}
	}
	return nil
}

// another says whether a is an address of a mailbox here other than the one
// asked for.
func (v *view) another(a string) bool {
	return a != "" && !strings.EqualFold(a, v.mailbox()) && !routesOnline(a)
}

func mailboxAddressDiffers(v *view, n *node) *hit {
	p := v.primary(n)
	if item, m := v.about(n, "mailbox-address-differs"); item != nil {
		return v.said(item, m, "refused").primary(p)
	}
	if p == nil {
		return nil
	}
	if item, m := v.about(n, "mailbox-not-found"); item != nil {
		h := v.said(item, m, "alias").primary(p)
		h.confidence = finding.Confirmed
		return h
	}
	opened := v.signedIn(n)
	if !opens(opened) || v.callersOwn(n) {
		return nil
	}
	h := confirmed("works", finding.Params{}, opened).primary(p)
	h.status = finding.Warning
	return h
}

// primary adds the primary address, if it is known, and who says so.
func (h *hit) primary(p *primary) *hit {
	if p != nil {
		h.params.Primary, h.params.PrimaryBy, h.params.Source = p.address, p.says, p.source
		h.params.Differs = p.other
		h.cite(p.items...)
	}
	return h
}

// addressDiffersUnasked: Autodiscover names another primary address, and EWS did
// not say what it makes of the one asked for.
func addressDiffersUnasked(v *view) *hit {
	p := v.discovered()
	if p == nil {
		return nil
	}
	h := confirmed("unasked", finding.Params{}).primary(p)
	h.status = finding.Warning
	return h
}

// listed is the entry where the address book knows the address and names no
// other one for it.
func (v *view) listed() *evidence.Resolved {
	e, _ := v.entry()
	if e == nil || isMailbox(e) && v.another(e.Address) {
		return nil
	}
	return e
}

// isMailbox: an entry without a type may be one.
func isMailbox(e *evidence.Resolved) bool { return e.Type == "" || e.Type == "Mailbox" }

// routesOnline: an address of the hybrid routing domain is where mail for a
// mailbox in Exchange Online is sent on to, not another name of a mailbox here.
func routesOnline(address string) bool {
	return strings.HasSuffix(strings.ToLower(address), ".mail.onmicrosoft.com")
}

// ownAddress: the mailbox that was named is the caller's own by its name, in
// the forms a user name has.
func (v *view) ownAddress(n *node) bool {
	user, mailbox := v.rec.Target.User, v.mailbox()
	if strings.EqualFold(user, mailbox) {
		return true
	}
	if e, _ := v.entry(); e != nil && e.Address != "" && strings.EqualFold(e.Address, user) {
		return true
	}
	if i := strings.LastIndexByte(user, '\\'); i >= 0 {
		user = user[i+1:]
	}
	for _, item := range n.typeOne {
		if c := item.NTLM; c != nil && c.DNSDomain != "" && strings.EqualFold(user+"@"+c.DNSDomain, mailbox) {
			return true
		}
	}
	return false
}

// callersOwn says that the call for the named mailbox was answered with the
// caller's own; not if it was not, or nobody looked.
func (v *view) callersOwn(n *node) bool {
	own, named := n.callFor(evidence.OwnInbox), n.callFor(evidence.NamedInbox)
	return opens(own) && opens(named) && own.EWS.Folder != "" && own.EWS.Folder == named.EWS.Folder && !v.ownAddress(n)
}

// unverified: the mailbox answered, and that it was not the caller's own could
// not be made sure of.
func (v *view) unverified(n *node) bool {
	t := v.rec.Target
	if t.Mailbox == "" || t.Impersonate || !opens(v.signedIn(n)) || v.ownAddress(n) {
		return false
	}
	own, named := n.callFor(evidence.OwnInbox), n.callFor(evidence.NamedInbox)
	if own != nil && !opens(own) {
		return false // the caller has no mailbox that could have answered
	}
	return own == nil || named == nil || own.EWS.Folder == "" || named.EWS.Folder == ""
}

// Where the mailbox is, as Exchange on premises says by Autodiscover.

// sentOnline is the answer in which a server on premises sends the mailbox's
// clients to Exchange Online.
func (v *view) sentOnline() *evidence.Item {
	return first(v.discoveryAnswers(), func(item *evidence.Item) bool {
		_, domain, _ := strings.Cut(strings.ToLower(item.Discovery.RedirectAddr), "@")
		return v.aboutMailbox(item) && strings.HasSuffix("."+domain, ".onmicrosoft.com")
	})
}

// leadsOnline is a step by which the search leads to Exchange Online and, for
// want of another answer, nowhere else; nil where Exchange Online itself says
// that the mailbox is not there.
func (v *view) leadsOnline() *evidence.Item {
	ews := v.foundEWS()
	here := ews != nil && !isOnlineURL(ews.Discovery.EwsURL)
	if here || v.unknownAddress() != nil || v.located(evidence.LocationElsewhere) != nil {
		return nil
	}
	return v.heldBack(func(h evidence.HeldBack) bool { return h == evidence.HeldOnline })
}

// redirectedOnline is the answer by which the endpoint sends EWS to Exchange Online.
func (v *view) redirectedOnline() *evidence.Item {
	for _, n := range v.nodes {
		if n.answered() && isRedirect(n.status()) && isOnlineURL(n.ask.Response.First("Location")) {
			return n.ask
		}
	}
	return nil
}

// isOnlineURL: the URL is one of Exchange Online.
func isOnlineURL(raw string) bool { return front.OnlineHost(parsed(raw).Hostname()) }
