package rule

import (
	"fmt"
	"slices"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// What an EWS answer on a signed-in request says of the mailbox. Codes are
// matched, never texts: texts are localised.

var (
	impersonationCodes = []string{"ErrorImpersonateUserDenied", "ErrorImpersonationDenied", "ErrorImpersonationFailed"}
	notFoundCodes      = []string{"ErrorNonExistentMailbox", "ErrorCannotFindUser", "InvalidUser", "ErrorNameResolutionNoResults", "ErrorMailRecipientNotFound"}
	unavailableCodes   = []string{"ErrorMailboxStoreUnavailable", "ErrorMailboxMoveInProgress", "ErrorMailboxMoved", "ErrorMailboxFailover"}
	folderCodes        = []string{"ErrorFolderNotFound", "ErrorItemNotFound"}
	noMailboxCodes     = []string{"ErrorMissingEmailAddress", "ErrorNonExistentMailbox", "ErrorCannotFindUser"}
)

// answer is the signed-in EWS answer at n, if its code is one of codes.
func (v *view) answer(n *node, codes []string) *evidence.Item {
	item := v.signedIn(n)
	if item == nil || !slices.Contains(codes, item.EWS.Code) {
		return nil
	}
	return item
}

func said(item *evidence.Item, confidence finding.Confidence, format string, args ...any) *hit {
	h := &hit{confidence: confidence, evidence: []string{item.ID}, summary: fmt.Sprintf(format, args...)}
	h.detail = fmt.Sprintf("The sign-in was accepted; EWS then answered %s (HTTP %d)", item.EWS.Code, item.Logon.Status)
	if item.EWS.Message != "" {
		h.detail += fmt.Sprintf(": %q", item.EWS.Message)
	}
	h.detail += "."
	return h
}

func impersonationDenied(v *view, n *node) *hit {
	item := v.answer(n, impersonationCodes)
	if item == nil {
		return nil
	}
	h := said(item, finding.Confirmed, "%s may not impersonate %s (%s)", v.rec.Target.User, v.mailbox(), item.EWS.Code)
	if item.EWS.Code == "ErrorImpersonationFailed" {
		h.confidence = finding.Likely
		h.detail += " This code points to the server's side (application pool, directory, trust) rather than to the role."
	}
	return h
}

func mailboxNotFound(v *view, n *node) *hit {
	item := v.unknownToEWS(n)
	if item == nil || v.explainedOtherwise() {
		return nil
	}
	h := said(item, finding.Confirmed, "No mailbox %s on this Exchange", v.mailbox())
	if also := v.unknownAddress(); also != nil {
		h.evidence = append(h.evidence, also.ID)
		h.detail += fmt.Sprintf(" %s does not know the address either (%s).", where(also), also.Discovery.ErrorCode)
	}
	h.detail += " The address is misspelt, belongs to no mailbox here, or to one that has moved to Exchange Online, which was not looked up."
	return h
}

// mailboxUnknown: EWS was not asked for the mailbox, or did not say, but
// Autodiscover does not know the address.
func mailboxUnknown(v *view) *hit {
	item := v.unknownAddress()
	if item == nil || v.openedMailbox() != nil || v.explainedOtherwise() {
		return nil
	}
	h := &hit{confidence: finding.Likely, evidence: []string{item.ID}}
	h.summary = fmt.Sprintf("Autodiscover knows no mailbox %s", v.mailbox())
	h.detail = fmt.Sprintf("%s answered error %s", where(item), item.Discovery.ErrorCode)
	if m := item.Discovery.Message; m != "" {
		h.detail += fmt.Sprintf(": %q", m)
	}
	h.detail += ". The address is misspelt or belongs to no mailbox of this organisation. EWS itself did not confirm it."
	return h
}

func accessDenied(v *view, n *node) *hit {
	item := v.answer(n, []string{"ErrorAccessDenied"})
	if item == nil && v.rec.Target.Mailbox != "" {
		item = v.answer(n, folderCodes)
	}
	if item == nil {
		return nil
	}
	whose := "its own inbox"
	if v.rec.Target.Mailbox != "" {
		whose = "the inbox of " + v.mailbox()
	}
	h := said(item, finding.Confirmed, "%s may not open %s (%s)", v.rec.Target.User, whose, item.EWS.Code)
	if slices.Contains(folderCodes, item.EWS.Code) {
		h.confidence = finding.Likely
		h.detail += " Exchange says so, too, when the caller has no right to see the folder."
	}
	return h
}

func mailboxUnavailable(v *view, n *node) *hit {
	item := v.answer(n, unavailableCodes)
	if item == nil {
		return nil
	}
	return said(item, finding.Confirmed, "The mailbox cannot be opened at the moment (%s)", item.EWS.Code)
}

func serviceMailboxMissing(v *view, n *node) *hit {
	if v.rec.Target.Mailbox != "" {
		return nil
	}
	item := v.answer(n, noMailboxCodes)
	if item == nil {
		return nil
	}
	h := said(item, finding.Confirmed, "%s signs in but has no mailbox of its own", v.rec.Target.User)
	h.detail += " That is no fault for an account that impersonates, but Dynamics' Test Connection asks for the mailbox of the profile's user name."
	return h
}

// exchangeError is whatever EWS answers that no other row of this file names.
func exchangeError(v *view, n *node) *hit {
	item := v.signedIn(n)
	if item == nil || item.EWS.Code == "NoError" && item.EWS.Class != "Error" {
		return nil
	}
	if slices.Contains(busyCodes, item.EWS.Code) || v.unknownToEWS(n) != nil {
		return nil
	}
	for _, named := range []func(*view, *node) *hit{impersonationDenied, mailboxNotFound, accessDenied, mailboxUnavailable, serviceMailboxMissing} {
		if named(v, n) != nil {
			return nil
		}
	}
	code := item.EWS.Code
	if code == "" {
		code = "a fault without a code"
	}
	h := said(item, finding.Undetermined, "EWS accepts the sign-in but answers %s", code)
	if item.EWS.InnerCode != "" {
		h.detail += fmt.Sprintf(" Inner code: %s.", item.EWS.InnerCode)
	}
	return h
}
