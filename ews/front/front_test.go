package front

import (
	"strings"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/challenge"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/testdata/captures"
)

// capture is a recorded answer.
type capture struct {
	ID      string      `json:"id"`
	Status  int         `json:"status"`
	Headers [][2]string `json:"headers"`
}

func readCaptures(t *testing.T) []capture {
	t.Helper()
	return captures.Read[capture](t)
}

// brief writes an identity in one line; what is not known is left out.
func brief(id Identity) string {
	var parts []string
	if id.Exchange {
		parts = append(parts, "Exchange")
	}
	if id.Online {
		parts = append(parts, "Online")
	}
	for _, p := range [][2]string{{"fe", id.FrontEnd}, {"be", id.BackEnd}, {"version", id.Version}, {"device", id.Device}} {
		if p[1] != "" {
			parts = append(parts, p[0]+"="+p[1])
		}
	}
	return strings.Join(parts, " ")
}

// TestCaptures says who gave each recorded answer. One that is not in the table
// shows no sign of anybody.
func TestCaptures(t *testing.T) {
	want := map[string]string{
		"wa-001": "Exchange fe=EXCHANGE02",
		"wa-005": "Exchange fe=EX19-01 be=ex19-01.contoso.com version=15.2.986.14",
		"wa-007": "Exchange fe=EXCH1 version=15.1.2507.12",
		"wa-009": "device=Forefront TMG or ISA",
		"wa-011": "Exchange fe=CAS02",
		"wa-013": "Exchange fe=EXCH3",
		"wa-017": "Exchange fe=EXMBX1",
		"wa-019": "Exchange fe=EXMBX1",
		"wa-021": "Exchange fe=EXCH01 version=15.2.1544.11 device=F5 BIG-IP ASM",
		"eo-002": "Online",
		"eo-004": "Online",
		"eo-005": "Exchange Online fe=AM0PR06CA0096 be=AM0PR09MB2882.eurprd09.prod.outlook.com",
		"eo-007": "Exchange Online be=DM6PR03MB4922.namprd03.PROD.OUTLOOK.COM",
		"eo-009": "Exchange Online fe=AM0PR0202CA0008 be=AM0PR09MB2882.eurprd09.prod.outlook.com",
		"eo-011": "Exchange Online be=MW4PR20MB5591",
		"eo-014": "Online",
		"eo-015": "Online",
		"hr-002": "Exchange fe=EX19",
		"hr-004": "Exchange fe=EX19 be=EX19 version=15.2.858.2",
		"hr-006": "device=Apache",
		"hr-010": "device=Web Application Proxy or AD FS",
		"hr-012": "Exchange fe=EXSRV03",
		"hr-014": "Exchange fe=EXCH01",
	}
	for _, c := range readCaptures(t) {
		id := Identify(&evidence.Response{Status: c.Status, Headers: c.Headers})
		if got := brief(id); got != want[c.ID] {
			t.Errorf("%s: %q, want %q", c.ID, got, want[c.ID])
		}
		if id.Online != (id.OnlineSign != "") || (id.Device != "") != (id.DeviceSign != "") {
			t.Errorf("%s: without its sign: %+v", c.ID, id)
		}
		delete(want, c.ID)
	}
	for id := range want {
		t.Errorf("%s: not among the captures", id)
	}
}

// response has header lines as its fields.
func response(lines ...string) *evidence.Response {
	r := &evidence.Response{Status: 401}
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ": ")
		r.Headers = append(r.Headers, [2]string{name, value})
	}
	return r
}

// TestIdentify has one header per line and who shows himself by it.
func TestIdentify(t *testing.T) {
	cases := []struct {
		name, header, want string
	}{
		{"nothing", "Content-Length: 0", ""},
		{"IIS alone", "Server: Microsoft-IIS/10.0", ""},
		{"front end", "x-feserver: EX01", "Exchange fe=EX01"},
		{"build", "X-OWA-Version: 15.2.1544.11", "Exchange version=15.2.1544.11"},
		{"build that is none", "X-OWA-Version: 15.2; DROP", "Exchange"},
		{"back end's build", "X-ServerApplication: Exchange/15.01.2176.009", "Exchange version=15.1.2176.9"},
		{"back end's build with noughts", "X-ServerApplication: Exchange/15.20.0100.000", "Exchange version=15.20.100.0"},
		{"another application", "X-ServerApplication: Contoso/15.01.2176.009", ""},
		{"back end", "X-BEServer: EX02", "Exchange be=EX02"},
		{"diagnostics", "X-DiagInfo: EX02", "Exchange"},
		{"Autodiscover", "X-OAuth-Enabled: True", "Exchange"},

		{"online back end", "X-CalculatedBETarget: a.eurprd09.prod.outlook.com.", "Exchange Online be=a.eurprd09.prod.outlook.com."},
		{"a near miss", "X-CalculatedBETarget: prod.outlook.com.contoso.com", "Exchange be=prod.outlook.com.contoso.com"},
		{"another near miss", "X-CalculatedBETarget: notprod.outlook.com", "Exchange be=notprod.outlook.com"},
		{"online proxy", "X-FEProxyInfo: AM0PR06CA0096", "Online"},
		{"policy", "X-EWS-Policy-Reason: EWS is disabled for this user or tenant", "Online"},
		{"any tenant", `WWW-Authenticate: Bearer trusted_issuers="00000001-0000-0000-c000-000000000000@*"`, "Online"},
		{"any tenant, and a partner", `WWW-Authenticate: Bearer trusted_issuers="00000004-0000-0ff1-ce00-000000000000@contoso.com, 00000001-0000-0000-c000-000000000000@*"`, "Online"},
		{"one tenant", `WWW-Authenticate: Bearer trusted_issuers="00000001-0000-0000-c000-000000000000@1d3c9b43-0d0f-45d9-a207-99dc10fb7d4a"`, ""},

		{"F5 APM", "Set-Cookie: MRHSession=x; path=/", "device=F5 BIG-IP APM"},
		{"F5 APM's redirect", "Location: https://mail.contoso.com/my.policy", "device=F5 BIG-IP APM"},
		{"F5", "Server: BigIP", "device=F5 BIG-IP"},
		{"F5's cookie", "Set-Cookie: BIGipServerpool_ex=1.2.3; path=/", "device=F5 BIG-IP"},
		{"F5 ASM", "Set-Cookie: TS01a32329=0; Path=/", "device=F5 BIG-IP ASM"},
		{"not F5 ASM", "Set-Cookie: TSESSION=0; Path=/", ""},
		{"NetScaler", "Set-Cookie: NSC_mail=x", "device=Citrix NetScaler"},
		{"NetScaler's redirect", "Location: /vpn/index.html", "device=Citrix NetScaler"},
		{"TMG", "WWW-Authenticate: Kerberos", "device=Forefront TMG or ISA"},
		{"TMG's form", "Location: /CookieAuth.dll?GetLogon?curl=Z2F", "device=Forefront TMG or ISA"},
		{"UAG", "Location: https://x/InternalSite/InternalError.asp", "device=UAG"},
		{"application proxy", "Location: https://login.microsoftonline.com/x/oauth2/authorize?y", "device=Entra application proxy"},
		{"AD FS", "Location: https://sts.contoso.com/adfs/ls/?wa=wsignin1.0", "device=Web Application Proxy or AD FS"},
		{"WAP's cookie", "Set-Cookie: EdgeAccessCookie=x", "device=Web Application Proxy or AD FS"},
		{"Cloudflare", "CF-RAY: 1-FRA", "device=Cloudflare"},
		{"nginx", "Server: nginx/1.24.0", "device=nginx"},
		{"HAProxy", "server: HAProxy", "device=HAProxy"},
		{"a proxy", "Via: 1.1 gateway", "device=a proxy"},
		{"Exchange's own cookie", "Set-Cookie: X-BackEndCookie=S-1-5-21=x", ""},
		{"Outlook on the web's redirect", "Location: /owa/auth/logon.aspx?url=x&reason=0", ""},
	}
	for _, c := range cases {
		if got := brief(Identify(response(c.header))); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if got := brief(Identify(response("Server: nginx", "X-FEServer: EX01", "Set-Cookie: MRHSession=x"))); got != "Exchange fe=EX01 device=F5 BIG-IP APM" {
		t.Errorf("the more specific sign does not win: %q", got)
	}
	if got := brief(Identify(response("Proxy-Support: Session-Based-Authentication", "X-FEServer: EX01"))); got != "Exchange fe=EX01" {
		t.Errorf("IIS sends Proxy-Support too: %q", got)
	}
	if got := brief(Identify(nil)); got != "" {
		t.Errorf("no answer: %q", got)
	}
}

// TestTenant has the trusted issuers of a Bearer challenge and the tenant in them.
func TestTenant(t *testing.T) {
	const entra, partner = "00000001-0000-0000-c000-000000000000", "00000004-0000-0ff1-ce00-000000000000"
	const tenant = "1d3c9b43-0d0f-45d9-a207-99dc10fb7d4a"
	cases := []struct{ name, issuers, want string }{
		{"none", "", ""},
		{"one", entra + "@" + tenant, tenant},
		{"capitals", entra + "@" + strings.ToUpper(tenant), tenant},
		{"beside a partner", partner + "@contoso.com, " + entra + "@" + tenant, tenant},
		{"a partner's", partner + "@" + tenant, ""},
		{"any", entra + "@*", ""},
		{"a domain", entra + "@contoso.com", ""},
		{"nearly", entra + "@" + tenant + "0", ""},
	}
	for _, c := range cases {
		found, _ := challenge.Find(challenge.Parse([]string{`Bearer trusted_issuers="` + c.issuers + `"`}), "Bearer")
		if got := strings.Join(Tenants(found), " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// An address that stands for a page has to lead to one, and no two signs are the same.
func TestTables(t *testing.T) {
	for _, p := range pages() {
		if got := SignIn(SignInLike(p[0])); got != p[0] {
			t.Errorf("%s: %q leads to %q", p[0], SignInLike(p[0]), got)
		}
	}
	seen := map[sign]bool{}
	for _, d := range devices() {
		for _, s := range d.signs {
			if seen[s] || s.field+s.text != strings.ToLower(s.field+s.text) {
				t.Errorf("%s: %v is there twice, or has capitals", d.name, s)
			}
			seen[s] = true
		}
	}
}

// TestSignIn has one Location per line and whose sign-in page it is.
func TestSignIn(t *testing.T) {
	cases := []struct{ location, want string }{
		{"", ""},
		{"/EWS/Exchange.asmx", ""},
		{"https://mail.fabrikam.com/EWS/Exchange.asmx", ""},
		{"https://10.0.0.10/owa/", ""},
		{"/ews/genericerrorpage.htm?aspxerrorpath=/ews/exchange.asmx", ""},
		{"https://webmail.contoso.com/owaowaowaowaowaowaRpc/RpcProxy.dll?webmail.contoso.com:6001", ""},
		{"http://mail.contoso.com/blog/authority", ""},
		{"https://mail.contoso.com/EWS/Services.wsdl", ""},
		{"%zz", ""},

		{"https://mail.contoso.com/owa/auth/logon.aspx?url=https%3a%2f%2fmail.contoso.com%2fews&reason=0", "Outlook on the web's form"},
		{"/OWA/Auth/Logon.aspx", "Outlook on the web's form"},
		{"/ecp/auth/logon.aspx", "the Exchange admin centre's form"},
		{"https://adfs.contoso.com/adfs/ls/?wa=wsignin1.0&wtrealm=https%3a%2f%2fwebmail.contoso.com%2fowa%2f", "AD FS"},
		{"https://sts.contoso.com/adfs/oauth2/authorize?x", "AD FS"},
		{"https://login.microsoftonline.com/common/oauth2/authorize?client_id=x", "Entra ID"},
		{"https://LOGIN.microsoftonline.us/x", "Entra ID"},
		{"https://login.partner.microsoftonline.cn/x", "Entra ID"},
		{"https://login.windows.net/x", "Entra ID"},
		{"/CookieAuth.dll?GetLogon?curl=Z2FEWSZ2F&reason=0&formdir=1", "the form of TMG or ISA"},
		{"/my.policy", "F5 APM"},
		{"/vpn/index.html", "NetScaler"},
		{"/logon/LogonPoint/index.html", "NetScaler"},
		{"https://uag.contoso.com/InternalSite/Login.asp", "UAG"},
		{"https://sso.contoso.com/login?service=x", "known by its address"},
		{"/log-in", "known by its address"},
		{"/Account/SignIn.aspx", "known by its address"},
		{"https://idp.contoso.com/saml2/idp", "known by its address"},
		{"https://idp.contoso.com/?wa=WSignIn1.0", "a federation sign-in"},
		{"https://idp.contoso.com/x?SAMLRequest=abc", "a federation sign-in"},
	}
	for _, c := range cases {
		if got := SignIn(c.location); got != c.want {
			t.Errorf("%s: %q, want %q", c.location, got, c.want)
		}
	}
}

// TestOnlineHost: no password goes to these names, and to none that only looks
// like one is it refused.
func TestOnlineHost(t *testing.T) {
	cases := []struct {
		host string
		want bool
	}{
		{"outlook.office365.com", true},
		{"Outlook.Office365.COM", true},
		{"outlook.office365.com.", true},
		{"outlook.office.com", true},
		{"contoso.outlook.com", true},
		{"outlook.office365.us", true},
		{"partner.outlook.cn", true},
		{"webmail.apps.mil", true},
		{"outlook.com", true},

		{"", false},
		{".", false},
		{"mail.contoso.com", false},
		{"office365.com", false},
		{"outlook.com.evil.example", false},
		{"outlook.office365.com.evil.example", false},
		{"notoutlook.com", false},
		{"my-outlook.office365.com", false},
		{"outlook.contoso.com", false},
		{"outlook", false},
		{"40.100.1.1", false},
		{"2603:1026::1", false},
		{"::ffff:40.100.1.1", false},
	}
	for _, c := range cases {
		if got := OnlineHost(c.host); got != c.want {
			t.Errorf("%q: %v, want %v", c.host, got, c.want)
		}
	}
}

// TestProduct names the Exchange of a build.
func TestProduct(t *testing.T) {
	cases := []struct{ version, want string }{
		{"8.0.685.24", "Exchange Server 2007"},
		{"8.3.83.6", "Exchange Server 2007"},
		{"14.0.639.21", "Exchange Server 2010"},
		{"14.3.513.0", "Exchange Server 2010"},
		{"15.0.516.32", "Exchange Server 2013"},
		{"15.0.847.32", "Exchange Server 2013 SP1 (CU4)"},
		{"15.0.1497.48", "Exchange Server 2013 CU23"},
		{"15.1.225.42", "Exchange Server 2016"},
		{"15.1.396.30", "Exchange Server 2016 CU1"},
		{"15.1.2176.9", "Exchange Server 2016 CU19"},
		{"15.01.2176.009", "Exchange Server 2016 CU19"},
		{"15.1.2507.12", "Exchange Server 2016 CU23"},
		{"15.1.2508.1", "Exchange Server 2016"},
		{"15.2.221.12", "Exchange Server 2019"},
		{"15.2.330.5", "Exchange Server 2019 CU1"},
		{"15.2.986.14", "Exchange Server 2019 CU11"},
		{"15.2.1544.11", "Exchange Server 2019 CU14"},
		{"15.2.1748.10", "Exchange Server 2019 CU15"},
		{"15.2.2561.0", "Exchange Server 2019"},
		{"15.2.2562.17", "Exchange Server Subscription Edition"},
		{"15.2.2700.1", "Exchange Server Subscription Edition"},
		{"15.20.1471.20", "Exchange Online"},
		{"15.21.1.0", "Exchange Online"},
		{"15.2.1544", "Exchange Server 2019 CU14"},

		{"", ""},
		{"15.2", ""},
		{"15.10.1.1", ""},
		{"16.0.1.1", ""},
		{"15.2.x.1", ""},
		{"-15.2.1544.11", ""},
		{"99999999999999999999.1.1", ""},
		{"V2017_07_11", ""},
	}
	for _, c := range cases {
		if got := Product(c.version); got != c.want {
			t.Errorf("%q: %q, want %q", c.version, got, c.want)
		}
	}
}
