package soap

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// TestDiscoveryCaptures reads every recorded body. One that is not in the
// table must be refused.
func TestDiscoveryCaptures(t *testing.T) {
	want := map[string]*evidence.Discovery{
		"ad-001": {Form: evidence.DiscoveryPOX, ErrorCode: "600", Message: "Invalid Request"},
		"ad-003": {Form: evidence.DiscoveryPOX, ErrorCode: "500", Message: "The email address can't be found."},
		"ad-005": {
			Form: evidence.DiscoverySOAP, ErrorCode: "NoError", Message: "No error.", Version: "15.20.5834.15",
			EwsURL: "https://outlook.office365.com/EWS/Exchange.asmx", PrimarySMTP: "user@contoso.com",
		},
		"eo-009": {Form: evidence.DiscoveryJSON},
	}
	for _, c := range readCaptures(t) {
		got, err := ParseDiscovery([]byte(c.Body))
		expected, is := want[c.ID]
		if strings.HasPrefix(c.ID, "sp-0") && got != nil && got.ErrorCode != "" {
			// A Fault is a Fault; that it came from EWS cannot be seen.
			expected, is = &evidence.Discovery{Form: evidence.DiscoverySOAP, ErrorCode: got.ErrorCode, Message: got.Message}, true
		}
		if is != (err == nil) {
			t.Errorf("%s: error %v", c.ID, err)
		}
		if !is && !errors.Is(err, ErrNotXML) && !errors.Is(err, ErrNotDiscovery) {
			t.Errorf("%s: no Autodiscover answer, yet error %v", c.ID, err)
		}
		if diff := cmp.Diff(expected, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", c.ID, diff)
		}
		delete(want, c.ID)
	}
	for id := range want {
		t.Errorf("%s: not among the captures", id)
	}
}

// The frames in which the cases below put what they are about.
func pox(inner string) string {
	return `<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">` +
		`<Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a">` + inner + `</Response></Autodiscover>`
}

func userSettings(response, user string) string {
	return inBody(`<GetUserSettingsResponseMessage xmlns="http://schemas.microsoft.com/exchange/2010/Autodiscover"><Response>` +
		response + `<UserResponses><UserResponse>` + user + `</UserResponse></UserResponses></Response></GetUserSettingsResponseMessage>`)
}

// TestDiscovery has one answer per case.
func TestDiscovery(t *testing.T) {
	const ok = `<ErrorCode>NoError</ErrorCode>`
	setting := func(name, value string) string {
		return `<UserSetting><Name>` + name + `</Name><Value>` + value + `</Value></UserSetting>`
	}
	protocol := func(kind, url string) string {
		return `<Protocol><Type>` + kind + `</Type><EwsUrl>` + url + `</EwsUrl></Protocol>`
	}
	cases := []struct {
		name, body string
		want       *evidence.Discovery
	}{
		{
			"POX, mailbox elsewhere",
			pox(`<Account><AccountType>email</AccountType><Action>redirectAddr</Action><RedirectAddr>u@contoso.mail.onmicrosoft.com</RedirectAddr></Account>`),
			&evidence.Discovery{Form: evidence.DiscoveryPOX, Action: "redirectAddr", RedirectAddr: "u@contoso.mail.onmicrosoft.com"},
		},
		{
			"POX, other service",
			pox(`<Account><Action>redirectUrl</Action><RedirectUrl> https://x.example/a.xml </RedirectUrl></Account>`),
			&evidence.Discovery{Form: evidence.DiscoveryPOX, Action: "redirectUrl", RedirectURL: "https://x.example/a.xml"},
		},
		{
			"POX, settings",
			pox(`<User><AutoDiscoverSMTPAddress>u@contoso.com</AutoDiscoverSMTPAddress></User><Account><Action>settings</Action>` +
				protocol("EXCH", "https://in.example/EWS/Exchange.asmx") + protocol("EXPR", "https://out.example/EWS/Exchange.asmx") + `</Account>`),
			&evidence.Discovery{
				Form: evidence.DiscoveryPOX, Action: "settings", PrimarySMTP: "u@contoso.com",
				EwsURL: "https://out.example/EWS/Exchange.asmx", InternalEwsURL: "https://in.example/EWS/Exchange.asmx",
			},
		},
		{
			"POX, settings from inside only",
			pox(`<Account><Action>settings</Action>` + protocol("EXCH", "https://in.example/e") + `</Account>`),
			&evidence.Discovery{Form: evidence.DiscoveryPOX, Action: "settings", EwsURL: "https://in.example/e", InternalEwsURL: "https://in.example/e"},
		},
		{
			"POX, unusual code",
			pox(`<Error><ErrorCode>404</ErrorCode><Message>no</Message></Error>`),
			&evidence.Discovery{Form: evidence.DiscoveryPOX, ErrorCode: "404", Message: "no"},
		},
		{
			"SOAP, user unknown",
			userSettings(ok, `<ErrorCode>InvalidUser</ErrorCode><ErrorMessage>Invalid user: 'u'</ErrorMessage>`),
			&evidence.Discovery{Form: evidence.DiscoverySOAP, ErrorCode: "InvalidUser", Message: "Invalid user: 'u'"},
		},
		{
			"SOAP, request refused",
			userSettings(`<ErrorCode>InvalidRequest</ErrorCode><ErrorMessage>x</ErrorMessage>`, ok),
			&evidence.Discovery{Form: evidence.DiscoverySOAP, ErrorCode: "InvalidRequest", Message: "x"},
		},
		{
			"SOAP, a setting refused",
			userSettings(ok, ok+`<UserSettingErrors><UserSettingError><ErrorCode>InvalidSetting</ErrorCode></UserSettingError></UserSettingErrors>`),
			&evidence.Discovery{Form: evidence.DiscoverySOAP, ErrorCode: "NoError"},
		},
		{
			"SOAP, mailbox elsewhere",
			userSettings(ok, `<ErrorCode>RedirectAddress</ErrorCode><RedirectTarget>u@contoso.mail.onmicrosoft.com</RedirectTarget>`),
			&evidence.Discovery{Form: evidence.DiscoverySOAP, ErrorCode: "RedirectAddress", Action: "redirectAddr", RedirectAddr: "u@contoso.mail.onmicrosoft.com"},
		},
		{
			"SOAP, other service",
			userSettings(ok, `<ErrorCode>RedirectUrl</ErrorCode><RedirectTarget>https://x.example/a.svc</RedirectTarget>`),
			&evidence.Discovery{Form: evidence.DiscoverySOAP, ErrorCode: "RedirectUrl", Action: "redirectUrl", RedirectURL: "https://x.example/a.svc"},
		},
		{
			"SOAP, URL from inside only",
			userSettings(ok, ok+`<UserSettings>`+setting("InternalEwsUrl", "https://in.example/e")+setting("UserDN", "/o=x")+`</UserSettings>`),
			&evidence.Discovery{Form: evidence.DiscoverySOAP, ErrorCode: "NoError", EwsURL: "https://in.example/e", InternalEwsURL: "https://in.example/e"},
		},
		{
			"SOAP, Fault",
			inBody(`<s:Fault><faultcode>a:ErrorX</faultcode><faultstring>x</faultstring></s:Fault>`),
			&evidence.Discovery{Form: evidence.DiscoverySOAP, ErrorCode: "ErrorX", Message: "x"},
		},
		{
			"JSON, EWS",
			"\xEF\xBB\xBF" + `{"Protocol":"Ews","Url":"https://out.example/EWS/Exchange.asmx"}`,
			&evidence.Discovery{Form: evidence.DiscoveryJSON, EwsURL: "https://out.example/EWS/Exchange.asmx"},
		},
		{
			"JSON, error",
			`{"ErrorCode":"ProtocolNotSupported","ErrorMessage":"The given\nprotocol"}`,
			&evidence.Discovery{Form: evidence.DiscoveryJSON, ErrorCode: "ProtocolNotSupported", Message: "The given protocol"},
		},
		{
			"JSON, values of other types",
			`{"ErrorCode":404,"ErrorMessage":[1],"Url":{},"Protocol":null}`,
			&evidence.Discovery{Form: evidence.DiscoveryJSON, ErrorCode: "404"},
		},
	}
	for _, c := range cases {
		got, err := ParseDiscovery([]byte(c.body))
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got)\n%s", c.name, err, diff)
		}
	}
}

// TestDiscoveryRefused has one body per line that is no answer.
func TestDiscoveryRefused(t *testing.T) {
	cases := []struct {
		name, body string
		want       error
	}{
		{"empty", "", ErrNotXML},
		{"HTML page", "<!DOCTYPE html><html/>", ErrDoctype},
		{"another root", "<html/>", ErrNotDiscovery},
		{"no response", "<Autodiscover/>", ErrNotDiscovery},
		{"empty response", pox(""), ErrNotDiscovery},
		{"empty envelope", inBody(""), ErrNotDiscovery},
		{"no envelope body", "<Envelope/>", ErrNotDiscovery},
		{"an EWS answer", findFolderResponse(message("Success", "NoError")), ErrNotDiscovery},
		{"no codes", userSettings("", ""), ErrNotDiscovery},
		{"empty JSON", "{}", ErrNotDiscovery},
		{"broken JSON", "{", ErrNotDiscovery},
		{"two JSON values", `{"Url":"https://x"}{}`, ErrNotDiscovery},
		{"URL with spaces", `{"Url":"https://x y"}`, ErrNotDiscovery},
		{"endless URL", `{"Url":"https://` + strings.Repeat("x", MaxURL) + `"}`, ErrNotDiscovery},
		{"much JSON", `{"a":"` + strings.Repeat("x", MaxBytes) + `"}`, ErrTooLarge},
	}
	for _, c := range cases {
		got, err := ParseDiscovery([]byte(c.body))
		if !errors.Is(err, c.want) || got != nil {
			t.Errorf("%s: %+v, error %v; want %v", c.name, got, err, c.want)
		}
	}
}
