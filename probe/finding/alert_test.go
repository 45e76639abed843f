package finding

import (
	"slices"
	"strings"
	"testing"
)

func TestMatchAlert(t *testing.T) {
	// The sentences as Dynamics shows them, with made-up names.
	const (
		cannotSend    = `The email message "Test Message" cannot be sent. Make sure that the credentials specified in the mailbox Anna Berg are correct and have sufficient permissions for sending email. Then, enable the mailbox for email processing.`
		cannotSync    = `Appointments, contacts, and tasks can't be synchronized. Make sure that the credentials specified in the mailbox Anna Berg are correct and have sufficient permissions. Then, enable the mailbox for appointments, contacts, and tasks synchronization.`
		cannotReceive = `Email cannot be received for the mailbox Anna Berg. Make sure that the credentials specified in the mailbox are correct and have sufficient permissions for receiving email. Then, enable the mailbox for email processing.`
		error401      = `Email Server Error Code: Http server returned 401 Unauthorized exception.`
	)
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"KB 3212785, sending", cannotSend + "\n\n" + error401, []string{"401"}},
		{"KB 3212785, synchronizing", cannotSync + " " + error401, []string{"401"}},
		{"KB 3212785, receiving", cannotReceive + error401, []string{"401"}},
		{"the code alone", error401, []string{"401"}},
		{"the code in a translated alert", "E-Mail kann nicht empfangen werden. E-Mail-Serverfehlercode: Http server returned 401 Unauthorized exception.", []string{"401"}},
		{"the sentence alone, sending", cannotSend, []string{"mailbox-credentials"}},
		{"the sentence alone, synchronizing", cannotSync, []string{"mailbox-credentials"}},
		{"the sentence alone, receiving", cannotReceive, []string{"mailbox-credentials"}},
		{"folded", "HTTP\u00a0Server  returned\r\n401\tUNAUTHORIZED exception", []string{"401"}},
		{"with an invisible character", "Http server returned 401 Un\u200bauthorized exception.", []string{"401"}},
		{"re-created", "An error occurred. NoUserFoundWithGivenClaims", []string{"user-recreated"}},
		{"re-created, details", "User does not exist in tenant with id '11111111-2222-3333-4444-555555555555'", []string{"user-recreated"}},
		{"re-created, wrapped", cannotReceive + " NoUserFoundWithGivenClaims", []string{"user-recreated"}},
		{"quota in the credentials sentence", cannotSend + " Email Server Error Code: ErrorQuotaExceeded. Exchange.server returned 403 error.", []string{"quota"}},
		{"submission quota", "ErrorSubmissionQuotaExceeded", []string{"quota"}},
		{"test connection", "Remote server error: (401) Unauthorized. Make sure the user name and password are correct, and try again.", []string{"test-connection-401"}},
		{"forbidden", "Email Server Error Code: Http server returned Forbidden exception.", []string{"forbidden"}},
		{"forbidden, status", "An error occurred while establishing a secure connection to the email server. The request failed with HTTP status 403: Forbidden.", []string{"forbidden"}},
		{"secure connection", "An error occurred while establishing a secure connection to the email server.", []string{"secure-connection"}},
		{"impersonation", "ErrorImpersonateUserDenied: The account does not have permission to impersonate the requested user.", []string{"impersonation-denied"}},
		{"impersonation, alert", "An impersonation error occurred in accessing the mailbox while receiving email.", []string{"impersonation-denied"}},
		{"no mailbox", "The SMTP address has no mailbox associated with it.", []string{"no-mailbox"}},
		{"no mailbox, code", "<faultcode>a:ErrorNonExistentMailbox</faultcode>", []string{"no-mailbox"}},
		{"timeout", "System.Net.WebException: The operation has timed out at ExchangeConnectivityDiscoverer.ValidateServerUrl", []string{"timeout"}},
		{"timeout of another protocol", "Socket returned exception TimedOut (0x80004005)", []string{"not-ews-profile"}},
		{"connect", "Web server returned ConnectFailure exception.", []string{"connect-failed"}},
		{"location", "The location of the mailbox Anna Berg could not be determined while receiving email.", []string{"mailbox-location"}},
		{"profile", "The credentials specified in the associated email server profile are incorrect or have insufficient permissions.", []string{"profile-credentials"}},
		{"REST", "Error code: 8005E274 MailboxNotEnabledForRESTAPI", []string{"mailbox-not-in-exchange-online"}},
		{"licence", "8005E276", []string{"user-not-licensed"}},
		{"no user", "Test and Enable failed because no user was found with the email address anna@contoso.com in the Microsoft 365 tenant.", []string{"no-such-user-in-tenant"}},
		{"store", "ErrorMailboxStoreUnavailable: a general mailbox access error", []string{"mailbox-unavailable"}},
		{"busy", "ErrorServerBusy", []string{"throttled"}},
		{"access", "ErrorAccessDenied", []string{"access-denied"}},
		{"certificate", "The underlying connection was closed: Could not establish trust relationship for the SSL/TLS secure channel.", []string{"tls-untrusted"}},
		{"TLS", "The request was aborted: Could not create SSL/TLS secure channel.", []string{"tls-failed"}},
		{"name", "The remote name could not be resolved: 'mail.contoso.com'", []string{"name-not-resolved"}},
		{"path", "The remote server returned an error: (404) Not Found.", []string{"not-found"}},
		{"unavailable", "The remote server returned an error: (503) Server Unavailable.", []string{"server-unavailable"}},
		{"re-created, no identifier", "AADSTS: User does not exist in tenant.", []string{"user-recreated"}},
		{"inactive record", "Email Server Error Code: MailboxDisabled", []string{"mailbox-record-inactive"}},
		{"privilege", "Crm.80048306 Not enough privilege to complete the operation", []string{"dynamics-privilege"}},
		{"privilege, sentence", "The mailbox user doesn\u2019t have sufficient permissions.", []string{"dynamics-privilege"}},
		{"approval", "This mailbox requires an approval by a Microsoft 365 administrator.", []string{"approval-missing"}},
		{"approval, several", "The email addresses haven't been approved.", []string{"approval-missing"}},
		{"other organization", "The mailbox is configured with another organization for synchronization.", []string{"other-organization"}},
		{"plug-in", "UnknownIncomingEmailIntegrationError -2147220956", []string{"integration-plugin"}},
		{"next cycle", "UnknownIncomingEmailIntegrationError \u22122147220970", []string{"integration-transient"}},
		{"address in To", "UnknownIncomingEmailIntegrationError -2147218677", []string{"integration-address"}},
		{"queue owner", "UnknownIncomingEmailIntegrationError -2147220192", []string{"integration-queue-owner"}},
		{"owner unlicensed", "UnknownIncomingEmailIntegrationError -2147167669", []string{"integration-owner-license"}},
		{"integration, no number known", "UnknownIncomingEmailIntegrationError -1", []string{"integration-error"}},
		{"203", "Exchange.server returned 203 error.", []string{"answer-203"}},
		{"pending", `The email stays in status "Pending Send".`, []string{"pending-send"}},
		{"not run", "Incoming Email Status: Not Run", []string{"test-not-run"}},
		{"never ends", "Test & Enable never finishes", []string{"test-not-run"}},
		{"headers without Basic", "HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Negotiate\nWWW-Authenticate: NTLM", []string{"basic-not-listed"}},
		{"headers with Basic", "HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Negotiate\nNTLM\nBasic realm=\"x\"", []string{"401-basic-offered"}},
		{"a word inside another", "The disconnection failedover", nil},
		{"words far apart", "The password is in the safe of the head of the department, and nobody has ever said that it might be wrong", nil},
		{"words", "Login failed for the user", []string{"logon-words"}},
		{"token", `401 WWW-Authenticate: Bearer error="invalid_token"`, []string{"token-refused"}},
		{"no token", "Failed to acquire an access token: 404 (Not Found)", []string{"token-not-fetched"}},
		{"token that was got", "401 Access token has been obtained for wrong audience or resource", []string{"token-audience"}},
		{"token that is refused", "invalid_token. The access token is invalid, get a new one", []string{"token-refused"}},
		{"PowerShell's record of an error", "Exception: ErrorRecord", nil},
		{"401.2 in words", "401 Unauthorized: Logon failed due to server configuration", []string{"scheme-not-accepted"}},
		{"PowerShell", "Access is denied. PSSessionOpenFailed", []string{"remote-shell"}},
		{"proxy", "The remote server returned an error: (407) Proxy Authentication Required.", []string{"proxy-407"}},
		{"413", "The remote server returned an error: (413) Request Entity Too Large.", []string{"too-large-413"}},
		{"440", "The request failed with HTTP status 440: Login Timeout.", []string{"sign-in-page"}},
		{"form", "302 Location: https://mail.contoso.com/owa/auth/logon.aspx?replaceCurrent=1", []string{"sign-in-page"}},
		{"449", "The request failed with HTTP status 449.", []string{"activesync-answer"}},
		{"451", "The remote server returned an error: (451).", []string{"activesync-answer"}},
		{"456", "The request failed with HTTP status 456", []string{"online-account"}},
		{"457", "The remote server returned an error: (457).", []string{"online-account"}},
		{"500", "The remote server returned an error: (500) Internal Server Error.", []string{"server-error-500"}},
		{"500 with a code", "(500) Internal Server Error. ErrorNonExistentMailbox", []string{"no-mailbox"}},
		{"502", "The remote server returned an error: (502) Bad Gateway.", []string{"server-unavailable"}},
		{"504", "The request failed with HTTP status 504: Gateway Timeout.", []string{"server-unavailable"}},
		{"alert of TLS", "A fatal TLS alert was received", []string{"tls-failed"}},
		{"host not found", "InvalidIncomingEmailServerProfileConfiguration HostNotFound", []string{"not-ews-profile"}},
		{"authentication of SMTP", "OutgoingEmailAuthenticationError 535 5.7.8", []string{"not-ews-profile"}},
		{"SMTP", `SmtpException: Syntax error, command unrecognized.`, []string{"mail-flow"}},

		{"two at once, the more specific first", "(401) Unauthorized ... ErrorImpersonateUserDenied", []string{"impersonation-denied", "401"}},

		// The same in other languages, and in other spellings.
		{"401 in German", `Http-Server hat die Ausnahme "401 Nicht autorisiert" zurückgegeben.`, []string{"401"}},
		{"401 of .NET in Japanese", "リモート サーバーがエラーを返しました: (401) 許可されていません", []string{"401"}},
		{"401 in full width", "リモート サーバーがエラーを返しました（４０１）", []string{"401"}},
		{"401 without spaces", "Exchange返回401错误", []string{"401"}},
		{"503 of .NET in Russian", "Удаленный сервер возвратил ошибку: (503) Сервер не доступен.", []string{"server-unavailable"}},
		{"401.2", "HTTP Error 401.2", []string{"iis-no-scheme"}},
		{"401.1 in French", "Erreur HTTP 401.1 - Non autorisé", []string{"iis-logon-refused"}},
		{"sub-status behind the name of IIS", "IIS: 403.14", []string{"iis-folder"}},
		{"IIS", "401 - Unauthorized: Access is denied due to invalid credentials.", []string{"401"}},
		{"at the end", "Код ошибки почтового сервера: исключение 401.", []string{"401"}},
		{"timeout in Spanish", "Se ha agotado el tiempo de espera de la operación.", []string{"timeout"}},
		{"Entra", "AADSTS7000222: The provided client secret keys are expired.", []string{"token-not-issued"}},
		{"a number alone", "401", []string{"401"}},
		{"a number and a word", "Fehler 403", []string{"forbidden"}},
		{"a number of EWS", "Exchange.server hat den Fehler 363 zurückgegeben.", []string{"throttled"}},
		{"a number of EWS in Chinese", "Exchange.server 返回 383 错误。", []string{"time-zone"}},
		{"a number of both", "456", []string{"online-account", "mailbox-unlicensed"}},
		{"a status beside a name", "MailboxNotEnabledForRESTAPI. Exchange.server returned 404 error.", []string{"mailbox-not-in-exchange-online"}},
		{"trust in German", "Für den geschützten SSL/TLS-Kanal konnte keine Vertrauensstellung hergestellt werden.", []string{"tls-untrusted"}},
		{"TLS in German", "Es konnte kein geschützter SSL/TLS-Kanal erstellt werden.", []string{"tls-failed"}},
		{"TLS in some language", "SSL/TLS xyzzy", []string{"tls"}},
		{"hexadecimal", "0x80040265", []string{"integration-plugin"}},
		{"upper case", "80048306", []string{"dynamics-privilege"}},
		{"64 bits", "0xFFFFFFFF80048306", []string{"dynamics-privilege"}},
		{"decimal", "-2147220891", []string{"integration-plugin"}},
		{"sign lost", "2147220891", []string{"integration-plugin"}},
		{"unsigned", "2147746405", []string{"integration-plugin"}},
		{"grouped", "-2.147.220.891", []string{"integration-plugin"}},
		{"in XML", "<ErrorCode>-2147187962</ErrorCode>", []string{"dynamics-privilege"}},
		{"in escaped XML", "&lt;q1:ResponseCode&gt;ErrorItemSave&lt;/q1:ResponseCode&gt;", []string{"ErrorItemSave"}},
		{"number of an article", "KB4504933", []string{"answer-203"}},
		{"of an article's address", "https://learn.microsoft.com/x/error-code-8005e274", []string{"mailbox-not-in-exchange-online"}},
		{"unknown code of Dynamics", "Email Server Error Code: ExchangeSyncSomethingNew", []string{"dynamics-name"}},
		{"unknown number of Dynamics", "ErrorCode -2147204784", []string{"dynamics-number"}},
		{"an EWS code without a rule", "Exchange.server returned ErrorAccountDisabled error.", []string{"ErrorAccountDisabled"}},
		{"a general EWS code with another", "ErrorInternalServerError ErrorAccountDisabled", []string{"ErrorAccountDisabled"}},
		{"a general EWS code with a rule", "ErrorInternalServerError ErrorInvalidLicense", []string{"mailbox-unlicensed"}},

		// A general number counts with the name beside it.
		{"general number with its name", "Crm.80040216", []string{"integration-transient"}},
		{"general number alone", "-2147220970", []string{"general-number"}},
		{"general number with another alert", "should be a global administrator to approve mailbox in X -2147220970", []string{"approval-role"}},
		{"general failure", "SocketException (0x80004005): ConnectFailure", []string{"connect-failed"}},
		{"general failure with another", "HttpUnhandledException (0x80004005) ErrorCode -2147220906", []string{"general-security-number"}},
		{"a socket's timeout", "SocketException (0x80004005): the connected party did not properly respond", []string{"timeout"}},
		{"general failure alone", "0x80004005", []string{"general-failure"}},
		{"POP3 alone", "SocketException (0x80004005): No such host is known at Pop3Client.Connect()", []string{"not-ews-profile"}},
		{"the sentence of two", "A general mailbox access error occurred. Socket returned exception TimedOut.", []string{"not-ews-profile"}},

		// Numbers that are none.
		{"part of a GUID", "80048306-1234-4321-8888-123456789abc", nil},
		{"part of a longer number", "180048306", nil},
		{"a version", "Exchange 15.1.401.0", nil},
		{"a time", "Exchange 12:401", nil},
		{"a line of a stack trace", `at X() in Exchange.cs:line 401`, nil},
		{"in a subject", `Email "Order 404" was not received. Exchange server returned UnknownIncomingEmailIntegrationError.`, []string{"integration-error"}},
		{"an XML element", "<ErrorCode>1</ErrorCode>", nil},

		{"empty", "", nil},
		{"white space", " \n\t ", nil},
		{"unknown", "Something went wrong.", nil},
		{"half a sentence", "Make sure that the credentials specified in the mailbox are fine.", nil},
		{"number that is nothing", "4711", nil},
		{"other plain numbers", "The invoice 4014 has 403 items.", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, a := range MatchAlert(tt.text) {
				got = append(got, a.Key)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// nextFlags lists the flags that a next command may use.
var nextFlags = []string{
	"--user", "--password-file", "--profile", "--mailbox", "--impersonate", "--profile-auth", "--no-credentials", "--address", "--each-address",
	"--token-file",
}

func TestAlertsAreComplete(t *testing.T) {
	keys := map[string]bool{}
	for _, a := range alertRules() {
		if a.Key == "" || keys[a.Key] {
			t.Errorf("key %q", a.Key)
		}
		keys[a.Key] = true
		if !strings.HasSuffix(a.Meaning, ".") {
			t.Errorf("%s: meaning %q", a.Key, a.Meaning)
		}
		texts := []string{a.Meaning}
		for _, p := range a.Parts {
			texts = append(texts, p.Says)
		}
		for _, text := range texts {
			checkPlain(t, text)
			checkNames(t, text)
			if strings.ContainsAny(text, "{}") || !strings.HasSuffix(text, ".") {
				t.Errorf("%s: %q has a placeholder or no end", a.Key, text)
			}
		}
		if a.Look != "" {
			checkCommand(t, a.Look)
		}
		for _, n := range a.Causes {
			if _, ok := LookupCause(n); !ok {
				t.Errorf("%s: cause %d", a.Key, n)
			}
		}
		for _, c := range a.Codes {
			if _, ok := Lookup(c); !ok {
				t.Errorf("%s: code %s", a.Key, c)
			}
		}
		// POP3, SMTP, Graph and Dataverse are not looked at.
		if (len(a.Codes) == 0) != (a.Next == "") {
			t.Errorf("%s: codes %v, next %q", a.Key, a.Codes, a.Next)
		}
		if !slices.Contains([]Stage{"", BeforeSignIn, BehindSignIn}, a.Stage) {
			t.Errorf("%s: stage %q", a.Key, a.Stage)
		}
		if a.Next == "" {
			continue
		}
		checkCommand(t, a.Next)
		checkPlaceholders(t, a.Next)
		for _, f := range ewsprobeFlag.FindAllString(a.Next, -1) {
			if !slices.Contains(nextFlags, f) {
				t.Errorf("%s: flag %s", a.Key, f)
			}
		}
	}
}

func TestAlertRulesCanMatch(t *testing.T) {
	wrappers := false
	for _, r := range alertRules() {
		if wrappers && !r.Wrapper {
			t.Errorf("%s comes after a wrapper", r.Key)
		}
		wrappers = r.Wrapper
		for _, group := range r.Beside {
			text := "(401)"
			for _, f := range group {
				word, _, _ := strings.Cut(f, "|")
				text += " " + word
			}
			if found := MatchAlert(text + " too"); len(found) > 3 ||
				!slices.ContainsFunc(found[:len(found)-1], func(a Alert) bool { return a.Key == r.Key }) {
				t.Errorf("%s is not told before the answer of %q", r.Key, text)
			}
		}
		for _, p := range r.Parts {
			for _, group := range p.Any {
				if !slices.ContainsFunc(r.Any, func(any fragments) bool {
					words := slices.Concat(any, group)
					for i, f := range words {
						words[i], _, _ = strings.Cut(strings.TrimLeft(f, "="), "|")
						if f[0] == '#' {
							words[i] = "(" + f[1:] + ")"
						}
					}
					found := MatchAlert(strings.Join(words, " "))
					return len(found) > 0 && slices.Contains(found[0].Says, p.Says)
				}) {
					t.Errorf("%s does not say %q by %q", r.Key, p.Says, group)
				}
			}
		}
		groups := slices.Concat(r.Any, r.general())
		if len(groups) == 0 {
			t.Errorf("%s has no fragments", r.Key)
		}
		for _, group := range groups {
			if len(group) == 0 {
				t.Errorf("%s: an empty group matches every text", r.Key)
			}
			// A text that holds the fragments and nothing else.
			var words []string
			for _, f := range group {
				plain := strings.TrimLeft(f, "=#")
				if plain == "" || foldAlert(f) != f {
					t.Errorf("%s: %q is not folded", r.Key, f)
				}
				switch {
				case f[0] == '#' && len(f) > len("#401"):
					plain += strings.Repeat("0", len("#80040000")-len(f))
				case f[0] == '#':
					plain = "(" + plain + ")"
				}
				words = append(words, plain)
			}
			found := MatchAlert(strings.Join(words, " "))
			for i := range words { // of a choice the first word alone, too
				words[i], _, _ = strings.Cut(words[i], "|")
			}
			found = append(found, MatchAlert(strings.Join(words, " "))...)
			if !slices.ContainsFunc(found, func(a Alert) bool { return a.Key == r.Key }) {
				t.Errorf("%s is not found by %q", r.Key, group)
			}
		}
	}
}

func TestEveryCauseHasAnAlert(t *testing.T) {
	named := map[int]bool{}
	for _, a := range alertRules() {
		for _, n := range a.Causes {
			named[n] = true
		}
	}
	for _, c := range causeList() {
		if !named[c.Number] {
			t.Errorf("no alert names cause %d", c.Number)
		}
	}
}

// TestErrorsOfConnections: the same fault has a number or name of its own in every
// system and library.
func TestErrorsOfConnections(t *testing.T) {
	for key, texts := range map[string][]string{
		"name-not-resolved":            {"The request failed: 0x80072ee7", "WinHttpSendRequest failed: 12007", "NSURLErrorDomain Code=-1003", "NS_ERROR_UNKNOWN_HOST", "Resource temporarily unavailable (ex7.contoso.com:443)"},
		"connect-failed":               {"0x80072efd", "NSURLErrorDomain Code=-1004", "NS_ERROR_CONNECTION_REFUSED", "net::ERR_CONNECTION_REFUSED"},
		"connection-lost":              {"0x80072efe", "org.apache.http.NoHttpResponseException: ex7.contoso.com:443 failed to respond", `Post "https://ex7.contoso.com/EWS/Exchange.asmx": EOF`},
		"timeout":                      {"0x80072ee2", "net::ERR_CONNECTION_TIMED_OUT", "Net::ReadTimeout", "net/http: TLS handshake timeout"},
		"tls-untrusted":                {"0x80072f8f", "NSURLErrorDomain Code=-1202", "Unacceptable TLS certificate"},
		"tls-version":                  {"UNSUPPORTED_PROTOCOL"},
		"tls-failed":                   {"gnutls_handshake() failed: An unexpected TLS packet was received.", "remote error: tls: handshake failure"},
		"certificate-name":             {"SSL_ERROR_BAD_CERT_DOMAIN", "RemoteCertificateNameMismatch"},
		"certificate-date":             {"verify error:num=10:certificate has expired", "chain: NotTimeValid"},
		"kerberos-clock":               {"KRB5KRB_AP_ERR_SKEW: Clock skew too great"},
		"kerberos-encryption":          {"Event 4769 A Kerberos service ticket was requested. Failure Code: 0xE"},
		"kerberos-name":                {"Event 4769 A Kerberos service ticket was requested. Failure Code: 0x7"},
		"schannel-refused-certificate": {"Schannel 36887 The TLS protocol defined fatal alert code is 46."},
		"iis-address":                  {"2026-11-30 08:15:00 10.0.0.11 POST /EWS/Exchange.asmx - 443 - 10.0.0.5 CRM/9.2 - 401 503 0 15"},
		"iis-handler":                  {"HTTP Error 500.21 - Internal Server Error"},
		"http-sys-request":             {"2026-11-30 08:15:00 10.0.0.5 5211 10.0.0.11 443 HTTP/1.1 POST /EWS/Exchange.asmx - 400 1 Hostname -"},
		"http-sys-pool":                {"2026-11-30 08:15:00 10.0.0.5 5211 10.0.0.11 443 HTTP/1.1 POST /EWS/Exchange.asmx 503 1 AppOffline MSExchangeServicesAppPool"},
		"kerberos-realm":               {`Cannot find KDC for realm "CONTOSO.COM"`},
		"other-status":                 {"HTTP/1.1 520", "HTTP/1.1 415 Unsupported Media Type"},
		"status-zero":                  {"readyState:4, status:0, lastStatus:0"},
	} {
		for _, text := range texts {
			if got := MatchAlert(text); len(got) != 1 || got[0].Key != key {
				t.Errorf("%q: got %v, want %s", text, got, key)
			}
		}
	}
}
