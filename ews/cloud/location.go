package cloud

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// Location asks Exchange Online where a mailbox is (Autodiscover v2, as
// Microsoft's CSS-Exchange scripts ask it). It needs no credential, and tells
// Microsoft nothing but the address.
func (c *Client) Location(ctx context.Context, address string) evidence.Item {
	u := under(c.ExchangeOnline, url.Values{"Protocol": {"EWS"}, "ServerLocation": {"true"}},
		"autodiscover", "autodiscover.json", "v1.0", address)
	return c.ask(ctx, question{
		step: evidence.StepCloudLocation, subject: address, url: u,
		read: func(r *evidence.Response, body []byte, f *evidence.Cloud) { readLocation(u, r, body, f) },
	})
}

// readLocation reads the three answers that were seen: JSON for a mailbox in
// Exchange Online; a redirect to the Autodiscover of the organisation for one
// that is not; and a redirect to itself for an address nobody knows.
func readLocation(asked *url.URL, r *evidence.Response, body []byte, f *evidence.Cloud) {
	switch {
	case r.Status == 200:
		var said struct{ Protocol, URL, ServerLocation string }
		if err := json.Unmarshal(body, &said); err != nil {
			f.Detail = evidence.Say(evidence.WhyNotJSON, "Autodiscover")
			return
		}
		f.EWSURL = said.URL
		u, err := url.Parse(said.URL)
		named := err == nil && u.Hostname() != ""
		switch {
		case strings.EqualFold(strings.TrimSpace(said.ServerLocation), "Exchange Online"):
			f.Location = evidence.LocationOnline
		case named && front.OnlineHost(u.Hostname()) && said.ServerLocation == "":
			f.Location = evidence.LocationOnline
		case named && !front.OnlineHost(u.Hostname()):
			f.Location, f.Redirect = evidence.LocationElsewhere, u.Host
		default:
			f.Detail = evidence.Say(evidence.WhyNoPlace)
		}
	case r.Status/100 == 3:
		to, err := asked.Parse(r.First("Location"))
		switch {
		case r.First("Location") == "" || err != nil || to.Hostname() == "" || to.Scheme != "https" && to.Scheme != "http":
			f.Detail = evidence.Say(evidence.WhyRedirectNowhere, r.Status)
		case wire.SameHost(to, asked) || front.OnlineHost(to.Hostname()):
			f.Location, f.Redirect = evidence.LocationUnknown, to.Host
		case !strings.Contains(strings.ToLower(to.Path), "/autodiscover/"):
			// A proxy or a sign-in page on the way says nothing of the mailbox.
			f.Redirect, f.Detail = to.Host, evidence.Say(evidence.WhyRedirectElsewhere, r.Status, to.Host)
		default:
			f.Location, f.Redirect = evidence.LocationElsewhere, to.Host
		}
	default:
		var said struct{ ErrorCode, ErrorMessage string }
		f.Detail = evidence.Say(evidence.WhyAnswered, r.Status)
		if json.Unmarshal(body, &said) == nil && said.ErrorCode != "" {
			f.Code, f.Message = said.ErrorCode, said.ErrorMessage
			f.Detail = evidence.Say(evidence.WhyAnsweredCode, r.Status, said.ErrorCode)
		}
	}
}
