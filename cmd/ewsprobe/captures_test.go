package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/testdata/captures"
)

// capture is one recorded answer.
type capture struct {
	ID, Kind, Reason, Body string
	Status                 int
	Headers                [][2]string
	Decoded                struct {
		Version   string
		Truncated bool
		AV        map[string]string
	}
}

func readCaptures(tb testing.TB) []capture {
	tb.Helper()
	return captures.Read[capture](tb)
}

func findCapture(tb testing.TB, id string) capture {
	tb.Helper()
	for _, c := range readCaptures(tb) {
		if c.ID == id {
			return c
		}
	}
	tb.Fatalf("there is no capture %s", id)
	return capture{}
}

// bytes is the answer as it was recorded. Some recordings lost their body or
// its framing; framed gives them the length of the body that is there, so that a
// connection can be kept.
func (c capture) bytes(framed bool) []byte {
	reason := c.Reason
	if reason == "" {
		reason = http.StatusText(c.Status)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", c.Status, reason)
	for _, h := range c.Headers {
		framing := strings.EqualFold(h[0], "Content-Length") || strings.EqualFold(h[0], "Transfer-Encoding") || strings.EqualFold(h[0], "Connection")
		if strings.EqualFold(h[0], "Date") {
			h[1] = time.Now().UTC().Format(http.TimeFormat) // of the capture, it would be a clock that is years off
		}
		if !framed || !framing {
			fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
		}
	}
	if framed {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(c.Body))
	}
	b.WriteString("\r\n" + c.Body)
	return b.Bytes()
}

// judged is an expectation: "status code cause confidence", a dash for no cause
// or for a confidence that the contract leaves open.
func judged(v verdict) string {
	cause := "-"
	if v.Cause != 0 {
		cause = strconv.Itoa(v.Cause)
	}
	return strings.Join([]string{v.Status, v.Code, cause, v.Confidence}, " ")
}

func matches(got verdict, want string) bool {
	if open, ok := strings.CutSuffix(want, " -"); ok && strings.Count(want, " ") == 3 {
		return strings.HasPrefix(judged(got), open+" ")
	}
	return judged(got) == want
}

const (
	basicOffered  = "ok ok - -"
	basicOff      = "critical basic-disabled 5 confirmed"
	basicOffMaybe = "critical basic-disabled 5 likely"
	online        = "critical endpoint-online 2 likely"
	signInPage    = "critical preauth-redirect - -"
	elsewhere     = "critical redirected - -"
	noEWS         = "critical not-ews - -"
	noScheme      = "critical no-scheme - -"
	trouble       = "unknown server-error - -"
	busy          = "unknown throttled - -"
	proxy         = "unknown proxy-auth-required - -"
	unexplained   = "unknown inconclusive - -"
	unending      = "unknown timeout - -"
)

// What each recorded answer says when it is the answer to an anonymous request,
// with a profile that uses Basic.
var anonymously = map[string]string{
	"wa-001": basicOff,      // Negotiate, NTLM; X-FEServer
	"wa-003": basicOffMaybe, // Exchange 2010 does not sign its answers
	"wa-005": basicOffered,
	"wa-007": basicOff,
	"wa-009": basicOffered, // by TMG
	"wa-011": basicOffered,
	"wa-013": basicOffered, // by nginx
	"wa-015": basicOffered,
	"wa-017": basicOffered,
	"wa-019": basicOffered,
	"wa-021": basicOffered, // inside one value with Bearer
	"eo-002": online,       // issuers of any tenant
	"eo-004": online,
	"eo-005": online, // headers that only it sends
	"eo-007": online,
	"eo-009": online,
	"eo-011": online,
	"eo-014": online, // retired
	"eo-015": online,
	"hr-002": elsewhere, // to /owa/, which is no form
	"hr-004": trouble,
	"hr-006": elsewhere,
	"hr-008": signInPage, // 440
	"hr-010": signInPage, // AD FS
	"hr-012": noScheme,
	"hr-014": noScheme,
	"hr-015": trouble,
	"ad-001": noEWS, // Autodiscover is not EWS
	"ad-003": noEWS,
	"ad-005": noEWS,
	"sp-001": unexplained, // EWS that asks for no sign-in fits no rule
	"sp-003": unexplained,
	"sp-005": busy,
	"sp-007": unexplained,
	"sp-009": unexplained,
	"sp-011": unexplained,
	"sp-013": unexplained,
	"sp-015": unexplained,
	"sp-017": unexplained,
	"sp-019": unexplained,
	"sp-021": unexplained,
	"sp-023": busy,
	"nt-001": basicOffMaybe, // NTLM alone, no header of Exchange's
	"nt-003": basicOffMaybe,
	"nt-005": proxy,
	"nt-007": basicOffMaybe,
	"nt-009": basicOffMaybe,
	"nt-011": basicOffMaybe,
	"nt-013": basicOffMaybe,
	"nt-015": basicOffMaybe,
}

// Every recorded answer, served to every request: over a connection that is kept,
// over one that is closed after the answer, and byte for byte as recorded over one
// that is held open, where some of them never end.
func TestCapturesAnonymously(t *testing.T) {
	slow(t)
	for _, c := range readCaptures(t) {
		for _, mode := range []struct {
			name         string
			framed, keep bool
		}{{"kept", true, true}, {"closed", false, false}, {"held", false, true}} {
			want := anonymously[c.ID]
			if mode.name == "held" && c.endless() {
				if c.Status/100 == 2 || c.Status/100 == 5 {
					continue // the answer is in the body
				}
				if !strings.HasPrefix(want, "critical") {
					want = unending // what the header says is not bad enough to come before it
				}
			}
			t.Run(c.ID+"/"+mode.name, func(t *testing.T) {
				t.Parallel()
				s := answering(t, func(rawRequest) ([]byte, bool) { return c.bytes(mode.framed), mode.keep })
				check := standin.Check{Timeout: time.Minute}
				if mode.name == "held" {
					check.Timeout = 2 * time.Second
				}
				got := program{}.run(t, s.line(check).args(t, asJSON)...)
				hasShape(t, got.out)
				r := got.report(t)
				if !matches(r.Verdict, want) || got.exit != exitCodes[r.Verdict.Status] {
					t.Errorf("got %q, exit %d, want %q: %s", judged(r.Verdict), got.exit, want, r.Verdict.Summary)
				}
				for _, q := range s.requests() {
					if q.is("Basic", 0) || q.is("NTLM", 3) || q.is("Negotiate", 3) {
						t.Errorf("--no-credentials, and %q was sent", q.authorization)
					}
				}
			})
		}
	}
}

// endless says whether the answer as recorded has no end but that of its
// connection.
func (c capture) endless() bool {
	length := -1
	for _, h := range c.Headers {
		if strings.EqualFold(h[0], "Content-Length") {
			length, _ = strconv.Atoi(h[1])
		}
	}
	return length < 0 || length > len(c.Body)
}

// What stands in front, and which tenant is trusted, is read from the same answers.
func TestCapturesTell(t *testing.T) {
	slow(t)
	for _, test := range []struct{ id, product, frontEnd, inFront, tenant string }{
		{"wa-001", "Exchange Server", "EXCHANGE02", "", ""},
		{"wa-003", "", "", "", ""},
		{"wa-005", "Exchange Server 2019 CU11", "EX19-01", "", ""},
		{"wa-007", "Exchange Server 2016 CU23", "EXCH1", "", ""},
		{"wa-009", "", "", "Forefront TMG or ISA", ""},
		{"wa-021", "Exchange Server 2019 CU14", "EXCH01", "F5 BIG-IP ASM", "1d3c9b43-0d0f-45d9-a207-99dc10fb7d4a"},
		{"eo-005", "Exchange Online", "AM0PR06CA0096", "", ""},
		{"hr-006", "", "", "Apache", ""},
	} {
		t.Run(test.id, func(t *testing.T) {
			t.Parallel()
			c := findCapture(t, test.id)
			s := answering(t, func(rawRequest) ([]byte, bool) { return c.bytes(true), true })
			got := program{}.run(t, s.line(standin.Check{}).args(t, asJSON)...).report(t).Server
			want := serverTold{Product: test.product, FrontEnd: test.frontEnd, InFront: test.inFront, Tenant: test.tenant, Version: got.Version}
			if got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// What each recorded EWS answer says of the mailbox when it comes to a request
// that is signed in.
var signedIn = []struct{ id, mailbox, code, want string }{
	{"sp-001", standin.Mailbox, "ErrorImpersonateUserDenied", "critical impersonation-denied - confirmed"},
	{"sp-003", standin.Mailbox, "ErrorNonExistentMailbox", "critical mailbox-not-found 1 confirmed"},
	{"sp-003", "", "ErrorNonExistentMailbox", "warning service-mailbox-missing - -"},
	{"sp-005", standin.Mailbox, "ErrorServerBusy", "unknown throttled - -"},
	{"sp-007", standin.Mailbox, "ErrorSchemaValidation", "unknown exchange-error - -"},
	{"sp-009", standin.Mailbox, "ErrorSchemaValidation", "unknown exchange-error - -"},
	{"sp-011", standin.Mailbox, "ErrorNonExistentMailbox", "critical mailbox-not-found 1 confirmed"},
	{"sp-013", standin.Mailbox, "ErrorNameResolutionNoResults", "critical mailbox-not-found 1 confirmed"},
	{"sp-015", "", "ErrorMissingEmailAddress", "warning service-mailbox-missing - -"},
	{"sp-017", standin.Mailbox, "NoError", "ok ok - -"},
	{"sp-019", standin.Mailbox, "ErrorNameResolutionNoResults", "critical mailbox-not-found 1 confirmed"},
	{"sp-021", standin.Mailbox, "ErrorInvalidSmtpAddress", "unknown exchange-error - -"},
	{"sp-023", standin.Mailbox, "ErrorTooManyObjectsOpened", "unknown throttled - -"},
}

func TestCapturesSignedIn(t *testing.T) {
	slow(t)
	question := http1("401 Unauthorized", "", `WWW-Authenticate: Basic realm="mail.contoso.com"`, "X-FEServer: EX01")
	for _, test := range signedIn {
		for _, keep := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/%s/keep=%v", test.id, test.mailbox, keep), func(t *testing.T) {
				t.Parallel()
				c := findCapture(t, test.id)
				s := answering(t, func(q rawRequest) ([]byte, bool) {
					if !q.is("Basic", 0) {
						return question, keep
					}
					return c.bytes(keep), keep
				})
				check := goodCheck
				check.Mailbox, check.Impersonate = test.mailbox, test.mailbox != ""
				got := program{}.run(t, s.line(check).args(t, asJSON)...)
				// A server that closes without a word may be seen too late on a busy
				// machine (signin.SettleTime): then the logon has no answer.
				for range 3 {
					if keep || got.report(t).Verdict.Code != "connect-failed" {
						break
					}
					got = program{}.run(t, s.line(check).args(t, asJSON)...)
				}
				hasShape(t, got.out)
				r := got.report(t)
				if !matches(r.Verdict, test.want) || got.exit != exitCodes[r.Verdict.Status] {
					t.Errorf("got %q, exit %d, want %q: %s", judged(r.Verdict), got.exit, test.want, r.Verdict.Summary)
				}
				sent := r.sent()
				if len(sent) == 0 || sent[len(sent)-1].Result != "accepted" || sent[len(sent)-1].Counted {
					t.Fatalf("any EWS answer proves the logon: %+v", sent)
				}
				if code := r.item(sent[0].ID).EWS.Code; code != test.code {
					t.Errorf("code %q, want %q", code, test.code)
				}
			})
		}
	}
}

// The recorded NTLM challenges as answers to type 1, with a profile that uses
// NTLM: the names are read, and the handshake is finished where it can be.
func TestCapturesNTLM(t *testing.T) {
	slow(t)
	question := http1("401 Unauthorized", "", "WWW-Authenticate: Negotiate", "WWW-Authenticate: NTLM", "X-FEServer: EX01")
	answer := http1("200 OK", findCapture(t, "sp-017").Body, "Content-Type: text/xml; charset=utf-8")
	const good, skewed, refused, broken = "ok ok - -", "warning clock-skew - -", "critical credentials-rejected - undetermined", "critical ntlm-broken - -"
	for _, test := range []struct{ id, accepted, refused string }{
		{"nt-001", skewed, refused},
		{"nt-003", skewed, refused},
		{"nt-005", good, refused},
		{"nt-007", good, refused},
		{"nt-009", skewed, refused},
		{"nt-011", good, refused},  // no target info
		{"nt-013", good, refused},  // no Unicode
		{"nt-015", broken, broken}, // beyond the end
	} {
		for accepting, want := range map[bool]string{true: test.accepted, false: test.refused} {
			t.Run(fmt.Sprintf("%s/accepting=%v", test.id, accepting), func(t *testing.T) {
				t.Parallel()
				c := findCapture(t, test.id)
				_, token, _ := strings.Cut(c.Headers[0][1], " ")
				challenge := http1("401 Unauthorized", "", "WWW-Authenticate: NTLM "+token)
				s := answering(t, func(q rawRequest) ([]byte, bool) {
					switch {
					case q.is("NTLM", 1):
						return challenge, true
					case q.is("NTLM", 3) && accepting:
						return answer, true
					}
					return question, true
				})
				check := goodCheck
				check.ProfileAuth = "ntlm"
				got := program{}.run(t, s.line(check).args(t, asJSON)...)
				hasShape(t, got.out)
				r := got.report(t)
				if !matches(r.Verdict, want) || got.exit != exitCodes[r.Verdict.Status] {
					t.Errorf("got %q, exit %d, want %q: %s", judged(r.Verdict), got.exit, want, r.Verdict.Summary)
				}
				tells := serverTold{ // product and version come from the EWS answer
					Product: r.Server.Product, Version: r.Server.Version, FrontEnd: "EX01", ExtendedProtection: r.Server.ExtendedProtection, NetBIOSDomain: c.Decoded.AV["NbDomain"],
					DNSDomain: c.Decoded.AV["DnsDomain"], DNSHost: c.Decoded.AV["DnsComputer"], OSBuild: c.Decoded.Version,
				}
				if r.Server != tells {
					t.Errorf("read  %+v\nwant %+v", r.Server, tells)
				}
				if c.Decoded.Truncated && problem(r) == "" {
					t.Error("a malformed message, and no word why it is refused")
				}
			})
		}
	}
}

// problem is what is said of a challenge that cannot be used.
func problem(r told) string {
	for _, i := range r.Evidence {
		if i.NTLM != nil && i.NTLM.Problem != "" {
			return i.NTLM.Problem
		}
	}
	return ""
}

// Wild type 2 messages end in a verdict: the handshake is broken, and why is said.
// None gets an answer that depends on the password.
func TestWildChallenges(t *testing.T) {
	question := http1("401 Unauthorized", "", "WWW-Authenticate: NTLM")
	message := decode(strings.TrimPrefix(findCapture(t, "nt-001").Headers[0][1], "NTLM "))
	with := func(change func([]byte) []byte) string {
		return base64.StdEncoding.EncodeToString(change(bytes.Clone(message)))
	}
	for name, token := range map[string]string{
		"empty":            "",
		"not base64":       "TlRMTVNTUAAC*AAAA",
		"SPNEGO":           base64.StdEncoding.EncodeToString([]byte("\x60\x06\x06\x01\x00\x00\x00\x00")),
		"signature alone":  base64.StdEncoding.EncodeToString([]byte("NTLMSSP\x00")),
		"a type 1":         base64.StdEncoding.EncodeToString([]byte("NTLMSSP\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")),
		"a type 3":         with(func(m []byte) []byte { m[8] = 3; return m }),
		"half a header":    with(func(m []byte) []byte { return m[:20] }),
		"info past end":    with(func(m []byte) []byte { copy(m[44:], "\xf0\xff\xff\xff"); return m }),
		"info too long":    with(func(m []byte) []byte { copy(m[40:], "\xff\xff\xff\xff"); return m }),
		"name past end":    with(func(m []byte) []byte { copy(m[16:], "\xff\xff\xff\x7f"); return m }),
		"pair past end":    with(func(m []byte) []byte { copy(m[0x46:], "\xff\xff"); return m }),
		"all ones":         base64.StdEncoding.EncodeToString(append([]byte("NTLMSSP\x00\x02\x00\x00\x00"), bytes.Repeat([]byte{0xff}, 200)...)),
		"no end of pairs":  with(func(m []byte) []byte { return m[:len(m)-4] }),
		"very long":        with(func(m []byte) []byte { return append(m, bytes.Repeat([]byte{'A'}, 60000)...) }),
		"thousand answers": "AAAA" + strings.Repeat(", NTLM AAAA", 1000),
	} {
		for _, profile := range []string{"ntlm", "basic"} {
			t.Run(name+"/"+profile, func(t *testing.T) {
				t.Parallel()
				challenge := http1("401 Unauthorized", "", strings.TrimSuffix("WWW-Authenticate: NTLM "+token, " "))
				s := answering(t, func(q rawRequest) ([]byte, bool) {
					if q.is("NTLM", 1) {
						return challenge, true
					}
					return question, true
				})
				check := goodCheck
				check.ProfileAuth = profile
				got := program{}.run(t, s.line(check).args(t, asJSON)...)
				hasShape(t, got.out)
				r := got.report(t)
				usable := name == "very long" || name == "no end of pairs"
				switch {
				case profile == "basic" && r.Verdict.Code != "basic-disabled":
					t.Errorf("got %q, want basic-disabled: %s", judged(r.Verdict), r.Verdict.Summary)
				case profile == "ntlm" && !usable && r.Verdict.Code != "ntlm-broken":
					t.Errorf("got %q, want ntlm-broken: %s", judged(r.Verdict), r.Verdict.Summary)
				}
				if usable {
					return
				}
				if problem(r) == "" {
					t.Error("no word why it is refused")
				}
				for _, q := range s.requests() {
					if q.is("NTLM", 3) {
						t.Error("it was answered with a type 3")
					}
				}
			})
		}
	}
}

func decode(token string) []byte {
	raw, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return nil
	}
	return raw
}

func itoa(n int) string { return strconv.Itoa(n) }
