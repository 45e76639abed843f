package rule

import (
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
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
// want of another answer, nowhere else; nil where Exchange Online itself says
// that the mailbox is not there.
func (v *view) leadsOnline() *evidence.Item {
	if v.foundEWS() != nil || v.unknownAddress() != nil || v.located(evidence.LocationElsewhere) != nil {
		return nil
	}
	return v.heldBack(func(h evidence.HeldBack) bool { return h == evidence.HeldOnline })
}
