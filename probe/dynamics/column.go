package dynamics

import (
	"strings"
	"sync"
)

// A column is found by its logical name, which is also the schema name without
// its capitals, or by an English display name. Sources: Dataverse's reference
// of the tables emailserverprofile and mailbox; the second names are those of
// older views and forms.
func profileColumns() map[string][]string {
	return map[string][]string{
		"name":                                  {"Name"},
		"emailserverprofileid":                  nil,
		"oauthclientid":                         {"OAuth Client Id"},
		"aadresourceid":                         {"Microsoft Entra resource ID"},
		"servertype":                            {"Email Server Type", "Server Type"},
		"useautodiscover":                       {"Auto Discover Server Location", "Auto Discover"},
		"usesamesettingsforoutgoingconnections": {"Use Same Settings for Outgoing Connection", "Use Same Settings for Outgoing Connections", "Use same settings for Outgoing"},
		"incomingserverlocation":                {"Incoming Email Server Location", "Incoming Server Location"},
		"outgoingserverlocation":                {"Outgoing Email Server Location", "Outgoing Server Location"},
		"incomingportnumber":                    {"Incoming Email Port", "Incoming Port", "Incoming Port Number"},
		"outgoingportnumber":                    {"Outgoing Email Port", "Outgoing Port", "Outgoing Port Number"},
		"incomingauthenticationprotocol":        {"Incoming Authentication Protocol"},
		"outgoingauthenticationprotocol":        {"Outgoing Authentication Protocol"},
		"incomingcredentialretrieval":           {"Incoming Email Credential Retrieval", "Incoming Credential Retrieval"},
		"outgoingcredentialretrieval":           {"Outgoing Email Credential Retrieval", "Outgoing Credential Retrieval"},
		"incominguseimpersonation":              {"Use Impersonation for Incoming Email", "Incoming Use Impersonation"},
		"outgoinguseimpersonation":              {"Use Impersonation for Outgoing Email", "Outgoing Use Impersonation"},
		"incomingusername":                      {"Incoming Email User Name", "Incoming User Name"},
		"outgoingusername":                      {"Outgoing Email User Name", "Outgoing User Name"},
		"exchangeonlinetenantid":                {"Exchange Online Tenant Id"},
		"lastteststarttime":                     {"Last Test Time", "Last Test Start Time"},
		"lasttestexecutionstatus":               {"Last Test Execution Status"},
		"lasttestvalidationstatus":              {"Last Test Validation Status"},
		"lastauthorizationstatus":               {"Last Test Authorization Status", "Last Authorization Status"},
		"lasttestrequest":                       {"Last Test Request"},
		"lasttestresponse":                      {"Last Test Response"},
		"lastcrmmessage":                        {"Last Dynamics 365 Message", "Last CRM Message"},
		"lastsyncerror":                         {"Last Sync Error"},
		"lastsyncerrorcode":                     {"Last Sync Error Code"},
	}
}

func mailboxColumns() map[string][]string {
	return map[string][]string{
		"name":                        {"Name"},
		"emailaddress":                addressHeadings,
		"emailserverprofile":          {"Server Profile", "Email Server Profile", "_emailserverprofile_value", "emailserverprofilename"},
		"username":                    {"User Name"},
		"ewsurl":                      {"Exchange Web Services URL"},
		"mailboxstatus":               {"Mailbox Status"},
		"incomingemailstatus":         {"Incoming Email Status"},
		"outgoingemailstatus":         {"Outgoing Email Status"},
		"actstatus":                   {"Appointments, Contacts, and Tasks Status"},
		"incomingemaildeliverymethod": {"Incoming Email"},
		"outgoingemaildeliverymethod": {"Outgoing Email"},
		"actdeliverymethod":           {"Appointments, Contacts, and Tasks"},
		"emailrouteraccessapproval":   {"Email Address Status"},
		"statecode":                   {"Status"},
		"lastsyncerror":               {"Last Sync Error"},
		"lastsyncerrorcode":           {"Last Sync Error Code"},
	}
}

// addressHeadings are what Dynamics calls the column "Email Address" in its
// languages: the one column that a table of mailboxes must have.
var addressHeadings = []string{
	"Email Address", "E-Mail Address", "E-Mail-Adresse", "Adresse e-mail", "Adresse de messagerie", "Adresse électronique", "Dirección de correo electrónico",
	"Indirizzo e-mail", "Indirizzo di posta elettronica", "E-mailadres", "Endereço de email", "Endereço de e-mail", "Adres e-mail", "E-postadress", "E-postadresse",
	"E-mailadresse", "Mailadresse", "Sähköpostiosoite", "E-mailová adresa", "E-mail cím", "Adresă de e-mail", "E-posta adresi", "Адрес электронной почты",
	"Διεύθυνση ηλεκτρονικού ταχυδρομείου", "電子メール アドレス", "メール アドレス", "电子邮件地址", "電子郵件地址", "전자 메일 주소", "כתובת דואר אלקטרוני", "عنوان البريد الإلكتروني",
}

// index maps folded names to logical ones.
func index(columns map[string][]string) map[string]string {
	m := map[string]string{}
	for logical, names := range columns {
		m[logical] = logical
		for _, n := range names {
			m[fold(n)] = logical
		}
	}
	return m
}

var (
	profileIndex = sync.OnceValue(func() map[string]string { return index(profileColumns()) })
	mailboxIndex = sync.OnceValue(func() map[string]string { return index(mailboxColumns()) })
)

// knownColumn says whether a header is one of Dynamics' own.
func knownColumn(header string) bool {
	name := fold(header)
	_, ofProfile := profileIndex()[name]
	_, ofMailbox := mailboxIndex()[name]
	return ofProfile || ofMailbox || hidden(header)
}

// layout is where the known columns of a table are.
type layout struct {
	header []string
	at     map[string]int
}

// arrange finds the known columns. One that is there twice is an error: which
// of the two counts cannot be known. The Web API brings a lookup's identifier
// and, from views, its name: the first is meant.
func arrange(header []string, names map[string]string) (layout, error) {
	l := layout{header: header, at: map[string]int{}}
	for i, h := range header {
		logical, ok := names[fold(h)]
		if !ok { // of an object in the row
			logical, ok = names[fold(h[strings.LastIndex(h, ".")+1:])]
		}
		if !ok || hidden(h) {
			continue
		}
		if first, twice := l.at[logical]; twice {
			if logical == "emailserverprofile" {
				continue
			}
			e := fault(1, NoColumns, "the column is there twice, also as %s; leave one of them out", quote(header[first]))
			e.Column = h
			return l, e
		}
		l.at[logical] = i
	}
	return l, nil
}

// cell is the value of a known column without spaces around it, "" where the
// file does not have the column.
func (l layout) cell(row Row, logical string) string {
	i, ok := l.at[logical]
	if !ok || i >= len(row.Cells) {
		return ""
	}
	return strings.TrimSpace(row.Cells[i])
}

func (l layout) label(row Row, logical string) string {
	if i, ok := l.at[logical]; ok {
		return strings.TrimSpace(row.label(i))
	}
	return ""
}

// wrong is an error in a known column.
func (l layout) wrong(row Row, logical string, problem Problem, format string, args ...any) *Error {
	e := fault(row.Line, problem, format, args...)
	e.Column = logical
	if i, ok := l.at[logical]; ok {
		e.Column = l.header[i]
	}
	return e
}
