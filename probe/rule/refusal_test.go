package rule

import (
	"strings"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// TestRefusal has an answer to a logon a line, and what it says: of the account, or of
// whoever answered.
func TestRefusal(t *testing.T) {
	refusal := func(status int, notice *evidence.Notice, headers ...string) logonOption {
		return func(i *evidence.Item) {
			i.Response.Status, i.Response.Notice, i.Response.Headers = status, notice, nil
			for _, h := range headers {
				name, value, _ := strings.Cut(h, ": ")
				i.Response.Headers = append(i.Response.Headers, [2]string{name, value})
			}
		}
	}
	const basic, windows = "WWW-Authenticate: Basic realm=\"mail\"", "WWW-Authenticate: NTLM"
	cases := []struct {
		name    string
		refused logonOption
		code    string // of the verdict
		says    string // in its summary or detail
		not     string // a code that must not be there
	}{
		{"the account", refusal(401, nil, basic, "X-FEServer: EX01"), "credentials-rejected", "Only one scheme", ""},
		{"another list", refusal(401, nil, windows, "X-FEServer: EX02"), "basic-disabled", "EX02", "credentials-rejected"},
		{"no list", refusal(401, nil), "credentials-rejected", "", ""},
		{"the back end, by its name", refusal(401, nil, basic, "X-FEServer: EX01", "X-CalculatedBETarget: ex07.contoso.local"), "logon-blocked", "ex07.contoso.local", "credentials-rejected"},
		{"the back end, by its word", refusal(401, nil, basic, "X-FEServer: EX01", "X-FailureContext: BackEnd;401;VW5hdXRob3JpemVk;;;;"), "logon-blocked", "back end", "credentials-rejected"},
		{"the front end, by its word", refusal(401, nil, basic, "X-FEServer: EX01", "X-FailureContext: FrontEnd;401;VW5hdXRob3JpemVk;;;;"), "credentials-rejected", "", "logon-blocked"},
		{"an access list", refusal(401, &evidence.Notice{SubStatus: "401.3"}, basic, "X-FEServer: EX01"), "logon-blocked", "401.3", "credentials-rejected"},
		{"a failed logon", refusal(401, &evidence.Notice{SubStatus: "401.1"}, basic, "X-FEServer: EX01"), "credentials-rejected", "", "logon-blocked"},
		{"a locked account", refusal(401, &evidence.Notice{Windows: "1909"}, basic, "X-FEServer: EX01"), "credentials-rejected", "1909", ""},
		{"no controller", refusal(401, &evidence.Notice{Windows: "0xC000005E"}, basic, "X-FEServer: EX01"), "credentials-rejected", "no domain controller", ""},
		{"a broken trust", refusal(401, &evidence.Notice{Windows: "1789"}, basic, "X-FEServer: EX01"), "credentials-rejected", "trust", ""},
		{"too large a body", refusal(413, nil, "X-FEServer: EX01"), "server-error", "too large", "credentials-rejected"},
		{"too long a header", refusal(400, &evidence.Notice{Says: evidence.SaysHeaderTooLong}), "server-error", "MaxFieldLength", "credentials-rejected"},
		{"ASP.NET's error page", refusal(302, nil, "Location: /ews/genericerrorpage.htm?aspxerrorpath=/ews/exchange.asmx"), "server-error", "event log", "redirected"},
		{"nothing", refusal(200, nil, "X-FEServer: EX01"), "server-error", "EX01", "not-ews"},
	}
	for _, c := range cases {
		j := Judge(record(asked(401, exchange(offers("Basic")...)), logon("Basic", 401, c.refused, func(i *evidence.Item) {
			if i.Response.Status != 401 {
				i.Logon.Result = evidence.Unfinished
			}
		})))
		text := ""
		for _, f := range j.Findings {
			text += f.Summary + " " + f.Detail + " "
			if string(f.Code) == c.not {
				t.Errorf("%s: there is %s", c.name, c.not)
			}
		}
		if string(j.Verdict.Code) != c.code || !strings.Contains(text, c.says) {
			t.Errorf("%s: %s, want %s; %q in %s", c.name, j.Verdict.Code, c.code, c.says, text)
		}
	}
}

// TestArguments: a value of the user's stands in a command for bash, PowerShell and cmd
// alike, or not at all.
func TestArguments(t *testing.T) {
	cases := []struct{ value, want string }{
		{"ca.pem", "ca.pem"},
		{"/etc/ssl/ca.pem", "/etc/ssl/ca.pem"},
		{"10.0.0.5:443", "10.0.0.5:443"},
		{"https://mail.contoso.com/EWS/Exchange.asmx", "https://mail.contoso.com/EWS/Exchange.asmx"},
		{`C:\Users\Anna\my ca.pem`, `"C:\Users\Anna\my ca.pem"`},
		{"Straße.pem", `"Straße.pem"`},
		{"a&b.pem", `"a&b.pem"`},
		{"it's.pem", `"it's.pem"`},
		{"$(reboot).pem", "<CA-FILE>"},
		{"`reboot`", "<CA-FILE>"},
		{"%PATH%", "<CA-FILE>"},
		{`a"b`, "<CA-FILE>"},
		{"a!b", "<CA-FILE>"},
		{"a\nb", "<CA-FILE>"},
		{`C:\keys\`, "<CA-FILE>"},
	}
	for _, c := range cases {
		if got := argument("ca-file", c.value); got != c.want {
			t.Errorf("%q: %s, want %s", c.value, got, c.want)
		}
	}
}

// Logons that follow each other closely are told by one time: how long a report is must
// not depend on whether a second ended between them.
func TestTimesOfLogons(t *testing.T) {
	first := time.Date(2026, 11, 23, 21, 58, 7, 900e6, time.UTC)
	for apart, want := range map[time.Duration]int{0: 1, time.Second: 1, time.Minute: 2} {
		rec := record(ask("Basic", "NTLM"), logon("Basic", 401), logon("NTLM", 401))
		n := 0
		for i := range rec.Items {
			if item := &rec.Items[i]; item.Logon != nil {
				item.At = first.Add(time.Duration(n) * apart)
				n++
			}
		}
		text := ""
		for _, r := range Judge(rec).Findings[0].Remedies {
			if strings.Contains(r.Command, "Id=4625") {
				text = r.Text
			}
		}
		if got := strings.Count(text, " UTC"); n != 2 || got != want {
			t.Errorf("%v apart: %d times in %q", apart, got, text)
		}
	}
}
