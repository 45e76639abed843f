package signin

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/ntlm"
	"github.com/ewsprobe/ewsprobe/ews/secret"
	"github.com/ewsprobe/ewsprobe/ews/spnego"
	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// own is a security context that makes NTLM as package ntlm does, as it is or
// inside SPNEGO.
type own struct {
	user, password string
	wrap           bool
	binding        []byte
	asked          int
	closed         *int
}

func (o *own) Next(server []byte) ([]byte, bool, error) {
	o.asked++
	if o.asked == 1 {
		message, err := ntlm.NegotiateMessage()
		if err == nil && o.wrap {
			message, err = spnego.WrapInit(spnego.NTLM, message)
		}
		return message, false, err
	}
	if o.wrap {
		t, err := spnego.Read(server)
		if err != nil {
			return nil, false, err
		}
		server = t.ResponseToken
	}
	message, err := ntlm.AuthenticateMessage(server, o.user, o.password, o.binding)
	if err == nil && o.wrap {
		message, err = spnego.WrapResponse(message)
	}
	return message, true, err
}

func (o *own) Close() { *o.closed++ }

// TestCurrentUser: the messages by NTLM as it is, against the stand-in.
func TestCurrentUser(t *testing.T) {
	const none, allow, require = standin.ExtendedProtectionNone, standin.ExtendedProtectionAllow, standin.ExtendedProtectionRequire
	with := func(demand standin.ExtendedProtection, how standin.Handshake) standin.Behaviour {
		behaviour := everyScheme
		behaviour.ExtendedProtection, behaviour.Handshake = demand, how
		return behaviour
	}
	for _, c := range []struct {
		name, scheme string
		behaviour    standin.Behaviour
		password     string
		binding      string // asked for
		given        bool   // the context uses it
		want         evidence.Result
		sent         string // binding in the record
		why          string
		messages     int
	}{
		{"NTLM", "NTLM", with(none, ""), standin.Password, evidence.BindingRight, true, evidence.Accepted, evidence.BindingRight, "", 2},
		{"inside Negotiate", "Negotiate", with(require, ""), standin.Password, evidence.BindingRight, true, evidence.Accepted, evidence.BindingRight, "", 2},
		{"no binding asked for", "NTLM", with(allow, ""), standin.Password, evidence.BindingNone, true, evidence.Accepted, evidence.BindingNone, "", 2},
		{"no binding where one is demanded", "NTLM", with(require, ""), standin.Password, evidence.BindingNone, true, evidence.Refused, evidence.BindingNone, "", 2},
		{"a package that leaves the binding out", "NTLM", with(none, ""), standin.Password, evidence.BindingRight, false, evidence.Accepted, evidence.BindingNone, "", 2},
		{"refused", "Negotiate", with(none, ""), standin.WrongPassword, evidence.BindingRight, true, evidence.Refused, evidence.BindingRight, "", 2},
		{"another node answers", "NTLM", with(none, standin.HandshakeOtherNode), standin.Password, evidence.BindingRight, true, evidence.Unfinished, evidence.BindingRight, "", 2},
		{"connection ended", "NTLM", with(none, standin.HandshakeDropped), standin.Password, evidence.BindingRight, true, evidence.Unfinished, "", "the server closed the connection after its challenge", 1},
		{"no challenge", "NTLM", with(none, standin.HandshakeNoChallenge), standin.Password, evidence.BindingRight, true, evidence.Unfinished, "", "type 1 was answered without a challenge", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, c.behaviour).as(`CONTOSO\svc-crm`, c.password)
			closed := 0
			open := func(scheme, spn string, endPoint []byte) (SecurityContext, error) {
				if scheme != c.scheme || spn != "HTTP/mail.contoso.com" || (endPoint != nil) != (c.binding == evidence.BindingRight) {
					t.Errorf("opened %s for %s, %q", scheme, spn, endPoint)
				}
				o := &own{user: b.Credential.User, password: b.Credential.Password, closed: &closed}
				if endPoint != nil && c.given {
					o.binding = ntlm.ChannelBinding(endPoint)
				}
				return o, nil
			}
			item := b.by(bounded(t), ByCurrentUser(c.scheme, "HTTP/mail.contoso.com", open), evidence.Logon{Binding: c.binding})
			l := item.Logon
			if l.Result != c.want || l.Scheme != c.scheme || l.Account != `CONTOSO\svc-crm` || l.Binding != c.sent || l.Why != c.why || l.NewChallenge != (c.name == "another node answers") {
				t.Errorf("logon %+v", l)
			}
			if want := map[string]string{"NTLM": "", "Negotiate": evidence.MechanismNTLM}[c.scheme]; l.Mechanism != want {
				t.Errorf("mechanism %q, want %q", l.Mechanism, want)
			}
			if closed != 1 || len(b.settled) != c.messages-1 || b.begun != c.messages-1 || l.Counted != (c.want == evidence.Refused) {
				t.Errorf("closed %d times, settled %v, counted %v", closed, b.settled, l.Counted)
			}
			view := b.server.View()
			if len(view.Requests) != c.messages || view.Connections != 1 {
				t.Errorf("%d requests over %d connections", len(view.Requests), view.Connections)
			}
			items := b.Recorder.Items()
			first := items[0]
			if first.Step != evidence.StepNTLMNegotiate || first.Request.Authorization != c.scheme+", NTLM type 1" || first.Request.BodyBytes != 0 || first.Logon != nil || first.TLS == nil || first.NTLM == nil {
				t.Errorf("type 1: %+v", first)
			}
			if len(items) != 2 {
				t.Fatalf("%d items", len(items))
			}
			if c.messages == 2 {
				if n := first.NTLM; n.NetBIOSComputer != "EX01" || n.ClockSkewMS == nil || n.Problem != "" {
					t.Errorf("type 2: %+v", n)
				}
				if item.Step != evidence.StepLogon || item.Request.Authorization != c.scheme+", NTLM type 3, value not kept" || item.Request.Operation != "FindFolder" || item.Connection != first.Connection || item.TLS != nil || item.Response.Body != "" {
					t.Errorf("type 3: %+v, %+v", item, item.Request)
				}
			} else if item.Step != evidence.StepSkipped {
				t.Errorf("%+v", item)
			}
			b.noSecret(t)
		})
	}
}

// Tokens of the scripted sign-ins below. The Kerberos token is not read by
// anybody here beyond its first bytes.
var (
	apReq  = append([]byte("\x60\x82\x01\x80\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01\x00"), slices.Repeat([]byte("ticket&authenticator"), 20)...)
	reject = []byte("\xa1\x07\x30\x05\xa0\x03\x0a\x01\x02")
	more   = []byte("\xa1\x07\x30\x05\xa0\x03\x0a\x01\x01")
)

// play is what a security context and a server say, turn by turn.
type play struct {
	says    [][]byte // the context's tokens; nil: an error
	done    bool     // after its last token
	answers []string // of the server: "200", "401", "401 TOKEN"; then 401
}

// fault is an answer of EWS.
const fault = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode xmlns:a="http://schemas.microsoft.com/exchange/services/2006/types">a:ErrorNonExistentMailbox</faultcode><faultstring>none</faultstring></s:Fault></s:Body></s:Envelope>`

// script performs it, as both of them.
type script struct {
	play
	mu     sync.Mutex
	turn   int
	asked  int
	seen   []string // Authorization values
	from   []string // remote addresses
	bodies []int
}

var errPackage = errors.New("the package has had enough")

func (s *script) Next([]byte) ([]byte, bool, error) {
	n := s.asked
	s.asked++
	if n >= len(s.says) || s.says[n] == nil {
		return nil, false, errPackage
	}
	return s.says[n], s.done && n == len(s.says)-1, nil
}

func (s *script) Close() {}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen, s.from, s.bodies = append(s.seen, r.Header.Get("Authorization")), append(s.from, r.RemoteAddr), append(s.bodies, len(body))
	answer := "401"
	if s.turn < len(s.answers) {
		answer = s.answers[s.turn]
	}
	s.turn++
	status, token, _ := strings.Cut(answer, " ")
	if token == "echo" {
		_, token, _ = strings.Cut(r.Header.Get("Authorization"), " ")
	}
	if token == "expired" {
		w.Header().Set("x-ms-diagnostics", `2000002;reason="The token has expired.";error_category="token_expired"`)
	}
	w.Header()["WWW-Authenticate"] = []string{strings.TrimSpace("Negotiate " + token), "NTLM"}
	if status == "401" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = io.WriteString(w, fault)
}

func (s *script) client(t *testing.T) *ews.Client {
	t.Helper()
	server := httptest.NewUnstartedServer(s)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return &ews.Client{
		URL: &url.URL{Scheme: "https", Host: "example.com", Path: "/EWS/Exchange.asmx"}, Address: server.Listener.Addr().String(),
		Dialer: &wire.Dialer{Host: "example.com", TLS: true, Roots: roots}, Recorder: ews.NewRecorder(&secret.Vault{}, nil), Credential: ews.Credential{User: `CONTOSO\me`},
	}
}

func wrapped(t *testing.T, wrap func() ([]byte, error)) []byte {
	t.Helper()
	b, err := wrap()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// counting is a budget that allows all.
type counting func(evidence.Result) bool

func (counting) Begin() *evidence.Detail      { return nil }
func (c counting) End(r evidence.Result) bool { return c(r) }

// TestCurrentUserScripted: what SPNEGO can do with a sign-in, turn by turn.
func TestCurrentUserScripted(t *testing.T) {
	one := wrapped(t, ntlm.NegotiateMessage)
	two := []byte("NTLMSSP\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x02\x08\x00\x01\x02\x03\x04\x05\x06\x07\x08")
	three := wrapped(t, func() ([]byte, error) { return ntlm.AuthenticateMessage(two, `CONTOSO\me`, "Passw0rd!good", nil) })
	inInit := func(m spnego.Mech, b []byte) []byte {
		return wrapped(t, func() ([]byte, error) { return spnego.WrapInit(m, b) })
	}
	inResp := func(b []byte) []byte { return wrapped(t, func() ([]byte, error) { return spnego.WrapResponse(b) }) }
	in64 := base64.StdEncoding.EncodeToString
	kerberos, type2 := inInit(spnego.Kerberos, apReq), "401 "+in64(inResp(two))

	for _, c := range []struct {
		name string
		play
		want      evidence.Result
		counted   bool
		mechanism string
		why       string
		described []string
	}{
		{"NTLM inside SPNEGO", play{says: [][]byte{inInit(spnego.NTLM, one), inResp(three)}, answers: []string{type2, "200"}}, evidence.Accepted, false, "NTLM", "", []string{"Negotiate, NTLM type 1 inside SPNEGO", "Negotiate, NTLM type 3 inside SPNEGO, value not kept"}},
		{"NTLM inside SPNEGO, refused", play{says: [][]byte{inInit(spnego.NTLM, one), inResp(three)}, done: true, answers: []string{type2, "401"}}, evidence.Refused, true, "NTLM", "", nil},
		{"NTLM inside SPNEGO, rejected", play{says: [][]byte{inInit(spnego.NTLM, one), inResp(three)}, answers: []string{type2, "401 " + in64(reject)}}, evidence.Refused, true, "NTLM", errPackage.Error(), nil},
		{"Kerberos", play{says: [][]byte{kerberos}, done: true, answers: []string{"200 " + in64(more)}}, evidence.Accepted, false, "Kerberos", "", []string{"Negotiate, Kerberos AP-REQ, value not kept"}},
		{"Kerberos without SPNEGO", play{says: [][]byte{apReq}, done: true, answers: []string{"200"}}, evidence.Accepted, false, "Kerberos", "", []string{"Negotiate, Kerberos AP-REQ, value not kept"}},
		{"Kerberos, refused", play{says: [][]byte{kerberos}, done: true}, evidence.Refused, true, "Kerberos", "", nil},
		{"Kerberos, refused with an error", play{says: [][]byte{kerberos}, answers: []string{"401 " + in64(reject)}}, evidence.Refused, true, "Kerberos", errPackage.Error(), nil},
		{
			"from Kerberos to NTLM",
			play{says: [][]byte{kerberos, inResp(one), inResp(three)}, answers: []string{"401 " + in64(more), type2, "200"}},
			evidence.Accepted, false, "NTLM", "",
			[]string{"Negotiate, Kerberos AP-REQ, value not kept", "Negotiate, NTLM type 1 inside SPNEGO", "Negotiate, NTLM type 3 inside SPNEGO, value not kept"},
		},
		{"from Kerberos to NTLM that gives no challenge", play{says: [][]byte{kerberos, inResp(one), inResp(three)}, answers: []string{"401 " + in64(more)}}, evidence.Unfinished, true, "NTLM", "type 1 was answered without a challenge", nil},
		{"asks without end", play{says: [][]byte{kerberos, kerberos, kerberos, kerberos, kerberos}, answers: slices.Repeat([]string{"401 " + in64(more)}, 9)}, evidence.Unfinished, true, "Kerberos", evidence.Say("still-asks").String(), slices.Repeat([]string{"Negotiate, Kerberos AP-REQ, value not kept"}, 4)},
		{"type 1 without end", play{says: [][]byte{one, one, one, one, one}, answers: slices.Repeat([]string{type2}, 9)}, evidence.Unfinished, false, "NTLM", evidence.Say("still-asks").String(), nil},
		{"no credentials", play{says: [][]byte{nil}}, evidence.Skipped, false, "", errPackage.Error(), []string{}},
		{"no answer to the challenge", play{says: [][]byte{one, nil}, answers: []string{type2}}, evidence.Skipped, false, "NTLM", errPackage.Error(), nil},
		{"type 1 accepted", play{says: [][]byte{one, three}, answers: []string{"200"}}, evidence.Unfinished, false, "NTLM", "type 1 was answered 200 instead of a challenge", nil},
		{"a mechanism nobody knows", play{says: [][]byte{inInit(spnego.NegoEx, []byte("NEGOEXTS"))}, done: true}, evidence.Refused, true, "NegoEx", "", []string{"Negotiate, a token of NegoEx, value not kept"}},
		{"the token comes back", play{says: [][]byte{kerberos}, done: true, answers: []string{"401 echo"}}, evidence.Refused, true, "Kerberos", "", nil},
		{"the proof comes back", play{says: [][]byte{one, three}, done: true, answers: []string{type2, "401 echo"}}, evidence.Refused, true, "NTLM", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &script{play: c.play}
			client := s.client(t)
			counted := counting(func(r evidence.Result) bool { return r == evidence.Refused || r == evidence.Unfinished })
			open := func(string, string, []byte) (SecurityContext, error) { return s, nil }
			item := ByCurrentUser("Negotiate", "HTTP/example.com", open).Begin(bounded(t), client, agent).Finish(bounded(t), evidence.Logon{Binding: evidence.BindingRight}, counted)
			l := item.Logon
			if l.Result != c.want || l.Counted != c.counted || l.Mechanism != c.mechanism || l.Why != c.why {
				t.Errorf("%+v", l)
			}
			items := client.Recorder.Items()
			var described []string
			for _, i := range items {
				if i.Request != nil {
					described = append(described, i.Request.Authorization)
				}
			}
			if c.described != nil && !slices.Equal(described, c.described) {
				t.Errorf("messages %q", described)
			}
			for i, a := range s.seen {
				token, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(a, "Negotiate "))
				if err != nil || !slices.Equal(token, c.says[i]) {
					t.Errorf("message %d carried another token", i+1)
				}
				if s.from[i] != s.from[0] {
					t.Errorf("message %d came over another connection", i+1)
				}
				if first := !tokenMessage("Negotiate", token).Credential; first == (s.bodies[i] > 0) {
					t.Errorf("message %d has a body of %d bytes", i+1, s.bodies[i])
				}
			}
			encoded, err := evidence.Encode(items)
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{in64(apReq)[100:140], in64(apReq[1:])[100:140], in64(apReq[2:])[100:140], in64(three[:12]), in64(ntlm.Proofs(three)[0])[:20]} {
				if strings.Contains(string(encoded), secret) {
					t.Errorf("a token is in the record: %s", encoded)
				}
			}
		})
	}
}

// TestCurrentUserHangs: a package that takes its time is not waited for, and is
// closed when it comes back.
func TestCurrentUserHangs(t *testing.T) {
	b := newBench(t, everyScheme)
	ctx, cancel := context.WithCancel(bounded(t))
	began, release, closed := make(chan struct{}), make(chan struct{}), make(chan struct{})
	open := func(string, string, []byte) (SecurityContext, error) {
		close(began)
		<-release
		return closing(closed), nil
	}
	go func() {
		<-began
		cancel()
	}()
	item := b.by(ctx, ByCurrentUser("NTLM", "HTTP/mail.contoso.com", open), evidence.Logon{Binding: evidence.BindingRight})
	if l := item.Logon; l.Result != evidence.Skipped || l.Counted || l.Why != evidence.Say("token-timeout").String() || len(b.server.View().Requests) != 0 {
		t.Errorf("%+v", l)
	}
	close(release)
	select {
	case <-closed:
	case <-time.After(30 * time.Second):
		t.Error("the context was not closed")
	}
}

type closing chan struct{}

func (closing) Next([]byte) ([]byte, bool, error) { return nil, false, errPackage }
func (c closing) Close()                          { close(c) }

// TestCurrentUserUnopened: no connection, no token.
func TestCurrentUserUnopened(t *testing.T) {
	b := newBench(t, standin.Behaviour{NTLM: true, Transport: standin.TransportNoSuite})
	item := b.by(bounded(t), ByCurrentUser("NTLM", "HTTP/mail.contoso.com", nil), evidence.Logon{Binding: evidence.BindingRight})
	if item.Error == nil || item.Logon.Result != evidence.Skipped || b.begun > 0 || len(b.settled) > 0 {
		t.Errorf("%+v, %+v", item, item.Logon)
	}
}

// TestCurrentUserSession: further calls ride on the connection that is signed
// in. Where it is lost nothing signs in again: the password is not known here.
func TestCurrentUserSession(t *testing.T) {
	b := newBench(t, everyScheme).as(`CONTOSO\svc-crm`, "")
	closed := 0
	open := func(_, _ string, endPoint []byte) (SecurityContext, error) {
		return &own{user: standin.UPN, password: standin.Password, binding: ntlm.ChannelBinding(endPoint), closed: &closed}, nil
	}
	if item := b.by(bounded(t), ByCurrentUser("NTLM", "HTTP/mail.contoso.com", open), evidence.Logon{Binding: evidence.BindingRight}); item.Logon.Result != evidence.Accepted {
		t.Fatalf("%+v", item.Logon)
	}
	s := &b.follow
	defer s.Close()
	b.begun = 0
	q := ews.Question{Purpose: evidence.OwnInbox}
	if item := s.Ask(bounded(t), q, b); item == nil || item.Step != evidence.StepSignedIn || !item.EWS.Answered() || item.Request.Authorization != "" {
		t.Errorf("%+v", item)
	}
	s.held.conn.Close()
	if item := s.Ask(bounded(t), q, b); item != nil {
		t.Errorf("%+v", item)
	}
	if v := b.server.View(); v.Connections != 1 || len(v.Requests) != 3 || v.BadLogons != 0 || b.begun != 0 {
		t.Errorf("the server saw %+v, %d logons begun", v, b.begun)
	}
}
