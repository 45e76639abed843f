package soap

import (
	"cmp"
	"strings"

	"github.com/beevik/etree"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/config/address"
)

// readResponse reads the response of an operation; false means that e is none
// of EWS. Of several messages the first Error is reported, else the first.
//
// Most operations put their messages under ResponseMessages; some answer with
// a single ResponseMessage, in an array of their own (GetUserAvailability), or
// make the response itself the message (GetServiceConfiguration). What they
// share is the attribute ResponseClass, so that is what is looked for.
func readResponse(e *etree.Element) (Answer, bool) {
	message := first(e, func(e *etree.Element) bool { return isMessage(e) && classOf(e) == ClassError })
	if message == nil {
		message = first(e, isMessage)
	}
	if message == nil {
		return Answer{}, false
	}
	answer := Answer{EWS: evidence.EWS{
		Kind: KindResponse, Operation: oneLine(strings.TrimSuffix(e.Tag, "Response"), maxName), Class: classOf(message),
		Code: codeOf(childText(message, "ResponseCode")), Message: childText(message, "MessageText"),
	}}
	answer.addValues(message.SelectElement("MessageXml"))
	answer.Entries = resolvedIn(message)
	if id := find(message, "FolderId"); id != nil {
		answer.FolderID = usable(id.SelectAttrValue("Id", ""))
	}
	if ns := strings.Replace(e.NamespaceURI(), "https:", "http:", 1); ns != nsMessages {
		// A stranger's response may have a ResponseCode, but hardly both.
		return answer, message.SelectAttr("ResponseClass") != nil && isEWSCode(answer.Code)
	}
	return answer, answer.Class != "" || answer.Code != ""
}

// isMessage tells the elements that carry a result.
func isMessage(e *etree.Element) bool {
	return e.SelectAttr("ResponseClass") != nil || e.SelectElement("ResponseCode") != nil
}

// classOf is the class of a message. Where the attribute is missing or says
// something unknown the code decides, since it means the same: NoError goes
// with Success only.
func classOf(message *etree.Element) string {
	switch class := message.SelectAttrValue("ResponseClass", ""); class {
	case ClassSuccess, ClassWarning, ClassError:
		return class
	}
	switch code := codeOf(childText(message, "ResponseCode")); {
	case code == CodeNoError:
		return ClassSuccess
	case isEWSCode(code):
		return ClassError
	}
	return ""
}

// passing are the codes of troubles that often pass by themselves: a directory
// server that is away, a database that fails over, a worker that restarts.
var passing = map[string]bool{
	"ErrorADOperation": true, "ErrorADUnavailable": true, "ErrorConnectionFailed": true, "ErrorInsufficientResources": true,
	"ErrorInternalServerError": true, "ErrorInternalServerTransientError": true, "ErrorMailboxFailover": true,
	"ErrorMailboxMoveInProgress": true, "ErrorMailboxMoved": true, "ErrorMailboxStoreUnavailable": true, "ErrorTimeoutExpired": true,
}

// Crowded says whether a code means too many at once: fewer may ask.
func Crowded(code string) bool {
	return code == "ErrorExceededConnectionCount" || code == "ErrorTooManyObjectsOpened"
}

// Busy says whether a code asks for patience.
func Busy(code string) bool { return code == "ErrorServerBusy" || Crowded(code) }

// Passing says whether a call that got this code is worth one more try. Codes
// that ask for patience (ErrorServerBusy) are not meant: they say how long.
func Passing(code string) bool { return passing[code] }

// NotHere says whether a code means an address that belongs to no mailbox here, or to
// one under another address: the address book knows which.
func NotHere(code string) bool {
	switch code {
	case "ErrorNonExistentMailbox", "ErrorCannotFindUser", "ErrorMailRecipientNotFound", "ErrorMissingEmailAddress",
		"ErrorInvalidSmtpAddress", "ErrorNonPrimarySmtpAddress":
		return true
	}
	return false
}

// nsErrors is the namespace of the detail that Exchange adds to its Faults.
const nsErrors = "http://schemas.microsoft.com/exchange/services/2006/errors"

// readFault reads a SOAP Fault. The code is looked for in e:ResponseCode of
// the detail, then in the faultcode; the text is never asked. The second
// result says whether the Fault is one of EWS rather than of any web service.
//
// Seen in the wild: no detail, a faultcode without prefix (gromox), white
// space around the code.
func readFault(fault *etree.Element) (Answer, bool) {
	answer := Answer{EWS: evidence.EWS{Kind: KindFault, Message: childText(fault, "faultstring")}}
	detail := cmp.Or(fault.SelectElement("detail"), fault.SelectElement("Detail")) // SOAP 1.2
	ews := false
	if responseCode := find(detail, "ResponseCode"); responseCode != nil {
		answer.Code = codeOf(responseCode.Text())
		ews = answer.Code != "" && responseCode.NamespaceURI() == nsErrors
	}
	answer.Code = cmp.Or(answer.Code, faultCode(fault))
	answer.Message = cmp.Or(answer.Message, textOf(find(detail, "Message")))
	answer.addValues(find(detail, "MessageXml"))
	return answer, ews || isEWSCode(answer.Code)
}

// faultCode is the part of the fault code after its prefix. SOAP 1.2 has it a
// level or two deeper, the inner one being the exact one.
func faultCode(fault *etree.Element) string {
	for _, path := range []string{"faultcode", "Code/Subcode/Value", "Code/Value"} {
		if e := fault.FindElement(path); e != nil {
			text := e.Text()
			return codeOf(text[strings.LastIndexByte(text, ':')+1:])
		}
	}
	return ""
}

// isEWSCode tells the codes of EWS from those of SOAP (Client, Server).
func isEWSCode(code string) bool { return code == CodeNoError || strings.HasPrefix(code, "Error") }

// resolvedIn are the entries of a ResolveNames message. Entries of an address
// book that are no SMTP recipients (RoutingType EX, MAPIPDL) keep no address.
func resolvedIn(message *etree.Element) (entries []Entry) {
	for _, resolution := range message.FindElements("ResolutionSet/Resolution") {
		mailbox := resolution.SelectElement("Mailbox")
		if mailbox == nil || len(entries) == MaxResolved {
			continue
		}
		entry := Entry{Resolved: evidence.Resolved{Type: codeOf(childText(mailbox, "MailboxType"))}}
		routing := childText(mailbox, "RoutingType")
		if a := childText(mailbox, "EmailAddress"); address.IsMailbox(a) && (routing == "" || strings.EqualFold(routing, "SMTP")) {
			entry.Address = a
		}
		// "SMTP:" stands before the primary address, "smtp:" before the others, and other types
		// before those of X.400 and the like.
		for _, e := range resolution.FindElements("Contact/EmailAddresses/Entry") {
			kind, a, typed := strings.Cut(textOf(e), ":")
			if !typed {
				kind, a = "smtp", kind
			}
			if strings.EqualFold(kind, "smtp") && address.IsMailbox(a) && len(entry.Addresses) < MaxAddresses {
				entry.Addresses = append(entry.Addresses, a)
			}
		}
		entries = append(entries, entry)
	}
	return entries
}
