package rule

import (
	"net/url"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
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
	if ews := v.foundEWS(); ews != nil && !leadsThere(ews) || v.unknownAddress() != nil || v.located(evidence.LocationElsewhere) != nil {
		return nil
	}
	return v.heldBack(func(h evidence.HeldBack) bool { return h == evidence.HeldOnline })
}

// redirectedOnline is the answer by which the endpoint sends EWS to Exchange Online.
func (v *view) redirectedOnline() *evidence.Item {
	for _, n := range v.nodes {
		if n.answered() && isRedirect(n.status()) && redirectsOnline(n.ask) {
			return n.ask
		}
	}
	return nil
}

// leadsThere: the URL of EWS that an answer names is one of Exchange Online.
func leadsThere(item *evidence.Item) bool {
	u, err := url.Parse(item.Discovery.EwsURL)
	return err == nil && front.OnlineHost(u.Hostname())
}
