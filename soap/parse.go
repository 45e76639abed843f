package soap

import (
	"fmt"

	"github.com/beevik/etree"
)

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
			if other != nil && cut && isMarked(root) {
				answer, other = Answer{Kind: KindResponse}, nil // cut before it says what it is
			}
			if answer.Cut = cut; other == nil {
				return answer, nil
			}
		}
	}
	return Answer{}, err
}

// answerIn is the answer in an envelope, with the server's version.
func answerIn(root *etree.Element) (Answer, error) {
	answer, err := parseEnvelope(root)
	if err != nil {
		return Answer{}, err
	}
	answer.Version = version(root.SelectElement("Header"))
	return answer, nil
}

// parseEnvelope finds the answer in the body of an envelope. Names are matched
// without their prefix; namespaces are only asked where a stranger's answer
// could be taken for one of EWS.
func parseEnvelope(root *etree.Element) (Answer, error) {
	if root.Tag != "Envelope" {
		return Answer{}, fmt.Errorf("%w: the root element is %s", ErrNotSOAP, nameOf(root))
	}
	body := root.SelectElement("Body")
	if body == nil {
		return Answer{}, fmt.Errorf("%w: envelope without a body", ErrNotSOAP)
	}
	children := body.ChildElements()
	if len(children) == 0 {
		return Answer{}, fmt.Errorf("%w: envelope with an empty body", ErrNotSOAP)
	}
	for _, child := range children {
		if child.Tag != "Fault" {
			continue
		}
		answer, ews := readFault(child)
		// Any web service sends Faults. One in another version of SOAP
		// counts only if it carries a code of EWS.
		if ns := root.NamespaceURI(); !ews && ns != nsSOAP11 && ns != "" {
			return Answer{}, fmt.Errorf("%w: Fault without an EWS code in an envelope of %q", ErrNotSOAP, oneLine(ns, maxName))
		}
		return answer, nil
	}
	for _, child := range children {
		if answer, ok := readResponse(child); ok {
			return answer, nil
		}
	}
	return Answer{}, fmt.Errorf("%w: the envelope carries %s", ErrNotSOAP, nameOf(children[0]))
}

// nameOf names an element for an error message.
func nameOf(e *etree.Element) string {
	return "<" + oneLine(e.FullTag(), maxName) + ">"
}
