package rule

import (
	"fmt"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Where the mailbox is, as Exchange on premises says by Autodiscover.

// sentOnline is the answer in which a server on premises sends the mailbox's
// clients to Exchange Online.
func (v *view) sentOnline() *evidence.Item {
	for _, item := range v.heard() {
		_, domain, _ := strings.Cut(strings.ToLower(item.Discovery.RedirectAddr), "@")
		if v.aboutMailbox(item) && strings.HasSuffix("."+domain, ".onmicrosoft.com") {
			return item
		}
	}
	return nil
}

// leadsOnline is a step by which the ladder leads to Exchange Online and, for
// want of another answer, nowhere else.
func (v *view) leadsOnline() *evidence.Item {
	if v.foundEWS() != nil || v.unknownAddress() != nil {
		return nil
	}
	return v.heldBack(func(h evidence.HeldBack) bool { return h == evidence.HeldOnline })
}

func mailboxOnline(v *view) *hit {
	if v.rec.Target.ProfileAuth == "oauth" || v.mailbox() == "" || v.openedMailbox() != nil {
		return nil
	}
	if item := v.sentOnline(); item != nil {
		return &hit{
			confidence: finding.Confirmed, evidence: []string{item.ID},
			summary: fmt.Sprintf("The mailbox %s is in Exchange Online", v.mailbox()),
			detail:  fmt.Sprintf("%s, on premises, sends clients of this mailbox to %s: it knows the address, and the mailbox has moved.", capital(where(item)), item.Discovery.RedirectAddr),
		}
	}
	if item := v.leadsOnline(); item != nil {
		return &hit{
			confidence: finding.Likely, evidence: []string{item.ID},
			summary: fmt.Sprintf("Autodiscover for %s leads to Exchange Online", v.discoveryDomain()),
			detail:  fmt.Sprintf("The way leads to %s and to no server of your own. It was not asked, and no credential was sent there. Where a domain has mailboxes on its own servers too, its Autodiscover should lead to these.", item.Discovery.Endpoint),
		}
	}
	return nil
}
