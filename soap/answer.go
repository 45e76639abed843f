// Package soap writes the EWS requests that ewsprobe sends and reads what
// comes back, whoever wrote it.
//
// [FindFolder] builds the call that Dynamics 365 itself makes in "Test
// Connection": a shallow FindFolder on the inbox, optionally on behalf of a
// mailbox. [GetFolder] and [ResolveNames] ask what that answer leaves open:
// whose inbox it was, and which address of a mailbox is the primary one. There
// are no others, and all three only read. [Parse] reads the answer, a SOAP Fault or a response, into a few
// facts: the response code, its class, the server's build, how long to back
// off. [ParseDiscovery] does the same for Autodiscover in its three forms.
//
// Three habits follow from how servers behave. Codes are matched, never text,
// because the text is localised. The HTTP status is not asked for, because
// Faults arrive with 200 as well as with 500. And a body is not trusted: it is
// measured in a streaming pass (bytes, depth, tokens, no DOCTYPE, no
// processing instructions) before a tree is built of it, so that a hostile
// body costs a few MiB and an error, not the process.
//
// The package does not use the network.
package soap

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// The kinds of an answer (evidence.EWS.Kind): refused before the operation ran
// (header, version, schema, impersonation, throttling), or not.
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
	// EWS may go into a record as it is. A Fault has neither Operation nor Class;
	// one without a code of EWS has its faultcode without prefix as Code, for example
	// "Server". Message is in the server's language: to be shown, never matched; one
	// line, at most MaxText bytes. Folder and Resolved are left empty.
	evidence.EWS
	// Values are the values of MessageXml by name, for example "SmtpAddress", but
	// InnerCode and BackOffMS; at most MaxValues, each at most MaxText bytes.
	Values map[string]string
	// FolderID is the identifier of the first folder in the answer: opaque, and
	// the same for the same folder. Empty if there is none.
	FolderID string
	// Entries are those of the address book that ResolveNames found; at most MaxResolved.
	Entries []Entry
}

// Entry is one entry of an address book.
type Entry struct {
	evidence.Resolved // Address is empty if it has none in SMTP form
	// Addresses are all that the entry has, in SMTP form (EmailAddresses of the
	// contact data); empty if they were not sent. At most MaxAddresses.
	Addresses []string
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

// Parse reads the body of an answer to an EWS request. The HTTP status plays
// no part: Exchange sends Faults with 500, others with 200.
//
// An answer that is well-formed in nothing but its envelope is read as far as it
// goes (readRepaired); Cut says that its end is missing.
//
// The error wraps ErrNotXML, ErrDoctype, ErrTooLarge, ErrTooDeep or ErrNotSOAP
// and says in one line what was found; the Answer is then empty.
func Parse(body []byte) (Answer, error) {
	root, err := readTree(body)
	if err == nil {
		return answerIn(root)
	}
	if repairable(err) {
		if root, cut, fail := readRepaired(body); fail == nil {
			answer, other := answerIn(root)
			marked := func(e *etree.Element) bool {
				return slices.Contains([]string{nsMessages, nsTypes, nsErrors}, strings.Replace(e.NamespaceURI(), "https:", "http:", 1))
			}
			if other != nil && cut && first(root, marked) != nil { // it can only be one of EWS
				answer, other = Answer{EWS: evidence.EWS{Kind: KindResponse}}, nil // cut before it says what it is
			}
			if answer.Cut = cut; other == nil {
				return answer, nil
			}
		}
	}
	return Answer{}, err
}

// answerIn finds the answer in the body of an envelope. Names are matched
// without their prefix; namespaces are only asked where a stranger's answer
// could be taken for one of EWS.
func answerIn(root *etree.Element) (Answer, error) {
	if root.Tag != "Envelope" {
		return Answer{}, fmt.Errorf("%w: the root element is %s", ErrNotSOAP, nameOf(root))
	}
	body := root.SelectElement("Body")
	if body == nil {
		return Answer{}, fmt.Errorf("%w: envelope without a body", ErrNotSOAP)
	}
	build := version(root.SelectElement("Header"))
	children := body.ChildElements()
	if len(children) == 0 {
		return Answer{}, fmt.Errorf("%w: envelope with an empty body", ErrNotSOAP)
	}
	for _, child := range children {
		if child.Tag != "Fault" {
			continue
		}
		answer, ews := readFault(child)
		answer.Version = build
		// Any web service sends Faults. One in another version of SOAP
		// counts only if it carries a code of EWS.
		if ns := root.NamespaceURI(); !ews && ns != nsSOAP11 && ns != "" {
			return Answer{}, fmt.Errorf("%w: Fault without an EWS code in an envelope of %q", ErrNotSOAP, oneLine(ns, maxName))
		}
		return answer, nil
	}
	for _, child := range children {
		if answer, ok := readResponse(child); ok {
			answer.Version = build
			return answer, nil
		}
	}
	return Answer{}, fmt.Errorf("%w: the envelope carries %s", ErrNotSOAP, nameOf(children[0]))
}

// nameOf names an element for an error message.
func nameOf(e *etree.Element) string { return "<" + oneLine(e.FullTag(), maxName) + ">" }
