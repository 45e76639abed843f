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
	return first(v.heard(), func(item *evidence.Item) bool {
		_, domain, _ := strings.Cut(strings.ToLower(item.Discovery.RedirectAddr), "@")
		return v.aboutMailbox(item) && strings.HasSuffix("."+domain, ".onmicrosoft.com")
	})
}

// leadsOnline is a step by which the ladder leads to Exchange Online and, for
// want of another answer, nowhere else; nil where Exchange Online itself says
// that the mailbox is not there.
func (v *view) leadsOnline() *evidence.Item {
	if ews := v.foundEWS(); ews != nil && !isOnlineURL(ews.Discovery.EwsURL) || v.unknownAddress() != nil || v.located(evidence.LocationElsewhere) != nil {
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
func isOnlineURL(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && front.OnlineHost(u.Hostname())
}
