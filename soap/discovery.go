package soap

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/beevik/etree"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// ParseDiscovery reads the body of an answer of Autodiscover, whichever of the
// three services it came from. All POX errors come with HTTP 200, so the
// status plays no part. Texts are one line; URLs and addresses are as sent and nothing
// here was asked whether it is true.
//
// The code of an error is a number in POX ("500": address unknown, "600": request not
// understood), a name elsewhere ("InvalidUser"); a success is "NoError" in SOAP. Of the levels of a SOAP answer the
// outermost error counts; errors of single settings do not. Action is also set for a
// SOAP answer that redirects. Version has four parts in a SOAP answer and three in POX,
// which has no more.
//
// The error wraps one of the errors of Parse, with ErrNotDiscovery in the
// place of ErrNotSOAP.
func ParseDiscovery(body []byte) (*evidence.Discovery, error) {
	if text := bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xEF\xBB\xBF"))); bytes.HasPrefix(text, []byte("{")) {
		return parseDiscoveryJSON(text)
	}
	root, err := readTree(body)
	if err != nil {
		return nil, err
	}
	switch root.Tag {
	case "Autodiscover":
		return parsePOX(root)
	case "Envelope":
		return parseUserSettings(root)
	}
	return nil, fmt.Errorf("%w: the root element is %s", ErrNotDiscovery, nameOf(root))
}

// parsePOX reads Response/Error or Response/Account. The two come in different
// namespaces, and the error in a generic one, so only names are matched.
func parsePOX(root *etree.Element) (*evidence.Discovery, error) {
	d := &evidence.Discovery{Form: evidence.DiscoveryPOX}
	response := root.SelectElement("Response")
	if response == nil {
		return nil, fmt.Errorf("%w: <Autodiscover> without a response", ErrNotDiscovery)
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
		return nil, fmt.Errorf("%w: neither an error nor an account in the response", ErrNotDiscovery)
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
func parseDiscoveryJSON(text []byte) (*evidence.Discovery, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, MaxBytes)
	}
	// The values stay raw, because what is no string must not spoil the rest.
	var in struct {
		Protocol, URL, ErrorCode, ErrorMessage json.RawMessage
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, fmt.Errorf("%w: %s", ErrNotDiscovery, oneLine(err.Error(), 2*maxName))
	}
	d := &evidence.Discovery{
		Form: evidence.DiscoveryJSON, ErrorCode: codeOf(jsonText(in.ErrorCode)), Message: oneLine(jsonText(in.ErrorMessage), MaxText),
	}
	url := usable(jsonText(in.URL))
	if d.ErrorCode == "" && url == "" {
		return nil, fmt.Errorf("%w: JSON without Url and ErrorCode", ErrNotDiscovery)
	}
	if strings.EqualFold(strings.TrimSpace(jsonText(in.Protocol)), "EWS") {
		d.EwsURL = url
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

// poxVersion decodes ServerVersion of a POX answer, 32 bits in hexadecimal: 4
// bits about the layout with 3 more of an old scheme, 6 major, 6 minor, a flag,
// 15 build ([MS-OXDSCLI], element ServerVersion). There is no
// revision in it. "" if it is no such number.
func poxVersion(text string) string {
	n, err := strconv.ParseUint(text, 16, 32)
	if err != nil || len(text) != 8 || n>>22&0x3f == 0 {
		return ""
	}
	return strconv.FormatUint(n>>22&0x3f, 10) + "." + strconv.FormatUint(n>>16&0x3f, 10) + "." + strconv.FormatUint(n&0x7fff, 10)
}

// parseUserSettings reads the answer to GetUserSettings, or the Fault in its
// place.
func parseUserSettings(root *etree.Element) (*evidence.Discovery, error) {
	body := root.SelectElement("Body")
	d := &evidence.Discovery{Form: evidence.DiscoverySOAP, Version: version(root.SelectElement("Header"))}
	if body == nil {
		return nil, fmt.Errorf("%w: envelope without a body", ErrNotDiscovery)
	}
	if fault := body.SelectElement("Fault"); fault != nil {
		answer, _ := readFault(fault)
		d.ErrorCode, d.Message = answer.Code, answer.Message
		return d, nil
	}
	message := body.SelectElement("GetUserSettingsResponseMessage")
	if message == nil {
		return nil, fmt.Errorf("%w: envelope without GetUserSettingsResponseMessage", ErrNotDiscovery)
	}
	response := message.SelectElement("Response")
	user := find(response, "UserResponse")
	for _, level := range []*etree.Element{response, user} {
		code := codeOf(childText(level, "ErrorCode"))
		if code != "" && (d.ErrorCode == "" || d.ErrorCode == "NoError") {
			d.ErrorCode, d.Message = code, childText(level, "ErrorMessage")
		}
	}
	if d.ErrorCode == "" {
		return nil, fmt.Errorf("%w: GetUserSettings response without ErrorCode", ErrNotDiscovery)
	}
	if user == nil {
		return d, nil
	}
	target := addressOf(user.SelectElement("RedirectTarget"))
	switch d.ErrorCode {
	case "RedirectAddress":
		d.Action, d.RedirectAddr = "redirectAddr", target
	case "RedirectUrl":
		d.Action, d.RedirectURL = "redirectUrl", target
	}
	for _, setting := range user.FindElements("UserSettings/*") {
		value := addressOf(setting.SelectElement("Value"))
		switch childText(setting, "Name") {
		case "ExternalEwsUrl":
			d.EwsURL = value
		case "InternalEwsUrl":
			d.InternalEwsURL = value
		case "AutoDiscoverSMTPAddress":
			d.PrimarySMTP = value
		}
	}
	d.EwsURL = cmp.Or(d.EwsURL, d.InternalEwsURL)
	return d, nil
}

// addressOf is the URL or address that an element holds.
func addressOf(e *etree.Element) string {
	if e == nil {
		return ""
	}
	return usable(e.Text())
}

// usable returns s if it can be a URL or an SMTP address at all: not too
// long, printable, without white space inside. Repairing it would be guessing.
func usable(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > MaxURL || strings.ToValidUTF8(s, "") != s || strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
	}) {
		return ""
	}
	return s
}
