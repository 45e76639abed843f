package soap

import (
	"strconv"

	"github.com/beevik/etree"
)

// Namespaces of the requests of Autodiscover ([MS-OXDSCLI] 2.2, [MS-OXWSADISC] 2.2).
const (
	nsPOXRequest   = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
	nsPOXResponse  = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
	nsAutodiscover = "http://schemas.microsoft.com/exchange/2010/Autodiscover"
	nsAddressing   = "http://www.w3.org/2005/08/addressing"
)

// ActionGetUserSettings is the WS-Addressing action of GetUserSettings.
const ActionGetUserSettings = nsAutodiscover + "/Autodiscover/GetUserSettings"

// POXRequest asks autodiscover.xml for the settings of a mailbox. The same call
// gives the same bytes; characters that XML cannot carry become U+FFFD.
func POXRequest(mailbox string) []byte {
	doc := etree.NewDocument()
	doc.CreateProcInst("xml", `version="1.0" encoding="utf-8"`)
	root := doc.CreateElement("Autodiscover")
	root.CreateAttr("xmlns", nsPOXRequest)
	request := root.CreateElement("Request")
	request.CreateElement("EMailAddress").SetText(mailbox)
	request.CreateElement("AcceptableResponseSchema").SetText(nsPOXResponse)
	return written(doc)
}

// GetUserSettings asks the service at url, autodiscover.svc, for what leads to
// EWS: both URLs, the primary address and the version. Exchange2010 is the
// version that every server since Exchange 2010 SP1 accepts.
func GetUserSettings(url, mailbox string) []byte {
	doc := etree.NewDocument()
	doc.CreateProcInst("xml", `version="1.0" encoding="utf-8"`)
	envelope := doc.CreateElement("soap:Envelope")
	envelope.CreateAttr("xmlns:soap", nsSOAP11)
	envelope.CreateAttr("xmlns:a", nsAutodiscover)
	envelope.CreateAttr("xmlns:wsa", nsAddressing)

	header := envelope.CreateElement("soap:Header")
	header.CreateElement("a:RequestedServerVersion").SetText("Exchange2010")
	header.CreateElement("wsa:Action").SetText(ActionGetUserSettings)
	header.CreateElement("wsa:To").SetText(url)

	request := envelope.CreateElement("soap:Body").CreateElement("a:GetUserSettingsRequestMessage").CreateElement("a:Request")
	request.CreateElement("a:Users").CreateElement("a:User").CreateElement("a:Mailbox").SetText(mailbox)
	settings := request.CreateElement("a:RequestedSettings")
	for _, name := range []string{"ExternalEwsUrl", "InternalEwsUrl", "AutoDiscoverSMTPAddress"} {
		settings.CreateElement("a:Setting").SetText(name)
	}
	return written(doc)
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
