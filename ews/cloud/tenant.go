package cloud

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/challenge"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// unknownTenant is Entra's AADSTS90002: the domain belongs to no tenant.
const unknownTenant = 90002

// DomainTenant reads a domain's tenant from Entra's OpenID metadata (OpenID
// Connect Discovery 1.0 section 4.2). step says whose domain it is.
func (c *Client) DomainTenant(ctx context.Context, step evidence.Step, domain string) evidence.Item {
	u := under(c.Entra, nil, domain, "v2.0", ".well-known", "openid-configuration")
	return c.ask(ctx, question{step: step, subject: domain, url: u, read: readDomainTenant})
}

func readDomainTenant(r *evidence.Response, body []byte, f *evidence.Cloud) {
	var said struct {
		Issuer   string `json:"issuer"`
		Region   string `json:"tenant_region_scope"`
		Instance string `json:"cloud_instance_name"`
		Error    string `json:"error"`
		Words    string `json:"error_description"`
		Codes    []int  `json:"error_codes"`
	}
	err := json.Unmarshal(body, &said)
	switch {
	case err != nil:
		f.Detail = evidence.Say("not-json-status", r.Status, "Entra")
	case r.Status == 200:
		u, tenant := tenantIn(said.Issuer)
		if tenant == "" {
			f.Detail = evidence.Say("issuer-without-tenant")
			return
		}
		f.Tenant, f.Authority, f.Region, f.Instance = tenant, u.Host, said.Region, said.Instance
	case slices.Contains(said.Codes, unknownTenant), strings.HasPrefix(said.Words, "AADSTS90002:"):
		f.NoTenant, f.Code, f.Message = true, "AADSTS90002", said.Words
	default:
		ews.Refused(f, r.Status, said.Error, said.Words)
	}
}

// DynamicsTenant asks the Web API of an organisation without a token; the 401
// names the tenant in authorization_uri.
func (c *Client) DynamicsTenant(ctx context.Context, organisation *url.URL) evidence.Item {
	u := under(organisation, nil, "api", "data", "v9.2")
	u.Path += "/"
	return c.ask(ctx, question{
		step: evidence.StepCloudDynamics, subject: organisation.Host, url: u,
		read: func(r *evidence.Response, _ []byte, f *evidence.Cloud) { readDynamics(c.Entra, r, f) },
	})
}

// readDynamics believes a challenge only if it leads to a sign-in host of Entra:
// anybody can answer 401 under a mistyped name.
func readDynamics(entra *url.URL, r *evidence.Response, f *evidence.Cloud) {
	if r.Status/100 == 3 {
		f.Detail = evidence.Say("answer-redirects", r.Status)
		return
	}
	bearer, ok := challenge.Find(challenge.Parse(r.Header("WWW-Authenticate")), "Bearer")
	if r.Status != 401 || !ok {
		f.Detail = evidence.Say("no-bearer", r.Status)
		return
	}
	uri, _ := bearer.Param("authorization_uri")
	if uri == "" {
		uri, _ = bearer.Param("authorization")
	}
	u, tenant := tenantIn(uri)
	if u != nil {
		f.Authority = u.Host
	}
	switch {
	case uri == "":
		f.Detail = evidence.Say("no-authorization-uri")
	case u == nil || u.Scheme != "https":
		f.Detail = evidence.Say("authorization-uri-odd")
	case !entraHost(u, entra):
		f.Detail = evidence.Say("authorization-uri-foreign", u.Host)
	case tenant == "":
		f.Detail = evidence.Say("authorization-uri-no-tenant")
	default:
		f.Tenant = tenant
	}
}

// entraHosts sign in to Entra, in every cloud.
var entraHosts = []string{
	"login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net", // public
	"login.microsoftonline.us", "login-us.microsoftonline.com", // US Government
	"login.partner.microsoftonline.cn", "login.chinacloudapi.cn", // China
	"login.microsoftonline.de", // Germany, closed
}

func entraHost(u, entra *url.URL) bool {
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	return wire.SameHost(u, entra) || slices.Contains(entraHosts, host) && wire.Port(u) == "443"
}

// tenantIn reads the tenant from a URL whose first segment names it, "" if it is
// none (common, organizations). The URL is nil if there is no host.
func tenantIn(raw string) (*url.URL, string) {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Hostname() == "" {
		return nil, ""
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	if !front.IsGUID(first) {
		return u, ""
	}
	return u, strings.ToLower(first)
}

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
// that is not; and a redirect to itself for an unknown address.
func readLocation(asked *url.URL, r *evidence.Response, body []byte, f *evidence.Cloud) {
	switch {
	case r.Status == 200:
		var said struct{ Protocol, URL, ServerLocation string }
		if err := json.Unmarshal(body, &said); err != nil {
			f.Detail = evidence.Say("not-json", "Autodiscover")
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
			f.Detail = evidence.Say("no-place")
		}
	case r.Status/100 == 3:
		to, err := asked.Parse(r.First("Location"))
		switch {
		case r.First("Location") == "" || err != nil || to.Hostname() == "" || to.Scheme != "https" && to.Scheme != "http":
			f.Detail = evidence.Say("redirect-nowhere", r.Status)
		case wire.SameHost(to, asked) || front.OnlineHost(to.Hostname()):
			f.Location, f.Redirect = evidence.LocationUnknown, to.Host
		case !strings.Contains(strings.ToLower(to.Path), "/autodiscover/"):
			// A proxy or a sign-in page on the way says nothing of the mailbox.
			f.Redirect, f.Detail = to.Host, evidence.Say("redirect-elsewhere", r.Status, to.Host)
		default:
			f.Location, f.Redirect = evidence.LocationElsewhere, to.Host
		}
	default:
		var said struct{ ErrorCode, ErrorMessage string }
		_ = json.Unmarshal(body, &said)
		ews.Refused(f, r.Status, said.ErrorCode, said.ErrorMessage)
	}
}
