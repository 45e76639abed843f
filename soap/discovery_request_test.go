package soap

import (
	"strings"
	"testing"

	"github.com/beevik/etree"
)

// TestDiscoveryRequests: what is asked is well formed, names the mailbox in the
// element that the schema wants, and nothing in an address gets out of it.
func TestDiscoveryRequests(t *testing.T) {
	const nasty = `a&b<c>"d@contoso.com`
	for _, c := range []struct {
		name, path string
		body       []byte
	}{
		{"POX", "/Autodiscover/Request/EMailAddress", POXRequest(nasty)},
		{"SOAP", "/Envelope/Body/GetUserSettingsRequestMessage/Request/Users/User/Mailbox", GetUserSettings("https://x.example/autodiscover/autodiscover.svc", nasty)},
	} {
		doc := etree.NewDocument()
		if err := doc.ReadFromBytes(c.body); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		e := doc.FindElement(c.path)
		if e == nil || e.Text() != nasty {
			t.Errorf("%s: no address at %s in\n%s", c.name, c.path, c.body)
		}
	}
	for _, want := range []string{nsPOXRequest, ">" + nsPOXResponse + "<"} {
		if !strings.Contains(string(POXRequest("a@b.example")), want) {
			t.Errorf("POX lacks %s", want)
		}
	}
	asked := string(GetUserSettings("https://x.example/autodiscover/autodiscover.svc", "a@b.example"))
	for _, want := range []string{ActionGetUserSettings, "ExternalEwsUrl", "AutoDiscoverSMTPAddress", ">https://x.example/autodiscover/autodiscover.svc<"} {
		if !strings.Contains(asked, want) {
			t.Errorf("SOAP lacks %s", want)
		}
	}
}

// TestPOXVersion has recorded values of ServerVersion and what they stand for.
func TestPOXVersion(t *testing.T) {
	for text, want := range map[string]string{
		"738180DA": "14.1.218", "73C1840A": "15.1.1034", "73C189CB": "15.1.2507", "73C286D4": "15.2.1748",
		"73C28A02": "15.2.2562", "73C085D9": "15.0.1497", "73D496CA": "15.20.5834", "73c286d4": "15.2.1748",
		"": "", "0": "", "00000000": "", "73C286D": "", "73C286D4F": "", "-3C286D4": "", "no number": "",
	} {
		if got := poxVersion(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	d, err := ParseDiscovery([]byte(pox(`<Account><Action>settings</Action><Protocol><Type>EXCH</Type><ServerVersion>73C286D4</ServerVersion><EwsUrl>https://in.example/e</EwsUrl></Protocol></Account>`)))
	if err != nil || d.Version != "15.2.1748" {
		t.Errorf("%+v, %v", d, err)
	}
}
