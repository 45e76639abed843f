package rule

import (
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// What a domain controller says: the verdict, and the reason it names.
func TestReasons(t *testing.T) {
	status := func(s string) func(*evidence.Kerberos) { return func(k *evidence.Kerberos) { k.NTStatus = s } }
	text := func(s string) func(*evidence.Kerberos) { return func(k *evidence.Kerberos) { k.Text = s } }
	refused := []option{ask("NTLM", "Basic"), logon("Basic", 401)}
	tests := []struct {
		name string
		said []option
		want string
	}{
		{"nothing", nil, "undetermined undetermined"},
		{"exists, wrong password", []option{exists, bind("52e")}, "confirmed wrong-password"},
		{"wrong password, KDC not asked", []option{bind("52e")}, "likely wrong-password"},
		{"wrong password, KDC confused", []option{kdc(60, "KRB_ERR_GENERIC"), bind("52e")}, "likely wrong-password"},
		{"a name that the directory may not know", []option{exists, bindAs(`FABRIKAM\svc-crm`, "52e")}, "undetermined undetermined"},
		{"no password was shown", []option{kdc(24, "KDC_ERR_PREAUTH_FAILED")}, "undetermined undetermined"},
		{"revoked, and a wrong password", []option{kdc(18, "KDC_ERR_CLIENT_REVOKED"), bind("52e")}, "confirmed wrong-password"},
		{"unknown at the KDC alone", []option{kdc(6, "KDC_ERR_C_PRINCIPAL_UNKNOWN")}, "confirmed unknown-user"},
		{"unknown, and Samba's LDAP says wrong password", []option{kdc(6, "KDC_ERR_C_PRINCIPAL_UNKNOWN"), bind("52e")}, "confirmed unknown-user"},
		{"unknown at both", []option{kdc(6, "KDC_ERR_C_PRINCIPAL_UNKNOWN"), bind("525")}, "confirmed unknown-user"},
		{"the KDC lies: LDAPS knows a state", []option{kdc(6, "KDC_ERR_C_PRINCIPAL_UNKNOWN"), bind("775")}, "confirmed locked"},
		{"logon hours", []option{exists, bind("530")}, "confirmed logon-hours"},
		{"workstation", []option{exists, bind("531")}, "confirmed workstation"},
		{"password expired", []option{exists, bind("532")}, "confirmed password-expired"},
		{"disabled", []option{exists, bind("533")}, "confirmed disabled"},
		{"expired", []option{exists, bind("701")}, "confirmed expired"},
		{"must change", []option{exists, bind("773")}, "confirmed must-change-password"},
		{"locked", []option{exists, bind("775")}, "confirmed locked"},
		{"restricted", []option{exists, bind("52F")}, "confirmed restricted"},
		{"a value that nobody knows", []option{exists, bind("57")}, "undetermined undetermined"},
		{"revoked, no more is said", []option{kdc(18, "KDC_ERR_CLIENT_REVOKED")}, "undetermined undetermined"},
		{"revoked, Windows says which", []option{kdc(18, "KDC_ERR_CLIENT_REVOKED", status("0xC0000234"))}, "confirmed locked"},
		{"revoked, MIT: disabled", []option{kdc(18, "KDC_ERR_CLIENT_REVOKED", text("CLIENT LOCKED OUT"))}, "confirmed disabled"},
		{"revoked, MIT: locked", []option{kdc(18, "KDC_ERR_CLIENT_REVOKED", text("LOCKED_OUT"))}, "confirmed locked"},
		{"key expired", []option{kdc(23, "KDC_ERR_KEY_EXPIRED")}, "confirmed password-expired"},
		{"key expired, MIT: must change", []option{kdc(23, "KDC_ERR_KEY_EXPIRED", text("REQUIRED PWCHANGE"))}, "confirmed must-change-password"},
		{"a state outranks a wrong password", []option{kdc(18, "KDC_ERR_CLIENT_REVOKED", status("0xC0000072")), bind("52e")}, "confirmed disabled"},
		{"the KDC refuses the key", []option{exists, atKDC(24, "KDC_ERR_PREAUTH_FAILED")}, "confirmed wrong-password"},
		{"no controller", []option{troubledKDC(evidence.StepFindController, evidence.NoController)}, "undetermined undetermined"},
	}
	for _, c := range tests {
		j := Judge(record(append(append([]option{}, refused...), c.said...)...))
		if got := string(j.Verdict.Confidence) + " " + j.Verdict.Reason; j.Verdict.Code != "credentials-rejected" || got != c.want {
			t.Errorf("%s: %s %s, want %s", c.name, j.Verdict.Code, got, c.want)
		}
	}
}

// twoNodes is a keep-test whose two challenges name these computers.
func twoNodes(names ...string) option {
	return func(b *builder) {
		for _, n := range names {
			b.add(evidence.Item{Step: evidence.StepKeepTest, Response: &evidence.Response{Status: 401}, NTLM: &evidence.NTLM{Scheme: "NTLM", NetBIOSComputer: n}})
		}
	}
}

// directoryCases are verdicts that hang on a domain controller; TestJudge runs
// them with the others.
var directoryCases = []verdictCase{
	{"LDAPS accepts what every scheme refuses", record(ask("NTLM", "Basic"), logon("Basic", 401), exists, bind(""), logon("NTLM", 401)), "critical logon-blocked likely", ""},
	{"Kerberos accepts what every scheme refuses", record(profile("negotiate"), ask("Negotiate", "NTLM"), logon("Negotiate", 401), exists, atKDC(0, ""), byTicket(401)), "critical logon-blocked likely", "kerberos-failed"},
	{"LDAPS accepts, NTLM too: Basic alone refuses", record(ask("NTLM", "Basic"), logon("Basic", 401), bind(""), logon("NTLM", 200)), "critical basic-rejected confirmed", ""},
	{"LDAPS accepts, and a binding explains NTLM", record(profile("ntlm"), ask("NTLM"), over(good), logon("NTLM", 401), bind(""), logon("NTLM", 200, compared(evidence.BindingNone))), "critical extended-protection likely", ""},
	{"LDAPS accepts, and two nodes share a connection", record(profile("ntlm"), ask("NTLM"), logon("NTLM", 401), twoNodes("EX01", "EX02"), bind("")), "critical ntlm-broken confirmed", ""},
	{"two nodes share a connection", record(profile("ntlm"), ask("NTLM"), logon("NTLM", 401), twoNodes("EX01", "EX02")), "critical ntlm-broken confirmed", ""},
	{"one node keeps it", record(profile("ntlm"), ask("NTLM"), logon("NTLM", 401), twoNodes("EX01", "EX01")), "critical credentials-rejected undetermined", ""},
	{"a ticket refused is no password refused", record(profile("negotiate"), ask("Negotiate", "NTLM"), exists, atKDC(0, ""), byTicket(401)), "unknown inconclusive undetermined", "kerberos-failed"},
	{"LDAPS is closed, the KDC is not", record(ask("Basic"), logon("Basic", 200), exists, troubledBind(evidence.NoAnswer)), "warning kdc-unreachable confirmed", ""},
	{"Kerberos only, signed in", record(profile("negotiate"), ask("Negotiate"), withoutChallenge, exists, atKDC(0, ""), byTicket(200)), "critical ntlm-broken confirmed", ""},
	{"Kerberos only, not tried", record(profile("negotiate"), ask("Negotiate"), withoutChallenge), "critical ntlm-broken likely", ""},
	{"by a keytab, and NTLM would be taken", record(profile("negotiate"), ask("Negotiate", "NTLM"), item(evidence.Item{Step: evidence.StepNTLMNegotiate, NTLM: &evidence.NTLM{Scheme: "Negotiate"}}), exists, atKDC(0, ""), byTicket(200)), "ok ok confirmed", ""},
	{"keytab with a wrong key", record(profile("negotiate"), ask("Negotiate", "NTLM"), exists, atKDC(24, "KDC_ERR_PREAUTH_FAILED")), "critical credentials-rejected confirmed", ""},
	{"by a keytab, and EWS refuses the ticket", record(profile("negotiate"), target(func(t *evidence.Target) { t.Ticket = "keytab" }), ask("Negotiate", "NTLM"), exists, atKDC(0, ""), byTicket(401)), "critical logon-blocked undetermined", "kerberos-failed"},
	{"by a cache, and EWS refuses the ticket", record(profile("negotiate"), target(func(t *evidence.Target) { t.Ticket = "ccache" }), ask("Negotiate", "NTLM"), byTicket(401)), "critical credentials-rejected undetermined", "kerberos-failed"},
	{"keytab without the key", record(profile("negotiate"), ask("Negotiate", "NTLM"), troubledKDC(evidence.StepKDCLogon, evidence.NoKey)), "unknown inconclusive undetermined", "keytab-unusable"},
	{"no KDC", record(ask("Basic"), logon("Basic", 200), troubledKDC(evidence.StepKDCAsk, evidence.NoAnswer)), "warning kdc-unreachable confirmed", ""},
	{"a KDC that lies", record(ask("Basic"), logon("Basic", 200), troubledKDC(evidence.StepKDCLogon, evidence.Dishonest)), "warning kdc-untrusted likely", ""},
	{"LDAP without TLS", record(ask("Basic"), logon("Basic", 200), troubledBind(evidence.NoTLS)), "warning ldaps-failed confirmed", ""},
	{"keytab without the key, EWS in order", record(ask("Basic"), logon("Basic", 200), troubledKDC(evidence.StepKDCLogon, evidence.NoKey)), "warning keytab-unusable confirmed", ""},
	{"expired ticket", record(ask("Basic"), logon("Basic", 200), troubledKDC(evidence.StepTicket, evidence.TicketExpired)), "warning ticket-expired confirmed", ""},
	{"no such service", record(ask("Basic"), logon("Basic", 200), item(evidence.Item{Step: evidence.StepTicket, Address: dc + ":88", Kerberos: &evidence.Kerberos{Service: "HTTP/mail.contoso.com", Code: 7, Error: "KDC_ERR_S_PRINCIPAL_UNKNOWN"}})), "warning kerberos-failed confirmed", ""},
	{"no pre-authentication", record(ask("Basic"), logon("Basic", 200), kdc(0, "", func(k *evidence.Kerberos) { k.Unasked = true })), "warning preauth-off confirmed", ""},
	{"the controller's clock", record(ask("Basic"), logon("Basic", 200), kdc(25, "KDC_ERR_PREAUTH_REQUIRED", func(k *evidence.Kerberos) { ms := int64(600_000); k.ClockSkewMS = &ms })), "warning clock-skew confirmed", ""},
	{"the name as UPN is accepted", record(target(func(t *evidence.Target) { t.User = `CONTOSO\svc-crm` }), ask("Basic"), logon("Basic", 401), logon("Basic", 200, form("svc-crm@contoso.com"))), "critical basic-rejected confirmed", "user-name-not-upn"},
}
