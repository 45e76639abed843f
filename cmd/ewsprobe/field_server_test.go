package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	"go.yaml.in/yaml/v3"
	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/text/encoding/charmap"

	"github.com/ewsprobe/ewsprobe/ews/testkit"
)

// oneOrMore is a YAML value that is a string or a list of them.
type oneOrMore []string

func (o *oneOrMore) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*o = oneOrMore{n.Value}
		return nil
	}
	return n.Decode((*[]string)(o))
}

// fieldFile is a file that the user has: its text, and how it is written.
type fieldFile struct {
	Text, Encoding string
}

func (f *fieldFile) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		f.Text = n.Value
		return nil
	}
	type plain fieldFile
	return n.Decode((*plain)(f))
}

func (f fieldFile) bytes(tb testing.TB, r *strings.Replacer) []byte {
	raw, err := written(r.Replace(f.Text), f.Encoding)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// written is a text in an encoding.
func written(text, encoding string) ([]byte, error) {
	switch encoding {
	case "", "utf-8":
		return []byte(text), nil
	case "utf-8-bom":
		return []byte("\ufeff" + text), nil
	case "windows-1252":
		return charmap.Windows1252.NewEncoder().Bytes([]byte(text))
	case "utf-16le", "utf-16le-no-bom", "utf-16be":
		if encoding != "utf-16le-no-bom" {
			text = "\ufeff" + text
		}
		var raw []byte
		for _, u := range utf16.Encode([]rune(strings.ReplaceAll(text, "\n", "\r\n"))) {
			if encoding == "utf-16be" {
				raw = binary.BigEndian.AppendUint16(raw, u)
			} else {
				raw = binary.LittleEndian.AppendUint16(raw, u)
			}
		}
		return raw, nil
	case "gzip":
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write([]byte(text)); err != nil {
			return nil, err
		}
		err := w.Close()
		return b.Bytes(), err
	case "base64":
		return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	}
	return nil, fmt.Errorf("no such encoding: %s", encoding)
}

// fieldServer is one address. Its answers are looked through from the top; nodes
// take turns, each connection going to the next.
type fieldServer struct {
	IP          string            `yaml:"ip"`
	Dead        bool              `yaml:"dead"` // nobody listens
	Plain       bool              `yaml:"plain"`
	TLS         fieldTLS          `yaml:"tls"`
	Certificate fieldCertificate  `yaml:"certificate"`
	Later       *fieldCertificate `yaml:"later"` // the certificate of every connection but the first
	Answers     []fieldAnswer     `yaml:"answers"`
	Nodes       [][]fieldAnswer   `yaml:"nodes"`
}

// fieldAnswer is what comes back, and to which requests.
type fieldAnswer struct {
	To        oneOrMore         `yaml:"to"`        // anonymous, bearer, ntlm1, ntlm3, basic, negotiate, logon (basic, ntlm3), any
	Path      string            `yaml:"path"`      // what the path begins with, in lower case
	Operation string            `yaml:"operation"` // FindFolder, GetFolder, ResolveNames
	Holds     string            `yaml:"holds"`     // what the request has in its body
	Agent     string            `yaml:"agent"`     // what its user agent has in it
	User      string            `yaml:"user"`      // what the name or password of its Basic logon has in it
	Cookie    string            `yaml:"cookie"`    // what its Cookie has in it; none is no cookie
	Times     int               `yaml:"times"`     // how often; 0 is always
	Status    string            `yaml:"status"`
	Headers   string            `yaml:"headers"`
	Body      string            `yaml:"body"`
	Encoding  string            `yaml:"encoding"` // of the body
	EWS       string            `yaml:"ews"`      // NoError, a code, or "fault" and a code: the body is made
	Text      string            `yaml:"text"`     // of an EWS error
	Values    map[string]string `yaml:"values"`   // of its MessageXml
	POX       string            `yaml:"pox"`      // what an Autodiscover answer has in Account
	Raw       string            `yaml:"raw"`      // instead of all that
	Close     bool              `yaml:"close"`    // the connection ends behind the answer
	Drop      bool              `yaml:"drop"`     // it ends without one
}

// stage is where a case is played.
type stage struct {
	addresses []string
	trusted   []byte
	dns       string
	replace   *strings.Replacer

	mu       sync.Mutex
	requests []rawRequest
	used     map[*fieldAnswer]int
	unknown  []string
	lookups  []string
}

func openStage(tb testing.TB, c fieldCase) *stage {
	s := &stage{trusted: theAuthority().pem, used: map[*fieldAnswer]int{}}
	s.dns = s.answerNames(tb, c.Names)
	port := "0"
	for i := range c.Servers {
		server := &c.Servers[i]
		if server.IP == "" {
			server.IP = "127.0.0.1"
		}
		if len(server.Nodes) == 0 {
			server.Nodes = [][]fieldAnswer{server.Answers}
		}
		if server.Dead {
			s.addresses = append(s.addresses, testkit.SilentAt(tb, server.IP))
			continue
		}
		where := "0"
		if len(c.Names) > 0 {
			where = port // all addresses of a name have the same port
		}
		address := s.open(tb, net.JoinHostPort(server.IP, where), server)
		_, port, _ = net.SplitHostPort(address)
		s.addresses = append(s.addresses, address)
	}
	first := ""
	if len(s.addresses) > 0 {
		first = s.addresses[0]
	}
	s.replace = strings.NewReplacer(
		"$EWS", "https://mail.contoso.com/EWS/Exchange.asmx", "$PORT", port, "$ADDRESS", first,
		"$AUTODISCOVER", "https://"+first+"/autodiscover/autodiscover.xml",
		"$TYPE2", challengeNow(), "$PROVIDER", "CONTOSO",
	)
	return s
}

// open listens at an address and plays a server there.
func (s *stage) open(tb testing.TB, address string, server *fieldServer) string {
	l, err := net.Listen("tcp", address)
	if err != nil {
		tb.Fatal(err)
	}
	var config, later *tls.Config
	if !server.Plain {
		config = server.TLS.config(tb, server.Certificate)
		later = config
		if server.Later != nil {
			later = server.TLS.config(tb, *server.Later)
		}
	}
	var running sync.WaitGroup
	var open []net.Conn
	count := 0
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			open = append(open, c)
			node := server.Nodes[count%len(server.Nodes)]
			count++
			number, config := len(open), config
			if number > 1 {
				config = later
			}
			s.mu.Unlock()
			running.Go(func() {
				defer c.Close()
				if server.TLS.hello(c, number) {
					return
				}
				s.serve(c, config, server.TLS, node, number)
			})
		}
	})
	tb.Cleanup(func() {
		l.Close()
		s.mu.Lock()
		for _, c := range open {
			c.Close()
		}
		s.mu.Unlock()
		running.Wait()
	})
	return l.Addr().String()
}

func (s *stage) serve(c net.Conn, config *tls.Config, t fieldTLS, node []fieldAnswer, number int) {
	under := &recording{Conn: c}
	var keys *keyLog
	if config != nil {
		if t.Renegotiates {
			keys = &keyLog{}
			config = config.Clone()
			config.KeyLogWriter = keys
		}
		secured := tls.Server(under, config)
		if secured.Handshake() != nil {
			return
		}
		c = secured
	}
	for r := bufio.NewReader(c); ; {
		q, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		body, err := io.ReadAll(q.Body)
		if err != nil {
			return
		}
		request := rawRequest{line: requestLineOf(q), connection: number, authorization: q.Header.Get("Authorization"), body: string(body)}
		a := s.choose(node, q, request)
		switch {
		case keys != nil:
			_ = keys.helloRequest(under)
			return
		case a == nil || a.Drop:
			return
		}
		if _, err := c.Write(a.bytes(s.replace, string(body))); err != nil || a.Close {
			return
		}
	}
}

// choose finds the answer to a request and notes both.
func (s *stage) choose(node []fieldAnswer, q *http.Request, request rawRequest) *fieldAnswer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, request)
	kind := kindOf(request)
	for _, want := range []string{kind, "anonymous"} { // who knows no sign-in answers as to nobody
		for i := range node {
			a := &node[i]
			if a.matches(want, q, request) && (a.Times == 0 || s.used[a] < a.Times) {
				s.used[a]++
				return a
			}
		}
	}
	s.unknown = append(s.unknown, kind+" "+request.line)
	return nil
}

// kindOf names the step that a request is of.
func kindOf(q rawRequest) string {
	scheme, token, _ := strings.Cut(q.authorization, " ")
	windows := strings.EqualFold(scheme, "NTLM") || strings.EqualFold(scheme, "Negotiate")
	switch {
	case q.authorization == "":
		return "anonymous"
	case strings.EqualFold(scheme, "Bearer") && strings.TrimSpace(token) == "":
		return "bearer"
	case strings.EqualFold(scheme, "Bearer"):
		return "token"
	case strings.EqualFold(scheme, "Basic"):
		return "basic"
	case windows && q.is(scheme, 1):
		return "ntlm1"
	case windows && q.is(scheme, 3):
		return "ntlm3"
	}
	return "negotiate"
}

func (a *fieldAnswer) matches(kind string, q *http.Request, request rawRequest) bool {
	to := slices.ContainsFunc(a.To, func(t string) bool {
		return t == kind || t == "any" || t == "logon" && (kind == "basic" || kind == "ntlm3")
	})
	cookie := q.Header.Get("Cookie")
	user, password, _ := q.BasicAuth()
	return to && strings.HasPrefix(strings.ToLower(q.URL.Path), a.Path) && strings.Contains(request.body, a.Holds) &&
		(a.Operation == "" || asksFor(request.body, a.Operation)) &&
		strings.Contains(q.UserAgent(), a.Agent) && strings.Contains(user+" "+password, a.User) &&
		(a.Cookie == "" || a.Cookie == "none" && cookie == "" || strings.Contains(cookie, a.Cookie))
}

// bytes is the answer on the wire.
func (a *fieldAnswer) bytes(r *strings.Replacer, request string) []byte {
	if a.Raw != "" {
		return []byte(r.Replace(strings.ReplaceAll(strings.TrimSuffix(a.Raw, "\n"), "\n", "\r\n")))
	}
	status, body, headers := a.Status, r.Replace(a.Body), r.Replace(a.Headers)
	switch {
	case a.EWS != "":
		code, faulty := strings.CutPrefix(a.EWS, "fault ")
		body = ewsBody(code, faulty, a.Text, a.Values, request)
		headers += "\nContent-Type: text/xml; charset=utf-8"
		if status == "" {
			status = map[bool]string{false: "200", true: "500"}[faulty]
		}
	case a.POX != "":
		body = poxBody(r.Replace(a.POX))
		headers += "\nContent-Type: text/xml; charset=utf-8"
	}
	if status == "" {
		status = "200"
	}
	if len(status) == 3 {
		number := 0
		fmt.Sscan(status, &number)
		status += " " + http.StatusText(number)
	}
	content, err := written(body, a.Encoding)
	if err != nil {
		panic(err)
	}
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 " + status + "\r\n")
	for line := range strings.SplitSeq(headers, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			b.WriteString(line + "\r\n")
		}
	}
	if a.Close {
		b.WriteString("Connection: close\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n", len(content))
	b.Write(content)
	return b.Bytes()
}

// seen are how many requests carried the credential, what came that the case has
// no answer to, and which names were looked up.
func (s *stage) seen() (logons int, strangers, lookups []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.requests {
		if kind := kindOf(q); kind == "basic" || kind == "ntlm3" {
			logons++
		}
	}
	slices.Sort(s.unknown)
	return logons, slices.Compact(s.unknown), s.lookups
}

const (
	fieldTypes    = "http://schemas.microsoft.com/exchange/services/2006/types"
	fieldMessages = "http://schemas.microsoft.com/exchange/services/2006/messages"
	fieldErrors   = "http://schemas.microsoft.com/exchange/services/2006/errors"
	fieldSOAP     = "http://schemas.xmlsoap.org/soap/envelope/"
)

var addressAsked = regexp.MustCompile(`[\w.+-]+@[\w.-]+`)

// ewsBody is the answer of an Exchange 2019 to a request.
func ewsBody(code string, faulty bool, text string, values map[string]string, request string) string {
	detail := ""
	if len(values) > 0 {
		for name, value := range values {
			detail += `<t:Value Name="` + name + `">` + html.EscapeString(value) + `</t:Value>`
		}
		detail = inElement("t:MessageXml", `xmlns:t="`+fieldTypes+`"`, detail)
	}
	if text == "" {
		text = "Told as " + code + "."
	}
	text = html.EscapeString(text)
	if faulty {
		detail = inElement("e:ResponseCode", `xmlns:e="`+fieldErrors+`"`, code) +
			inElement("e:Message", `xmlns:e="`+fieldErrors+`"`, text) + detail
		return exchangeSOAP("", inElement("s:Fault", "", inElement("faultcode", `xmlns:a="`+fieldTypes+`"`, "a:"+code)+
			inElement("faultstring", `xml:lang="en-US"`, text)+inElement("detail", "", detail)))
	}
	operation := "FindFolder"
	for _, known := range []string{"GetFolder", "ResolveNames", "FindItem", "GetServerTimeZones", "ConvertId"} {
		if asksFor(request, known) {
			operation = known
		}
	}
	class, content := "Success", inElement("m:ResponseCode", "", "NoError")+contentOf(operation, addressAsked.FindString(request))
	if code != "NoError" {
		class = "Error"
		content = inElement("m:MessageText", "", text) + inElement("m:ResponseCode", "", code) +
			inElement("m:DescriptiveLinkKey", "", "0") + detail
	}
	message := inElement("m:"+operation+"ResponseMessage", `ResponseClass="`+class+`"`, content)
	return exchangeSOAP(exchangeVersion, inElement("m:"+operation+"Response", `xmlns:m="`+fieldMessages+`" xmlns:t="`+fieldTypes+`"`,
		inElement("m:ResponseMessages", "", message)))
}

// contentOf is what a good answer holds beside its code.
func contentOf(operation, address string) string {
	id := base64.StdEncoding.EncodeToString([]byte("folder of " + address))
	folder := inElement("t:Folder", "", `<t:FolderId Id="`+id+`" ChangeKey="AQAAAA=="/>`+inElement("t:DisplayName", "", "Inbox"))
	const whole = `TotalItemsInView="1" IncludesLastItemInRange="true"`
	switch operation {
	case "FindFolder":
		return inElement("m:RootFolder", `IndexedPagingOffset="1" `+whole, inElement("t:Folders", "", folder))
	case "GetFolder":
		return inElement("m:Folders", "", folder)
	case "ResolveNames":
		mailbox := inElement("t:Name", "", "Anna") + inElement("t:EmailAddress", "", address) +
			inElement("t:RoutingType", "", "SMTP") + inElement("t:MailboxType", "", "Mailbox")
		return inElement("m:ResolutionSet", whole, inElement("t:Resolution", "", inElement("t:Mailbox", "", mailbox)))
	}
	return ""
}

func inElement(name, attributes, content string) string {
	return "<" + strings.TrimSpace(name+" "+attributes) + ">" + content + "</" + name + ">"
}

// asksFor says whether a request holds an operation, whatever its prefix.
func asksFor(request, operation string) bool {
	for _, sign := range []string{":" + operation + ">", ":" + operation + " ", "<" + operation + ">", "<" + operation + " "} {
		if strings.Contains(request, sign) {
			return true
		}
	}
	return false
}

const (
	fieldXML        = `<?xml version="1.0" encoding="utf-8"?>`
	exchangeVersion = `<s:Header><h:ServerVersionInfo MajorVersion="15" MinorVersion="2" MajorBuildNumber="1748" ` +
		`MinorBuildNumber="10" Version="V2017_07_11" xmlns:h="` + fieldTypes + `"/></s:Header>`
)

func exchangeSOAP(header, body string) string {
	return fieldXML + inElement("s:Envelope", `xmlns:s="`+fieldSOAP+`"`, header+inElement("s:Body", "", body))
}

func poxBody(response string) string {
	const schemas = "http://schemas.microsoft.com/exchange/autodiscover/"
	return fieldXML + inElement("Autodiscover", `xmlns="`+schemas+`responseschema/2006"`,
		inElement("Response", `xmlns="`+schemas+`outlook/responseschema/2006a"`, response))
}

// challengeNow is a type 2 message of a server of Windows 2019 whose clock is right.
func challengeNow() string {
	var pairs []byte
	pair := func(id uint16, value []byte) {
		pairs = binary.LittleEndian.AppendUint16(pairs, id)
		pairs = binary.LittleEndian.AppendUint16(pairs, uint16(len(value)))
		pairs = append(pairs, value...)
	}
	wide := func(text string) []byte {
		var raw []byte
		for _, u := range utf16.Encode([]rune(text)) {
			raw = binary.LittleEndian.AppendUint16(raw, u)
		}
		return raw
	}
	pair(2, wide("CONTOSO"))
	pair(1, wide("EX01"))
	pair(4, wide("contoso.local"))
	pair(3, wide("ex01.contoso.local"))
	pair(7, binary.LittleEndian.AppendUint64(nil, uint64(time.Now().UnixNano()/100+116444736000000000)))
	pair(0, nil)
	target := wide("CONTOSO")
	m := []byte("NTLMSSP\x00\x02\x00\x00\x00")
	field := func(length, offset int) {
		m = binary.LittleEndian.AppendUint16(m, uint16(length))
		m = binary.LittleEndian.AppendUint16(m, uint16(length))
		m = binary.LittleEndian.AppendUint32(m, uint32(offset))
	}
	field(len(target), 56)
	m = binary.LittleEndian.AppendUint32(m, 0xe2898215)
	m = append(m, "\x01\x23\x45\x67\x89\xab\xcd\xef\x00\x00\x00\x00\x00\x00\x00\x00"...)
	field(len(pairs), 56+len(target))
	m = append(m, 10, 0, 0x63, 0x45, 0, 0, 0, 15) // 10.0.17763
	return base64.StdEncoding.EncodeToString(append(append(m, target...), pairs...))
}

// answerNames is a DNS server that knows the names of a case and no other.
func (s *stage) answerNames(tb testing.TB, names map[string][]string) string {
	tb.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for raw := make([]byte, 1500); ; {
			n, from, err := c.ReadFrom(raw)
			if err != nil {
				return
			}
			if reply := s.nameAnswer(names, raw[:n]); reply != nil {
				_, _ = c.WriteTo(reply, from)
			}
		}
	})
	tb.Cleanup(func() {
		c.Close()
		running.Wait()
	})
	return c.LocalAddr().String()
}

func (s *stage) nameAnswer(names map[string][]string, raw []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(raw) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	name := strings.TrimSuffix(strings.ToLower(q.Name.String()), ".")
	s.mu.Lock()
	s.lookups = append(s.lookups, name)
	s.mu.Unlock()
	addresses, known := names[name]
	m = dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true}, Questions: m.Questions}
	if !known {
		m.RCode = dnsmessage.RCodeNameError
	}
	for _, a := range addresses {
		if ip := net.ParseIP(a).To4(); ip != nil && q.Type == dnsmessage.TypeA {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60}, Body: &dnsmessage.AResource{A: [4]byte(ip)},
			})
		}
	}
	reply, err := m.Pack()
	if err != nil {
		return nil
	}
	return reply
}
