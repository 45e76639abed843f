// Package address reads what names a place or an account: URLs, host names,
// ports, e-mail addresses, accounts. What is wrong is told as the rest of a
// sentence ("has no usable host name; ..."), which never repeats the text: what
// stands before an @ may be a password.
package address

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
)

// Port reads a port: digits alone, 1 to 65535.
func Port(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	return int(n), err == nil && n > 0
}

// IsIP says whether s is an IP address without brackets.
func IsIP(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// Variable is the variable in a text that a shell or a program should have replaced;
// "" where there is none: ${NAME}, $env:NAME of PowerShell, %NAME% of cmd, $(NAME) of Azure
// Pipelines, {{ NAME }} of Ansible. Two hexadecimal digits behind a percent sign are the code
// of a character in a URL.
func Variable(text string) string {
	if _, after, found := strings.Cut(text, "{{"); found {
		if name, _, closed := strings.Cut(after, "}}"); closed {
			return "{{" + name + "}}"
		}
	}
	for _, form := range [][2]string{{"${", "}"}, {"$(", ")"}, {"$env:", ""}, {"%", "%"}} {
		_, after, found := strings.Cut(text, form[0])
		name, rest := after, ""
		named := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '.' }
		if end := strings.IndexFunc(after, func(r rune) bool { return !named(r) }); end >= 0 {
			name, rest = after[:end], after[end:]
		}
		if !found || len(name) < 3 || !strings.HasPrefix(rest, form[1]) {
			continue
		}
		if _, err := strconv.ParseUint(name[:2], 16, 8); err != nil || form[0] != "%" {
			return form[0] + name + form[1]
		}
	}
	return ""
}

// IsLoopback says whether a host is this machine and nothing else. A name is not
// looked up.
func IsLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback() || strings.EqualFold(host, "localhost")
}

// IsHost says whether s may name a host: an IP address, or letters, digits, - and
// _ between dots. International names have their xn-- form.
func IsHost(s string) bool {
	if IsIP(s) {
		return true
	}
	name := strings.TrimSuffix(s, ".")
	if name == "" || len(name) > 253 || strings.Trim(name, ".-") != name {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_.-", r)
	})
}

// IsDomain says whether s is a domain name of at least two labels. Labels may be
// international.
func IsDomain(s string) bool {
	labels := strings.Split(strings.TrimSuffix(s, "."), ".")
	for _, l := range labels {
		if !isLabel(l) {
			return false
		}
	}
	return len(labels) > 1 && len(s) < 254 && !IsIP(s)
}

func isLabel(s string) bool {
	return s != "" && len(s) < 64 && strings.Trim(s, "-") == s && !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && r != '-' && r != '_'
	})
}

// IsMailbox says whether s is an e-mail address. The last label of its domain
// begins with a letter, so that an IP address is none.
func IsMailbox(s string) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at > 256 {
		return false
	}
	local, domain := s[:at], s[at+1:]
	last := domain[strings.LastIndexByte(domain, '.')+1:]
	if len([]rune(local)) > 64 || strings.ContainsAny(domain, "_") || strings.HasSuffix(domain, ".") || !IsDomain(domain) || len(last) < 2 {
		return false
	}
	return unicode.IsLetter([]rune(last)[0]) && !strings.ContainsFunc(local, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`@<>"\(),:;[]`, r)
	})
}

// HostPort splits HOST or HOST:PORT, IPv6 addresses with or without brackets.
func HostPort(s, usual string) (host, port string, ok bool) {
	host, port = s, usual
	if at := strings.LastIndexByte(s, ':'); at >= 0 && !IsIP(s) && !strings.HasSuffix(s, "]") {
		host, port = s[:at], s[at+1:]
	}
	if inside, bracketed := strings.CutPrefix(host, "["); bracketed {
		host = strings.TrimSuffix(inside, "]")
	}
	_, valid := Port(port)
	return host, port, valid && IsHost(host)
}

// URL reads an absolute URL of a host; example is what such a URL looks like. Else
// it says what is wrong.
func URL(raw, example string) (u *url.URL, wrong string) {
	_, rest, ok := strings.Cut(raw, "://")
	if !ok {
		if MisspeltScheme(raw) {
			return nil, "begins with a misspelt https://; give it like " + example
		}
		return nil, "has no scheme; write https:// in front of it"
	}
	if HasCredentials(raw) {
		return nil, "contains a user name or password; remove it"
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil && strings.Contains(rest, ":"):
		if _, port, _ := strings.Cut(rest, ":"); !strings.ContainsAny(port, "/%") {
			return nil, "has a port that is not a number from 1 to 65535"
		}
		fallthrough
	case err != nil:
		return nil, "is not a URL; give it like " + example
	case unseen(u.Hostname()):
		return nil, "has " + Odd(u.Hostname()) + " of the host name; type it again"
	case !IsHost(u.Hostname()):
		return nil, "has no valid host name; give it like mail.contoso.com (international names in their xn-- form)"
	case u.Fragment != "":
		return nil, "has a part after #; give it like " + example
	}
	if _, valid := Port(u.Port()); !valid && (u.Port() != "" || strings.HasSuffix(u.Host, ":")) {
		return nil, "has a port that is not a number from 1 to 65535"
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	return u, ""
}

// MisspeltScheme says whether a URL begins with http or https, and not with :// behind it.
func MisspeltScheme(raw string) bool {
	low := strings.ToLower(raw)
	if strings.HasPrefix(low, "http://") || strings.HasPrefix(low, "https://") {
		return false
	}
	rest, ok := strings.CutPrefix(low, "http")
	return ok && strings.HasPrefix(strings.TrimLeft(strings.TrimPrefix(rest, "s"), ":;"), "/")
}

// OtherService says what a URL is of that is given for the one of EWS; "" where it may
// be that. The pages of Outlook on the web and Autodiscover are not among them: their
// answers tell more.
func OtherService(u *url.URL, ewsPath string) string {
	host := "." + u.Hostname()
	for _, s := range [][2]string{
		{".login.microsoftonline.com", "Microsoft Entra"},
		{".login.microsoftonline.us", "Microsoft Entra"},
		{".login.windows.net", "Microsoft Entra"},
		{".login.partner.microsoftonline.cn", "Microsoft Entra"},
		{".sts.windows.net", "Microsoft Entra"},
		{".graph.microsoft.com", "Microsoft Graph"},
		{".dynamics.com", "Dynamics"},
	} {
		if strings.HasSuffix(host, s[0]) {
			return "is a URL of " + s[1] + ", not of Exchange; give the EWS URL, like https://mail.contoso.com" + ewsPath
		}
	}
	first, _, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(u.Path, "/")), "/")
	name := map[string]string{
		"microsoft-server-activesync": "ActiveSync", "mapi": "MAPI over HTTP", "rpc": "Outlook Anywhere", "oab": "the address book",
		"ecp": "the Exchange admin center", "powershell": "the Exchange Management Shell", "api": "REST", "autodiscover": "Autodiscover",
	}[first]
	if name == "" {
		return ""
	}
	return "is the URL of " + name + ", not of EWS; give https://" + u.Host + ewsPath
}

// HasCredentials says whether a URL has a user name or a password in front of its host.
func HasCredentials(raw string) bool {
	_, rest, _ := strings.Cut(raw, "://")
	authority, _, _ := strings.Cut(rest, "/")
	return strings.Contains(authority, "@")
}

// maxAccount is the longest name of an account without its domain: Active
// Directory allows a sAMAccountName of a user no more ([MS-SAMR] 3.1.1.6).
const maxAccount = 20

// BadAccount says why no account can have this name, "" for one that may be. A
// logon with such a name is one bad logon more, and can never be a good one.
func BadAccount(name string) string {
	domain, user, qualified := strings.Cut(name, `\`)
	if !qualified {
		domain, user = "", name
	}
	switch {
	case strings.ContainsFunc(name, unicode.IsControl), strings.Contains(name, ":"):
		return "contains a colon or a control character; correct it"
	case bare(domain) != domain, bare(user) != user, strings.Contains(name, " @"), strings.Contains(name, "@ "):
		return "has blanks or quotes around it; remove them"
	case unseen(name):
		return "has " + Odd(name) + "; type it again"
	case strings.Contains(name, "/"):
		if strings.Count(name, "/") == 1 && !qualified && !strings.Contains(name, "@") {
			return "contains a slash; give " + strings.Replace(name, "/", `\`, 1) + " or user@domain"
		}
		return `contains a slash; give DOMAIN\user or user@domain`
	case qualified && domain == "" && strings.Contains(user, "@"):
		return "begins with a backslash; give " + user
	case qualified && strings.Contains(user, "@"):
		return `contains both \ and @; give DOMAIN\user or user@domain`
	case user == "" || qualified && domain == "":
		return `is incomplete; give DOMAIN\user or user@domain`
	case strings.Contains(user, `\`):
		return "contains more than one backslash; give " + domain + user[strings.LastIndexByte(user, '\\'):]
	case strings.Count(name, "@") > 1:
		return "contains more than one @; give user@domain"
	case strings.ContainsAny(name, `<>,;"`), qualified && strings.ContainsAny(user, "[]|=+*?"):
		return `contains a character that no account name has; give DOMAIN\user or user@domain`
	case qualified && len(utf16.Encode([]rune(user))) > maxAccount:
		return "has more than 20 characters after the domain, the limit of Active Directory; give user@domain"
	}
	return ""
}

// bare is a name without the blanks and quotes that stick to it when it is copied.
func bare(name string) string {
	return strings.TrimFunc(name, func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune("\"'`\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb\u200b\ufeff", r)
	})
}

// Clean takes off a cell what is written around an address: blanks, quotes, the
// name before one in angle brackets (RFC 5322 3.4), the SMTP: or mailto: before it
// (proxyAddresses of Active Directory), the mark or number of a list, a remark behind # - or //.
func Clean(cell string) string {
	words := strings.Fields(cell)
	if len(words) > 1 && strings.Trim(words[0], "0123456789.)-*\u2022\u2013") == "" {
		words = words[1:]
	}
	remark := len(words) > 1 && strings.IndexAny(words[1], "#-\u2013/") == 0 && !strings.Contains(strings.Join(words[1:], ""), "@")
	if len(words) == 1 || remark {
		cell = words[0]
	}
	cell = strings.Trim(strings.TrimSpace(cell), "\u201c\u201d\u201e\u00ab\u00bb")
	if len(cell) > 2 && cell[0] == '\'' && strings.HasSuffix(cell, "'") { // as Outlook shows one without a name
		cell = cell[1 : len(cell)-1]
	}
	// Several in one cell: the primary one has SMTP: in capitals.
	if between := " \t\n\r;,{}"; strings.ContainsAny(cell, between) {
		tokens := strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(between, r) })
		if i := slices.IndexFunc(tokens, func(s string) bool { return strings.HasPrefix(s, "SMTP:") }); i >= 0 && len(tokens) > 1 {
			return tokens[i][len("SMTP:"):]
		}
	}
	i := strings.IndexByte(cell, '<')
	if strings.Count(cell, "<") == 1 && strings.HasSuffix(cell, ">") && strings.Contains(cell[i:], "@") {
		cell = strings.TrimSpace(cell[i+1 : len(cell)-1])
	}
	if otherKind(cell) != "" && !strings.ContainsAny(cell, " ;,") {
		return cell
	}
	for _, prefix := range []string{"smtp:", "mailto:"} {
		if len(cell) > len(prefix) && strings.EqualFold(cell[:len(prefix)], prefix) {
			return strings.TrimSpace(cell[len(prefix):])
		}
	}
	if only := onlyAddress(cell); only != "" {
		return only
	}
	return cell
}

// onlyAddress is the one address in a cell that is more than an address: a link, a
// formula, an object that PowerShell cut to text. "" where it has none, or several.
// Of words with blanks between them none is taken: in "anna smith@contoso.com" it would
// be another mailbox.
func onlyAddress(cell string) string {
	if !strings.ContainsAny(cell, `"<>()[]{},;:`) {
		return ""
	}
	only := ""
	for _, token := range strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(" \t\n\r\"<>()[]{},;:=", r) }) {
		local, domain, found := strings.Cut(token, "@")
		switch {
		case !found || local == "" || !strings.Contains(domain, "."):
		case only != "" && !strings.EqualFold(only, token):
			return ""
		default:
			only = token
		}
	}
	return only
}
