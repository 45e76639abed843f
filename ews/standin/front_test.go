package standin

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
)

func TestFronts(t *testing.T) {
	tests := []struct {
		front    Front
		status   int
		header   string // that must be there
		contains string // in that header, or in the body if there is no header
	}{
		{"redirect-form", 302, "Location", "/owa/auth/logon.aspx"},
		{"redirect-adfs", 302, "Location", "/adfs/ls/?"},
		{"redirect-entra", 302, "Location", "https://login.microsoftonline.com/"},
		{"redirect-other", 301, "Location", "/EWS/Exchange.asmx"},
		{"signin-page", 200, "", `type="password"`},
		{"timeout-440", 440, "", ""},
		{"forbidden", 403, "", "rejected"},
		{"forbidden-agent", 401, "Www-Authenticate", "Negotiate"},
		{"not-found", 404, "", "404"},
		{"method-refused", 405, "Allow", "GET"},
		{"welcome-page", 200, "", "It works"},
		{"proxy-407", 407, "Proxy-Authenticate", "Negotiate"},
		{"failure-500", 500, "", "Server Error in '/EWS' Application"},
		{"unavailable-503", 503, "", "503"},
		{"retry-after-503", 503, "Retry-After", "600"},
		{"too-many-429", 429, "Retry-After", "600"},
		{"no-challenge", 401, "", ""},
		{FrontGateway, 401, "Www-Authenticate", "Negotiate"},
		{FrontExchangeOnline, 401, "Www-Authenticate", `@*"`},
		{"exchange-online-retired", 403, "X-Ews-Policy-Reason", "disabled"},
	}
	for _, test := range tests {
		t.Run(string(test.front), func(t *testing.T) {
			s := start(t, fronted(test.front))
			answer := post(t, newClient(t, s, 0), s.URL(), "", findInbox("", ""))
			text := answer.text
			if test.header != "" {
				text = answer.Header.Get(test.header)
			}
			if answer.StatusCode != test.status || !strings.Contains(text, test.contains) {
				t.Errorf("got %d %v %q", answer.StatusCode, answer.Header, answer.text)
			}
			if answer.StatusCode == 401 && test.header == "" && len(answer.Header.Values("WWW-Authenticate")) > 0 {
				t.Errorf("a challenge: %v", answer.Header)
			}
		})
	}
}

// Only the user agents of Dynamics pass the filter, and those can sign in.
func TestForbiddenAgent(t *testing.T) {
	s := start(t, fronted("forbidden-agent"))
	client := newClient(t, s, 0)
	for agent, status := range map[string]int{"ewsprobe/1": 403, "": 403, "CRM/9.1": 401, dynamicsAgent: 401} {
		request, _ := http.NewRequest(http.MethodPost, s.URL(), nil)
		request.Header.Set("User-Agent", agent)
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != status {
			t.Errorf("%q got %d", agent, response.StatusCode)
		}
	}
	if answer := post(t, client, s.URL(), basic(UPN, Password), findInbox("", "")); answer.StatusCode != 200 {
		t.Errorf("the logon got %d", answer.StatusCode)
	}
}

// What is sent to one who answers in Exchange's place is seen, and not counted.
func TestFrontSeesCredentials(t *testing.T) {
	s := start(t, fronted(FrontExchangeOnline))
	post(t, newClient(t, s, 0), s.URL(), basic(UPN, WrongPassword), "")
	if q, view := last(t, s), s.View(); q.Message != MessageBasic || q.Outcome != OutcomeFront || view.BadLogons != 0 {
		t.Errorf("recorded as %+v", q)
	}
}

// Header names and scheme names are written as Exchange, or an odd device, writes them.
func TestHeadersOnTheWire(t *testing.T) {
	for style, want := range map[HeaderStyle][]string{
		HeadersSeparate: {"\r\nWWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\nWWW-Authenticate: Basic realm=\"" + Host + "\"\r\n", "\r\nrequest-id: ", "\r\nX-FEServer: EX01\r\n", "\r\nX-OWA-Version: 15.2.1544.11\r\n", "\r\nContent-Length: 0\r\n"},
		HeadersJoined:   {"\r\nWWW-Authenticate: Negotiate,NTLM,Basic realm=\"" + Host + "\"\r\n"},
		HeadersOddCase:  {"\r\nwWw-aUTHENTICATE: nEGOTIATE\r\nwWw-aUTHENTICATE: ntlm\r\nwWw-aUTHENTICATE: bASIC realm=\"" + Host + "\"\r\n"},
	} {
		s := start(t, everyScheme.but(func(b *Behaviour) { b.Headers = style }))
		text := rawPost(t, s, "")
		for _, part := range want {
			if !strings.Contains(text, part) {
				t.Errorf("%q: no %q in %q", style, part, text)
			}
		}
		if strings.Contains(text, "Content-Type") {
			t.Errorf("%q: a type of nothing in %q", style, text)
		}
	}
}

// The echo shows a sender its own value in every shape and place, and keeps none.
func TestEcho(t *testing.T) {
	s := start(t, everyScheme.but(func(b *Behaviour) { b.Echo = true }))
	client := newClient(t, s, 0)
	for _, password := range []string{Password, WrongPassword} {
		value := basic(UPN, password)
		answer := post(t, client, s.URL(), value, findInbox("", ""))
		want := 500
		if password == WrongPassword {
			want = 401
		}
		if answer.StatusCode != want {
			t.Errorf("got %d, want %d", answer.StatusCode, want)
		}
		for _, secret := range []string{value, UPN + ":" + password, hex.EncodeToString([]byte(UPN + ":" + password))} {
			if !strings.Contains(answer.text, secret) {
				t.Errorf("%q is not in the body %q", secret, answer.text)
			}
			if !strings.Contains(strings.Join(answer.Header.Values("X-Echo"), "\n"), secret) {
				t.Errorf("%q is not in the headers", secret)
			}
			if realm := strings.Join(answer.Header.Values("WWW-Authenticate"), "\n"); want == 401 && !strings.Contains(realm, secret) {
				t.Errorf("%q is not in the realm", secret)
			}
		}
	}
	answer := ntlmLogon{scheme: "NTLM", user: UPN, password: WrongPassword}.do(t, client, s.URL(), "")
	if sent := answer.Request.Header.Get("Authorization"); !strings.Contains(answer.text, sent) || answer.StatusCode != 401 {
		t.Errorf("got %d %q", answer.StatusCode, answer.text)
	}
	if answer := post(t, client, s.URL(), "", ""); answer.text != "" || answer.Header.Get("X-Echo") != "" {
		t.Errorf("an anonymous request is echoed: %v", answer.Header)
	}
	odd := "Basic " + base64.StdEncoding.EncodeToString([]byte("a\r\nSet-Cookie: b:\x00\"\\<>"))
	if answer := post(t, client, s.URL(), odd, ""); answer.StatusCode != 401 || len(answer.Header.Values("Set-Cookie")) != 1 {
		t.Errorf("the echo can be used to add headers: %v", answer.Header)
	}
}
