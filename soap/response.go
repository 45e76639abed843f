package soap

import (
	"strings"

	"github.com/beevik/etree"
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
	answer := Answer{
		Kind:      KindResponse,
		Operation: oneLine(strings.TrimSuffix(e.Tag, "Response"), maxName),
		Class:     classOf(message),
		Code:      codeOf(childText(message, "ResponseCode")),
		Message:   childText(message, "MessageText"),
	}
	answer.addValues(message.SelectElement("MessageXml"))
	answer.Folder, answer.Resolved = folderOf(message), resolvedIn(message)
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
