package standin

import (
	"net/http"
	"strconv"
	"strings"
)

const htmlType = "text/html; charset=utf-8"

// dynamicsAgents begin the user agents of Dynamics 365 and of the library it uses.
var dynamicsAgents = []string{"CRM/", "ExchangeServicesClient/"}

// frontResponse is the answer of whatever stands in front, nil if Exchange is to
// answer. None of these looks at credentials.
func (n *node) frontResponse(r *http.Request, a *authorization) *response {
	switch n.behaviour.Front {
	case FrontFormRedirect:
		return n.exchangeResponse(http.StatusFound).
			with("Location", "https://"+Host+"/owa/auth/logon.aspx?url=https%3a%2f%2f"+Host+"%2fEWS%2fExchange.asmx&reason=0")
	case FrontFederatedRedirect:
		return n.exchangeResponse(http.StatusFound).
			with("Location", "https://adfs.contoso.com/adfs/ls/?wa=wsignin1.0&wtrealm=https%3a%2f%2f"+Host+"%2fowa%2f&wctx=rm%3d0%26id%3dpassive%26ru%3d%252fowa%252f")
	case FrontEntraRedirect:
		return newResponse(http.StatusFound).
			with("Location", "https://login.microsoftonline.com/"+tenant+"/oauth2/authorize?response_type=code&client_id=7b2e4c1d-52a6-4f7e-8d0a-16f3b9c5e284&redirect_uri=https%3a%2f%2f"+Host+"%2f")
	case FrontOtherRedirect:
		return newResponse(http.StatusMovedPermanently).
			with("Server", "nginx").
			with("Location", "https://webmail.fabrikam.example/EWS/Exchange.asmx").
			withBody("text/html", "<html><head><title>301 Moved Permanently</title></head><body><center><h1>301 Moved Permanently</h1></center><hr><center>nginx</center></body></html>\r\n")
	case FrontSignInPage:
		return newResponse(http.StatusOK).withBody(htmlType, signInPage)
	case FrontLoginTimeout:
		return n.exchangeResponse(440)
	case FrontForbidden:
		return forbidden()
	case FrontForbiddenSync:
		if strings.HasPrefix(r.UserAgent(), "ExchangeServicesClient/") {
			return nil
		}
		return forbidden()
	case FrontForbiddenAgent:
		for _, prefix := range dynamicsAgents {
			if strings.HasPrefix(r.UserAgent(), prefix) {
				return nil
			}
		}
		return forbidden()
	case FrontNotFound:
		return newResponse(http.StatusNotFound).with("Server", "Microsoft-IIS/10.0").
			withBody("text/html", "<html><head><title>404 - File or directory not found.</title></head><body><h2>404 - File or directory not found.</h2></body></html>")
	case FrontMethodRefused:
		return newResponse(http.StatusMethodNotAllowed).with("Server", "Apache").with("Allow", "GET, HEAD, OPTIONS").
			withBody(htmlType, "<html><head><title>405 Method Not Allowed</title></head><body><h1>Method Not Allowed</h1></body></html>")
	case FrontWelcomePage:
		return newResponse(http.StatusOK).with("Server", "Apache").
			withBody(htmlType, "<html><head><title>Welcome</title></head><body><h1>It works!</h1></body></html>")
	case FrontProxy:
		return newResponse(http.StatusProxyAuthRequired).
			with("Server", "squid/5.7").
			with("Via", "1.1 proxy.contoso.com (squid/5.7)").
			with("Proxy-Authenticate", "Negotiate", "NTLM", `Basic realm="Contoso proxy"`).
			withBody(htmlType, "<html><head><title>ERROR: Cache Access Denied</title></head><body><h1>Cache Access Denied.</h1></body></html>")
	case FrontFailure:
		return n.exchangeResponse(http.StatusInternalServerError).
			withBody(htmlType, "<!DOCTYPE html><html><head><title>Runtime Error</title></head><body><h1>Server Error in '/EWS' Application.</h1></body></html>")
	case FrontUnavailable:
		return unavailable()
	case FrontRetryAfter:
		return unavailable().with("Retry-After", "600")
	case FrontTooMany:
		return newResponse(http.StatusTooManyRequests).with("Retry-After", "600")
	case FrontNoChallenge:
		return newResponse(http.StatusUnauthorized).with("Server", "Microsoft-IIS/10.0")
	case FrontGateway:
		return n.gateway(r)
	case FrontExchangeOnline:
		return exchangeOnline(http.StatusUnauthorized).with("WWW-Authenticate", onlineChallenge(a))
	case FrontOnlineRetired:
		return exchangeOnline(http.StatusForbidden).
			with("X-EWS-Policy-Reason", "EWS is disabled for this user or tenant")
	default:
		return nil
	}
}

const signInPage = `<!DOCTYPE html><html><head><title>Sign in</title></head><body>
<form method="post" action="/vpn/login"><label>User <input type="text" name="user"></label>
<label>Password <input type="password" name="secret"></label><input type="submit" value="Sign in"></form>
</body></html>`

// forbidden is the refusal of a filter in front.
func forbidden() *response {
	return newResponse(http.StatusForbidden).
		withBody(htmlType, "<html><head><title>Access denied</title></head><body>The request was rejected by policy.</body></html>")
}

// unavailable is what HTTP.sys says when the application pool has stopped.
func unavailable() *response {
	return newResponse(http.StatusServiceUnavailable).
		with("Server", "Microsoft-HTTPAPI/2.0").
		withBody("text/html; charset=us-ascii", "<HTML><HEAD><TITLE>Service Unavailable</TITLE></HEAD><BODY><h2>Service Unavailable</h2><p>HTTP Error 503. The service is unavailable.</p></BODY></HTML>")
}

// gateway is a publishing gateway of the TMG kind: it lists the schemes itself,
// and none of Exchange's headers is there.
func (n *node) gateway(r *http.Request) *response {
	answer := newResponse(http.StatusUnauthorized).
		with("Pragma", "no-cache").
		with("Cache-Control", "no-cache").
		with("Proxy-Support", "Session-Based-Authentication").
		withBody("text/html", `<HTML dir="ltr"><HEAD><TITLE>The page cannot be displayed</TITLE></HEAD><BODY bgColor="#ffffff">Error Code: 401 Unauthorized. The server requires authorization to fulfill the request. (12209)</BODY></HTML>`)
	return n.authenticateLines(answer, append(n.offered(r), "Kerberos"))
}

// exchangeOnline is an answer with the headers that only the service sends.
func exchangeOnline(status int) *response {
	text := strconv.Itoa(status)
	return newResponse(status).
		with("Server", "Microsoft-IIS/10.0").
		with("request-id", newGUID()).
		with("Alt-Svc", `h3=":443";ma=2592000,h3-29=":443";ma=2592000`).
		with("X-CalculatedFETarget", "AM0PR0202CU001.internal.outlook.com").
		with("X-BackEndHttpStatus", text, text).
		with("X-FEProxyInfo", "AM0PR0202CA0008.EURPRD02.PROD.OUTLOOK.COM").
		with("X-CalculatedBETarget", "AM0PR09MB2882.EURPRD09.PROD.OUTLOOK.COM").
		with("X-RUM-Validated", "1").
		with("X-FirstHopCafeEFZ", "AMS").
		with("X-Powered-By", "ASP.NET").
		with("X-FEServer", "AM0PR06CA0096", "AM0PR0202CA0008")
}

// onlineChallenge has the Basic that nobody can use any more inside the value of
// the Bearer challenge, without a space, as the service sent it to Bearer requests.
func onlineChallenge(a *authorization) string {
	value := `Bearer client_id="00000002-0000-0ff1-ce00-000000000000", trusted_issuers="00000001-0000-0000-c000-000000000000@*", ` +
		`token_types="app_asserted_user_v1 service_asserted_app_v1", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"`
	if a.message != MessageAnonymous {
		value += `, error="invalid_token"`
	}
	return value + `,Basic Realm=""`
}
