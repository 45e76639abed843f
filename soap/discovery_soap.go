package soap

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"

	"github.com/beevik/etree"
)

// parseUserSettings reads the answer to GetUserSettings, or the Fault in its
// place.
func parseUserSettings(root *etree.Element) (Discovery, error) {
	body := root.SelectElement("Body")
	d := Discovery{Kind: DiscoverySOAP, Version: version(root.SelectElement("Header"))}
	if body == nil {
		return Discovery{}, fmt.Errorf("%w: envelope without a body", ErrNotDiscovery)
	}
	if fault := body.SelectElement("Fault"); fault != nil {
		answer, _ := readFault(fault)
		d.ErrorCode, d.Message = answer.Code, answer.Message
		return d, nil
	}
	message := body.SelectElement("GetUserSettingsResponseMessage")
	if message == nil {
		return Discovery{}, fmt.Errorf("%w: envelope without GetUserSettingsResponseMessage", ErrNotDiscovery)
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
		return Discovery{}, fmt.Errorf("%w: GetUserSettings response without ErrorCode", ErrNotDiscovery)
	}
	if user != nil {
		d.addUser(user)
	}
	return d, nil
}

// addUser takes over the settings and the redirection of one user.
func (d *Discovery) addUser(user *etree.Element) {
	target := addressOf(user.SelectElement("RedirectTarget"))
	switch d.ErrorCode {
	case "RedirectAddress":
		d.Action, d.RedirectAddr = "redirectAddr", target
	case "RedirectUrl":
		d.Action, d.RedirectURL = "redirectUrl", target
	}
	settings := user.SelectElement("UserSettings")
	if settings == nil {
		return
	}
	for setting := range settings.ChildElementsSeq() {
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
}

// addressOf is the URL or address that an element holds.
func addressOf(e *etree.Element) string {
	if e == nil {
		return ""
	}
	return address(e.Text())
}

// address returns s if it can be a URL or an SMTP address at all: not too
// long, printable, without white space inside. Repairing it would be guessing.
func address(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > MaxURL || strings.ToValidUTF8(s, "") != s || strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
	}) {
		return ""
	}
	return s
}
