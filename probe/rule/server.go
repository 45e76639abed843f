package rule

import (
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Facts are what a report shows of the server, as seen at the addresses.
type Facts struct {
	Schemes []Scheme
	Server  Server
	Nodes   []Node
	// Dynamics is what it wrote down itself; nil: not exported.
	Dynamics *Dynamics
	// Autodiscover is what it said of the mailbox; nil: not asked, or no answer.
	Autodiscover *Autodiscover
}

// Autodiscover is the answer of Autodiscover that counts: the last.
type Autodiscover struct {
	URL            string `json:"url"`
	Form           string `json:"form"`
	Mailbox        string `json:"mailbox"`
	Action         string `json:"action"`
	ErrorCode      string `json:"error_code"`
	RedirectAddr   string `json:"redirect_addr"`
	EwsURL         string `json:"ews_url"`
	InternalEwsURL string `json:"internal_ews_url"`
	PrimarySMTP    string `json:"primary_smtp"`
	Version        string `json:"version"`
	ID             string `json:"evidence"`
}

func (v *view) autodiscover() *Autodiscover {
	heard := v.discoveryAnswers()
	if len(heard) == 0 {
		return nil
	}
	item := heard[len(heard)-1]
	if ews := v.foundEWS(); ews != nil {
		item = ews
	}
	d := item.Discovery
	a := &Autodiscover{
		Form: d.Form, Action: d.Action, ErrorCode: d.ErrorCode, RedirectAddr: d.RedirectAddr, EwsURL: d.EwsURL,
		InternalEwsURL: d.InternalEwsURL, PrimarySMTP: d.PrimarySMTP, Version: d.Version, ID: item.ID,
	}
	if item.Request != nil {
		a.URL, a.Mailbox = item.Request.URL, item.Request.Mailbox
	}
	return a
}

// Scheme is one offered scheme, as sent.
type Scheme struct {
	Name   string            `json:"name"`
	Realm  string            `json:"realm"`
	Params map[string]string `json:"params"`
}

// Node is one probed address.
type Node struct {
	Address string   `json:"address"`
	Schemes []Scheme `json:"schemes"`
	Server  Server   `json:"server"`
}

// Server is what is known of the server at one address.
type Server struct {
	Product            string       `json:"product"`
	Version            string       `json:"version"`
	FrontEnd           string       `json:"front_end"`
	NetBIOSDomain      string       `json:"netbios_domain"`
	DNSDomain          string       `json:"dns_domain"`
	DNSHost            string       `json:"dns_host"`
	OSBuild            string       `json:"os_build"`
	ClockSkewMS        *int64       `json:"clock_skew_ms"`
	Tenant             string       `json:"tenant"`
	OAuth              *OAuth       `json:"oauth"`
	InFront            string       `json:"in_front"`
	ExtendedProtection string       `json:"extended_protection"`
	Bindings           *Bindings    `json:"channel_bindings"`
	Certificate        *Certificate `json:"certificate"`
}

// OAuth is what an empty Bearer token brought to light; nil: not asked or not
// answered.
type OAuth struct {
	Offered          bool   `json:"offered"`
	AuthorizationURI string `json:"authorization_uri"`
	TrustedIssuers   string `json:"trusted_issuers"`
	ClientID         string `json:"client_id"`
	Diagnostics      string `json:"diagnostics"`
}

// Bindings are how logons with a proved password ended, by the channel binding
// that they carried: "accepted", "refused", "" not tried.
type Bindings struct {
	CertificateSHA256 string `json:"certificate_sha256"` // whose binding "right" is
	Right             string `json:"right"`
	None              string `json:"none"`
	Foreign           string `json:"foreign"`
	// Zero is sixteen zero bytes: absent by [MS-NLMP] 2.2.2.1. Measured for
	// whoever debugs a client that sends it; no verdict rests on it.
	Zero string `json:"zero"`
}

// Certificate is the short form of a leaf.
type Certificate struct {
	SHA256   string   `json:"sha256"`
	NotAfter string   `json:"not_after"`
	Issuer   string   `json:"issuer"`
	Names    []string `json:"names"`
}

// Attempt is one use of the credential, made or not made.
type Attempt struct {
	Service   string `json:"service"` // ews, autodiscover, directory
	Scheme    string `json:"scheme"`
	Mechanism string `json:"mechanism"`
	Account   string `json:"account"`
	Address   string `json:"address"`
	Result    string `json:"result"`
	Status    int    `json:"status" null:"zero"`
	Binding   string `json:"channel_binding"`
	Counted   bool   `json:"counted"`
	Why       string `json:"why"`
	At        string `json:"at"`
	ID        string `json:"evidence"`
}

func (v *view) facts() Facts {
	f := Facts{Dynamics: v.dynamics(), Autodiscover: v.autodiscover()}
	chosen := false
	for _, n := range v.nodes {
		node := Node{Address: n.address, Schemes: schemes(n), Server: v.server(n)}
		f.Nodes = append(f.Nodes, node)
		// The report's own are those of the first address that answered.
		if !chosen && (n.answered() || len(f.Nodes) == 1) {
			f.Schemes, f.Server, chosen = node.Schemes, node.Server, n.answered()
		}
	}
	return f
}

func schemes(n *node) []Scheme {
	var list []Scheme
	for _, c := range n.offers {
		s := Scheme{Name: c.Scheme, Params: map[string]string{}}
		for _, p := range c.Params {
			if strings.EqualFold(p.Name, "realm") {
				s.Realm = p.Value
			} else {
				s.Params[p.Name] = p.Value
			}
		}
		list = append(list, s)
	}
	return list
}

func (v *view) server(n *node) Server {
	s := Server{FrontEnd: n.who.FrontEnd, Version: n.who.Version, InFront: n.who.Device}
	if item := v.signedIn(n); s.Version == "" && item != nil {
		s.Version = item.EWS.Version
	}
	// A build alone makes no Exchange: other EWS servers claim one. Exchange
	// 2010 signs as nothing but IIS.
	iis := strings.HasPrefix(n.who.ServerField, "Microsoft-IIS/") && s.Version != ""
	switch {
	case n.who.Online:
		s.Product = "Exchange Online"
	case n.who.Exchange || iis:
		s.Product = front.Product(s.Version)
		if s.Product == "" {
			s.Product = "Exchange Server"
		}
	}
	for _, item := range n.typeOne {
		if c := item.NTLM; c != nil && c.Problem == "" {
			s.NetBIOSDomain, s.DNSDomain, s.DNSHost, s.OSBuild, s.ClockSkewMS = c.NetBIOSDomain, c.DNSDomain, c.DNSComputer, c.OSBuild, c.ClockSkewMS
			break
		}
	}
	if n.bearer != nil && n.bearer.Response != nil && n.bearer.Response.Status == 401 {
		s.OAuth = &OAuth{Diagnostics: n.bearer.Response.First("x-ms-diagnostics")}
	}
	if c, item := n.bearerChallenge(); item != nil {
		if s.OAuth == nil {
			s.OAuth = &OAuth{}
		}
		s.OAuth.Offered = true
		s.OAuth.AuthorizationURI, _ = c.Param("authorization_uri")
		s.OAuth.TrustedIssuers, _ = c.Param("trusted_issuers")
		s.OAuth.ClientID, _ = c.Param("client_id")
		if trusted := front.Tenants(c); len(trusted) > 0 {
			s.Tenant = trusted[0]
		}
	}
	if s.ExtendedProtection = protection(n); s.ExtendedProtection != "" {
		of := func(binding string) string { return string(result(n.bound(binding))) }
		s.Bindings = &Bindings{
			Right: string(result(n.windows())), None: of(evidence.BindingNone), Foreign: of(evidence.BindingForeign), Zero: of(evidence.BindingZero),
		}
		if c := n.certificate(); c != nil {
			s.Bindings.CertificateSHA256 = c.SHA256
		}
	}
	if c := n.certificate(); c != nil {
		until := c.NotAfter.UTC().Format("2006-01-02T15:04:05Z")
		s.Certificate = &Certificate{SHA256: c.SHA256, NotAfter: until, Issuer: c.Issuer, Names: c.Names}
	}
	return s
}

// protection names how the server treats channel bindings, where logons with
// a proved password showed it: "" if they did not.
func protection(n *node) string {
	w := n.windows()
	if w == nil || w.Logon.Binding != evidence.BindingRight || n.refusedAgain(w) != nil {
		return ""
	}
	none, foreign := result(n.bound(evidence.BindingNone)), result(n.bound(evidence.BindingForeign))
	switch {
	case w.Logon.Result == evidence.Refused && none == evidence.Accepted:
		return "bridged"
	case w.Logon.Result != evidence.Accepted:
		return ""
	case none == evidence.Refused:
		return "require"
	case none == evidence.Accepted && foreign == evidence.Refused:
		return "allow"
	case none == evidence.Accepted && foreign == evidence.Accepted:
		return "off"
	}
	return ""
}

func (v *view) attempts() []Attempt {
	var list []Attempt
	for _, item := range v.items {
		l := item.Logon
		if l == nil {
			continue
		}
		a := Attempt{
			Service: "ews", Scheme: l.Scheme, Mechanism: l.Mechanism, Account: l.Account, Address: item.Address,
			Result: string(l.Result), Status: l.Status,
			Binding: l.Binding, Counted: l.Counted, Why: l.Why, At: item.At.UTC().Format("2006-01-02T15:04:05.000Z"), ID: item.ID,
		}
		switch {
		case item.Step.Autodiscover():
			a.Service = "autodiscover"
		case item.AtDirectory():
			a.Service = "directory"
		}
		if a.Why == "" {
			a.Why = finding.Phrase("attempt", item)
		}
		if q := item.Request; q != nil && q.Purpose != "" {
			a.Why = q.Operation + " (" + string(q.Purpose) + "): " + a.Why
		}
		list = append(list, a)
	}
	return list
}
