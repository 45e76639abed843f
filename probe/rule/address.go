package rule

import (
	"fmt"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
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

// primary is the primary address of the mailbox asked, where it is another one,
// and the answer that says so.
func (v *view) primary(n *node) (string, *evidence.Item) {
	if v.mailbox() == "" {
		return "", nil
	}
	// A refusal of the alias names the address to use instead.
	if item := v.signedIn(n); item != nil && !opens(item) && len(item.EWS.Resolved) == 1 {
		if a := item.EWS.Resolved[0].Address; a != "" && !strings.EqualFold(a, v.mailbox()) {
			return a, item
		}
	}
	e, book := v.entry()
	if e == nil || !isMailbox(e) || e.Address == "" || strings.EqualFold(e.Address, v.mailbox()) || routesOnline(e.Address) {
		return "", nil
	}
	return e.Address, book
}

// listed is the entry where the address book knows the address and names no
// other one for it.
func (v *view) listed() *evidence.Resolved {
	e, _ := v.entry()
	if e == nil || isMailbox(e) && e.Address != "" && !strings.EqualFold(e.Address, v.mailbox()) && !routesOnline(e.Address) {
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
