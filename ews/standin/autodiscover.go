package standin

import (
	_ "embed"
	"encoding/xml"
	"net/http"
	"strings"
)

// Autodiscover is what /autodiscover of the stand-in does.
type Autodiscover string

const (
	AutodiscoverNone         Autodiscover = ""              // nothing is there: 404
	AutodiscoverSettings     Autodiscover = "settings"      // the settings of the mailbox, this server's EWS among them
	AutodiscoverOtherAddress Autodiscover = "other-address" // the same, but the primary address of every mailbox is another one
	AutodiscoverRedirectAddr Autodiscover = "redirect-addr" // ask for the same name in OnlineDomain: the mailbox is in Exchange Online
	AutodiscoverRedirectURL  Autodiscover = "redirect-url"  // ask ElsewhereURL instead
	AutodiscoverUnknown      Autodiscover = "unknown"       // error 500: no such address
	AutodiscoverInvalid      Autodiscover = "invalid"       // error 600: the request is not understood
	AutodiscoverSOAPOnly     Autodiscover = "soap-only"     // no POX, SOAP answers
	AutodiscoverWebHost      Autodiscover = "web-host"      // a web hoster asks for a password of its own
	AutodiscoverMoved        Autodiscover = "moved"         // 302 to ElsewhereURL before any sign-in
	AutodiscoverOpen         Autodiscover = "open"          // settings, without a sign-in
	AutodiscoverElsewhere    Autodiscover = "elsewhere"     // settings that name EWS on a host of another domain
)

// What the answers name.
const (
	OnlineDomain   = "contoso.mail.onmicrosoft.com"
	PrimaryAddress = "anna.example@contoso.com"
	ElsewhereURL   = "https://" + elsewhereHost + "/autodiscover/autodiscover.xml"
	ElsewhereEWS   = "https://" + elsewhereHost + "/EWS/Exchange.asmx"

	elsewhereHost = "mail.fabrikam.example"
)

const (
	autodiscoverFolder = "/autodiscover/"
	poxPath            = autodiscoverFolder + "autodiscover.xml"
	settingsPath       = autodiscoverFolder + "autodiscover.svc"
	jsonPath           = autodiscoverFolder + "autodiscover.json/v1.0/"
)

// AutodiscoverURL is where the first node answers Autodiscover, as another
// process can use it.
func (s *Server) AutodiscoverURL() string { return s.scheme() + s.Addresses()[0] + poxPath }

// autodiscover answers for the virtual directory Autodiscover, which has settings
// of its own: as installed it offers Negotiate, NTLM and Basic and knows no
// Extended Protection, whatever EWS does.
func (n *node) autodiscover(c *connection, r *http.Request, a *authorization, q *Request, body []byte) *response {
	vdir := *n
	vdir.behaviour.Negotiate, vdir.behaviour.NTLM, vdir.behaviour.Basic = true, true, true
	vdir.behaviour.BasicRefuses, vdir.behaviour.NTLMRefuses = false, false
	vdir.behaviour.ExtendedProtection = ExtendedProtectionNone
	path, does := strings.ToLower(r.URL.Path), n.behaviour.Autodiscover
	there := does != AutodiscoverNone &&
		(path == poxPath && does != AutodiscoverSOAPOnly || path == settingsPath || strings.HasPrefix(path, jsonPath))
	switch {
	case does == AutodiscoverWebHost:
		q.Outcome = OutcomeFront
		return n.say("web-host", nil)
	case does == AutodiscoverMoved:
		q.Outcome = OutcomeFront
		return n.say("moved", nil)
	case !there:
		q.Outcome = OutcomeServed
		return n.exchangeResponse(http.StatusNotFound).withBody(htmlType, "404 - File or directory not found.")
	case strings.HasPrefix(path, jsonPath):
		q.Outcome = OutcomeServed
		q.Operation, q.Mailbox = "Autodiscover", cut(r.URL.Path[len(jsonPath):])
		return n.settings("json", "")
	case does == AutodiscoverOpen:
		q.Outcome = OutcomeServed
		return n.discovered(path, q, a, body)
	}
	who, refusal := vdir.signIn(c, r, a, q)
	if refusal != nil {
		return refusal.with("X-SOAP-Enabled", "True").with("X-WSSecurity-Enabled", "True").with("X-OAuth-Enabled", "True")
	}
	return n.signedIn(n.discovered(path, q, a, body), who, r, a)
}

// discovered answers the question for a mailbox. Every POX error has status 200.
func (n *node) discovered(path string, q *Request, a *authorization, body []byte) *response {
	asked := askedAddress(body)
	q.Operation, q.Mailbox = "Autodiscover", cut(asked)
	if n.behaviour.Echo && a.raw != "" {
		return n.say("echo", map[string]string{"Password": a.password, "Text": strings.Join(a.echoes(), " | ")})
	}
	if path == settingsPath {
		return n.settings("soap", asked)
	}
	return n.settings("pox", asked)
}

// askedAddress is the address that a request is about, "" if it names none.
func askedAddress(body []byte) string {
	var pox struct {
		Address string `xml:"Request>EMailAddress"`
	}
	var soap struct {
		Address string `xml:"Body>GetUserSettingsRequestMessage>Request>Users>User>Mailbox"`
	}
	if xml.Unmarshal(body, &pox) == nil && pox.Address != "" {
		return pox.Address
	}
	_ = xml.Unmarshal(body, &soap) // then it is not understood
	return soap.Address
}

// outcomeFor is what becomes of an address: an error code of POX, or "".
func (n *node) outcomeFor(address string) string {
	switch {
	case address == "" || n.behaviour.Autodiscover == AutodiscoverInvalid:
		return "600"
	case n.behaviour.Autodiscover == AutodiscoverUnknown:
		return "500"
	}
	if _, exists := findMailbox(address); !exists && n.behaviour.Autodiscover == AutodiscoverSettings {
		return "500"
	}
	return ""
}

// settings answers for an address in one of the forms: pox, soap, or json.
func (n *node) settings(form, address string) *response {
	primary, ews := address, n.server.URL()
	switch n.behaviour.Autodiscover {
	case AutodiscoverOtherAddress:
		primary = PrimaryAddress
	case AutodiscoverElsewhere:
		ews = ElsewhereEWS
	}
	name, _, _ := strings.Cut(address, "@")
	return n.say(form, map[string]string{
		"Code": n.outcomeFor(address), "Does": string(n.behaviour.Autodiscover), "EWS": ews, "Host": Host,
		"Server": strings.ToLower(n.name) + "." + Domain, "Primary": primary, "Online": name + "@" + OnlineDomain, "Elsewhere": ElsewhereURL,
	})
}
