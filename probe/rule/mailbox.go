package rule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// What an EWS answer on a signed-in request says of the mailbox. codes.go has
// what each code means.

// about is the answer at n that speaks for the mailbox, if it means code. A
// general code gives way to the inner one that it hides.
func (v *view) about(n *node, code finding.Code) (*evidence.Item, meaning) {
	item := v.signedIn(n)
	if item == nil || opens(item) {
		return nil, meaning{}
	}
	m, known := meanings[item.EWS.Code]
	if slices.Contains(general, item.EWS.Code) {
		if inner, ok := meanings[item.EWS.InnerCode]; ok {
			m = inner
		}
	}
	if !known {
		m = meaning{code: "exchange-error", confidence: finding.Undetermined}
	}
	if v.rec.Target.Mailbox == "" && m.own != "" {
		m = meaning{code: m.own, confidence: finding.Undetermined} // what it says is about a named mailbox
	}
	if m.code != code {
		return nil, meaning{}
	}
	return item, m
}

// opens: EWS did what it was asked.
func opens(item *evidence.Item) bool {
	return item != nil && item.EWS.Answered() && item.EWS.Code == "NoError" && item.EWS.Class != "Error"
}

func said(item *evidence.Item, m meaning, format string, args ...any) *hit {
	h := &hit{confidence: m.confidence, evidence: []string{item.ID}, summary: fmt.Sprintf(format, args...)}
	h.detail = fmt.Sprintf("The sign-in was accepted; EWS then answered %s (HTTP %d)", codeOr(item.EWS.Code), item.Response.Status)
	if item.EWS.Message != "" {
		h.detail += fmt.Sprintf(": %q", strings.TrimSuffix(item.EWS.Message, "."))
	}
	h.detail += "."
	if inner := item.EWS.InnerCode; inner != "" {
		h.detail += fmt.Sprintf(" Inner code: %s.", inner)
	}
	if m.says != "" {
		h.detail += " " + m.says
	}
	if item.Request != nil && item.Request.Purpose == evidence.AgainLater {
		h.detail += " The call was made twice, a second apart."
	}
	return h
}

func impersonationDenied(v *view, n *node) *hit {
	item, m := v.about(n, "impersonation-denied")
	if item == nil {
		return nil
	}
	return said(item, m, "%s may not impersonate %s (%s)", v.rec.Target.User, v.mailbox(), item.EWS.Code)
}

func mailboxNotFound(v *view, n *node) *hit {
	item, m := v.about(n, "mailbox-not-found")
	if item == nil || mailboxAddressDiffers(v, n) != nil {
		return nil
	}
	h := said(item, m, "No mailbox %s on this Exchange", v.mailbox())
	book := v.askedAnywhere(evidence.PrimaryAddress)
	if book != nil {
		h.evidence = append(h.evidence, book.ID)
	}
	if also := v.unknownAddress(); also != nil {
		h.evidence = append(h.evidence, also.ID)
		h.detail += fmt.Sprintf(" %s does not know the address either (%s).", where(also), also.Discovery.ErrorCode)
	}
	switch entry := v.listed(); {
	case entry != nil:
		h.confidence = finding.Likely
		h.detail += fmt.Sprintf(" The address book knows the address%s, so it is not misspelt: what it belongs to has no mailbox on these servers. A mailbox that was moved to Exchange Online looks like this%s, and so does a mail user or contact; Get-Recipient tells.", entryOf(entry), v.notOnline())
	case book != nil && book.EWS.Code == "ErrorNameResolutionNoResults":
		h.detail += " The address book does not know the address either: it is misspelt, or belongs to nobody here."
	case book != nil && len(book.EWS.Resolved) > 1:
		h.detail += fmt.Sprintf(" The address book has %d entries for it, which is one too many: an address must be unique.", len(book.EWS.Resolved))
	default:
		h.detail += " The address is misspelt, belongs to no mailbox here, or to one that has moved to Exchange Online" + v.notOnline() + "."
	}
	return h
}

// mailboxUnknown: EWS was not asked for the mailbox, or did not say, but
// Autodiscover does not know the address.
func mailboxUnknown(v *view) *hit {
	item := v.unknownAddress()
	if item == nil || v.openedMailbox() != nil || v.holds(mailboxAddressDiffers) != nil {
		return nil
	}
	h := &hit{confidence: finding.Likely, evidence: []string{item.ID}}
	h.summary = fmt.Sprintf("Autodiscover knows no mailbox %s", v.mailbox())
	h.detail = fmt.Sprintf("%s answered error %s", where(item), item.Discovery.ErrorCode)
	if m := item.Discovery.Message; m != "" {
		h.detail += fmt.Sprintf(": %q", strings.TrimSuffix(m, "."))
	}
	h.detail += ". The address is misspelt or belongs to no mailbox of this organisation. EWS itself did not confirm it."
	return h
}

func accessDenied(v *view, n *node) *hit {
	item, m := v.about(n, "access-denied")
	if item == nil {
		return nil
	}
	whose := "its own inbox"
	if v.rec.Target.Mailbox != "" {
		whose = "the inbox of " + v.mailbox()
	}
	return said(item, m, "%s may not open %s (%s)", v.rec.Target.User, whose, item.EWS.Code)
}

func mailboxUnavailable(v *view, n *node) *hit {
	item, m := v.about(n, "mailbox-unavailable")
	if item == nil {
		return nil
	}
	return said(item, m, "The mailbox cannot be opened at the moment (%s)", item.EWS.Code)
}

func serviceMailboxMissing(v *view, n *node) *hit {
	item, m := v.about(n, "service-mailbox-missing")
	if item == nil || v.rec.Target.Impersonate {
		return nil // an account that impersonates needs none of its own
	}
	m.confidence, m.says = finding.Confirmed, ""
	h := said(item, m, "%s signs in but has no mailbox of its own", v.rec.Target.User)
	h.detail += " That is no fault for an account that impersonates, but Dynamics' Test Connection asks for the mailbox of the profile's user name."
	return h
}

const longestMessage = 160

// shortened is a text of a server as one line of so many characters.
func shortened(text string, most int) string {
	text = strings.TrimSuffix(strings.Join(strings.Fields(text), " "), ".")
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}

// exchangeError is whatever EWS answers that no other row of this file names.
func exchangeError(v *view, n *node) *hit {
	item, m := v.about(n, "exchange-error")
	if item == nil {
		return nil
	}
	code := item.EWS.Code
	if code == "" {
		code = "a fault without a code"
	}
	if text := item.EWS.Message; v.row && text != "" { // a row has no detail to read it in
		code += fmt.Sprintf(": %q", shortened(text, longestMessage))
	}
	return said(item, m, "EWS accepts the sign-in but answers %s", code)
}
