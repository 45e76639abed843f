package ews

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// TestNotice has one answer a line, and what it says of itself: the numbers, the
// sub-status, the product, what it asks for, the error of Windows.
func TestNotice(t *testing.T) {
	cases := []struct {
		name, body string
		status     int
		credential bool
		want       string
	}{
		{"nothing", "<html><body>Welcome</body></html>", 200, false, ""},
		{"nothing of a refusal", "", 401, true, ""},

		{
			"support number",
			"The requested URL was rejected. Please consult with your administrator. Your support ID is: 4212380965520389347",
			200, false, "4212380965520389347 - F5 BIG-IP ASM",
		},
		{
			"reference",
			`<P>Reference #18.2d351ab8.1557333295.a4e16ab <a href="https://errors.edgesuite.net">`,
			403, false, "18.2d351ab8.1557333295.a4e16ab - Akamai",
		},
		{
			"number of TMG",
			"Error Code: 403 Forbidden. The server denied the specified Uniform Resource Locator (URL). (12202)",
			403, false, "12202 - Forefront TMG or ISA",
		},
		{"number in German", "Ihre Vorgangs-Nummer: 8812345", 403, false, "8812345"},
		{"a word is no number", "Your support ID is: unavailable", 403, false, "F5 BIG-IP ASM"},
		{"letters of a number, of an anonymous answer", "Transaction ID: a1b2c3d4-z9y8", 403, false, "a1b2c3d4-z9y8"},
		{"a number of two words", "Case Number: 2611300244", 403, false, "2611300244"},
		{"a rule in capitals", "Block ID: EXPVP16", 403, false, "EXPVP16"},
		{"the error of a page of TMG", "Error Code: 502 Proxy Error. The specified network name is no longer available. (64)", 502, false, "64"},
		{"of an answer to a credential hexadecimal digits alone", "Transaction ID: a1b2c3d4-z9y8", 401, true, ""},
		{"and these count there too", "Transaction ID: a1b2c3d4", 401, true, "a1b2c3d4"},
		{"at most three", "id: 1001 id: 1002 id: 1003 id: 1004", 403, false, "1001,1002,1003"},

		{"sub-status", "<h2>HTTP Error 403.6 - Forbidden</h2>", 403, false, "403.6"},
		{"sub-status of another status", "<h2>HTTP Error 404.17 - Not Found</h2>", 403, false, ""},
		{"client certificate", "<h2>HTTP Error 403.7 - Forbidden</h2>", 403, false, "403.7 - client-certificate"},
		{
			"nginx wants one",
			"<center>No required SSL certificate was sent</center><hr><center>nginx</center>",
			400, false, "nginx - client-certificate",
		},
		{"too long a header", "Bad Request - Request Too Long", 400, false, "header-too-long"},
		{"431 says the same", "", 431, false, "header-too-long"},
		{"too large", "413 Request Entity Too Large", 413, false, "body-too-large"},
		{"plain HTTP", "The plain HTTP request was sent to HTTPS port", 400, false, "plain-http"},
		{"plain HTTP by IIS", "<h2>HTTP Error 403.4 - Forbidden</h2>", 403, false, "403.4 - plain-http"},
		{"a puzzle", "Checking your browser before accessing", 503, false, "challenge"},
		{"no server", "503 Service Unavailable No server is available to handle this request.", 503, false, "HAProxy - no-server"},
		{"Traefik", "404 page not found\n", 404, false, "Traefik, or another server written in Go"},
		{"Latin-1", "Ung\xfcltig. Vorgangsnummer: 77001", 403, false, "77001"},

		{"HRESULT of Windows", "Error Code 0x8007052e", 401, true, "1326"},
		{"NT status", "status 0xc0000234", 401, true, "0xC0000234"},
		{"SSPI", "Error Code 0x80090346", 401, true, "0x80090346"},
		{"Win32", "error 1331", 401, true, "1331"},
		{"SSPI that is told alone", "Error Code 0x80090308", 401, true, "0x80090308"},
		{"wrong in words", "Logon failure: unknown user name or bad password.", 401, true, "1326"},
		{"a number that is none", "room 1331", 401, true, ""},
		{"locked out", "The referenced account is currently locked out and may not be logged on to.", 401, true, evidence.WindowsLocked},
		{"locked in German", "Das Konto ist gesperrt.", 401, true, evidence.WindowsLocked},
		{"expired", "Your password has expired.", 401, true, "1330"},
		{"of 404 no error of Windows", "error 1331", 404, false, ""},
		{"456 is a locked account", "", 456, true, evidence.WindowsLocked},
	}
	for _, c := range cases {
		n := readNotice(&evidence.Response{Status: c.status}, []byte(c.body), c.credential)
		got := ""
		if n != nil {
			got = strings.Trim(strings.Join(strings.Fields(fmt.Sprintf("%s %s - %s - %s - %s",
				strings.Join(n.Numbers, ","), n.SubStatus, n.Product, n.Says, n.Windows)), " "), " -")
			for strings.Contains(got, "- -") {
				got = strings.ReplaceAll(got, "- -", "-")
			}
			got = strings.Trim(got, " -")
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// A line of the file has a kind, a name and texts that can be found.
func TestMarks(t *testing.T) {
	for _, m := range marks() {
		known := map[string]bool{"product": true, "windows": true, "says": slices.Contains([]string{
			evidence.SaysClientCertificate, evidence.SaysHeaderTooLong, evidence.SaysBodyTooLarge,
			evidence.SaysChallenge, evidence.SaysNoServer, evidence.SaysPlainHTTP, evidence.SaysAssembly,
			evidence.SaysNotApplication, evidence.SaysWebConfig, evidence.SaysAPIKey, evidence.SaysSerialize,
			evidence.SaysNoFile, evidence.SaysInvalidVerb, evidence.SaysInvalidHost,
			evidence.SaysGatewayTLS, evidence.SaysGatewayPlain, evidence.SaysGatewayName,
			evidence.SaysBindings, evidence.SaysAnonymousOff, evidence.SaysHTTPModule, evidence.SaysActivation,
		}, m[1])}
		if !known[m[0]] {
			t.Errorf("%s %s: nothing reads it", m[0], m[1])
		}
		for _, text := range m[2:] {
			if text == "" || text != strings.ToLower(strings.TrimSpace(text)) {
				t.Errorf("%s: %q is never found", m[1], text)
			}
		}
	}
	if lines := strings.Count(noticesFile, " | "); lines < len(marks()) || len(marks()) < 60 {
		t.Errorf("%d lines", len(marks()))
	}
}
