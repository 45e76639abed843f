package standin

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	ntlmssp "github.com/Azure/go-ntlmssp"
)

// dynamicsAgent is let through everywhere.
const dynamicsAgent = "ExchangeServicesClient/15.00.1076.004"

// start runs a server until the test ends.
func start(t *testing.T, b Behaviour) *Server {
	t.Helper()
	s, err := Start(b, Options{})
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// dialer connects every address to the given one.
func dialer(address string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", address)
	}
}

// clientConfig trusts the server's authority and nobody else.
func clientConfig(s *Server) *tls.Config {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.CA())
	return &tls.Config{RootCAs: pool, ServerName: Host}
}

// newClient is a client whose transport uses one connection after the other.
func newClient(t *testing.T, s *Server, node int) *http.Client {
	t.Helper()
	transport := &http.Transport{
		DialContext:           dialer(s.Addresses()[node]),
		TLSClientConfig:       clientConfig(s),
		MaxConnsPerHost:       1,
		ResponseHeaderTimeout: 20 * time.Second,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// findInbox is what Dynamics' connection test asks for.
func findInbox(header, mailbox string) string {
	return soapCall(header, `<m:FindFolder Traversal="Shallow"><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>`+
		`<m:IndexedPageFolderView MaxEntriesReturned="1" Offset="0" BasePoint="Beginning"/><m:ParentFolderIds>`+
		`<t:DistinguishedFolderId Id="inbox">`+mailbox+`</t:DistinguishedFolderId></m:ParentFolderIds></m:FindFolder>`)
}

const typesNamespace = "http://schemas.microsoft.com/exchange/services/2006/types"

func soapCall(header, body string) string {
	return `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="` + soapNamespace + `" xmlns:t="` + typesNamespace +
		`" xmlns:m="` + messagesNamespace + `"><s:Header><t:RequestServerVersion Version="Exchange2010"/>` + header +
		`</s:Header><s:Body>` + body + `</s:Body></s:Envelope>`
}

func impersonate(address string) string {
	return `<t:ExchangeImpersonation><t:ConnectingSID><t:SmtpAddress>` + address + `</t:SmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>`
}

func mailboxOf(address string) string {
	return `<t:Mailbox><t:EmailAddress>` + address + `</t:EmailAddress></t:Mailbox>`
}

// answered is a response with its body read.
type answered struct {
	*http.Response
	text string
}

// post sends a body with an Authorization value ("" for none).
func post(t *testing.T, client *http.Client, url, authorization, body string) answered {
	t.Helper()
	answer, err := try(client, url, authorization, body)
	if err != nil {
		t.Fatalf("POST: %v", err)
	}
	return answer
}

func try(client *http.Client, url, authorization, body string) (answered, error) {
	request, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return answered{}, err
	}
	request.Header.Set("Content-Type", "text/xml; charset=utf-8")
	request.Header.Set("User-Agent", dynamicsAgent)
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := client.Do(request)
	if err != nil {
		return answered{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return answered{response, string(text)}, err
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// ntlmLogon drives one NTLM logon over one connection.
type ntlmLogon struct {
	scheme, user, password string
	binding                []byte // AV pair 10, nil for none
}

// do sends type 1 and type 3, and returns the answer to the latter.
func (l ntlmLogon) do(t *testing.T, client *http.Client, url, body string) answered {
	t.Helper()
	type1, err := ntlmssp.NewNegotiateMessage("", "")
	if err != nil {
		t.Fatal(err)
	}
	first := post(t, client, url, l.scheme+" "+base64.StdEncoding.EncodeToString(type1), "")
	type2 := challengeIn(t, first, l.scheme)
	if l.binding != nil {
		type2 = spliceAV(t, type2, avChannelBindings, l.binding)
	}
	type3, err := ntlmssp.NewAuthenticateMessage(type2, l.user, l.password, nil)
	if err != nil {
		t.Fatal(err)
	}
	return post(t, client, url, l.scheme+" "+base64.StdEncoding.EncodeToString(type3), body)
}

// challengeIn finds the NTLM challenge in an answer.
func challengeIn(t *testing.T, answer answered, scheme string) []byte {
	t.Helper()
	for _, line := range answer.Header.Values("WWW-Authenticate") {
		for value := range strings.SplitSeq(line, ",") {
			if name, blob, found := strings.Cut(value, " "); found && strings.EqualFold(name, scheme) {
				if token, err := base64.StdEncoding.DecodeString(blob); err == nil {
					return token
				}
			}
		}
	}
	t.Fatalf("no %s challenge in %d %v", scheme, answer.StatusCode, answer.Header)
	return nil
}

// spliceAV puts an AV pair before the end of a challenge's target information.
func spliceAV(t *testing.T, type2 []byte, id uint16, value []byte) []byte {
	t.Helper()
	length := int(binary.LittleEndian.Uint16(type2[40:]))
	offset := int(binary.LittleEndian.Uint32(type2[44:]))
	if offset+length != len(type2) {
		t.Fatal("the target information is not last")
	}
	spliced := appendAV(append([]byte(nil), type2[:len(type2)-4]...), id, value)
	spliced = appendAV(spliced, avEOL, nil)
	binary.LittleEndian.PutUint16(spliced[40:], uint16(len(spliced)-offset))
	binary.LittleEndian.PutUint16(spliced[42:], uint16(len(spliced)-offset))
	return spliced
}

// rawPost speaks HTTP by hand and returns all bytes up to the end of the header.
func rawPost(t *testing.T, s *Server, header string) string {
	t.Helper()
	conn, err := tls.Dial("tcp", s.Addresses()[0], clientConfig(s))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n%s\r\n", servicePath, Host, header)
	var text strings.Builder
	reader := bufio.NewReader(conn)
	for {
		line, err := reader.ReadString('\n')
		text.WriteString(line)
		if err != nil || line == "\r\n" {
			return text.String()
		}
	}
}

// last is the newest request in the view.
func last(t *testing.T, s *Server) Request {
	t.Helper()
	requests := s.View().Requests
	if len(requests) == 0 {
		t.Fatal("no request was seen")
	}
	return requests[len(requests)-1]
}

// Behaviours that most tests start from.
var (
	everyScheme = Behaviour{Negotiate: true, NTLM: true, Basic: true}
	windowsOnly = Behaviour{Negotiate: true, NTLM: true} // Exchange as installed
	basicOnly   = Behaviour{Basic: true}
)

// but returns a behaviour with a change. A copy is changed, not the original.
func (b Behaviour) but(change func(*Behaviour)) Behaviour {
	change(&b)
	return b
}

// fronted is Exchange in good order with something in front of it.
func fronted(front Front) Behaviour {
	return everyScheme.but(func(b *Behaviour) { b.Front = front })
}
