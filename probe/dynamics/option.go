package dynamics

import (
	"strconv"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// choice is one value of an option column: its label, and how else it is
// called in forms and pages.
type choice struct {
	number int
	label  string
	also   []string
}

var (
	serverTypes = []choice{
		{evidence.ServerExchange, "Exchange Server", []string{"Exchange Server (On Prem)", "Exchange Server (On-Premises)"}},
		{evidence.ServerPOP3, "Other (POP3/SMTP)", []string{"POP3/SMTP", "Other"}},
		{evidence.ServerHybrid, "Exchange Server (Hybrid)", nil},
		{evidence.ServerOnline, "Exchange Online (Hybrid)", []string{"Exchange Online", "Microsoft Exchange Online"}},
		{evidence.ServerIMAP, "IMAP/SMTP", []string{"Other (IMAP/SMTP)"}},
	}
	protocols = []choice{
		{evidence.ProtocolAuto, "Auto Detect", nil},
		{evidence.ProtocolNegotiate, "Negotiate", nil},
		{evidence.ProtocolNTLM, "NTLM", nil},
		{evidence.ProtocolBasic, "Basic", []string{"Basic Authentication"}},
		{evidence.ProtocolOAuth, "OAuth", nil},
	}
	retrievals = []choice{
		{evidence.CredentialsUser, "Credentials Specified by a User or Queue", []string{"by User or Queue", "User or Queue"}},
		{evidence.CredentialsProfile, "Credentials Specified in Email Server Profile", []string{"in Email Server Profile", "Email Server Profile"}},
		{evidence.CredentialsServerToServer, "Server to Server Authentication", []string{"Server to Server", "Server-to-Server Authentication"}},
		{evidence.CredentialsWindows, "Windows Integrated Authentication", []string{"Windows Integrated"}},
		{evidence.CredentialsAnonymous, "Without Credentials (Anonymous)", []string{"Anonymous"}},
		{evidence.CredentialsGmail, "Gmail OAuth", nil},
		{evidence.CredentialsHybridModern, "Exchange Hybrid Modern Auth (HMA)", []string{"HMA", "Hybrid Modern Auth"}},
		{evidence.CredentialsEntra, "Azure Active Directory OAuth", []string{"Azure AD OAuth", "Azure AD OAuth (cross-tenant)"}},
	}
	testResults = []choice{{0, "Failure", nil}, {1, "Success", nil}, {2, "Warning", nil}}
)

// option reads a value of an option column: a number, or an English label. A
// number that is not in the list is one that Dynamics added later: it keeps the
// label that the file gives it.
func option(value, label string, choices []choice) (*evidence.Option, bool) {
	if n, err := strconv.Atoi(value); err == nil && n >= 0 && n < 1<<31-1 {
		for _, c := range choices {
			if c.number == n {
				return &evidence.Option{Number: n, Label: c.label}, true
			}
		}
		if label == "" {
			label = "option " + value
		}
		return &evidence.Option{Number: n, Label: bounded(label, maxName)}, true
	}
	for _, c := range choices {
		for _, l := range append([]string{c.label}, c.also...) {
			if fold(value) == fold(l) {
				return &evidence.Option{Number: c.number, Label: c.label}, true
			}
		}
	}
	return nil, false
}

func labels(choices []choice) string {
	list := make([]string, len(choices))
	for i, c := range choices {
		list[i] = strconv.Itoa(c.number) + " " + c.label
	}
	return strings.Join(list, ", ")
}

// yesNo are the spellings of a two-valued column: of Dynamics, of Excel and of
// PowerShell, in the languages in which they are certain.
var yesNo = map[string]bool{
	"1": true, "yes": true, "true": true, "ja": true, "wahr": true, "oui": true, "vrai": true,
	"0": false, "no": false, "false": false, "nein": false, "falsch": false, "non": false, "faux": false,
}

// option reads the value of an option column; nil without one.
func (l layout) option(row Row, logical string, choices []choice) (*evidence.Option, error) {
	value := l.cell(row, logical)
	if value == "" {
		return nil, nil
	}
	if o, ok := option(value, l.label(row, logical), choices); ok {
		return o, nil
	}
	return nil, l.wrong(row, logical, BadOption, "the value is neither the number nor the English label of an option (%s); correct it, or export through the Web API, which has numbers in every language", labels(choices))
}

func (l layout) truth(row Row, logical string) (*bool, error) {
	value := l.cell(row, logical)
	if value == "" {
		return nil, nil
	}
	if yes, ok := yesNo[fold(value)]; ok {
		return &yes, nil
	}
	return nil, l.wrong(row, logical, BadOption, "the value is neither Yes nor No, true nor false, 1 nor 0; correct it")
}
