package config

import (
	"cmp"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/wire"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/batch"
	"github.com/ewsprobe/ewsprobe/probe/config/address"
)

const (
	ewsPath    = "/EWS/Exchange.asmx"
	exampleURL = "https://mail.contoso.com" + ewsPath
)

// parseTarget reads TARGET: an EWS URL, HOST or HOST:PORT, or a mailbox address.
func (s *Settings) parseTarget(cfg *probe.Config) {
	target := strings.TrimSpace(s.Target)
	if scheme, rest, _ := strings.Cut(target, ":"); strings.EqualFold(scheme, "mailto") || strings.EqualFold(scheme, "smtp") {
		target = strings.TrimSpace(rest) // as a link has it, or proxyAddresses
	}
	if address.IsMailbox(target) {
		cfg.FromAddress = target
		cfg.Mailbox = cmp.Or(cfg.Mailbox, target)
		return
	}
	u, wrong := targetURL(target)
	if name := address.Variable(target); name != "" {
		wrong = "contains the variable " + name + ", which nothing has replaced; give its value"
	}
	if wrong != "" {
		s.Keys.usage("{target} %s", s.Keys.named(wrong))
		return
	}
	cfg.URL = u
}

func targetURL(target string) (u *url.URL, wrong string) {
	scheme, _, whole := strings.Cut(target, "://")
	straight := strings.NewReplacer(`\:`, ":", `\`, "/").Replace(target)
	if straight != target && strings.HasPrefix(strings.ToLower(target), "http") {
		return nil, "has backslashes; write " + straight
	}
	switch scheme = strings.ToLower(scheme); {
	case target == "":
		return nil, "is empty; give the EWS URL or the host name"
	case strings.ContainsFunc(target, unicode.IsControl):
		return nil, "contains control characters; give the EWS URL or the host name"
	case strings.ContainsFunc(target, unicode.IsSpace):
		return nil, "has other text beside the URL or host name; give it alone, like " + exampleURL
	case strings.Trim(target, "\"'`\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb<>(){}") != target:
		return nil, "has quotes or brackets around it; give it like " + exampleURL
	case address.HasCredentials(target):
		return nil, inProcessLists + " and use {user} and {password-file}"
	case whole && scheme != "https" && scheme != "http":
		return nil, "begins with " + scheme + "://; EWS is reached over https://"
	case address.MisspeltScheme(target):
		return nil, "begins with a misspelt https://; write https:// and the host name"
	case !whole && strings.Contains(target, "/"):
		return nil, "has a path but no scheme; write https:// in front of it"
	case !whole && strings.Contains(target, "@"):
		return nil, "is neither a URL nor an email address; give the EWS URL, the host name, or an address like anna@contoso.com"
	case !whole && address.IsIP(target) && strings.Contains(target, ":"):
		target = "https://[" + target + "]" + ewsPath
	case !whole && slices.Contains(ofFiles, strings.ToLower(filepath.Ext(target))):
		return nil, "is the name of a file; `ewsprobe diagnose` evaluates a saved report, `ewsprobe batch` checks a list of mailboxes"
	case !whole:
		target = "https://" + target + ewsPath
	}
	if u, wrong = address.URL(target, exampleURL); wrong == "" && (u.Path == "" || u.Path == "/") {
		u.Path = ewsPath
	}
	if wrong == "" {
		wrong = address.OtherService(u, ewsPath)
	}
	return u, wrong
}

// ofFiles are extensions of files that no name of a host ends with.
var ofFiles = []string{".json", ".jsonl", ".csv", ".txt", ".html", ".xml", ".yaml", ".yml", ".xlsx"}

const inProcessLists = "contains a user name or password, and process lists are public; remove it"

// parseURL reads the URL that a key has; nil where it has none, or none that is
// right.
func (s *Settings) parseURL(key, raw, like string, further func(*url.URL) string) *url.URL {
	if raw == "" {
		return nil
	}
	u, wrong := address.URL(raw, like)
	switch {
	case address.HasCredentials(raw):
		wrong = inProcessLists
	case wrong == "":
		wrong = further(u)
	}
	if wrong != "" {
		s.Keys.usage("{"+key+"} "+"%s", wrong)
		return nil
	}
	return u
}

// checkAccount looks at the names of the account and of the mailbox, and at what
// contradicts each other.
func (s *Settings) checkAccount(cfg *probe.Config) {
	ks := s.Keys
	ks.refuse("account", facts{s, cfg})
	if wrong := address.BadAccount(cfg.User); wrong != "" && cfg.User != "" && !cfg.CurrentUser {
		if ks.from["user"].rank == byProfile {
			ks.Invalid("%s: the user name in it %s", s.profileName(), wrong)
		} else {
			ks.usage("{user} %s", wrong)
		}
	}
	if cfg.Mailbox != "" && !address.IsMailbox(cfg.Mailbox) {
		ks.usage("{mailbox} %q is not an email address; %s", cfg.Mailbox, address.NotMailbox(cfg.Mailbox))
	}
	ks.refuse("together", facts{s, cfg})
}

// parseAddresses reads the addresses to connect to.
func (s *Settings) parseAddresses(cfg *probe.Config) {
	port := "443"
	if cfg.URL != nil {
		port = wire.Port(cfg.URL)
	}
	for _, text := range s.Address {
		host, port, ok := address.HostPort(text, port)
		ip, err := netip.ParseAddr(host)
		if n, _ := address.Port(port); ok && err == nil {
			if at := netip.AddrPortFrom(ip, uint16(n)).String(); !slices.Contains(cfg.Addresses, at) {
				cfg.Addresses = append(cfg.Addresses, at)
			}
			continue
		}
		s.Keys.usage("{address} %q is not an IP address; give it like 10.0.0.11 or 10.0.0.11:443", text)
	}
}

func (s *Settings) parseProxy() *url.URL {
	const like = "http://proxy.contoso.com:8080"
	raw := s.Proxy
	switch {
	case address.MisspeltScheme(raw):
		s.Keys.usage("{proxy} begins with a misspelt http://; give it like " + like)
		return nil
	case raw != "" && !strings.Contains(raw, "://"):
		raw = "http://" + raw
	}
	return s.parseURL("proxy", raw, like, func(u *url.URL) string {
		switch {
		case strings.HasPrefix(u.Scheme, "socks"):
			return "is a SOCKS proxy, and EWS is reached through an http proxy only; give one like " + like
		case strings.HasSuffix(u.Path, ".pac") || strings.HasSuffix(u.Path, ".dat"):
			return "is an automatic configuration file (PAC), which is not read; give the proxy that it names for the host, like " + like
		case u.Scheme != "http" && u.Scheme != "https" || u.Path != "" && u.Path != "/":
			return "is not the URL of an http proxy; give it like " + like
		}
		return ""
	})
}

func (s *Settings) parseAutodiscover() *url.URL {
	const like = "https://autodiscover.contoso.com" + ews.AutodiscoverPath
	u := s.parseURL("autodiscover", s.Autodiscover, like, func(u *url.URL) string {
		if u.Scheme != "https" {
			return "must begin with https://, because the password is sent to it; give it like " + like
		}
		return ""
	})
	if u != nil && (u.Path == "" || u.Path == "/") {
		u.Path = ews.AutodiscoverPath
	}
	return u
}

// service reads the URL of a service of the cloud. Of a page's address, as it is
// copied from a browser, only the host matters.
func (s *Settings) service(key, raw string, page bool) *url.URL {
	raw = strings.TrimSpace(raw)
	if page {
		raw, _, _ = strings.Cut(raw, "#")
	}
	u := s.parseURL(key, raw, "https://HOST", func(u *url.URL) string {
		switch {
		case u.Scheme != "https":
			return "does not begin with https://; look-ups use https only"
		case !page && (strings.Trim(u.Path, "/") != "" || u.RawQuery != ""):
			return "has a path; give only https://HOST"
		}
		return ""
	})
	if u == nil {
		return nil
	}
	return &url.URL{Scheme: "https", Host: u.Host}
}

// checkBatch looks at what a batch needs.
func (s *Settings) checkBatch(cfg *probe.Config) {
	ks := s.Keys
	if s.Shard != "" {
		shard, err := batch.ParseShard(s.Shard)
		switch {
		case err != nil:
			ks.usage("{shard} %v", err)
		case shard.Of > 1 && ks.from["max-rejections"].rank == byFlag && s.MaxRejections > 1:
			ks.usage("{max-rejections} %d cannot be used with {shard}: each shard counts for itself, so the limit is 1; leave it out",
				s.MaxRejections)
		}
	}
	ks.refuse("batch", facts{s, cfg})
}
