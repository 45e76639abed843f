package front

import (
	"encoding/base64"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// TestFailed has what Exchange's front end writes into its headers about a failure.
func TestFailed(t *testing.T) {
	b64 := base64.StdEncoding.EncodeToString
	cases := []struct {
		name   string
		header [2]string
		want   Failed
	}{
		{"nothing", [2]string{"Server", "Microsoft-IIS/10.0"}, Failed{}},
		{"front end, unauthorised", [2]string{"X-FailureContext", "FrontEnd;401;VW5hdXRob3JpemVk;;;;"}, Failed{Point: "FrontEnd", Error: "Unauthorized"}},
		{"back end", [2]string{"X-FailureContext", "BackEnd;401;" + b64([]byte("Unauthorized")) + ";;;;"}, Failed{Point: "BackEnd", Error: "Unauthorized"}},
		{"a number has a name", [2]string{"X-FailureContext", "FrontEnd;503;;;2014;;"}, Failed{Point: "FrontEnd", Error: "BackEndRequestTimedOut", SubCode: 2014}},
		{"a number without one", [2]string{"X-FailureContext", "FrontEnd;503;;;2999;;"}, Failed{Point: "FrontEnd", SubCode: 2999}},
		{"the status of the connection", [2]string{"X-FailureContext", "FrontEnd;503;;;;ConnectFailure;"}, Failed{Point: "FrontEnd", Error: "ConnectFailure"}},
		{"too few fields", [2]string{"X-FailureContext", "FrontEnd;401"}, Failed{}},
		{"no base64", [2]string{"X-FailureContext", "FrontEnd;401;%%%;;;;"}, Failed{Point: "FrontEnd"}},
		{"a sentence is no name", [2]string{"X-FailureContext", "FrontEnd;401;" + b64([]byte("The password was Secret1")) + ";;;;"}, Failed{Point: "FrontEnd"}},
		{"another point", [2]string{"X-FailureContext", "Unrecognized;500;;;;;"}, Failed{}},
		{"CAS", [2]string{"X-CasErrorCode", "UserNotFound"}, Failed{Error: "UserNotFound"}},
		{"CAS with a sentence", [2]string{"X-CasErrorCode", "user svc-crm not found"}, Failed{}},
		{"CAS with words before the name", [2]string{"X-CasErrorCode", "CAS error: ServerNotFound"}, Failed{Error: "ServerNotFound"}},
		{"an exception", [2]string{"X-BEServerException", "Microsoft.Exchange.Data.Storage.IllegalCrossServerConnectionException"}, Failed{Error: "IllegalCrossServerConnectionException"}},
		{"a sentence and a name", [2]string{"X-CasErrorCode", "Not found.Sesame is"}, Failed{}},
		{"no sign-in to the back end", [2]string{"X-FailureContext", "FrontEnd;401;;" + b64([]byte("NegotiateSecurityContext failed with for host 'ex02'")) + ";;;"}, Failed{Point: "FrontEnd", Error: "NegotiateSecurityContext"}},
		{"routing", [2]string{"X-BEServerRoutingError", "ServerNotFound"}, Failed{Error: "ServerNotFound"}},
	}
	for _, c := range cases {
		got := failed(&evidence.Response{Headers: [][2]string{c.header}})
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// TestLeadsBack: a redirect that takes along the URL of EWS is a gate, not a move.
func TestLeadsBack(t *testing.T) {
	const gate = "a page that leads back to EWS afterwards"
	cases := []struct{ location, want string }{
		{"https://portal.contoso.com/?rd=https%3A%2F%2Fmail.contoso.com%2FEWS%2FExchange.asmx", gate},
		{"/start?return=%2fews%2fexchange.asmx", gate},
		{"https://mail.fabrikam.com/EWS/Exchange.asmx?a=1", ""},
		{"/ews/genericerrorpage.htm?aspxerrorpath=/ews/exchange.asmx", ""},
		{"/errors/500?err=/ews/exchange.asmx", ""},
	}
	for _, c := range cases {
		if got := SignIn(c.location); got != c.want {
			t.Errorf("%s: %q, want %q", c.location, got, c.want)
		}
	}
}
