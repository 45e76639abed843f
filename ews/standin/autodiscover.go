package standin

import (
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

	outlookNamespace      = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
	poxNamespace          = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
	autodiscoverNamespace = "http://schemas.microsoft.com/exchange/2010/Autodiscover"
)

// AutodiscoverURL is where the first node answers Autodiscover, as another
// process can use it.
func (s *Server) AutodiscoverURL() string { return s.scheme() + s.Addresses()[0] + poxPath }

// isAutodiscover says whether a request is for Autodiscover. IIS minds no case.
func isAutodiscover(r *http.Request) bool {
	return strings.HasPrefix(strings.ToLower(r.URL.Path), autodiscoverFolder)
}

// autodiscover answers for the virtual directory Autodiscover, which has settings
// of its own: as installed it offers Negotiate, NTLM and Basic and knows no
// Extended Protection, whatever EWS does.
func (n *node) autodiscover(c *connection, r *http.Request, a *authorization, q *Request, body []byte) *response {
	vdir := &node{server: n.server, number: n.number, name: n.name, behaviour: n.behaviour, served: n.served, expected: n.expected}
	vdir.behaviour.Negotiate, vdir.behaviour.NTLM, vdir.behaviour.Basic = true, true, true
	vdir.behaviour.BasicRefuses, vdir.behaviour.NTLMRefuses = false, false
	vdir.behaviour.ExtendedProtection = ExtendedProtectionNone
	path, does := strings.ToLower(r.URL.Path), n.behaviour.Autodiscover
	there := does != AutodiscoverNone && (path == poxPath && does != AutodiscoverSOAPOnly || path == settingsPath || strings.HasPrefix(path, jsonPath))
	switch {
	case does == AutodiscoverWebHost:
		q.Outcome = OutcomeFront
		return n.prepared("web-host")
	case does == AutodiscoverMoved:
		q.Outcome = OutcomeFront
		return n.prepared("moved")
	case !there:
		q.Outcome = OutcomeServed
		return n.exchangeResponse(http.StatusNotFound).withBody(htmlType, "404 - File or directory not found.")
	case strings.HasPrefix(path, jsonPath):
		q.Outcome = OutcomeServed
		q.Operation, q.Mailbox = "Autodiscover", cut(r.URL.Path[len(jsonPath):])
		return n.jsonAnswer()
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
		text := escape(strings.Join(a.echoes(), " | "))
		return n.exchangeResponse(http.StatusOK).withBody(xmlType, xmlDeclaration+`<Autodiscover xmlns="`+poxNamespace+`"><Response><User><AutoDiscoverSMTPAddress>`+escape(a.password)+
			`</AutoDiscoverSMTPAddress></User><Error><ErrorCode>500</ErrorCode><Message>`+text+`</Message></Error></Response></Autodiscover>`)
	}
	if path == settingsPath {
		return n.exchangeResponse(http.StatusOK).withBody(xmlType, n.userSettings(asked))
	}
	return n.exchangeResponse(http.StatusOK).withBody(xmlType, n.poxAnswer(asked))
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

func (n *node) ewsNamed() string {
	if n.behaviour.Autodiscover == AutodiscoverElsewhere {
		return ElsewhereEWS
	}
	return n.server.URL()
}

func (n *node) primaryOf(address string) string {
	if n.behaviour.Autodiscover == AutodiscoverOtherAddress {
		return PrimaryAddress
	}
	return address
}

func onlineAddress(address string) string {
	name, _, _ := strings.Cut(address, "@")
	return escape(name + "@" + OnlineDomain)
}

func (n *node) poxAnswer(address string) string {
	if code := n.outcomeFor(address); code != "" {
		text := map[string]string{"500": "The email address can't be found.", "600": "Invalid Request"}[code]
		return xmlDeclaration + `<Autodiscover xmlns="` + poxNamespace + `"><Response><Error Time="12:00:00.0000000" Id="1234567890">` +
			`<ErrorCode>` + code + `</ErrorCode><Message>` + text + `</Message><DebugData /></Error></Response></Autodiscover>`
	}
	account := `<Account><AccountType>email</AccountType><Action>settings</Action>` +
		`<Protocol><Type>EXCH</Type><Server>` + strings.ToLower(n.name) + "." + dnsDomain + `</Server><ServerVersion>73C28608</ServerVersion><EwsUrl>` + n.ewsNamed() + `</EwsUrl></Protocol>` +
		`<Protocol><Type>EXPR</Type><Server>` + Host + `</Server><EwsUrl>` + n.ewsNamed() + `</EwsUrl></Protocol></Account>`
	switch n.behaviour.Autodiscover {
	case AutodiscoverRedirectAddr:
		account = `<Account><Action>redirectAddr</Action><RedirectAddr>` + onlineAddress(address) + `</RedirectAddr></Account>`
	case AutodiscoverRedirectURL:
		account = `<Account><Action>redirectUrl</Action><RedirectUrl>` + ElsewhereURL + `</RedirectUrl></Account>`
	}
	return xmlDeclaration + `<Autodiscover xmlns="` + poxNamespace + `"><Response xmlns="` + outlookNamespace + `">` +
		`<User><DisplayName>Anna</DisplayName><AutoDiscoverSMTPAddress>` + escape(n.primaryOf(address)) + `</AutoDiscoverSMTPAddress></User>` +
		account + `</Response></Autodiscover>`
}

func (n *node) userSettings(address string) string {
	code, content := "NoError", ""
	setting := func(name, value string) string {
		return `<UserSetting><Name>` + name + `</Name><Value>` + escape(value) + `</Value></UserSetting>`
	}
	switch n.outcomeFor(address) {
	case "500":
		code = "InvalidUser"
	case "600":
		code = "InvalidRequest"
	default:
		content = `<UserSettings>` + setting("ExternalEwsUrl", n.ewsNamed()) + setting("InternalEwsUrl", n.ewsNamed()) +
			setting("AutoDiscoverSMTPAddress", n.primaryOf(address)) + `</UserSettings>`
		switch n.behaviour.Autodiscover {
		case AutodiscoverRedirectAddr:
			code, content = "RedirectAddress", `<RedirectTarget>`+onlineAddress(address)+`</RedirectTarget>`
		case AutodiscoverRedirectURL:
			code, content = "RedirectUrl", `<RedirectTarget>`+ElsewhereURL+`</RedirectTarget>`
		}
	}
	return xmlDeclaration + `<s:Envelope xmlns:s="` + soapNamespace + `"><s:Header>` +
		`<h:ServerVersionInfo xmlns:h="` + autodiscoverNamespace + `"><h:MajorVersion>15</h:MajorVersion><h:MinorVersion>2</h:MinorVersion><h:MajorBuildNumber>1544</h:MajorBuildNumber><h:MinorBuildNumber>11</h:MinorBuildNumber></h:ServerVersionInfo>` +
		`</s:Header><s:Body><GetUserSettingsResponseMessage xmlns="` + autodiscoverNamespace + `"><Response><ErrorCode>NoError</ErrorCode>` +
		`<UserResponses><UserResponse><ErrorCode>` + code + `</ErrorCode>` + content + `</UserResponse></UserResponses>` +
		`</Response></GetUserSettingsResponseMessage></s:Body></s:Envelope>`
}

// jsonAnswer is version 2, which asks nobody to sign in.
func (n *node) jsonAnswer() *response {
	if n.behaviour.Autodiscover == AutodiscoverUnknown {
		return n.exchangeResponse(http.StatusNotFound).withBody("application/json; charset=utf-8", `{"ErrorCode":"UserNotFound","ErrorMessage":"The given user is not found."}`)
	}
	return n.exchangeResponse(http.StatusOK).withBody("application/json; charset=utf-8", `{"Protocol":"Ews","Url":"`+n.ewsNamed()+`"}`)
}
