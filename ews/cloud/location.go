package cloud

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
)

// Location asks Exchange Online where a mailbox is (Autodiscover v2, as
// Microsoft's CSS-Exchange scripts ask it). It needs no credential, and tells
// Microsoft nothing but the address.
func (c *Client) Location(ctx context.Context, address string) evidence.Item {
	u := under(c.ExchangeOnline, url.Values{"Protocol": {"EWS"}, "ServerLocation": {"true"}}, "autodiscover", "autodiscover.json", "v1.0", address)
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
			f.Problem = "the answer is not the JSON of Autodiscover"
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
			f.Problem = "the answer names no place for the mailbox"
		}
	case r.Status/100 == 3:
		to, err := asked.Parse(r.First("Location"))
		switch {
		case r.First("Location") == "" || err != nil || to.Hostname() == "" || to.Scheme != "https" && to.Scheme != "http":
			f.Problem = fmt.Sprintf("the redirect (HTTP %d) names no host", r.Status)
		case sameHost(to, asked) || front.OnlineHost(to.Hostname()):
			f.Location, f.Redirect = evidence.LocationUnknown, to.Host
		case !strings.Contains(strings.ToLower(to.Path), "/autodiscover/"):
			// A proxy or a sign-in page on the way says nothing of the mailbox.
			f.Redirect, f.Problem = to.Host, fmt.Sprintf("the redirect (HTTP %d) leads to %s, and not to Autodiscover there", r.Status, to.Host)
		default:
			f.Location, f.Redirect = evidence.LocationElsewhere, to.Host
		}
	default:
		var said struct{ ErrorCode, ErrorMessage string }
		f.Problem = fmt.Sprintf("the answer is HTTP %d", r.Status)
		if json.Unmarshal(body, &said) == nil && said.ErrorCode != "" {
			f.Code, f.Message = said.ErrorCode, said.ErrorMessage
			f.Problem += ", " + said.ErrorCode
		}
	}
}

func sameHost(a, b *url.URL) bool {
	return strings.EqualFold(strings.TrimSuffix(a.Hostname(), "."), strings.TrimSuffix(b.Hostname(), ".")) && portOf(a) == portOf(b)
}
