package soap

import (
	"strings"

	"github.com/beevik/etree"
)

// nsErrors is the namespace of the detail that Exchange adds to its Faults.
const nsErrors = "http://schemas.microsoft.com/exchange/services/2006/errors"

// readFault reads a SOAP Fault. The code is looked for in e:ResponseCode of
// the detail, then in the faultcode; the text is never asked. The second
// result says whether the Fault is one of EWS rather than of any web service.
//
// Seen in the wild: no detail, a faultcode without prefix (gromox), white
// space around the code.
func readFault(fault *etree.Element) (Answer, bool) {
	answer := Answer{Kind: KindFault, Message: childText(fault, "faultstring")}
	detail := fault.SelectElement("detail")
	if detail == nil {
		detail = fault.SelectElement("Detail") // SOAP 1.2
	}
	ews := false
	if responseCode := find(detail, "ResponseCode"); responseCode != nil {
		answer.Code = codeOf(responseCode.Text())
		ews = answer.Code != "" && responseCode.NamespaceURI() == nsErrors
	}
	if answer.Code == "" {
		answer.Code = faultCode(fault)
	}
	if answer.Message == "" {
		answer.Message = textOf(find(detail, "Message"))
	}
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
func isEWSCode(code string) bool {
	return code == CodeNoError || strings.HasPrefix(code, "Error")
}
