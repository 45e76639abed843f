package finding

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
)

// Pasted is what a pasted text itself names: the endpoint, the account and the
// mailbox for the next command, and by the headers in it who answered.
type Pasted struct {
	Names Names // those of Sample, where the text has none
	Host  string
	front.Identity
	Product string // of the version in the headers or the SOAP header
	Support string // the number of a refusal, on the page of a device
	Event   string // the account of an event of a logon, with its domain
	ByIIS   bool   // of that event: it came through IIS
}

// Unescaped is a pasted text with what is percent-encoded in it decoded, as the address
// has it to which Entra sends a browser with an error (RFC 6749 4.1.2.1).
func Unescaped(text string) string {
	if strings.Count(text, "%20") < 3 && !strings.Contains(text, "error_description=") {
		return text
	}
	before, said, _ := strings.Cut(text, "error_description=")
	if said != "" {
		text = before + "error_description=" + strings.ReplaceAll(said, "+", " ")
	}
	return form("escaped", text).ReplaceAllStringFunc(text, func(s string) string {
		plain, err := url.PathUnescape(s)
		if err != nil || !utf8.ValidString(plain) {
			return s
		}
		return plain
	})
}

// ReadPasted reads a pasted text.
func ReadPasted(text string) Pasted {
	p := Pasted{Names: Sample()}
	r := &evidence.Response{}
	for _, m := range form("field", text).FindAllStringSubmatch(text, 200) {
		value, _, _ := strings.Cut(m[2]+m[3]+m[4], `[\r]`)
		value = strings.Map(func(c rune) rune {
			if unicode.IsPrint(c) {
				return c
			}
			return -1
		}, value)
		r.Headers = append(r.Headers, [2]string{m[1], strings.TrimSpace(value)})
	}
	p.Identity = front.Identify(r)
	version := p.Version
	if m := form("build", text).FindStringSubmatch(text); m != nil {
		version = strings.Join(m[1:], ".")
	}
	p.Version, p.Product = version, front.Product(version)
	if m := form("support", text).FindStringSubmatch(text); m != nil {
		p.Support = m[1]
	}
	if form("server", p.FrontEnd).MatchString(p.FrontEnd) {
		p.Names.Server = p.FrontEnd
	}
	p.readHost(text)
	p.readEvent(text)
	p.readPeople(text)
	if m := form("resource-principal", text).FindStringSubmatch(text); m != nil {
		p.Names.More["resource"] = strings.ToLower(m[1])
	}
	return p
}

// readHost: a URL of EWS is the endpoint, then another of Exchange's, then a host that
// was connected to. Exchange Online's own names are none to check.
func (p *Pasted) readHost(text string) {
	var hosts []string
	for _, s := range form("url", text).FindAllString(text, 50) {
		for rest := s; strings.HasPrefix(strings.ToLower(rest), "http"); _, rest, _ = strings.Cut(rest, "://") {
			s = rest // the scheme may be there twice
		}
		u, err := url.Parse(s)
		if err != nil || !form("path", u.Path).MatchString(u.Path) || !strings.Contains(u.Host, ".") ||
			!form("server", u.Hostname()).MatchString(u.Hostname()) {
			continue
		}
		host := strings.TrimSuffix(strings.ToLower(u.Host), ":443")
		if strings.HasPrefix(strings.ToLower(strings.TrimLeft(u.Path, "/")), "ews") {
			hosts = slices.Insert(hosts, 0, host)
			break
		}
		hosts = append(hosts, host)
	}
	for _, m := range form("host", text).FindAllStringSubmatch(text, 20) {
		if m[2] != "" && m[2] != "443" {
			m[1] += ":" + m[2]
		}
		hosts = append(hosts, strings.ToLower(m[1]))
	}
	hosts = slices.DeleteFunc(hosts, func(h string) bool {
		name, _, _ := strings.Cut(h, ":")
		return front.OnlineHost(name) || strings.HasPrefix(h, "autodiscover.") ||
			hasSuffix(name, ".microsoft.com", ".microsoftonline.com", ".live.com")
	})
	isName := func(h string) bool { return strings.ContainsFunc(h, unicode.IsLetter) }
	if i := slices.IndexFunc(hosts, isName); i > 0 { // a certificate has no address
		hosts = hosts[i:]
	}
	if len(hosts) == 0 {
		return
	}
	p.Host = hosts[0]
	p.Names.Site = hosts[0]
	p.Names.Host, _, _ = strings.Cut(hosts[0], ":")
	p.Names.More["site"], p.Names.More["resource"] = p.Host, "https://"+p.Names.Host
}

// readEvent: the last account of an event that is no machine is the one that was refused.
func (p *Pasted) readEvent(text string) {
	if !form("logon-event", text).MatchString(text) {
		return
	}
	for _, m := range form("account", text).FindAllStringSubmatchIndex(text, 10) {
		name := text[m[2]:m[3]]
		if strings.HasSuffix(name, "$") || slices.Contains([]string{"system", "local", "network", "anonymous"}, strings.ToLower(name)) {
			continue
		}
		p.Event = name
		near := text[m[3]:min(len(text), m[3]+100)] + "\n"
		if d := form("domain", near).FindStringSubmatch(near); d != nil && !strings.ContainsAny(name, `@\`) {
			p.Event = d[1] + `\` + name
		}
	}
	p.ByIIS = form("by-iis", text).MatchString(text)
}

// readPeople: a name behind the word user is the account, another address the mailbox.
func (p *Pasted) readPeople(text string) {
	user, mailbox := "", ""
	if m := form("user", text).FindStringSubmatch(text); m != nil {
		user = m[1]
	}
	for _, m := range form("email", text).FindAllStringSubmatch(text, 50) {
		at := m[2] + "@" + m[3]
		switch {
		case front.IsGUID(m[2]) || front.OnlineHost(m[3]) || strings.HasSuffix(strings.ToLower(m[3]), ".prod.outlook.com"):
		case m[1] != "":
			user = at
		case mailbox == "":
			mailbox = at
		}
	}
	if user = cmp.Or(p.Event, user); user != "" {
		p.Names.User = user
	}
	if mailbox != "" {
		p.Names.Mailbox, p.Names.More["whose"] = mailbox, mailbox
	}
	more := Trace{Server: p.Names.Server, User: p.Names.User, Path: "/EWS/Exchange.asmx", Times: p.Names.More["times"]}.Placeholders()
	maps.Copy(p.Names.More, more)
}

// Shows says whether the text has marks of who answered.
func (p Pasted) Shows() bool {
	return p.Online || p.Device != "" || p.FrontEnd != "" || p.BackEnd != "" || p.Product != "" || p.Failed.Error != ""
}
