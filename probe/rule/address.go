package rule

import (
	"fmt"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// primaryAddress is the primary SMTP address of the mailbox of the check, and
// what says so; "" if nothing does.
func (v *view) primaryAddress() (string, *evidence.Item) {
	for _, item := range v.heard() {
		if d := item.Discovery; d.PrimarySMTP != "" && d.ErrorCode == "" && v.aboutMailbox(item) {
			return d.PrimarySMTP, item
		}
	}
	return "", nil
}

// unknownToEWS is the EWS answer at n that there is no such mailbox.
func (v *view) unknownToEWS(n *node) *evidence.Item {
	if v.mailbox() == "" {
		return nil
	}
	return v.answer(n, notFoundCodes)
}

func mailboxAddressDiffers(v *view) *hit {
	primary, item := v.primaryAddress()
	if item == nil || strings.EqualFold(primary, v.mailbox()) {
		return nil
	}
	h := &hit{status: finding.Warning, confidence: finding.Confirmed, evidence: []string{item.ID}}
	h.summary = fmt.Sprintf("The primary address of the mailbox is %s, not %s", primary, v.mailbox())
	h.detail = fmt.Sprintf("%s knows %s as %s.", capital(where(item)), v.mailbox(), primary)
	for _, n := range v.nodes {
		if unknown := v.unknownToEWS(n); unknown != nil {
			h.status = finding.Critical
			h.evidence = append(h.evidence, unknown.ID)
			h.detail += fmt.Sprintf(" EWS answers %s to the call with %s: Dynamics has to know the mailbox by its primary address.", unknown.EWS.Code, v.mailbox())
			return h
		}
	}
	if opened := v.openedMailbox(); opened != nil {
		h.evidence = append(h.evidence, opened.ID)
		h.detail += fmt.Sprintf(" EWS takes %s too, but Dynamics compares addresses: its mailbox record should hold the primary one.", v.mailbox())
	} else {
		h.detail += " Whether EWS takes the other address was not seen."
	}
	return h
}

// explainedOtherwise: the mailbox is not found because its address is another, or
// because it is in Exchange Online, which says more.
func (v *view) explainedOtherwise() bool {
	if h := mailboxAddressDiffers(v); h != nil && h.status == finding.Critical {
		return true
	}
	return v.sentOnline() != nil && v.rec.Target.ProfileAuth != "oauth"
}
