package rule

import (
	"fmt"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Which mailbox was it, and which address is its primary one.

// entry is the one entry of the address book for the mailbox asked; nil if the
// book was not asked, has none, or has several.
func (v *view) entry() (*evidence.Resolved, *evidence.Item) {
	book := v.askedAnywhere(evidence.PrimaryAddress)
	if !opens(book) || len(book.EWS.Resolved) != 1 {
		return nil, nil
	}
	return &book.EWS.Resolved[0], book
}

// primary is the primary address of the mailbox asked, where it is another one.
type primary struct {
	address string
	source  string // who says so, as a sentence begins
	ids     []string
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
			return &primary{a, "The refusal", []string{item.ID}}
		}
	}
	p := v.discovered()
	if e, book := v.entry(); e != nil && isMailbox(e) && v.another(e.Address) {
		switch {
		case p == nil:
			return &primary{e.Address, "The address book", []string{book.ID}}
		case strings.EqualFold(e.Address, p.address):
			return &primary{e.Address, "The address book, and " + p.source + ",", append([]string{book.ID}, p.ids...)}
		}
		return &primary{e.Address, fmt.Sprintf("The address book (%s has %s)", p.source, p.address), append([]string{book.ID}, p.ids...)}
	}
	return p
}

// discovered is the primary address as Autodiscover has it.
func (v *view) discovered() *primary {
	for _, item := range v.heard() {
		if d := item.Discovery; d.ErrorCode == "" && v.another(d.PrimarySMTP) && v.aboutMailbox(item) {
			return &primary{d.PrimarySMTP, where(item), []string{item.ID}}
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
	asked := v.mailbox()
	if item, m := v.about(n, "mailbox-address-differs"); item != nil {
		h := said(item, m, "%s is not the primary address of its mailbox, and Exchange refuses it", asked)
		if p != nil {
			h.summary = fmt.Sprintf("%s is not the primary address of its mailbox, which is %s", asked, p.address)
			h.detail += fmt.Sprintf(" The primary address is %s: Dynamics must hold that one.", p.address)
			h.evidence = append(h.evidence, p.ids...)
		}
		return h
	}
	if p == nil {
		return nil
	}
	if item, m := v.about(n, "mailbox-not-found"); item != nil {
		h := said(item, m, "%s is not the primary address of its mailbox, which is %s", asked, p.address)
		h.confidence = finding.Confirmed
		h.evidence = append(h.evidence, p.ids...)
		h.detail += fmt.Sprintf(" %s has it as a second address of %s: Dynamics must hold that one.", p.source, p.address)
		return h
	}
	opened := v.signedIn(n)
	if !opens(opened) || v.callersOwn(n) != "" {
		return nil
	}
	return &hit{
		status: finding.Warning, confidence: finding.Confirmed, evidence: append([]string{opened.ID}, p.ids...),
		summary: fmt.Sprintf("The mailbox answers under %s, but its primary address is %s", asked, p.address),
		detail:  fmt.Sprintf("EWS opens the mailbox under this address too. %s has %s as its primary address, and it is the primary one that Dynamics compares: an alias in the mailbox record is cause 1 of KB 3212785 wherever a call does not take it.", p.source, p.address),
	}
}

// addressDiffersUnasked: Autodiscover names another primary address, and EWS did
// not say what it makes of the one asked for.
func addressDiffersUnasked(v *view) *hit {
	p := v.discovered()
	if p == nil {
		return nil
	}
	return &hit{
		status: finding.Warning, confidence: finding.Confirmed, evidence: p.ids,
		summary: fmt.Sprintf("The primary address of the mailbox is %s, not %s", p.address, v.mailbox()),
		detail:  fmt.Sprintf("%s has %s as the primary address of the mailbox asked for, and it is the primary one that Dynamics compares. Whether EWS takes %s too was not seen.", p.source, p.address, v.mailbox()),
	}
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

func entryOf(e *evidence.Resolved) string {
	switch {
	case routesOnline(e.Address):
		return fmt.Sprintf(" and sends its mail on to %s", e.Address)
	case e.Type != "":
		return fmt.Sprintf(" (as %s)", e.Type)
	}
	return ""
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

// callersOwn says, in a sentence without its end, that the call for the named
// mailbox was answered with the caller's own; "" if it was not, or nobody looked.
func (v *view) callersOwn(n *node) string {
	own, named := n.asked(evidence.OwnInbox), n.asked(evidence.NamedInbox)
	if !opens(own) || !opens(named) || own.EWS.Folder == "" || own.EWS.Folder != named.EWS.Folder || v.ownAddress(n) {
		return ""
	}
	return fmt.Sprintf("the call for %s was answered with the mailbox of %s itself, so whether it may open the other is not known (unless %s is an address of its own mailbox); run the check with --impersonate, as Dynamics works, or as another account",
		v.mailbox(), v.rec.Target.User, v.mailbox())
}

// unverified: the mailbox answered, and that it was not the caller's own could
// not be made sure of.
func (v *view) unverified(n *node) bool {
	t := v.rec.Target
	if t.Mailbox == "" || t.Impersonate || !opens(v.signedIn(n)) || v.ownAddress(n) {
		return false
	}
	own, named := n.asked(evidence.OwnInbox), n.asked(evidence.NamedInbox)
	if own != nil && !opens(own) {
		return false // the caller has no mailbox that could have answered
	}
	return own == nil || named == nil || own.EWS.Folder == "" || named.EWS.Folder == ""
}
