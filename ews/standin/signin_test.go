package standin

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBasic(t *testing.T) {
	everything := everyScheme
	refuses := everyScheme.but(func(b *Behaviour) { b.BasicRefuses = true })
	tests := []struct {
		name           string
		behaviour      Behaviour
		user, password string
		status         int
		outcome        string
		good, bad      int
	}{
		{"user principal name", everything, UPN, Password, 200, OutcomeAccepted, 1, 0},
		{"domain and user", everything, User, Password, 200, OutcomeAccepted, 1, 0},
		{"DNS domain and user", everything, `contoso.com\svc-crm`, Password, 200, OutcomeAccepted, 1, 0},
		{"NetBIOS suffix", everything, "svc-crm@CONTOSO", Password, 200, OutcomeAccepted, 1, 0},
		{"bare name in another case", everything, "SVC-CRM", Password, 200, OutcomeAccepted, 1, 0},
		{"foreign domain", everything, `FABRIKAM\svc-crm`, Password, 401, OutcomeUnknownUser, 0, 0},
		{"unknown user", everything, "svc-nosuch@contoso.com", Password, 401, OutcomeUnknownUser, 0, 0},
		{"wrong password", everything, UPN, WrongPassword, 401, OutcomeWrongPassword, 0, 1},
		{"empty password", everything, UPN, "", 401, OutcomeWrongPassword, 0, 1},
		{"locked", everything, LockedUser, Password, 401, OutcomeLocked, 0, 0},
		{"locked and wrong", everything, LockedUser, WrongPassword, 401, OutcomeLocked, 0, 0},
		{"refusing, right", refuses, UPN, Password, 401, OutcomeConfiguration, 0, 0},
		{"refusing, wrong", refuses, UPN, WrongPassword, 401, OutcomeWrongPassword, 0, 1},
		{"not offered", windowsOnly, UPN, Password, 401, OutcomeNotOffered, 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, test.behaviour)
			answer := post(t, newClient(t, s, 0), s.URL(), basic(test.user, test.password), findInbox("", ""))
			view := s.View()
			if answer.StatusCode != test.status || last(t, s).Outcome != test.outcome || view.GoodLogons != test.good || view.BadLogons != test.bad {
				t.Errorf("status %d, outcome %s, %d good, %d bad logons; want %d, %s, %d, %d",
					answer.StatusCode, last(t, s).Outcome, view.GoodLogons, view.BadLogons, test.status, test.outcome, test.good, test.bad)
			}
			if test.status == 401 && answer.text != "" {
				t.Errorf("a refusal with the body %q", answer.text)
			}
			if q := last(t, s); q.Account != test.user || q.Message != MessageBasic || q.Scheme != "Basic" {
				t.Errorf("recorded as %+v", q)
			}
		})
	}
}

func TestNTLM(t *testing.T) {
	refuses := windowsOnly.but(func(b *Behaviour) { b.NTLMRefuses = true })
	tests := []struct {
		name      string
		behaviour Behaviour
		logon     ntlmLogon
		status    int
		outcome   string
		good, bad int
	}{
		{"user principal name", windowsOnly, ntlmLogon{scheme: "NTLM", user: UPN, password: Password}, 200, OutcomeAccepted, 1, 0},
		{"domain and user", windowsOnly, ntlmLogon{scheme: "NTLM", user: User, password: Password}, 200, OutcomeAccepted, 1, 0},
		{"bare name", windowsOnly, ntlmLogon{scheme: "NTLM", user: "svc-crm", password: Password}, 200, OutcomeAccepted, 1, 0},
		{"raw inside Negotiate", Behaviour{Negotiate: true}, ntlmLogon{scheme: "Negotiate", user: UPN, password: Password}, 200, OutcomeAccepted, 1, 0},
		{"wrong password", windowsOnly, ntlmLogon{scheme: "NTLM", user: UPN, password: WrongPassword}, 401, OutcomeWrongPassword, 0, 1},
		{"wrong password inside Negotiate", windowsOnly, ntlmLogon{scheme: "Negotiate", user: UPN, password: WrongPassword}, 401, OutcomeWrongPassword, 0, 1},
		{"principal name and a domain", windowsOnly, ntlmLogon{scheme: "NTLM", user: `CONTOSO\` + UPN, password: Password}, 401, OutcomeUnknownUser, 0, 0},
		{"locked", windowsOnly, ntlmLogon{scheme: "NTLM", user: LockedUser, password: Password}, 401, OutcomeLocked, 0, 0},
		{"refusing, right", refuses, ntlmLogon{scheme: "NTLM", user: UPN, password: Password}, 401, OutcomeConfiguration, 0, 0},
		{"refusing, wrong", refuses, ntlmLogon{scheme: "NTLM", user: UPN, password: WrongPassword}, 401, OutcomeWrongPassword, 0, 1},
		{"joined headers", windowsOnly.but(func(b *Behaviour) { b.Headers = HeadersJoined }), ntlmLogon{scheme: "NTLM", user: UPN, password: Password}, 200, OutcomeAccepted, 1, 0},
		{"odd-case headers", windowsOnly.but(func(b *Behaviour) { b.Headers = HeadersOddCase }), ntlmLogon{scheme: "NTLM", user: UPN, password: Password}, 200, OutcomeAccepted, 1, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, test.behaviour)
			answer := test.logon.do(t, newClient(t, s, 0), s.URL(), findInbox("", ""))
			view := s.View()
			if answer.StatusCode != test.status || last(t, s).Outcome != test.outcome || view.GoodLogons != test.good || view.BadLogons != test.bad {
				t.Errorf("status %d, outcome %s, %d good, %d bad logons; want %d, %s, %d, %d",
					answer.StatusCode, last(t, s).Outcome, view.GoodLogons, view.BadLogons, test.status, test.outcome, test.good, test.bad)
			}
			if view.Connections != 1 {
				t.Errorf("%d connections", view.Connections)
			}
			if test.status == 200 && answer.Header.Get("Persistent-Auth") != "true" {
				t.Error("no Persistent-Auth")
			}
			if test.status == 401 {
				if answer.text != "" || strings.Contains(fmt.Sprint(answer.Header), "TlRMTVNTUA") {
					t.Errorf("a refusal with %v and the body %q", answer.Header, answer.text)
				}
			}
		})
	}
}

// A connection stays signed in, another does not know it, and a refusal ends it.
func TestConnectionStaysSignedIn(t *testing.T) {
	s := start(t, windowsOnly)
	client := newClient(t, s, 0)
	ntlmLogon{scheme: "NTLM", user: UPN, password: Password}.do(t, client, s.URL(), "")
	if answer := post(t, client, s.URL(), "", findInbox("", "")); answer.StatusCode != 200 {
		t.Errorf("the second request of the connection got %d", answer.StatusCode)
	}
	if q := last(t, s); q.Message != MessageSignedIn || q.Account != UPN || q.Outcome != OutcomeServed {
		t.Errorf("recorded as %+v", q)
	}
	if answer := post(t, newClient(t, s, 0), s.URL(), "", findInbox("", "")); answer.StatusCode != 401 {
		t.Errorf("another connection got %d", answer.StatusCode)
	}
	ntlmLogon{scheme: "NTLM", user: UPN, password: WrongPassword}.do(t, client, s.URL(), "")
	if answer := post(t, client, s.URL(), "", findInbox("", "")); answer.StatusCode != 401 {
		t.Errorf("after a refusal the connection got %d", answer.StatusCode)
	}
	if view := s.View(); view.GoodLogons != 1 || view.BadLogons != 1 || view.Connections != 2 {
		t.Errorf("view %+v", view)
	}
}

// A response to a challenge of another connection is no logon.
func TestResponseOnAnotherConnection(t *testing.T) {
	s := start(t, windowsOnly)
	h := &handshake{challenge: [8]byte{1, 2, 3, 4, 5, 6, 7, 8}}
	token := h.respond(newTestClient(User, Password))
	answer := post(t, newClient(t, s, 0), s.URL(), "NTLM "+base64.StdEncoding.EncodeToString(token), "")
	if view := s.View(); answer.StatusCode != 401 || last(t, s).Outcome != OutcomeUnfinished || view.BadLogons != 0 {
		t.Errorf("status %d, view %+v", answer.StatusCode, view)
	}
}

func TestExtendedProtection(t *testing.T) {
	type result struct {
		Right, WrongPassword int // status
		Binding, Outcome     string
	}
	for _, demand := range []ExtendedProtection{ExtendedProtectionNone, ExtendedProtectionAllow, ExtendedProtectionRequire} {
		for _, bridged := range []bool{false, true} {
			for _, kind := range []string{BindingNone, BindingZero, BindingServed, BindingForeign} {
				t.Run(fmt.Sprintf("%s bridged=%t %s", demand, bridged, kind), func(t *testing.T) {
					s := start(t, windowsOnly.but(func(b *Behaviour) { b.ExtendedProtection, b.Bridged = demand, bridged }))
					var binding []byte
					switch kind {
					case BindingZero:
						binding = make([]byte, 16)
					case BindingServed:
						binding = s.nodes[0].served[:]
					case BindingForeign:
						binding = []byte("0123456789abcdef")
					}
					want := result{Right: 401, WrongPassword: 401, Binding: kind, Outcome: OutcomeBinding}
					if demand == ExtendedProtectionNone || demand == ExtendedProtectionAllow && kind == BindingNone || kind == BindingServed && !bridged {
						want.Right, want.Outcome = 200, OutcomeAccepted
					}
					logon := ntlmLogon{scheme: "NTLM", user: UPN, password: Password, binding: binding}
					got := result{Right: logon.do(t, newClient(t, s, 0), s.URL(), findInbox("", "")).StatusCode}
					got.Binding, got.Outcome = last(t, s).Binding, last(t, s).Outcome
					if bad := s.View().BadLogons; bad != 0 {
						t.Errorf("the right password cost %d bad logons", bad)
					}
					logon.password = WrongPassword
					got.WrongPassword = logon.do(t, newClient(t, s, 0), s.URL(), "").StatusCode
					if bad := s.View().BadLogons; bad != 1 {
						t.Errorf("the wrong password cost %d bad logons", bad)
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Error(diff)
					}
				})
			}
		}
	}
}

// Requests that are no logon cost nothing, and name the schemes in order.
func TestNoLogon(t *testing.T) {
	s := start(t, everyScheme)
	client := newClient(t, s, 0)
	want := []string{"Negotiate", "NTLM", `Basic realm="` + Host + `"`}
	for _, authorization := range []string{
		"", "Bearer", "Bearer abc.def.ghi", "Digest username=x", "Basic", "Basic !!", "Basic bm9jb2xvbg==",
		"NTLM", "NTLM !!", "NTLM TlRMTVNTUAACAAAA", "NTLM TlRMTVNTUAADAAAA", "NTLM TlRMTVNTUAABAAAA", "Negotiate YIIabc=", "Negotiate oYIabc==",
	} {
		answer := post(t, client, s.URL(), authorization, "")
		if diff := cmp.Diff(want, answer.Header.Values("WWW-Authenticate")); answer.StatusCode != 401 || diff != "" {
			t.Errorf("%q got %d\n%s", authorization, answer.StatusCode, diff)
		}
	}
	if view := s.View(); view.BadLogons != 0 || view.GoodLogons != 0 {
		t.Errorf("view %+v", view)
	}
}

func TestBearerChallenge(t *testing.T) {
	tests := []struct {
		name           string
		behaviour      Behaviour
		authorization  string
		first          string
		uri, diagnosed bool
	}{
		{"off", everyScheme, "Bearer", "Negotiate", false, false},
		{"anonymous", everyScheme.but(func(b *Behaviour) { b.OAuth = true }), "", "Negotiate", false, false},
		{"without server", everyScheme.but(func(b *Behaviour) { b.OAuth = true }), "Bearer", "Bearer", false, true},
		{"with server", everyScheme.but(func(b *Behaviour) { b.OAuth, b.AuthorizationURI = true, true }), "Bearer", "Bearer", true, false},
		{"token", everyScheme.but(func(b *Behaviour) { b.OAuth, b.AuthorizationURI = true, true }), "Bearer x.y.z", "Bearer", true, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, test.behaviour)
			answer := post(t, newClient(t, s, 0), s.URL(), test.authorization, "")
			first := answer.Header.Values("WWW-Authenticate")[0]
			if !isScheme(first, test.first) || strings.Contains(first, "authorization_uri=") != test.uri ||
				(answer.Header.Get("x-ms-diagnostics") != "") != test.diagnosed {
				t.Errorf("got %v", answer.Header)
			}
		})
	}
}

func TestNothingSecretIsKept(t *testing.T) {
	var told []Request
	s, err := Start(everyScheme.but(func(b *Behaviour) { b.OAuth = true }), Options{OnRequest: func(q Request) { told = append(told, q) }})
	if err != nil {
		t.Fatal(err)
	}
	client := newClient(t, s, 0)
	post(t, client, s.URL(), basic(UPN, Password), findInbox("", ""))
	post(t, client, s.URL(), "Basic "+base64.StdEncoding.EncodeToString([]byte(Password)), "")
	post(t, client, s.URL(), "Bearer eyJhbGciOi.secret.token", "")
	post(t, client, s.URL(), "Odd secret.token", "")
	ntlmLogon{scheme: "NTLM", user: UPN, password: Password}.do(t, client, s.URL(), "")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	kept := fmt.Sprintf("%+v %+v", s.View(), told)
	for _, secret := range []string{Password, basic(UPN, Password)[6:], base64.StdEncoding.EncodeToString([]byte(Password)), "secret.token", "TlRMTVNTUA"} {
		if strings.Contains(kept, secret) {
			t.Errorf("%q is kept", secret)
		}
	}
	if len(told) != len(s.View().Requests) || len(told) != 6 {
		t.Errorf("told of %d requests", len(told))
	}
}

func TestMethodsAndPaths(t *testing.T) {
	s := start(t, everyScheme)
	client := newClient(t, s, 0)
	base := strings.TrimSuffix(s.URL(), servicePath)
	tests := []struct {
		method, path, authorization string
		status                      int
	}{
		{http.MethodGet, servicePath, "", 401},
		{http.MethodHead, servicePath, "", 401},
		{http.MethodPost, "/ews/exchange.asmx", "", 401},
		{http.MethodPost, "/", "", 404},
		{http.MethodPost, "/autodiscover/autodiscover.xml", basic(UPN, Password), 404},
		{http.MethodGet, servicePath, basic(UPN, Password), 200},
	}
	for _, test := range tests {
		request, err := http.NewRequest(test.method, base+test.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if test.authorization != "" {
			request.Header.Set("Authorization", test.authorization)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != test.status {
			t.Errorf("%s %s got %d, want %d", test.method, test.path, response.StatusCode, test.status)
		}
	}
}
