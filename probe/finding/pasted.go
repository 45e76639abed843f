package finding

import (
	"cmp"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
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

// pastedForms are where a text names something.
var pastedForms = sync.OnceValue(func() map[string]*regexp.Regexp {
	const name = `([a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*\.[a-z][a-z0-9-]*[a-z])`
	return map[string]*regexp.Regexp{
		"url":  regexp.MustCompile(`(?i)\bhttps?://[^\s"'<>()\[\]{},;|\\` + "`" + `]+`),
		"path": regexp.MustCompile(`(?i)^/+(?:ews|owa|ecp|mapi|rpc|oab|microsoft-server-activesync|exchange)(?:/|$)`),
		"host": regexp.MustCompile(`(?i)(?:\bhost(?:name)?['"]?(?: |=|:)+['"]?|\bconnected to |\bconnect to |` +
			`\bname could not be resolved: '|\bgetaddrinfo [a-z_]+ |\bdial tcp: lookup |\bcreatesocket |` +
			`unknownhostexception: |\beconn[a-z]+ )` + name + `(?::(\d{1,5})\b)?`),
		"email": regexp.MustCompile(`(?i)(\b(?:user|username|login|logon)['"]?(?: |=|:)+['"]?)?([a-z0-9][a-z0-9._+-]*)@` + name),
		"user": regexp.MustCompile(`(?i)(?:\b(?:user|username|login|logon|account)['"]?(?: |=|:)+['"]?|\b443 )` +
			`([a-z0-9][a-z0-9.-]{0,60}\\[a-z0-9][a-z0-9._-]{0,60})\b`),
		"field": regexp.MustCompile(`(?im)(?:^|[^a-z0-9-])(server|location|via|set-cookie|www-authenticate|cf-ray|x-[a-z0-9-]+)['"]?` +
			`\s?(?::|=>)\s*(?:array:\d+ )?\[?\s*(?:'([^'\n]*)'|"([^"\n]*)"|([^"'\n\[][^\n]*))`),
		// An event of a logon has the account that asks before the one that is refused.
		"event": regexp.MustCompile(`(?i)\b(?:47(?:40|68|69|71|76)|4625|529|53[0-9]|68[01])\b|0xc00000[67]`),
		"account": regexp.MustCompile(`(?i)(?:account name|logon account|user name|kontoname|benutzername|anmeldekonto|nom d[ue] compte|` +
			`compte d['’]ouverture de session|nombre de (?:la )?cuenta|cuenta de inicio de sesión|nome account|account di accesso|nome da conta|` +
			`conta de logon|имя учетной записи|учетная запись входа|nazwa konta|accountnaam|アカウント名|ログオン アカウント|帐户名|登录帐户)` +
			`\s?[:：][ \t]*((?:[a-z0-9.-]{1,60}\\)?[a-z0-9][a-z0-9._@$-]{0,60}[a-z0-9$])`),
		"domain": regexp.MustCompile(`(?i)(?:domain|kontodomäne|domäne|domaine du compte|dominio (?:de (?:la )?cuenta|account)|` +
			`domínio da conta|домен учетной записи|アカウント ドメイン|domena konta)\s?[:：][ \t]*([a-z0-9][a-z0-9.-]{0,60})[ \t]*\r?\n`),
		"iis":     regexp.MustCompile(`(?i)w3wp\.exe|inetinfo\.exe|\badvapi\b`),
		"server":  regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,60}$`), // fit for a command
		"support": regexp.MustCompile(`(?i)\b(?:support|incident) id(?: is)?\s*[:#]?\s*([0-9][0-9a-f-]{5,40})\b`),
		"escaped": regexp.MustCompile(`(?:%[0-9A-Fa-f]{2})+`),
		"build":   regexp.MustCompile(`(?i)MajorVersion=\\?"(\d+)\\?"\s+MinorVersion=\\?"(\d+)\\?"\s+MajorBuildNumber=\\?"(\d+)\\?"`),
	}
})

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
	return pastedForms()["escaped"].ReplaceAllStringFunc(text, func(s string) string {
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
	for _, m := range pastedForms()["field"].FindAllStringSubmatch(text, 200) {
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
	if m := pastedForms()["build"].FindStringSubmatch(text); m != nil {
		version = strings.Join(m[1:], ".")
	}
	p.Version, p.Product = version, front.Product(version)
	if m := pastedForms()["support"].FindStringSubmatch(text); m != nil {
		p.Support = m[1]
	}
	if pastedForms()["server"].MatchString(p.FrontEnd) {
		p.Names.Server = p.FrontEnd
	}
	p.readHost(text)
	p.readEvent(text)
	p.readPeople(text)
	return p
}

// readHost: a URL of EWS is the endpoint, then another of Exchange's, then a host that
// was connected to. Exchange Online's own names are none to check.
func (p *Pasted) readHost(text string) {
	var hosts []string
	for _, s := range pastedForms()["url"].FindAllString(text, 50) {
		for rest := s; strings.HasPrefix(strings.ToLower(rest), "http"); _, rest, _ = strings.Cut(rest, "://") {
			s = rest // the scheme may be there twice
		}
		u, err := url.Parse(s)
		if err != nil || !pastedForms()["path"].MatchString(u.Path) || !strings.Contains(u.Host, ".") ||
			!pastedForms()["server"].MatchString(u.Hostname()) {
			continue
		}
		host := strings.TrimSuffix(strings.ToLower(u.Host), ":443")
		if strings.HasPrefix(strings.ToLower(strings.TrimLeft(u.Path, "/")), "ews") {
			hosts = slices.Insert(hosts, 0, host)
			break
		}
		hosts = append(hosts, host)
	}
	for _, m := range pastedForms()["host"].FindAllStringSubmatch(text, 20) {
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
	if !pastedForms()["event"].MatchString(text) {
		return
	}
	for _, m := range pastedForms()["account"].FindAllStringSubmatchIndex(text, 10) {
		name := text[m[2]:m[3]]
		if strings.HasSuffix(name, "$") || slices.Contains([]string{"system", "local", "network", "anonymous"}, strings.ToLower(name)) {
			continue
		}
		p.Event = name
		near := text[m[3]:min(len(text), m[3]+100)] + "\n"
		if d := pastedForms()["domain"].FindStringSubmatch(near); d != nil && !strings.ContainsAny(name, `@\`) {
			p.Event = d[1] + `\` + name
		}
	}
	p.ByIIS = pastedForms()["iis"].MatchString(text)
}

// readPeople: a name behind the word user is the account, another address the mailbox.
func (p *Pasted) readPeople(text string) {
	user, mailbox := "", ""
	if m := pastedForms()["user"].FindStringSubmatch(text); m != nil {
		user = m[1]
	}
	for _, m := range pastedForms()["email"].FindAllStringSubmatch(text, 50) {
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
