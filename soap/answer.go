package soap

import (
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// The kinds of an Answer.
const (
	KindFault    = "fault"
	KindResponse = "response"
)

// The response classes of EWS.
const (
	ClassSuccess = "Success"
	ClassWarning = "Warning"
	ClassError   = "Error"
)

// CodeNoError is the code of a message that went well.
const CodeNoError = "NoError"

// Answer is what a server said. That there is one at all proves that the
// logon was accepted, whatever the code says.
type Answer struct {
	// Kind is KindFault (refused before the operation ran: header, version,
	// schema, impersonation, throttling) or KindResponse.
	Kind string `json:"kind"`
	// Operation is what was answered, for example "FindFolder"; empty for a
	// Fault.
	Operation string `json:"operation,omitempty"`
	// Class is ClassSuccess, ClassWarning or ClassError; empty for a Fault.
	Class string `json:"class,omitempty"`
	// Code is the response code, for example CodeNoError or
	// "ErrorNonExistentMailbox". A Fault without an EWS code has its faultcode
	// without prefix here, for example "Server". It may be empty.
	Code string `json:"code,omitempty"`
	// Message is the text for people, in the server's language: to be shown,
	// never matched. One line, at most MaxText bytes.
	Message string `json:"message,omitempty"`
	// InnerCode is the cause that a general code hides (MessageXml
	// InnerErrorResponseCode).
	InnerCode string `json:"inner_code,omitempty"`
	// BackOffMS is how long a throttled caller is told to wait, in
	// milliseconds, over 0 and at most 24 hours; 0: not told.
	BackOffMS int64 `json:"back_off_ms,omitempty"`
	// Version is the build of the answering back end, "15.2.1544.11"; empty
	// if not sent, as in most Faults.
	Version string `json:"version,omitempty"`
	// Values are the other values of MessageXml by name, for example
	// "SmtpAddress"; at most MaxValues, each at most MaxText bytes.
	Values map[string]string `json:"values,omitempty"`
	// Folder is the identifier of the first folder in the answer: opaque, and
	// the same for the same folder. Empty if there is none.
	Folder string `json:"folder,omitempty"`
	// Cut: the end of the answer is missing; what is here came before it.
	Cut bool `json:"cut,omitempty"`
	// Resolved are the entries that ResolveNames found; at most MaxResolved.
	Resolved []Resolved `json:"resolved,omitempty"`
}

// Resolved is one entry of an address book.
type Resolved struct {
	// Address is its primary address, in SMTP form; empty if it has none.
	Address string `json:"address,omitempty"`
	// Addresses are all that the entry has, in SMTP form (EmailAddresses of the
	// contact data); empty if they were not sent. At most MaxAddresses.
	Addresses []string `json:"addresses,omitempty"`
	// Type says what it is, for example "Mailbox" or "Contact".
	Type string `json:"type,omitempty"`
}

// maxBackOff is where a wait stops being believable; servers say five minutes.
const maxBackOff = 24 * time.Hour

// addValues takes over what a MessageXml element says. Exchange writes most of
// it as <t:Value Name="…">, schema violations as elements of their own.
func (a *Answer) addValues(messageXML *etree.Element) {
	if messageXML == nil {
		return
	}
	for e := range messageXML.ChildElementsSeq() {
		name := e.Tag
		if name == "Value" {
			name = e.SelectAttrValue("Name", "")
		}
		a.addValue(codeOf(name), textOf(e))
	}
}

// addValue files one value where it belongs; the first of a name counts.
func (a *Answer) addValue(name, value string) {
	switch {
	case name == "" || value == "":
	case name == "InnerErrorResponseCode":
		if a.InnerCode == "" {
			a.InnerCode = codeOf(value)
		}
	case name == "BackOffMilliseconds":
		ms, err := strconv.ParseInt(value, 10, 64)
		if err == nil && ms > 0 && ms <= maxBackOff.Milliseconds() && a.BackOffMS == 0 {
			a.BackOffMS = ms
		}
	case len(a.Values) < MaxValues:
		if a.Values == nil {
			a.Values = make(map[string]string)
		}
		if _, taken := a.Values[name]; !taken {
			a.Values[name] = value
		}
	}
}

// version reads the ServerVersionInfo in a SOAP header: attributes in EWS,
// child elements in Autodiscover and with some old front ends. The attribute
// Version is a schema tag that several products share and is not read.
func version(header *etree.Element) string {
	info := find(header, "ServerVersionInfo")
	if info == nil {
		return ""
	}
	var parts []string
	for _, name := range []string{"MajorVersion", "MinorVersion", "MajorBuildNumber", "MinorBuildNumber"} {
		number, err := strconv.ParseUint(strings.TrimSpace(info.SelectAttrValue(name, childText(info, name))), 10, 16)
		if err != nil {
			break
		}
		parts = append(parts, strconv.FormatUint(number, 10))
	}
	if len(parts) < 2 {
		return ""
	}
	return strings.Join(parts, ".")
}
