package soap

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"
)

// The kinds of a Discovery, after the three services that Exchange offers.
const (
	DiscoveryPOX  = "pox"  // autodiscover.xml, plain old XML
	DiscoverySOAP = "soap" // autodiscover.svc, GetUserSettings
	DiscoveryJSON = "json" // autodiscover.json, version 2
)

// Discovery is what an Autodiscover service said. Texts are one line; URLs and
// addresses are as sent and nothing here was asked whether it is true.
type Discovery struct {
	// Kind is DiscoveryPOX, DiscoverySOAP or DiscoveryJSON.
	Kind string `json:"kind"`
	// ErrorCode is a number in POX ("500": address unknown, "600": request not
	// understood), a name elsewhere ("InvalidUser"). A success is "NoError" in
	// SOAP and empty elsewhere. Of the levels of a SOAP answer the outermost
	// error counts; errors of single settings do not.
	ErrorCode string `json:"error_code,omitempty"`
	// Message is the server's text beside the code, for display only.
	Message string `json:"message,omitempty"`
	// Action is what to do next as POX says it, "settings", "redirectAddr" or
	// "redirectUrl". It is also set to one of the latter two for a SOAP answer
	// that redirects.
	Action string `json:"action,omitempty"`
	// RedirectAddr is the address to ask for instead: from an on-premises
	// server it means that the mailbox lives elsewhere.
	RedirectAddr string `json:"redirect_addr,omitempty"`
	// RedirectURL is the service to ask instead.
	RedirectURL string `json:"redirect_url,omitempty"`
	// Protocol is the protocol that a JSON answer is about; URL is its URL.
	Protocol string `json:"protocol,omitempty"`
	URL      string `json:"url,omitempty"`
	// EwsURL is the EWS URL from outside, or from inside if that is all there
	// is; InternalEwsURL is the one from inside.
	EwsURL         string `json:"ews_url,omitempty"`
	InternalEwsURL string `json:"internal_ews_url,omitempty"`
	// Types are the kinds of service that an answer without an EWS URL names.
	Types []string `json:"types,omitempty"`
	// PrimarySMTP is the primary address of the mailbox
	// (AutoDiscoverSMTPAddress).
	PrimarySMTP string `json:"primary_smtp,omitempty"`
	// Version is the server's build: of four parts in a SOAP answer, as in
	// Answer, of three in POX, which has no more.
	Version string `json:"version,omitempty"`
}

// ParseDiscovery reads the body of an answer of Autodiscover, whichever of the
// three services it came from. All POX errors come with HTTP 200, so the
// status plays no part.
//
// The error wraps one of the errors of Parse, with ErrNotDiscovery in the
// place of ErrNotSOAP; the Discovery is then empty.
func ParseDiscovery(body []byte) (Discovery, error) {
	if text := bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xEF\xBB\xBF"))); bytes.HasPrefix(text, []byte("{")) {
		return parseDiscoveryJSON(text)
	}
	root, err := readTree(body)
	if err != nil {
		return Discovery{}, err
	}
	switch root.Tag {
	case "Autodiscover":
		return parsePOX(root)
	case "Envelope":
		return parseUserSettings(root)
	}
	return Discovery{}, fmt.Errorf("%w: the root element is %s", ErrNotDiscovery, nameOf(root))
}

// parsePOX reads Response/Error or Response/Account. The two come in different
// namespaces, and the error in a generic one, so only names are matched.
func parsePOX(root *etree.Element) (Discovery, error) {
	d := Discovery{Kind: DiscoveryPOX}
	response := root.SelectElement("Response")
	if response == nil {
		return Discovery{}, fmt.Errorf("%w: <Autodiscover> without a response", ErrNotDiscovery)
	}
	if failure := response.SelectElement("Error"); failure != nil {
		d.ErrorCode = codeOf(childText(failure, "ErrorCode"))
		d.Message = childText(failure, "Message")
	}
	if account := response.SelectElement("Account"); account != nil {
		d.Action = codeOf(childText(account, "Action"))
		d.RedirectAddr = addressOf(account.SelectElement("RedirectAddr"))
		d.RedirectURL = addressOf(account.SelectElement("RedirectUrl"))
		// EXPR is the view from outside, EXCH the one from inside; EXHTTP is either
		// ([MS-OXDSCLI] 2.2.4.1.1.2.5), and counts where no other has a URL.
		either := ""
		// The section WEB holds some of its own.
		for _, protocol := range append(account.SelectElements("Protocol"), account.FindElements("Protocol//Protocol")...) {
			d.Version = cmp.Or(d.Version, poxVersion(childText(protocol, "ServerVersion")))
			// ASUrl is the URL of availability, which EWS serves at the same place; in
			// old answers it stands alone ([MS-OXDSCLI] 2.2.4.1.1.2.5).
			switch url := cmp.Or(addressOf(protocol.SelectElement("EwsUrl")), addressOf(protocol.SelectElement("ASUrl"))); {
			case url == "":
			case strings.EqualFold(childText(protocol, "Type"), "EXPR"):
				d.EwsURL = cmp.Or(d.EwsURL, url)
			case strings.EqualFold(childText(protocol, "Type"), "EXCH"):
				d.InternalEwsURL = cmp.Or(d.InternalEwsURL, url)
			case strings.EqualFold(childText(protocol, "Type"), "EXHTTP"):
				either = cmp.Or(either, url)
			}
		}
		d.EwsURL = cmp.Or(d.EwsURL, d.InternalEwsURL, either)
	}
	d.PrimarySMTP = addressOf(find(response.SelectElement("User"), "AutoDiscoverSMTPAddress"))
	if d.EwsURL == "" {
		d.Types = serviceTypes(response)
	}
	if d.ErrorCode == "" && d.Action == "" && d.EwsURL == "" && len(d.Types) == 0 {
		return Discovery{}, fmt.Errorf("%w: neither an error nor an account in the response", ErrNotDiscovery)
	}
	return d, nil
}

// serviceTypes are the kinds of service that a response names, of those that are
// known: Protocol/Type for mail clients, Server/Type for telephones
// ([MS-ASCMD] 2.2.3.184.1).
func serviceTypes(response *etree.Element) []string {
	var list []string
	for _, e := range response.FindElements(".//Type") {
		for _, known := range []string{"EXCH", "EXPR", "EXHTTP", "WEB", "IMAP", "POP3", "SMTP", "MobileSync", "CalDAV", "CardDAV"} {
			if strings.EqualFold(strings.TrimSpace(e.Text()), known) && !slices.Contains(list, known) {
				list = append(list, known)
			}
		}
	}
	return list
}

// parseDiscoveryJSON reads {"Protocol","Url"} or {"ErrorCode","ErrorMessage"}.
func parseDiscoveryJSON(text []byte) (Discovery, error) {
	if len(text) > MaxBytes {
		return Discovery{}, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, MaxBytes)
	}
	// The values stay raw, because what is no string must not spoil the rest.
	var in struct {
		Protocol, URL, ErrorCode, ErrorMessage json.RawMessage
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return Discovery{}, fmt.Errorf("%w: %s", ErrNotDiscovery, oneLine(err.Error(), 2*maxName))
	}
	d := Discovery{
		Kind:      DiscoveryJSON,
		ErrorCode: codeOf(jsonText(in.ErrorCode)),
		Message:   oneLine(jsonText(in.ErrorMessage), MaxText),
		Protocol:  codeOf(jsonText(in.Protocol)),
		URL:       address(jsonText(in.URL)),
	}
	if d.ErrorCode == "" && d.URL == "" {
		return Discovery{}, fmt.Errorf("%w: JSON without Url and ErrorCode", ErrNotDiscovery)
	}
	if strings.EqualFold(d.Protocol, "EWS") {
		d.EwsURL = d.URL
	}
	return d, nil
}

// jsonText is the text of a JSON string or number, and nothing for the rest.
func jsonText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var number json.Number
	if json.Unmarshal(raw, &number) == nil {
		return number.String()
	}
	return ""
}
