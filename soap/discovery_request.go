package soap

import "strconv"

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
	return []byte(declaration + `<Autodiscover xmlns="` + nsPOXRequest + `"><Request><EMailAddress>` + text(mailbox) +
		`</EMailAddress><AcceptableResponseSchema>` + nsPOXResponse + `</AcceptableResponseSchema></Request></Autodiscover>`)
}

// GetUserSettings asks the service at url, autodiscover.svc, for what leads to
// EWS: both URLs, the primary address and the version. Exchange2010 is the
// version that every server since Exchange 2010 SP1 accepts.
func GetUserSettings(url, mailbox string) []byte {
	return []byte(declaration + `<soap:Envelope xmlns:soap="` + nsSOAP11 + `" xmlns:a="` + nsAutodiscover +
		`" xmlns:wsa="` + nsAddressing + `">` +
		`<soap:Header><a:RequestedServerVersion>Exchange2010</a:RequestedServerVersion>` +
		`<wsa:Action>` + ActionGetUserSettings + `</wsa:Action><wsa:To>` + text(url) + `</wsa:To></soap:Header>` +
		`<soap:Body><a:GetUserSettingsRequestMessage><a:Request><a:Users><a:User><a:Mailbox>` + text(mailbox) +
		`</a:Mailbox></a:User></a:Users>` +
		`<a:RequestedSettings><a:Setting>ExternalEwsUrl</a:Setting><a:Setting>InternalEwsUrl</a:Setting>` +
		`<a:Setting>AutoDiscoverSMTPAddress</a:Setting></a:RequestedSettings>` +
		`</a:Request></a:GetUserSettingsRequestMessage></soap:Body></soap:Envelope>`)
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
