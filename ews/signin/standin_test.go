package signin

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/secret"
	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/ews/wire"
	"github.com/ewsprobe/ewsprobe/soap"
)

// agent is a user agent that the stand-in lets through everywhere.
const agent = "ExchangeServicesClient/15.00.1076.004"

// bench is a client and the server it talks to.
type bench struct {
	*ews.Client
	server  *standin.Server
	follow  FollowUp
	begun   int
	held    *evidence.Detail // keeps the credential back
	settled []evidence.Result
}

// Begin implements Budget.
func (b *bench) Begin() *evidence.Detail {
	if b.held == nil {
		b.begun++
	}
	return b.held
}

// End implements Budget: it counts what was refused.
func (b *bench) End(r evidence.Result) bool {
	b.settled = append(b.settled, r)
	return r == evidence.Refused
}

// newBench runs a server and makes a client that knows the good account.
func newBench(t *testing.T, behaviour standin.Behaviour) *bench {
	t.Helper()
	s, err := standin.Start(behaviour, standin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.CA())
	b := &bench{server: s, Client: &ews.Client{
		URL: u, Address: s.Addresses()[0], Dialer: &wire.Dialer{Host: standin.Host, TLS: u.Scheme == "https", Roots: roots},
		ConnectLimit: time.Minute,
	}}
	return b.as(standin.UPN, standin.Password)
}

// by signs in.
func (b *bench) by(ctx context.Context, way Way, note evidence.Logon) evidence.Item {
	return b.finishWith(ctx, way.Begin(ctx, b.Client, agent), note, Way{})
}

// basic signs in by Basic.
func (b *bench) basic(t *testing.T, conn *wire.Conn, note evidence.Logon) evidence.Item {
	return b.finishWith(bounded(t), ByBasic().Begin(bounded(t), b.Client, agent).On(conn), note, ByBasic())
}

// finish is the end of a sign-in by NTLM.
func (b *bench) finish(t *testing.T, a *Attempt, note evidence.Logon) evidence.Item {
	return b.finishWith(bounded(t), a, note, ByNTLM(a.traits.Scheme))
}

func (b *bench) finishWith(ctx context.Context, a *Attempt, note evidence.Logon, again Way) evidence.Item {
	item := a.Finish(ctx, note, b)
	b.follow.Keep(a, item, again)
	return item
}

// as changes the account, with a new recorder that knows its password.
func (b *bench) as(user, password string) *bench {
	vault := &secret.Vault{}
	vault.AddText(password)
	vault.AddCredential(user, password)
	b.Credential, b.Recorder = ews.Credential{User: user, Password: password}, ews.NewRecorder(vault, nil)
	return b
}

func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

var everyScheme = standin.Behaviour{Negotiate: true, NTLM: true, Basic: true}

// noSecret says where a secret of the client's is in what was recorded.
func (b *bench) noSecret(t *testing.T) {
	t.Helper()
	encoded, err := evidence.Encode(b.Recorder.Items())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"the password": b.Credential.Password, "the Basic value": base64.StdEncoding.EncodeToString([]byte(b.Credential.User + ":" + b.Credential.Password)),
		"a type 3": base64.StdEncoding.EncodeToString([]byte("NTLMSSP\x00\x03\x00\x00\x00")), "a cookie's value": "=u56Lnp2e", "a SID": "S-1-5-21",
	} {
		if strings.Contains(string(encoded), text) {
			t.Errorf("%s is in the record: %s", name, encoded)
		}
	}
}

// TestAnonymous: what is recorded of a request without a credential.
func TestAnonymous(t *testing.T) {
	b := newBench(t, everyScheme)
	before := time.Now()
	item, conn := b.Anonymous(bounded(t), agent, evidence.StepAnonymous)
	defer conn.Close()
	q, r := item.Request, item.Response
	if q == nil || r == nil {
		t.Fatalf("%+v", item)
	}
	if q.Method != "POST" || q.URL != "https://mail.contoso.com/EWS/Exchange.asmx" || q.UserAgent != agent || q.Authorization != "" ||
		q.Operation != "FindFolder" || q.Mailbox != "" || q.BodyBytes != len(soap.FindFolder(soap.Call{})) || len(q.Headers) != 2 {
		t.Errorf("request %+v", q)
	}
	if got := strings.Join(r.Header("WWW-Authenticate"), ", "); r.Status != 401 || got != `Negotiate, NTLM, Basic realm="mail.contoso.com"` || r.First("X-FEServer") != "EX01" || r.Proto != "HTTP/1.1" {
		t.Errorf("response %+v", r)
	}
	if item.ID != "e1" || item.Step != evidence.StepAnonymous || item.Address != b.Address || item.Connection != 1 || item.At.Before(before) ||
		item.TLS == nil || !item.TLS.Trusted() || item.Error != nil || item.Logon != nil || item.NTLM != nil || item.ClosedBy != "" || item.EWS.Answered() {
		t.Errorf("%+v", item)
	}
	if conn == nil || !conn.Fit(time.Millisecond) {
		t.Fatal("the connection was not kept")
	}
	if seen := b.server.View().Requests; len(seen) != 1 || seen[0].Message != standin.MessageAnonymous || seen[0].Method != "POST" {
		t.Errorf("the server saw %+v", seen)
	}
	// The next request goes over the same connection.
	logon := b.basic(t, conn, evidence.Logon{})
	if logon.Connection != 1 || logon.TLS != nil || logon.Timing.Connect != nil || b.server.View().Connections != 1 {
		t.Errorf("%+v over %d connections", logon, b.server.View().Connections)
	}
}

// TestEmptyBearer: only then does Exchange speak of OAuth.
func TestEmptyBearer(t *testing.T) {
	behaviour := everyScheme
	behaviour.OAuth, behaviour.AuthorizationURI = true, true
	b := newBench(t, behaviour)
	item := b.EmptyBearer(bounded(t), agent)
	if item.Step != evidence.StepEmptyBearer || item.Request.Authorization != "Bearer, empty" || !strings.Contains(strings.Join(item.Response.Header("WWW-Authenticate"), ", "), "authorization_uri=") {
		t.Errorf("%+v, %+v", item, item.Response)
	}
	if seen := b.server.View(); seen.Requests[0].Message != standin.MessageEmptyBearer || seen.BadLogons != 0 {
		t.Errorf("the server saw %+v", seen)
	}
}

// TestBasic has an account and a call, and what becomes of the logon.
func TestBasic(t *testing.T) {
	const upn, good, wrong = standin.UPN, standin.Password, standin.WrongPassword
	no := everyScheme
	no.BasicRefuses = true
	fault := everyScheme
	fault.FaultCode = "ErrorServerBusy"
	hang := everyScheme
	hang.Hazard, hang.HazardOnLogon = standin.HazardReset, true
	form := everyScheme
	form.Front = "redirect-form"
	cases := []struct {
		name           string
		behaviour      standin.Behaviour
		user, password string
		call           soap.Call
		want           evidence.Result
		status         int
		code           string // of the EWS answer
		bad            int
	}{
		{"right", everyScheme, upn, good, soap.Call{}, evidence.Accepted, 200, "NoError", 0},
		{"DOMAIN\\user", everyScheme, standin.User, good, soap.Call{}, evidence.Accepted, 200, "NoError", 0},
		{"impersonated", everyScheme, upn, good, soap.Call{Mailbox: standin.Mailbox, Impersonate: true}, evidence.Accepted, 200, "NoError", 0},
		{"delegated, no right", everyScheme, upn, good, soap.Call{Mailbox: standin.OutOfScopeMailbox}, evidence.Accepted, 200, "ErrorAccessDenied", 0},
		{"no such mailbox", everyScheme, upn, good, soap.Call{Mailbox: standin.UnknownMailbox, Impersonate: true}, evidence.Accepted, 500, "ErrorNonExistentMailbox", 0},
		{"busy", fault, upn, good, soap.Call{}, evidence.Accepted, 500, "ErrorServerBusy", 0},
		{"wrong", everyScheme, upn, wrong, soap.Call{}, evidence.Refused, 401, "", 1},
		{"locked", everyScheme, standin.LockedUser, good, soap.Call{}, evidence.Refused, 401, "", 0},
		{"refusing", no, upn, good, soap.Call{}, evidence.Refused, 401, "", 0},
		{"reset", hang, upn, good, soap.Call{}, evidence.Unfinished, 0, "", 0},
		{"redirected", form, upn, good, soap.Call{}, evidence.Unfinished, 302, "", 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, c.behaviour).as(c.user, c.password)
			b.Question.Call = c.call
			item := b.basic(t, nil, evidence.Logon{Why: "because"})
			l := item.Logon
			if l == nil || l.Result != c.want || l.Status != c.status || l.Scheme != "Basic" || l.Account != c.user || l.Binding != "" || l.Counted != (c.want == evidence.Refused) || l.Why != "because" {
				t.Fatalf("logon %+v", l)
			}
			if len(b.settled) != 1 || b.settled[0] != c.want {
				t.Errorf("settled %q", b.settled)
			}
			if q := item.Request; q.Authorization != "Basic, value not kept" || q.Mailbox != c.call.Mailbox || q.Impersonate != c.call.Impersonate || q.Operation != "FindFolder" {
				t.Errorf("request %+v", q)
			}
			if c.code != "" && (item.EWS == nil || item.EWS.Code != c.code || item.EWS.Version == "" && item.EWS.Kind == "response") || c.code == "" && item.EWS.Answered() {
				t.Errorf("EWS %+v, want %q", item.EWS, c.code)
			}
			if r := item.Response; r != nil && (r.Body != "" || (r.BodyBytes > 0) != (r.Withheld != "")) {
				t.Errorf("the body was kept: %+v", r)
			}
			if view := b.server.View(); view.BadLogons != c.bad {
				t.Errorf("the server counted %d bad logons, want %d", view.BadLogons, c.bad)
			}
			b.noSecret(t)
		})
	}
}

// TestCookies: the names tell devices apart, the values sign in.
func TestCookies(t *testing.T) {
	b := newBench(t, everyScheme)
	item := b.basic(t, nil, evidence.Logon{})
	if got := item.Response.Header("Set-Cookie"); len(got) != 1 || got[0] != "X-BackEndCookie=[value not kept]" {
		t.Errorf("%q", got)
	}
}

// TestNotSent: where there is no connection, nothing was sent and nothing counts.
func TestNotSent(t *testing.T) {
	b := newBench(t, everyScheme)
	b.Dialer.Roots = x509.NewCertPool()
	item := b.basic(t, nil, evidence.Logon{})
	if item.Request != nil || item.Response != nil || item.Error == nil || item.Error.Code != evidence.TLSUntrusted || item.TLS == nil || item.Connection != 1 {
		t.Errorf("%+v", item)
	}
	if item.Logon.Result != evidence.Skipped || item.Logon.Counted || item.Logon.Why == "" {
		t.Errorf("logon %+v", item.Logon)
	}
	if view := b.server.View(); len(view.Requests) != 0 {
		t.Errorf("the server saw %+v", view.Requests)
	}
	if h := ByNTLM("NTLM").Begin(bounded(t), b.Client, agent); h.Lost == nil || h.Kept() || h.Item.Error == nil {
		t.Errorf("%+v", h)
	}
	item, conn := b.Anonymous(bounded(t), agent, evidence.StepAnonymous)
	if conn != nil || item.Error == nil || item.Request != nil {
		t.Errorf("%+v", item)
	}
}

// TestHandshake has one demand of Extended Protection and one binding per line.
func TestHandshake(t *testing.T) {
	const none, allow, require = standin.ExtendedProtectionNone, standin.ExtendedProtectionAllow, standin.ExtendedProtectionRequire
	with := func(demand standin.ExtendedProtection, bridged bool) standin.Behaviour {
		behaviour := everyScheme
		behaviour.ExtendedProtection, behaviour.Bridged = demand, bridged
		return behaviour
	}
	cases := []struct {
		name      string
		behaviour standin.Behaviour
		scheme    string
		binding   string
		want      evidence.Result
		sent      string // as the server saw it
	}{
		{"off, right", with(none, false), "NTLM", evidence.BindingRight, evidence.Accepted, standin.BindingServed},
		{"off, none", with(none, false), "NTLM", evidence.BindingNone, evidence.Accepted, standin.BindingNone},
		{"off, foreign", with(none, false), "NTLM", evidence.BindingForeign, evidence.Accepted, standin.BindingForeign},
		{"allow, right", with(allow, false), "NTLM", evidence.BindingRight, evidence.Accepted, standin.BindingServed},
		{"allow, none", with(allow, false), "NTLM", evidence.BindingNone, evidence.Accepted, standin.BindingNone},
		{"allow, foreign", with(allow, false), "NTLM", evidence.BindingForeign, evidence.Refused, standin.BindingForeign},
		{"require, right", with(require, false), "Negotiate", evidence.BindingRight, evidence.Accepted, standin.BindingServed},
		{"require, none", with(require, false), "Negotiate", evidence.BindingNone, evidence.Refused, standin.BindingNone},
		{"require, foreign", with(require, false), "NTLM", evidence.BindingForeign, evidence.Refused, standin.BindingForeign},
		{"bridged, right", with(allow, true), "NTLM", evidence.BindingRight, evidence.Refused, standin.BindingServed},
		{"bridged, none", with(allow, true), "NTLM", evidence.BindingNone, evidence.Accepted, standin.BindingNone},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, c.behaviour)
			h := ByNTLM(c.scheme).Begin(bounded(t), b.Client, agent)
			defer h.Close()
			if !h.Kept() || h.Lost != nil || !h.Serves(c.scheme, agent) || h.Serves("x", agent) || h.Serves(c.scheme, "x") {
				t.Fatalf("%+v", h)
			}
			first := h.Item
			if first.Step != evidence.StepNTLMNegotiate || first.Request.Authorization != c.scheme+", NTLM type 1" || first.Request.BodyBytes != 0 || first.Request.Operation != "" || first.Logon != nil || first.Response.Status != 401 {
				t.Errorf("type 1: %+v, %+v", first, first.Request)
			}
			if n := first.NTLM; n.Scheme != c.scheme || n.NetBIOSDomain != "CONTOSO" || n.NetBIOSComputer != "EX01" || n.DNSDomain != "contoso.com" || n.DNSComputer != "ex01.contoso.com" ||
				n.DNSForest != "contoso.com" || n.OSBuild != "10.0.20348" || n.StandAlone || n.Time == nil || n.ClockSkewMS == nil || n.Problem != "" {
				t.Errorf("type 2: %+v", n)
			}
			item := b.finish(t, h, evidence.Logon{Binding: c.binding})
			if l := item.Logon; l.Result != c.want || l.Binding != c.binding || l.Scheme != c.scheme || l.Account != standin.UPN || l.NewChallenge || l.Counted != (c.want == evidence.Refused) {
				t.Errorf("logon %+v", l)
			}
			if item.Connection != first.Connection || item.TLS != nil || item.Request.Authorization != c.scheme+", NTLM type 3, value not kept" || item.Response.Body != "" {
				t.Errorf("type 3: %+v, %+v", item, item.Request)
			}
			if (c.want == evidence.Accepted) != item.EWS.Answered() {
				t.Errorf("EWS %+v", item.EWS)
			}
			view := b.server.View()
			if last := view.Requests[len(view.Requests)-1]; last.Binding != c.sent || last.Message != standin.MessageType3 || last.Account == "" {
				t.Errorf("the server saw %+v", last)
			}
			if view.BadLogons != 0 || view.Connections != 1 {
				t.Errorf("%d bad logons, %d connections", view.BadLogons, view.Connections)
			}
			b.noSecret(t)
		})
	}
}

// TestHandshakeWrong: a wrong password is one bad logon, whatever the binding.
func TestHandshakeWrong(t *testing.T) {
	for _, binding := range []string{evidence.BindingRight, evidence.BindingNone, evidence.BindingForeign} {
		b := newBench(t, everyScheme).as(standin.User, standin.WrongPassword)
		h := ByNTLM("NTLM").Begin(bounded(t), b.Client, agent)
		item := b.finish(t, h, evidence.Logon{Binding: binding})
		if item.Logon.Result != evidence.Refused || !item.Logon.Counted || item.Logon.NewChallenge || b.server.View().BadLogons != 1 {
			t.Errorf("%s: %+v, %d bad logons", binding, item.Logon, b.server.View().BadLogons)
		}
		b.noSecret(t)
	}
}

// TestHandshakeBroken has what becomes of a handshake on its way.
func TestHandshakeBroken(t *testing.T) {
	with := func(how standin.Handshake) standin.Behaviour {
		behaviour := everyScheme
		behaviour.Handshake = how
		return behaviour
	}
	cases := []struct {
		name      string
		behaviour standin.Behaviour
		problem   string // of the challenge
		lost      string
	}{
		{"dropped", with(standin.HandshakeDropped), "", "the server closed the connection after its challenge"},
		{"no challenge", with(standin.HandshakeNoChallenge), "type 1 was answered without a challenge", "type 1 was answered without a challenge"},
		{"not offered", standin.Behaviour{Basic: true}, "type 1 was answered without a challenge", "type 1 was answered without a challenge"},
		{"redirected", standin.Behaviour{NTLM: true, Front: "redirect-form"}, "type 1 was answered 302 instead of a challenge", "type 1 was answered 302 instead of a challenge"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, c.behaviour)
			h := ByNTLM("NTLM").Begin(bounded(t), b.Client, agent)
			defer h.Close()
			kept := h.Kept()
			for end := time.Now().Add(5 * time.Second); kept && c.problem == "" && time.Now().Before(end); {
				kept = h.Kept() // the end of the connection may be on its way
			}
			if kept || h.Lost.String() != c.lost || h.Item.NTLM == nil || h.Item.NTLM.Problem != c.problem {
				t.Errorf("kept %v, lost %q, %+v", kept, h.Lost, h.Item.NTLM)
			}
			if b.server.View().BadLogons != 0 {
				t.Error("it cost a logon")
			}
		})
	}
	t.Run("another node", func(t *testing.T) {
		b := newBench(t, with(standin.HandshakeOtherNode))
		h := ByNTLM("NTLM").Begin(bounded(t), b.Client, agent)
		if !h.Kept() {
			t.Fatal(h.Lost)
		}
		item := b.finish(t, h, evidence.Logon{Binding: evidence.BindingRight})
		if l := item.Logon; l.Result != evidence.Unfinished || !l.NewChallenge || l.Status != 401 {
			t.Errorf("%+v", l)
		}
		b.noSecret(t)
	})
	t.Run("over http there is no binding", func(t *testing.T) {
		behaviour := everyScheme
		behaviour.Transport = standin.TransportPlain
		b := newBench(t, behaviour)
		h := ByNTLM("NTLM").Begin(bounded(t), b.Client, agent)
		item := b.finish(t, h, evidence.Logon{Binding: evidence.BindingRight})
		if item.Logon.Result != evidence.Accepted || item.Logon.Binding != evidence.BindingNone {
			t.Errorf("%+v", item.Logon)
		}
	})
	t.Run("nobody", func(t *testing.T) {
		b := newBench(t, everyScheme).as("", "")
		h := ByNTLM("NTLM").Begin(bounded(t), b.Client, agent)
		item := b.finish(t, h, evidence.Logon{Binding: evidence.BindingRight})
		if item.Step != evidence.StepSkipped || item.Logon.Result != evidence.Skipped || item.Logon.Why == "" || len(b.server.View().Requests) != 1 {
			t.Errorf("%+v, %+v", item, item.Logon)
		}
	})
	var none *Attempt
	none.Close()
	if none.Serves("NTLM", agent) {
		t.Error("no handshake serves")
	}
}

// TestClockSkew: server minus local.
func TestClockSkew(t *testing.T) {
	for _, skew := range []time.Duration{0, 10 * time.Minute, -10 * time.Minute} {
		behaviour := everyScheme
		behaviour.ClockSkew = skew
		h := ByNTLM("NTLM").Begin(bounded(t), newBench(t, behaviour).Client, agent)
		h.Close()
		if got := time.Duration(*h.Item.NTLM.ClockSkewMS) * time.Millisecond; (got - skew).Abs() > time.Minute {
			t.Errorf("%v, want about %v", got, skew)
		}
	}
}

// TestKeepTest: two challenges over one connection, or what became of it.
func TestKeepTest(t *testing.T) {
	b := newBench(t, everyScheme)
	KeepTest(bounded(t), b.Client, "NTLM", agent, false)
	items := b.Recorder.Items()
	if len(items) != 2 || items[0].Connection != items[1].Connection || items[0].Step != evidence.StepKeepTest || items[1].Step != evidence.StepKeepTest {
		t.Fatalf("%+v", items)
	}
	for _, i := range items {
		if i.NTLM == nil || i.NTLM.Problem != "" || i.NTLM.NetBIOSComputer != "EX01" {
			t.Errorf("%+v", i.NTLM)
		}
	}
	if view := b.server.View(); view.Connections != 1 || view.BadLogons != 0 || len(view.Requests) != 2 {
		t.Errorf("%+v", view)
	}

	b = newBench(t, standin.Behaviour{NTLM: true, Handshake: standin.HandshakeDropped})
	KeepTest(bounded(t), b.Client, "NTLM", agent, false)
	items = b.Recorder.Items()
	if len(items) != 2 || items[1].Error == nil || items[1].ClosedBy != "server" {
		t.Errorf("dropped: %+v", items)
	}

	b = newBench(t, standin.Behaviour{NTLM: true, Hazard: standin.HazardGarbage})
	KeepTest(bounded(t), b.Client, "NTLM", agent, false)
	if items = b.Recorder.Items(); len(items) != 1 || items[0].Error == nil || items[0].Error.Code != evidence.Malformed {
		t.Errorf("garbage: %+v", items)
	}
}

// TestEcho: a server that says back what it was sent, in all the ways it knows.
func TestEcho(t *testing.T) {
	for _, password := range []string{standin.Password, standin.WrongPassword, "Grüße & <Küsse>", "p"} {
		b := newBench(t, standin.Behaviour{Negotiate: true, NTLM: true, Basic: true, Echo: true}).as(standin.UPN, password)
		item, conn := b.Anonymous(bounded(t), agent, evidence.StepAnonymous)
		if len(item.Response.Header("WWW-Authenticate")) != 3 {
			t.Errorf("%q: %+v", password, item.Response)
		}
		basic := b.basic(t, conn, evidence.Logon{})
		h := ByNTLM("NTLM").Begin(bounded(t), b.Client, agent)
		if !h.Kept() || h.Item.NTLM.NetBIOSDomain != "CONTOSO" {
			t.Errorf("%q: after a logon type 2 can no longer be read: %+v", password, h.Item.NTLM)
		}
		proof := b.finish(t, h, evidence.Logon{Binding: evidence.BindingRight})
		for _, i := range []evidence.Item{basic, proof} {
			if len(i.Response.Header("X-Echo")) > 0 || i.Response.First("X-FailureContext") != secret.Withheld || i.Response.Body != "" {
				t.Errorf("%q: %+v", password, i.Response)
			}
			if i.Logon.Result == evidence.Refused && len(i.Response.Header("WWW-Authenticate")) != 3 {
				t.Errorf("%q: the schemes got lost: %q", password, i.Response.Header("WWW-Authenticate"))
			}
		}
		if len(password) > 1 {
			b.noSecret(t)
		}
	}
}

// A Kerberos token that the server repeats is known by its end and by its
// beginning; a name in clear between them stays what it is. Another form of the
// account's name hides the credential in that form.
func TestTicketIsHidden(t *testing.T) {
	b := newBench(t, standin.Behaviour{Negotiate: true, Inside: standin.InsideKerberos, Echo: true})
	token := []byte(strings.Repeat("beginning ", 20) + "HTTP/mail.contoso.com and clear text " + strings.Repeat("\x01\x02\x03\x04\x05\x06\x07", 40))
	for i := range 200 {
		token[len(token)-1-i] ^= byte(i * 7)
	}
	item := b.by(bounded(t), ByTicket(func([]byte) ([]byte, error) { return token, nil }), evidence.Logon{Binding: evidence.BindingRight})
	if item.Logon.Result != evidence.Refused || item.Logon.Binding != evidence.BindingRight || len(b.settled) != 1 {
		t.Errorf("%+v, %v", item.Logon, b.settled)
	}
	vault := b.Recorder
	for text, secret := range map[string]bool{
		"mail.contoso.com": false, "HTTP/mail.contoso.com and clear text": false,
		base64.StdEncoding.EncodeToString(token[len(token)-60:]): true,
	} {
		if got := vault.Secrets.Clean(text) != text; got != secret {
			t.Errorf("%q withheld: %v", text, got)
		}
	}
	raw, err := evidence.Encode(item)
	if err != nil || strings.Contains(string(raw), base64.StdEncoding.EncodeToString([]byte("beginning beginning "))[:20]) {
		t.Errorf("%v: %s", err, raw)
	}

	other := newBench(t, standin.Behaviour{Basic: true}).as(standin.User, "abc")
	other.As(standin.UPN)
	if text := "Basic " + base64.StdEncoding.EncodeToString([]byte(standin.UPN+":abc")); other.Recorder.Secrets.Clean(text) == text {
		t.Error("the credential under the other form is not known")
	}
}

// TestInsideNegotiate: NTLM in each form that a server takes inside Negotiate, or
// why it leads nowhere.
func TestInsideNegotiate(t *testing.T) {
	for inside, want := range map[standin.Inside]string{
		standin.InsideRaw: "raw", standin.InsideSPNEGO: "spnego", standin.InsideBoth: "raw",
		standin.InsideKerberos: "type 1 was answered without a challenge; inside SPNEGO: the server rejects NTLM inside Negotiate (SPNEGO: reject)",
	} {
		b := newBench(t, standin.Behaviour{Negotiate: true, Inside: inside})
		h := ByNTLM("Negotiate").Begin(bounded(t), b.Client, agent)
		got := map[bool]string{true: "spnego", false: "raw"}[h.InSPNEGO()]
		if h.Lost != nil {
			got = h.Lost.String()
		}
		if got != want {
			t.Errorf("%q: %s, want %s", inside, got, want)
		}
		if h.Lost != nil {
			h.Close()
			continue
		}
		wrapped := h.InSPNEGO()
		item := b.finish(t, h, evidence.Logon{Binding: evidence.BindingRight})
		if l := item.Logon; l.Result != evidence.Accepted || l.Mechanism != evidence.MechanismNTLM {
			t.Errorf("%q: %+v", inside, l)
		}
		KeepTest(bounded(t), b.Client, "Negotiate", agent, wrapped)
		for _, i := range b.Recorder.Items() {
			if i.Step == evidence.StepKeepTest && (i.NTLM == nil || i.NTLM.Problem != "") {
				t.Errorf("%q: %+v", inside, i.NTLM)
			}
		}
		b.noSecret(t)
	}
}
