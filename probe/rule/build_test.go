package rule

import (
	"fmt"
	"slices"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Records for tests, put together step by step: each option adds what a server
// would have answered.

const here = "10.0.0.11:443"

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

type builder struct {
	rec  evidence.Record
	addr string
}

type option func(*builder)

func record(options ...option) evidence.Record {
	b := &builder{addr: here}
	b.rec = evidence.Record{Started: noon, Duration: time.Second, Target: evidence.Target{
		URL: "https://mail.contoso.com/EWS/Exchange.asmx", Host: "mail.contoso.com", User: "svc-crm@contoso.com",
		ProfileAuth: "basic", View: "inside", Credentials: true, UserAgent: "ewsprobe/test", CertWarnDays: 30,
	}}
	for _, o := range options {
		o(b)
	}
	return b.rec
}

func (b *builder) add(item evidence.Item) {
	item.ID = fmt.Sprintf("e%d", len(b.rec.Items)+1)
	if item.Address == "" && item.Step != evidence.StepResolve {
		item.Address = b.addr
	}
	item.At = noon.Add(time.Duration(len(b.rec.Items)) * time.Second)
	if item.Request == nil && item.Response != nil {
		item.Request = &evidence.Request{Method: "POST", URL: b.rec.Target.URL, UserAgent: b.rec.Target.UserAgent}
	}
	b.rec.Items = append(b.rec.Items, item)
}

func at(address string) option { return func(b *builder) { b.addr = address } }

func target(set func(*evidence.Target)) option { return func(b *builder) { set(&b.rec.Target) } }

func profile(auth string) option {
	return target(func(t *evidence.Target) { t.ProfileAuth = auth; t.Credentials = auth != "oauth" })
}

// exported gives the check a Dynamics profile that is in order but for set.
func exported(set func(*evidence.Profile)) option {
	return func(b *builder) {
		on, off := true, false
		p := &evidence.Profile{
			Name: "Contoso hybrid", ServerType: &evidence.Option{Number: evidence.ServerHybrid, Label: "Exchange Server (Hybrid)"}, AutoDiscover: &off,
			Incoming: evidence.ProfileSide{
				Location: "https://mail.contoso.com/EWS/Exchange.asmx", Protocol: protocol(evidence.ProtocolBasic, "Basic"),
				Credentials: &evidence.Option{Number: evidence.CredentialsProfile, Label: "Credentials Specified in Email Server Profile"}, Impersonation: &on, User: "svc-crm@contoso.com",
			},
		}
		set(p)
		b.rec.Target.Profile = p
		b.add(evidence.Item{Step: evidence.StepProfile})
		b.rec.Items[len(b.rec.Items)-1].Address = ""
	}
}

func protocol(number int, label string) *evidence.Option {
	return &evidence.Option{Number: number, Label: label}
}

func anonymousOnly() option { return target(func(t *evidence.Target) { t.Credentials = false }) }

func mailbox(address string) option {
	return target(func(t *evidence.Target) { t.Mailbox = address; t.Impersonate = true })
}

func headers(pairs ...string) [][2]string {
	var h [][2]string
	for i := 0; i < len(pairs); i += 2 {
		h = append(h, [2]string{pairs[i], pairs[i+1]})
	}
	return h
}

// exchange are the headers by which Exchange signs an answer.
func exchange(more ...string) [][2]string {
	return append(headers("Server", "Microsoft-IIS/10.0", "X-FEServer", "EX01", "X-OWA-Version", "15.2.1544.11"), headers(more...)...)
}

func offers(schemes ...string) []string {
	var pairs []string
	for _, s := range schemes {
		pairs = append(pairs, "WWW-Authenticate", s)
	}
	return pairs
}

func answer(step evidence.Step, status int, h [][2]string) option {
	return func(b *builder) {
		b.add(evidence.Item{Step: step, Response: &evidence.Response{Status: status, Headers: h}})
	}
}

// ask is an anonymous POST answered 401 by Exchange with these schemes.
func ask(schemes ...string) option {
	return answer(evidence.StepAnonymous, 401, exchange(offers(schemes...)...))
}

func asked(status int, h [][2]string) option { return answer(evidence.StepAnonymous, status, h) }

func bearer(h [][2]string) option { return answer(evidence.StepEmptyBearer, 401, h) }

func failed(step evidence.Step, code evidence.FailureCode, phase string) option {
	return func(b *builder) {
		b.add(evidence.Item{Step: step, Error: &evidence.Failure{Code: code, Phase: phase, Text: "as told"}})
	}
}

func item(i evidence.Item) option { return func(b *builder) { b.add(i) } }

type logonOption func(*evidence.Item)

// logon is a use of the credential that was answered status.
func logon(scheme string, status int, options ...logonOption) option {
	return func(b *builder) {
		i := evidence.Item{Step: evidence.StepLogon, Response: &evidence.Response{Status: status, Headers: exchange()}, Logon: &evidence.Logon{
			Scheme: scheme, Account: b.rec.Target.User, Status: status, Result: evidence.Unfinished,
		}}
		if scheme != "Basic" {
			i.Logon.Binding = evidence.BindingRight
		}
		switch status {
		case 200, 500:
			i.Logon.Result = evidence.Accepted
			i.EWS = &evidence.EWS{Kind: "response", Operation: "FindFolder", Class: "Success", Code: "NoError"}
		case 401:
			i.Logon.Result = evidence.Refused
		}
		for _, o := range options {
			o(&i)
		}
		b.add(i)
	}
}

func code(c string) logonOption {
	return func(i *evidence.Item) { i.EWS.Code, i.EWS.Class = c, "Error" }
}

func binding(b string) logonOption {
	return func(i *evidence.Item) { i.Logon.Binding = b }
}

// compared marks a logon made with a password already proved.
func compared(b string) logonOption {
	return func(i *evidence.Item) { i.Logon.Binding, i.Logon.Comparison = b, true }
}

func unanswered(c evidence.FailureCode) logonOption {
	return func(i *evidence.Item) {
		i.Response, i.EWS, i.Logon.Status, i.Logon.Result = nil, nil, 0, evidence.Unfinished
		i.Error = &evidence.Failure{Code: c, Phase: "read", Text: "as told"}
	}
}

// on puts a step on a connection, answered by a front end.
func on(connection int, frontEnd string) logonOption {
	return func(i *evidence.Item) {
		i.Connection = connection
		i.Response.Headers = headers("X-FEServer", frontEnd)
	}
}

func challenged(connection int, frontEnd string) option {
	i := evidence.Item{Step: evidence.StepNTLMNegotiate, Response: &evidence.Response{Status: 401}, NTLM: &evidence.NTLM{Scheme: "NTLM"}}
	on(connection, frontEnd)(&i)
	return item(i)
}

func strange(h [][2]string) logonOption {
	return func(i *evidence.Item) {
		i.EWS, i.Logon.Result, i.Response.Headers = nil, evidence.Unfinished, h
	}
}

func notSent(scheme, why string) option {
	return item(evidence.Item{Step: evidence.StepSkipped, Logon: &evidence.Logon{Scheme: scheme, Account: "svc-crm@contoso.com", Result: evidence.Skipped, Why: why}})
}

func certificate(sha string, until time.Time, problems ...evidence.CertificateProblem) *evidence.TLS {
	return &evidence.TLS{Version: "TLS 1.3", ServerName: "mail.contoso.com", Problems: problems, Certificate: &evidence.Certificate{
		SHA256: sha, Issuer: "CN=Contoso CA", NotBefore: noon.AddDate(-1, 0, 0), NotAfter: until, Names: []string{"mail.contoso.com"},
	}}
}

// over gives the step before it the handshake of its connection.
func over(t *evidence.TLS) option {
	return func(b *builder) { b.rec.Items[len(b.rec.Items)-1].TLS = t }
}

func page(title string, password bool) option {
	return func(b *builder) {
		b.rec.Items[len(b.rec.Items)-1].Response.Page = &evidence.Page{Title: title, PasswordField: password}
	}
}

func answered(e evidence.EWS) option {
	return func(b *builder) { b.rec.Items[len(b.rec.Items)-1].EWS = &e }
}

const dc = "10.0.0.5"

// kdc is what a KDC answered to the request without pre-authentication.
func kdc(code int, name string, options ...func(*evidence.Kerberos)) option {
	k := &evidence.Kerberos{Realm: "CONTOSO.COM", Principal: "svc-crm@CONTOSO.COM", Code: code, Error: name}
	for _, o := range options {
		o(k)
	}
	return item(evidence.Item{Step: evidence.StepKDCAsk, Address: dc + ":88", Kerberos: k})
}

var exists = kdc(25, "KDC_ERR_PREAUTH_REQUIRED")

// atKDC is the logon at a KDC, accepted where it names no error.
func atKDC(code int, name string) option {
	result := evidence.Accepted
	if code != 0 {
		result = evidence.Refused
	}
	return item(evidence.Item{
		Step: evidence.StepKDCLogon, Address: dc + ":88", Kerberos: &evidence.Kerberos{Realm: "CONTOSO.COM", Code: code, Error: name},
		Logon: &evidence.Logon{Scheme: evidence.SchemeKerberos, Account: "svc-crm@contoso.com", Result: result},
	})
}

// troubledKDC is a step at a KDC that went no further.
func troubledKDC(step evidence.Step, problem evidence.Problem) option {
	return item(evidence.Item{Step: step, Address: dc + ":88", Kerberos: &evidence.Kerberos{Realm: "CONTOSO.COM", Problem: problem, Why: "as told"}})
}

// bind is a bind at a directory: data is Active Directory's reason, "" accepted.
func bind(data string) option {
	result, code := evidence.Accepted, 0
	if data != "" {
		result, code = evidence.Refused, 49
	}
	return item(evidence.Item{
		Step: evidence.StepDirectoryBind, Address: dc + ":636", Bind: &evidence.Bind{Result: &code, Data: data},
		Logon: &evidence.Logon{Scheme: evidence.SchemeLDAPS, Account: "svc-crm@contoso.com", Result: result},
	})
}

func bindAs(account, data string) option {
	return func(b *builder) {
		bind(data)(b)
		b.rec.Items[len(b.rec.Items)-1].Logon.Account = account
	}
}

func troubledBind(problem evidence.Problem) option {
	return item(evidence.Item{
		Step: evidence.StepDirectoryBind, Address: dc + ":636", Bind: &evidence.Bind{Problem: problem, Why: "as told"},
		Logon: &evidence.Logon{Scheme: evidence.SchemeLDAPS, Result: evidence.Skipped, Why: "as told"},
	})
}

// byTicket is the sign-in to EWS with a Kerberos ticket.
func byTicket(status int) option {
	return logon("Negotiate", status, func(i *evidence.Item) { i.Logon.Mechanism = evidence.MechanismKerberos })
}

// withoutChallenge is an NTLM inside Negotiate that got no challenge.
var withoutChallenge = item(evidence.Item{Step: evidence.StepSkipped, Logon: &evidence.Logon{Scheme: "Negotiate", Result: evidence.Unfinished, Why: "type 1 was answered without a challenge"}})

func form(account string) logonOption {
	return func(i *evidence.Item) { i.Logon.Account, i.Logon.OtherForm = account, true }
}

// found is the finding of a code, nil if there is none.
func found(findings []finding.Finding, code finding.Code) *finding.Finding {
	if i := slices.IndexFunc(findings, func(f finding.Finding) bool { return f.Code == code }); i >= 0 {
		return &findings[i]
	}
	return nil
}
