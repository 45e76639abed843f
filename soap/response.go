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
	message := firstError(e)
	if message == nil {
		message = firstMessage(e)
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

// firstError returns the first message, e itself or below it, that says Error.
func firstError(e *etree.Element) *etree.Element {
	if isMessage(e) && classOf(e) == ClassError {
		return e
	}
	for child := range e.ChildElementsSeq() {
		if found := firstError(child); found != nil {
			return found
		}
	}
	return nil
}

// firstMessage returns the first message, e itself or below it.
func firstMessage(e *etree.Element) *etree.Element {
	if isMessage(e) {
		return e
	}
	for child := range e.ChildElementsSeq() {
		if found := firstMessage(child); found != nil {
			return found
		}
	}
	return nil
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
